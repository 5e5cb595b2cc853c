extension Rule {
  /// MTU of a NIC that declares none.
  private static let usualMTU = 1500
  /// Smallest MTU of a link that carries IPv6.
  private static let smallestMTU = 1280

  /// L216: neighbours with different MTUs, of which one sends what the other does not take.
  ///
  /// A warning: a lab may want to see just that. Neighbours are the ends of a wire and the NICs of one switch that have
  /// the same VLAN untagged; VLAN subinterfaces are left out, since their MTU is the node's own affair.
  static func unequalMTUs(_ subject: RuleSubject) {
    var first: [String: RuleSubject.NIC] = [:]
    var reported: Set<String> = []
    for nic in subject.nics {
      // What a foreign machine's MTU is without `mtu` is not known.
      guard let place = place(of: nic, subject.lab),
        nic.draft.mtu != nil || !(nic.kind.isForeign || nic.kind.takesInterfaces)
      else {
        continue
      }
      guard let other = first[place.key] else {
        first[place.key] = nic
        continue
      }
      let (mine, others) = (nic.definition.mtu ?? usualMTU, other.definition.mtu ?? usualMTU)
      guard mine != others, reported.insert(place.key).inserted else { continue }
      let (larger, smaller) = mine > others ? (nic, other) : (other, nic)
      let (most, least) = (max(mine, others), min(mine, others))
      let span = larger.draft.mtu?.span ?? larger.draft.name.span
      let message =
        "\(larger.name) has MTU \(most), but \(smaller.name), \(place.words), has \(least): "
        + "larger frames will be dropped"
      let origin = smaller.draft.mtu?.span ?? smaller.draft.name.span
      let notes = [Diagnostic.Note("\(smaller.name) has \(least)", at: origin)]
      subject.reporter.warning(.mtu, span, message, hint: "set the same \"mtu\" in both", notes: notes)
    }
  }

  /// L216: an MTU that is too small for the IPv6 addresses and gateways of its NIC (RFC 8200 section 5).
  ///
  /// Linux takes IPv6 off such an interface, so an address of it is refused.
  static func smallMTUs(_ subject: RuleSubject) {
    var reported: Set<Span> = []
    for nic in subject.nics {
      guard let mtu = nic.draft.mtu, mtu.value < smallestMTU, reported.insert(mtu.span).inserted else { continue }
      let addresses = nic.definition.addresses.map(\.address)
      let used = (addresses + [nic.definition.gateway].compactMap { $0 } + nic.definition.routes.map(\.via))
      guard let user = used.first(where: { $0.contains(":") }) else { continue }
      let message = "MTU \(mtu.value) of \(nic.name) is too small for IPv6 (\(user)), which needs \(smallestMTU)"
      subject.reporter.error(.mtu, mtu.span, message)
    }
  }

  /// What a NIC shares with its neighbours.
  private static func place(of nic: RuleSubject.NIC, _ lab: CanonicalLab) -> (key: String, words: String)? {
    switch nic.definition.attachment {
    case .none: return nil
    case .wire(let link): return ("wire \(link)", "on the same wire")
    case .switchPort(let name, .transparent):
      let isLAN = lab.switches.contains { $0.name == name && $0.isAnonymous }
      return ("switch \(name)", isLAN ? "on the same LAN" : "on the same switch, \(name)")
    case .switchPort(let name, let mode):
      return mode.untagged.map { ("switch \(name) \($0)", "in the same VLAN of \(name)") }
    }
  }
}
