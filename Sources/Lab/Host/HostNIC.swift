import Glibc
import LinuxHost
import Topology

/// Takes interfaces of this host for ports, and gives them back as they were.
///
/// While an interface is taken it is up, and the host's own stack neither hears nor sends by it; addresses that it has stay,
/// but for those that the kernel makes by itself. A second name of the interface (`ip link` shows it) says who has it: it is
/// there as long as the interface is taken, also while no daemon lives.
struct HostNIC: Sendable {
  /// Name of the interface.
  let name: String
  /// Who has it: lab and port.
  let owner: (lab: String, port: String)
  /// It may have addresses.
  var isForced = false
  /// In bytes; nil = as it is.
  var mtu: Int?

  init(_ name: String, lab: String, port: String) {
    self.name = name
    owner = (lab, port)
  }

  /// What the interface is marked with: 127 bytes at most, `apus:LAB:PORT` as a rule.
  var mark: String {
    String(decoding: "\(Netlink.takenMark)\(owner.lab):\(owner.port)".utf8.prefix(127), as: UTF8.self)
  }

  /// Why the interface cannot be taken; nil = it can, or is taken by the same port already.
  /// - Parameters:
  ///   - isRecorded: it is written down that this port has it.
  ///   - isEarly: another port of the lab may still have it, and give it back first.
  func trouble(isRecorded: Bool, isEarly: Bool = false) -> (message: String, hint: String?)? {
    let facts: InterfaceFacts
    do throws(SystemError) {
      facts = try Netlink.facts(of: name, namespace: nil)
    } catch {
      guard error.code == ENODEV else { return ("the interface \"\(name)\" cannot be looked at: \(error)", nil) }
      return Self.missing(name)
    }
    if let other = facts.mark, !(isRecorded && other == mark) {
      return isEarly && other.hasPrefix("\(Netlink.takenMark)\(owner.lab):") ? nil : taken(by: other)
    }
    if !facts.isEthernet { return ("the interface \"\(name)\" is no Ethernet interface", nil) }
    if let master = facts.master {
      return (
        "the interface \"\(name)\" is a port of \(master)",
        "`ip link set \(name) nomaster` takes it out, if nothing needs it there"
      )
    }
    return isForced || isRecorded ? nil : addresses(facts)
  }

  static func missing(_ name: String) -> (message: String, hint: String?) {
    ("this host has no interface \"\(name)\"", "`ip link` lists those that it has")
  }

  private func taken(by mark: String) -> (message: String, hint: String?) {
    let parts = mark.dropFirst(Netlink.takenMark.count).split(separator: ":", maxSplits: 1)
    let lab = parts.first.map { String($0) } ?? ""
    let port = parts.count > 1 ? " (port \(parts[1]))" : ""
    return (
      "the interface \"\(name)\" is taken by lab \(lab)\(port)",
      "`apus down \(lab)` gives it back; if there is no such lab: `ip link property del dev \(name) altname \(mark)` "
        + "and `tc qdisc del dev \(name) clsact`"
    )
  }

  /// An interface that the host itself uses, or by which it can be reached.
  private func addresses(_ facts: InterfaceFacts) -> (message: String, hint: String?)? {
    let uppers = facts.uppers.filter { upper in
      guard let facts = try? Netlink.facts(of: upper, namespace: nil) else { return false }
      return !facts.addresses.isEmpty || facts.master != nil || !facts.uppers.isEmpty
    }
    guard !facts.addresses.isEmpty || !uppers.isEmpty else { return nil }
    let what =
      facts.addresses.isEmpty
      ? "carries \(uppers.joined(separator: ", ")), which has addresses or is part of another"
      : "has the address \(facts.addresses.joined(separator: ", "))"
    return (
      "the interface \"\(name)\" \(what): taking it would cut this host off there",
      "say `force: on` if that is meant, or remove the address"
    )
  }

  /// Takes the interface, or makes sure that it is taken.
  /// - Throws: `UserError` with the interface as it was.
  func take(_ store: TakenInterfaces) throws(UserError) {
    let former = store[name].flatMap { $0.isThere && $0.mark == mark ? $0 : nil }
    if let trouble = trouble(isRecorded: former != nil) {
      throw UserError(.failed, trouble.message, hint: trouble.hint)
    }
    var taken: TakenInterface
    do throws(SystemError) {
      let facts = try Netlink.facts(of: name, namespace: nil)
      taken = former ?? TakenInterface(name: name, mark: mark, mtu: mtu, facts)
    } catch {
      throw UserError(.failed, "the interface \"\(name)\" cannot be looked at: \(error)")
    }
    if let mtu, mtu != taken.mtu { taken.hasOtherMTU = true }
    try store.write(taken)
    do throws(SystemError) {
      try change(&taken, isNew: former == nil, store)
    } catch {
      if former == nil { try? Self.giveUp(taken, store, error) }
      throw UserError(.failed, "the interface \"\(name)\" cannot be taken: \(error)", hint: Self.hint(error))
    }
    do throws(UserError) {
      try store.write(taken)
    } catch {
      if former == nil { try? Self.giveBack(taken, store) }
      throw error
    }
  }

  /// After a failed attempt to take one.
  private static func giveUp(
    _ taken: TakenInterface, _ store: TakenInterfaces, _ error: SystemError
  ) throws(UserError) {
    // Filters that were there are another's, who was quicker: nothing but the mark was changed.
    guard error.code == EEXIST else { return try giveBack(taken, store) }
    try? Netlink.unmark(link: taken.name, taken.mark, namespace: nil)
    try store.remove(taken.name)
  }

  private static func hint(_ error: SystemError) -> String? {
    switch error.code {
    case EPERM: "run as root"
    case EEXIST: "it has tc filters of Apus that no mark tells the owner of: `tc filter show dev INTERFACE ingress`"
    case ENOENT, EOPNOTSUPP, EINVAL: "the kernel needs the modules sch_ingress and cls_bpf"
    default: nil
    }
  }

  /// First nothing of the host gets in or out, then the interface is set up.
  private func change(
    _ taken: inout TakenInterface, isNew: Bool, _ store: TakenInterfaces
  ) throws(SystemError) {
    try Netlink.mark(link: name, mark, namespace: nil)
    do throws(SystemError) {
      let madePlace = try Netlink.deafen(link: name, namespace: nil)
      if isNew || madePlace { taken.madePlace = madePlace }
      // At once, as what follows can take long.
      try? store.write(taken)
    } catch {
      // As it is to be, of a daemon before this one.
      guard error.code == EEXIST, !isNew else { throw error }
    }
    if taken.addressGeneration != nil { try Netlink.setNoIPv6Noise(link: name, namespace: nil) }
    if taken.hadLargeReceive { _ = Netlink.largeReceive(link: name, namespace: nil, wanted: false) }
    try Netlink.configure(link: name, namespace: nil, mtu: mtu, address: nil, up: true)
  }

  /// Gives an interface back as it was; one that has gone needs nothing.
  /// - Throws: for the first thing that could not be done, after all else has been; what is written down stays then.
  static func giveBack(_ taken: TakenInterface, _ store: TakenInterfaces) throws(UserError) {
    if let name = taken.nameNow {
      var failures = [setBack(taken, name)]
      // Before the host hears by it again, all is as it was.
      failures.append(
        failure { () throws(SystemError) in
          try Netlink.undeafen(link: name, namespace: nil, removesPlace: taken.madePlace ?? false)
        })
      if failures.allSatisfy({ $0 == nil }) {
        failures.append(
          failure { () throws(SystemError) in try Netlink.unmark(link: name, taken.mark, namespace: nil) })
      }
      if let failure = failures.compactMap({ $0 }).first {
        throw UserError(.failed, "the interface \(taken.name) is not wholly given back: \(failure)")
      }
    }
    try store.remove(taken.name)
  }

  private static func setBack(_ taken: TakenInterface, _ name: String) -> SystemError? {
    if taken.hadLargeReceive { _ = Netlink.largeReceive(link: name, namespace: nil, wanted: true) }
    return failure { () throws(SystemError) in
      // Set down first, an interface makes no addresses when it may again.
      try Netlink.configure(
        link: name, namespace: nil, mtu: taken.hasOtherMTU ? taken.mtu : nil, address: nil,
        up: taken.wasUp ? nil : false)
      if let mode = taken.addressGeneration {
        try Netlink.setAddressGeneration(mode, link: name, namespace: nil)
      }
      for address in taken.wasUp ? taken.linkLocalAddresses : [] {
        try Netlink.addAddress(address, link: name, namespace: nil)
      }
    }
  }

  private static func failure(of body: () throws(SystemError) -> Void) -> SystemError? {
    do throws(SystemError) {
      try body()
      return nil
    } catch {
      return error
    }
  }
}
