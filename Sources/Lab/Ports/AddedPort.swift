import Dataplane
import Frames
import Topology

/// A port that was added at run time, as `runtime.json` has it.
struct AddedPort: Codable, Sendable, Equatable {
  var name: String
  var switchName: String
  var mode: VLANMode
  /// What was said before its switch came to have VLANs, or to have none, until the lab is up so: an `up` that fails
  /// brings it back.
  var voidMode: VLANMode?
  /// Word of its kind.
  var kind: String
  /// What is behind it: the path of a socket, or the name of an interface.
  var target: String
  /// Nil for a kind without roles.
  var role: NICDefinition.Role?
  /// Nil for a kind without queues.
  var queues: Int?
  /// Bytes; nil = no limit in the switch.
  var mtu: Int?
  /// Nil = on.
  var offload: NICDefinition.Offload?
  /// Station address of what is behind it, as far as it is known.
  var mac: MACAddress
  /// The interface is taken though the host uses it; nil = it is not.
  var isForced: Bool?
  /// The interface was made for it, and goes with it.
  var isMade: Bool?
  /// Of a port that a container runtime asked for.
  var pod: PodAttachment?
  /// Nil = everything passes.
  var rules: RulesDefinition?

  private enum CodingKeys: String, CodingKey {
    case name
    case switchName = "switch"
    case mode
    case voidMode = "void-mode"
    case kind, target, role, queues, mtu, offload, mac
    case isForced = "force"
    case isMade = "made"
    case pod, rules
  }

  /// The row of its kind.
  /// - Throws: `UserError` for one that another version has written down.
  var row: AddedPortKind {
    get throws(UserError) {
      if let row = AddedPortKind.named(kind) { return row }
      throw UserError(.failed, "port \(name): this version knows no ports of kind \(kind)")
    }
  }

  /// Path of the network namespace that has the interface; nil = the host's.
  var namespace: String? { kind == AddedPortKind.tap.word ? pod?.namespace : nil }

  /// `tap tap9`, `vhost-user /run/x.sock`.
  var words: String { "\(kind) \(target)" + (namespace.map { " in \($0)" } ?? "") }

  /// The same with its place: `tap tap9 on sw1, vlan 10`.
  var wholeWords: String {
    "\(words) on \(switchName), \(mode.words)" + (mtu.map { ", mtu \($0)" } ?? "")
      + (offload.map { ", offload \($0.rawValue)" } ?? "") + (rules.map { ", \($0.words)" } ?? "")
  }

  /// What the data plane is to make, in the lab that has its access list.
  func configuration(in lab: CanonicalLab) throws(UserError) -> PortConfiguration {
    var configuration = PortConfiguration(
      name: name, switchName: switchName, mode: PortMode(mode), address: mac, backend: try row.backend(self))
    configuration.mtu = mtu
    configuration.isAdded = true
    configuration.rules = try portRules(in: lab)
    return configuration
  }
}

/// What `port add` asks for, in words.
package struct AddedPortRequest: Sendable, Equatable {
  package var switchName: String
  package var name: String
  /// Word of a kind.
  package var kind: String
  /// Path of a socket, or name of an interface.
  package var target: String
  package var role: String?
  package var queues: Int?
  package var mtu: Int?
  /// A VLAN's name or number; access port of VLAN 1 without it and `trunk`, or a port without VLANs on a switch without.
  package var vlan: String?
  /// Names, numbers, ranges; or `all` alone.
  package var trunk: [String]?
  package var native: String?
  /// Station address of what is behind it; nil = found there, or derived from the name.
  package var mac: String?
  /// The interface of this host may have addresses.
  package var isForced = false
  package var pod: PodAttachment?
  /// In the words of `port set`.
  package var rules: [RuleKey: String] = [:]

  package init(switchName: String, name: String, kind: String, target: String) {
    (self.switchName, self.name, self.kind, self.target) = (switchName, name, kind, target)
  }
}

extension AddedPort {
  /// Reads what is asked for; whether there is room for it in the lab, and what this host has of it, is not looked at.
  /// - Throws: `UserError` (`badInput`, or `notFound` for a switch).
  init(_ request: AddedPortRequest, in lab: CanonicalLab) throws(UserError) {
    if let (message, hint) = Names.complaint(aboutPort: request.name) {
      throw UserError(.badInput, message, hint: hint)
    }
    guard let row = AddedPortKind.named(request.kind) else {
      let known = AddedPortKind.all.map { $0.word }.joined(separator: ", ")
      throw UserError(.badInput, "unknown kind of port \"\(request.kind)\"", hint: "known: \(known)")
    }
    guard lab.switches.contains(where: { $0.name == request.switchName }) else {
      let names = lab.switches.map(\.name)
      throw UserError(
        .notFound, "lab \(lab.name) has no switch \"\(request.switchName)\"",
        hint: names.isEmpty ? "it has no switches" : "switches: \(LabRuntime.shown(names))")
    }
    var wish = PortChange()
    (wish.vlan, wish.trunk, wish.native) = (request.vlan, request.trunk, request.native)
    let usual = VLANMode.usual(on: request.switchName, of: lab)
    let mode = try wish.mode(from: usual, in: lab, of: request.name, on: request.switchName)
    try PortChange.check(mtu: request.mtu)
    (name, switchName, self.mode, kind) = (request.name, request.switchName, mode, row.word)
    (target, mtu) = (request.target, request.mtu)
    mac = Names.derivedMAC(lab: lab.name, node: request.name, nic: "")
    try readOptions(request, row)
    try readPod(request, row)
    try row.check(self)
    rules = try RulesDefinition().changed(by: request.rules).orNil
    _ = try portRules(in: lab)
  }

  private mutating func readPod(_ request: AddedPortRequest, _ row: AddedPortKind) throws(UserError) {
    if let text = request.mac {
      guard let mac = MACAddress(text), !mac.isGroup, !mac.isZero else {
        throw UserError(.badInput, "mac must be the address of a station, found \"\(text)\"")
      }
      self.mac = mac
    }
    guard let pod = request.pod else { return }
    guard row.isInterface, pod.namespace.hasPrefix("/"), !pod.container.isEmpty, !pod.interface.isEmpty else {
      throw UserError(
        .badInput, "a port of kind \(row.word) in \"\(pod.namespace)\" is no pod's",
        hint: "a pod's is an interface, in a network namespace with an absolute path")
    }
    self.pod = pod
  }

  private mutating func readOptions(_ request: AddedPortRequest, _ row: AddedPortKind) throws(UserError) {
    if let word = request.role {
      guard row.options.contains(.role) else { throw row.refusal(of: .role) }
      guard let role = NICDefinition.Role(rawValue: word) else {
        let known = NICDefinition.Role.allCases.map(\.rawValue).joined(separator: ", ")
        throw UserError(.badInput, "role must be one of \(known), found \"\(word)\"")
      }
      self.role = role
    }
    if let count = request.queues {
      guard row.options.contains(.queues) else { throw row.refusal(of: .queues) }
      guard Limits.queues.contains(count) else {
        throw UserError(
          .badInput, "queues must be \(Limits.queues.lowerBound)..\(Limits.queues.upperBound), found \(count)")
      }
      queues = count
    }
    if request.isForced {
      guard row.options.contains(.force) else { throw row.refusal(of: .force) }
      isForced = true
    }
  }
}
