import Frames
import Lab
import Topology

/// A network configuration for our plugin, as a runtime hands it over on standard input.
struct CNINetwork: Sendable, Equatable {
  /// What makes the pod's end.
  enum Kind: String, Sendable, CaseIterable {
    /// A TAP in the pod's namespace, which the lab's daemon has open.
    case tap
    /// One end of a veth, whose other end is a NIC of this host.
    case veth
  }

  var version: String
  /// Of the network, in the runtime's own words.
  var name = ""
  var lab = ""
  var switchName = ""
  /// A name or number; nil with `trunk`, or if nothing is said.
  var vlan: String?
  /// Names, numbers and ranges.
  var trunk: [String]?
  var native: String?
  /// Bytes.
  var mtu: Int?
  var kind = Kind.tap
  /// Name of the plugin that manages addresses; nil = there is none.
  var ipam: String?
  /// As the configuration has it.
  var dns: JSONValue?
  /// Of `runtimeConfig` or `args`.
  var mac: MACAddress?
  /// Addresses with their prefixes that `runtimeConfig` has.
  var addresses: [String] = []
  var bandwidth = CNIBandwidth()
  /// Of ADD and CHECK: result of the plugins before, or of the ADD.
  var previous: CNIResult?
  /// Of GC: what is to stay.
  var valid: [CNIAttachmentKey] = []
  /// The whole, for the plugin that manages addresses.
  var whole: JSONValue

  /// Keys that we read, and those of runtimes and of configuration lists.
  private static let known: Set<String> = [
    "cniVersion", "cniVersions", "name", "type", "lab", "switch", "vlan", "trunk", "native", "mtu", "interface", "ipam",
    "dns", "args", "runtimeConfig", "capabilities", "prevResult", "disableCheck", "disableGC",
  ]

  /// Only the version is read.
  ///
  /// - Throws: `CNIError` (`notDecoded`).
  static func version(_ bytes: [UInt8]) throws(CNIError) -> String? {
    try decode(bytes)["cniVersion"]?.text
  }

  private static func decode(_ bytes: [UInt8]) throws(CNIError) -> JSONValue {
    do {
      let value = try JSON.decode(JSONValue.self, from: bytes)
      if value.members != nil { return value }
    } catch {
      throw CNIError(
        CNIError.Code.notDecoded, "the network configuration on standard input is no JSON",
        details: bytes.isEmpty ? "standard input is empty" : nil)
    }
    throw CNIError(CNIError.Code.notDecoded, "the network configuration on standard input is no JSON object")
  }

  /// - Throws: `CNIError`: `notDecoded`, `incompatibleVersion`, `unsupportedField`, `invalidNetwork`.
  init(_ bytes: [UInt8], for command: CNICall.Command) throws(CNIError) {
    whole = try Self.decode(bytes)
    // Without one it is a configuration of before versions were.
    version = whole["cniVersion"]?.text ?? "0.1.0"
    try checkVersion(command)
    let reader = CNIReader(whole)
    name = try reader.text("name") ?? ""
    guard CNICall.isPlain(name) else {
      throw CNIError(
        CNIError.Code.invalidNetwork,
        name.isEmpty ? "the network has no name" : "the network's name \(name.debugDescription) is not valid")
    }
    lab = try reader.needed("lab", "the name of a lab")
    guard Names.validLab(lab) else {
      throw CNIError(CNIError.Code.invalidNetwork, "\"lab\" \(lab.debugDescription) is no name of a lab")
    }
    if let ipam = whole["ipam"], !ipam.isVoid {
      let type = try CNIReader(ipam, in: "ipam.").text("type") ?? ""
      guard !type.isEmpty, !type.contains("/"), type != ".." else {
        throw CNIError(
          CNIError.Code.invalidNetwork, "\"ipam.type\" \(type.debugDescription) is no name of a plugin")
      }
      self.ipam = type
    }
    if command == .collect {
      valid = try CNIAttachmentKey.list(whole["cni.dev/valid-attachments"] ?? whole["cni.dev/attachments"])
    }
    // What is to be removed needs nothing else, and may be of a configuration that was wrong.
    guard command != .delete, command != .collect else { return }
    if command == .add || command == .check, let previous = whole["prevResult"], !previous.isVoid {
      self.previous = try CNIResult(previous)
    }
    try readPort(reader)
    try readRuntime()
  }

  private func checkVersion(_ command: CNICall.Command) throws(CNIError) {
    guard CNIVersion.all.contains(version) else {
      throw CNIError(
        CNIError.Code.incompatibleVersion, "the configuration's cniVersion is \(version.debugDescription)",
        details: "supported: \(CNIVersion.all.joined(separator: ", "))")
    }
    guard let first = command.firstVersion, let asked = CNIVersion.all.firstIndex(of: version),
      let needed = CNIVersion.all.firstIndex(of: first), asked < needed
    else { return }
    throw CNIError(
      CNIError.Code.incompatibleVersion,
      "\(command.rawValue) needs cniVersion \(first), the configuration's is \(version)")
  }

  private mutating func readPort(_ reader: CNIReader) throws(CNIError) {
    let unknown = (whole.members ?? [:]).keys.filter { !Self.known.contains($0) && !$0.contains("/") }.sorted()
    guard unknown.isEmpty else {
      throw CNIError(
        CNIError.Code.unsupportedField, "unknown keys: \(unknown.joined(separator: ", "))",
        details: "of ours there are lab, switch, vlan, trunk, native, mtu, interface, ipam, dns")
    }
    switchName = try reader.needed("switch", "the name of a switch of the lab")
    vlan = try reader.textOrNumber("vlan")
    trunk = try reader.listOfVLANs("trunk")
    native = try reader.textOrNumber("native")
    mtu = try reader.number("mtu")
    guard vlan == nil || (trunk == nil && native == nil) else {
      throw CNIError(
        CNIError.Code.invalidNetwork, "\"vlan\" makes an access port, \"trunk\" and \"native\" a trunk",
        details: "say one or the other")
    }
    guard native == nil || trunk != nil else {
      throw CNIError(CNIError.Code.invalidNetwork, "\"native\" is said without \"trunk\"")
    }
    if let mtu, !Limits.mtu.contains(mtu) {
      throw CNIError(
        CNIError.Code.invalidNetwork,
        "\"mtu\" must be \(Limits.mtu.lowerBound)..\(Limits.mtu.upperBound), found \(mtu)")
    }
    if let word = try reader.text("interface") {
      guard let kind = Kind(rawValue: word) else {
        let known = Kind.allCases.map { "\"\($0.rawValue)\"" }.joined(separator: " or ")
        throw CNIError(
          CNIError.Code.invalidNetwork, "\"interface\" must be \(known), found \(word.debugDescription)")
      }
      self.kind = kind
    }
    dns = whole["dns"].flatMap { $0.isVoid ? nil : $0 }
  }

  private mutating func readRuntime() throws(CNIError) {
    let runtime = CNIReader(whole["runtimeConfig"] ?? .null, in: "runtimeConfig.")
    let said = CNIReader(whole["args"]?["cni"] ?? .null, in: "args.cni.")
    // No error of two `try` on one line: the first that is said counts.
    var word = try runtime.text("mac")
    if word == nil { word = try said.text("mac") }
    if let word { mac = try Self.station(word) }
    addresses = try runtime.listOfTexts("ips") ?? []
    bandwidth = try CNIBandwidth(whole["runtimeConfig"]?["bandwidth"] ?? .null)
  }

  /// - Throws: `CNIError` for what no interface can have.
  static func station(_ word: String) throws(CNIError) -> MACAddress {
    if let mac = MACAddress(word), !mac.isGroup, !mac.isZero { return mac }
    throw CNIError(
      CNIError.Code.invalidNetwork, "\(word.debugDescription) is no station address of an interface",
      details: "expected one such as 02:00:00:00:00:01")
  }
}

/// What a runtime says of rates, in bits a second; nil = no limit.
struct CNIBandwidth: Sendable, Equatable {
  /// Into the pod.
  var ingress: Int?
  /// Out of the pod.
  var egress: Int?

  init() {}

  init(_ value: JSONValue) throws(CNIError) {
    let reader = CNIReader(value, in: "runtimeConfig.bandwidth.")
    ingress = try Self.rate(reader.number("ingressRate"), "ingressRate")
    egress = try Self.rate(reader.number("egressRate"), "egressRate")
  }

  var isEmpty: Bool { ingress == nil && egress == nil }

  /// The links' rates begin at 1 kbit.
  private static func rate(_ bits: Int?, _ key: String) throws(CNIError) -> Int? {
    guard let bits, bits != 0 else { return nil }
    if bits >= 1000 { return bits }
    throw CNIError(
      CNIError.Code.invalidNetwork,
      "\"runtimeConfig.bandwidth.\(key)\" must be at least 1000 bits a second, found \(bits)")
  }
}

/// Which attachment is meant.
struct CNIAttachmentKey: Sendable, Hashable {
  var container: String
  var interface: String

  /// - Parameter value: `null` is what Go writes for a list of nothing.
  /// - Throws: `CNIError` (`invalidNetwork`), also if there is no list: that nothing is to stay must be said.
  static func list(_ value: JSONValue?) throws(CNIError) -> [CNIAttachmentKey] {
    guard let value, value == .null || value.list != nil else {
      throw CNIError(
        CNIError.Code.invalidNetwork, "GC needs \"cni.dev/valid-attachments\", a list",
        details: "with an empty one, everything of the network is removed")
    }
    var keys: [CNIAttachmentKey] = []
    for item in value.list ?? [] {
      guard let container = item["containerID"]?.text, let interface = item["ifname"]?.text else {
        throw CNIError(
          CNIError.Code.invalidNetwork, "an entry of \"cni.dev/valid-attachments\" has no containerID or ifname")
      }
      keys.append(CNIAttachmentKey(container: container, interface: interface))
    }
    return keys
  }
}
