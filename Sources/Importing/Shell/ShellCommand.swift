import Topology

/// One command of a script, and what it says of the network.
struct ShellCommand {
  private var words: [String]

  init(_ words: [String]) {
    var words = words
    if words.first == "sudo" { words.removeFirst() }
    if words.first?.split(separator: "/").last == "busybox" { words.removeFirst() }
    self.words = words
  }

  /// Nil = it is not understood.
  var fact: ShellLines.Fact? {
    guard let first = words.first, let program = first.split(separator: "/").last else { return nil }
    let rest = Array(words.dropFirst())
    switch program {
    case "ip": return ip(rest)
    case "ifconfig": return ifconfig(rest)
    case "route": return route(rest)
    case "tc": return TrafficControl(rest).fact
    case "sysctl": return sysctl(rest)
    case "echo" where rest.count == 3 && rest[1] == ">":
      let key = rest[2].dropFirst("/proc/sys/".count).split(separator: "/").joined(separator: ".")
      return .sysctl(key: key, value: rest[0])
    case "sleep", "true", ":", "exit", "set": return .nothing
    default: return nil
    }
  }

  // MARK: - ip

  private func ip(_ words: [String]) -> ShellLines.Fact? {
    var words = words[...]
    while let first = words.first, first.hasPrefix("-") {
      guard ["-4", "-6", "-f", "-family", "-br", "-c"].contains(first) else { return nil }
      words = words.dropFirst(first == "-f" || first == "-family" ? 2 : 1)
    }
    guard let object = words.first, let action = words.dropFirst().first else { return nil }
    let rest = Array(words.dropFirst(2))
    switch object {
    case _ where Self.isShort(object, for: "address", least: 1): return address(action, rest)
    case _ where Self.isShort(object, for: "link", least: 1): return action == "set" ? link(rest) : nil
    case _ where Self.isShort(object, for: "route", least: 1):
      let isAdded = ["add", "a", "ad", "replace", "append", "change"].contains(action)
      return isAdded ? ipRoute(rest) : nil
    default: return nil
    }
  }

  private static func isShort(_ word: String, for whole: String, least: Int) -> Bool {
    word.count >= least && whole.hasPrefix(word)
  }

  private func address(_ action: String, _ words: [String]) -> ShellLines.Fact? {
    var nic: String?
    var address: String?
    var index = 0
    while index < words.count {
      let value = index + 1 < words.count ? words[index + 1] : nil
      switch words[index] {
      case "dev":
        nic = value
        index += 1
      case "brd", "broadcast", "label", "scope", "valid_lft", "preferred_lft", "metric": index += 1
      case "local":
        address = value
        index += 1
      case "nodad", "noprefixroute", "home", "autojoin": break
      // A peer makes a subnet of its own, which no address of a NIC here says.
      case "peer": return nil
      default:
        guard address == nil else { return nil }
        address = words[index]
      }
      index += 1
    }
    guard let nic else { return nil }
    switch action {
    case "add", "a", "ad", "replace", "change", "repl":
      return address.flatMap { Self.prefix($0) }.map { .address(nic: nic, $0) }
    case "del", "delete", "d": return address.flatMap { Self.prefix($0) }.map { .addressGone(nic: nic, $0) }
    case "flush", "f": return .addressGone(nic: nic, nil)
    default: return nil
    }
  }

  /// An address with its length; that of one host if it has none.
  private static func prefix(_ text: String) -> String? {
    if let prefix = IPPrefix(text) { return prefix.description }
    if let address = IPAddress(Substring(text)) { return "\(address)/\(address.family.width)" }
    // A mask in dots stands for a length.
    let parts = text.split(separator: "/")
    guard parts.count == 2, let length = IPWords.length(ofMask: String(parts[1])) else { return nil }
    return IPPrefix("\(parts[0])/\(length)")?.description
  }

  private func link(_ words: [String]) -> ShellLines.Fact? {
    // The NIC may stand behind what is set: `ip link set up dev eth0`.
    var words = words[...]
    if let place = words.firstIndex(of: "dev"), place + 1 < words.endIndex {
      let name = words[place + 1]
      words.removeSubrange(place...(place + 1))
      words = [name] + words
    }
    guard let nic = words.popFirst(), !["up", "down"].contains(nic) else { return nil }
    var facts: [ShellLines.Fact] = []
    while let word = words.popFirst() {
      switch word {
      case "up", "down": facts.append(.state(nic: nic, isUp: word == "up"))
      case "address":
        guard let mac = words.popFirst() else { return nil }
        facts.append(.mac(nic: nic, mac))
      case "mtu":
        guard let mtu = words.popFirst().flatMap({ Int($0) }) else { return nil }
        facts.append(.mtu(nic: nic, mtu))
      case "name":
        guard let name = words.popFirst() else { return nil }
        facts.append(.renamed(nic: nic, to: name))
      case "promisc", "multicast", "allmulticast", "arp":
        guard words.popFirst() != nil else { return nil }
        facts.append(.nothing)
      default: return nil
      }
    }
    return facts.isEmpty ? nil : facts.count == 1 ? facts[0] : .several(facts)
  }

  private func ipRoute(_ words: [String]) -> ShellLines.Fact? {
    var to: String?
    var via: String?
    var nic: String?
    var index = 0
    while index < words.count {
      let value = index + 1 < words.count ? words[index + 1] : nil
      switch words[index] {
      case "via":
        via = value
        index += 1
      case "dev":
        nic = value
        index += 1
      case "metric", "proto", "scope", "src", "mtu", "advmss", "pref", "protocol": index += 1
      case "onlink", "unicast", "to": break
      case "table", "nexthop", "encap", "blackhole", "unreachable", "prohibit", "local": return nil
      default:
        guard to == nil else { return nil }
        to = words[index]
      }
      index += 1
    }
    guard let to, let via else { return nil }
    return Self.route(to, via, nic)
  }

  private static func route(_ to: String, _ via: String, _ nic: String?) -> ShellLines.Fact? {
    guard let gateway = IPAddress(Substring(via)) else { return nil }
    guard !["default", "0/0", "any", "all"].contains(to) else {
      return .route(to: "default", via: gateway.description, nic: nic)
    }
    guard let prefix = prefix(to).flatMap({ IPPrefix($0) }) else { return nil }
    let destination = prefix.length == 0 ? "default" : prefix.network.description
    return .route(to: destination, via: gateway.description, nic: nic)
  }

  // MARK: - net-tools

  private func ifconfig(_ words: [String]) -> ShellLines.Fact? {
    var words = words[...]
    guard let first = words.popFirst() else { return nil }
    // `eth0:1` is another address of eth0.
    let nic = String(first.prefix { $0 != ":" })
    var facts: [ShellLines.Fact] = []
    var address: String?
    var mask: Int?
    var isUp: Bool?
    while let word = words.popFirst() {
      switch word {
      case "up", "down": isUp = word == "up"
      case "promisc", "-arp", "arp", "multicast": facts.append(.nothing)
      case "inet", "inet6", "add": break
      case "netmask":
        guard let value = words.popFirst(), let length = IPWords.length(value, isSix: false) else { return nil }
        mask = length
      case "broadcast":
        // The address behind it is optional.
        if let next = words.first, IPAddress(Substring(next)) != nil { words.removeFirst() }
      case "hw":
        guard let kind = words.popFirst(), kind == "ether", let mac = words.popFirst() else { return nil }
        facts.append(.mac(nic: nic, mac))
      case "mtu":
        guard let mtu = words.popFirst().flatMap({ Int($0) }) else { return nil }
        facts.append(.mtu(nic: nic, mtu))
      default:
        guard address == nil else { return nil }
        address = word
      }
    }
    if let address {
      guard let prefix = Self.withMask(address, mask) else { return nil }
      // One that gets an address is up with it.
      facts += [.address(nic: nic, prefix), .state(nic: nic, isUp: isUp ?? true)]
    } else if let isUp {
      // Without its other address a NIC stays up.
      facts.append(.state(nic: first, isUp: isUp))
    }
    return facts.isEmpty ? nil : facts.count == 1 ? facts[0] : .several(facts)
  }

  /// An address with the mask that stands beside it; without one its class says it.
  private static func withMask(_ text: String, _ mask: Int?) -> String? {
    if text.contains("/") { return prefix(text) }
    guard let address = IPAddress(Substring(text)) else { return nil }
    if let mask { return "\(address)/\(mask)" }
    guard address.family == .ipv4, let byte = address.description.split(separator: ".").first.flatMap({ Int($0) })
    else { return "\(address)/\(address.family.width)" }
    return "\(address)/\(byte < 128 ? 8 : byte < 192 ? 16 : 24)"
  }

  private func route(_ words: [String]) -> ShellLines.Fact? {
    var words = words[...]
    while let first = words.first, first.hasPrefix("-"), first != "-net", first != "-host" {
      guard ["-A", "-n", "-4", "-6", "--inet", "--inet6"].contains(first) else { return nil }
      words = words.dropFirst(first == "-A" ? 2 : 1)
    }
    guard words.popFirst() == "add" else { return nil }
    var to: String?
    var mask: Int?
    var via: String?
    var nic: String?
    while let word = words.popFirst() {
      switch word {
      case "-net", "-host": break
      case "gw", "gateway": via = words.popFirst()
      case "netmask":
        guard let value = words.popFirst(), let length = IPWords.length(value, isSix: false) else { return nil }
        mask = length
      case "dev": nic = words.popFirst()
      case "metric": _ = words.popFirst()
      case "reject", "mss", "window", "irtt": return nil
      default:
        if to == nil { to = word } else if nic == nil { nic = word } else { return nil }
      }
    }
    guard let to, let via else { return nil }
    return Self.route(mask.map { to.contains("/") || to == "default" ? to : "\(to)/\($0)" } ?? to, via, nic)
  }

  // MARK: - sysctl

  private func sysctl(_ words: [String]) -> ShellLines.Fact? {
    var words = words.filter { !["-w", "-q", "-e", "--write", "--quiet"].contains($0) }
    if words.count == 3, words[1] == "=" { words = [words.joined()] }
    let facts = words.compactMap { Self.setting($0) }
    guard facts.count == words.count, let first = facts.first else { return nil }
    return facts.count == 1 ? first : .several(facts)
  }

  /// One `KEY=VALUE`.
  private static func setting(_ word: String) -> ShellLines.Fact? {
    let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    guard parts.count == 2, !word.hasPrefix("-"), !parts[0].isEmpty, !parts[1].isEmpty else { return nil }
    return .sysctl(key: parts[0].split(separator: "/").joined(separator: "."), value: String(parts[1]))
  }
}
