import Frames
import Lab
import Synchronization

@testable import Control

/// A host without a kernel: what it was asked is noted, what it has is kept.
final class FakePodHost: CNIHost {
  struct State {
    /// Interfaces, `eth0 in /run/netns/pod`.
    var interfaces: Set<String> = []
    /// Of those that were made here.
    var marks: [String: String] = [:]
    /// What was done, in order.
    var done: [String] = []
    var refusesToConfigure = false
    /// What the plugin of addresses answers, by command and version.
    var plugin: @Sendable (String, String) -> PluginProgram.Outcome = { _, _ in .init(status: 0, output: []) }
  }

  let state = Mutex(State())

  var done: [String] { state.withLock(\.done) }
  var interfaces: Set<String> { state.withLock(\.interfaces) }

  private func key(_ interface: PodInterface) -> String { "\(interface.name) in \(interface.namespace)" }
  private func make(_ interface: PodInterface, _ mark: String) {
    state.withLock {
      $0.interfaces.insert(key(interface))
      $0.marks[key(interface)] = mark
    }
  }
  private func note(_ text: String) { state.withLock { $0.done.append(text) } }

  func place(of interface: PodInterface) -> PodInterface.Place {
    switch interface.namespace {
    case "/run/netns/gone": .none("No such file or directory")
    case "/proc/1/ns/net": .own
    default: .namespace
    }
  }

  func isThere(_ interface: PodInterface) -> Bool { interfaces.contains(key(interface)) }

  func makeTAP(_ interface: PodInterface, mark: String, mac: MACAddress, mtu: Int?) throws {
    note("tap \(interface.name) \(mac) \(mtu ?? 0)")
    make(interface, mark)
  }

  func makePair(_ interface: PodInterface, host: String, mac: MACAddress, mtu: Int?) throws {
    note("veth \(interface.name) \(mac) \(mtu ?? 0)")
    make(interface, host)
  }

  func configure(_ interface: PodInterface, addresses: [String], routes: [PodRoute]) throws {
    note("addresses \(addresses.joined(separator: " ")), routes \(routes.map(\.destination).joined(separator: " "))")
    if state.withLock(\.refusesToConfigure) { throw UserError(.failed, "no route to there") }
  }

  func remove(_ interface: PodInterface, mark: String) throws {
    note("no \(interface.name)")
    state.withLock {
      guard $0.marks[key(interface)] == mark else { return }
      $0.interfaces.remove(key(interface))
      $0.marks[key(interface)] = nil
    }
  }

  func look(_ interface: PodInterface) throws -> PodInterface.Look? {
    guard isThere(interface) else { return nil }
    return PodInterface.Look(
      address: "02:00:00:00:00:01", isUp: true, addresses: ["10.0.0.7/24", "fd00::7/64"],
      routes: ["10.0.0.0/24", "fd01::/64", "default"])
  }

  func findPlugin(_ name: String, in folders: [String]) -> String? { name == "host-local" ? "/cni/host-local" : nil }

  func runPlugin(
    _ path: String, environment: [String: String], input: [UInt8]
  ) async throws -> PluginProgram.Outcome {
    let version = try CNINetwork.version(input) ?? ""
    let command = environment["CNI_COMMAND"] ?? ""
    let previous = try JSON.decode(JSONValue.self, from: input)["prevResult"]?["cniVersion"]?.text
    note("\(path) \(command) \(version)\(previous.map { " after \($0)" } ?? "")")
    return state.withLock(\.plugin)(command, version)
  }
}

/// A lab of which only the ports for pods are there.
final class FakePodLab: CNILab {
  let ports = Mutex<[CNIPort]>([])
  let limits = Mutex<[CNIBandwidth]>([])
  /// What every request is answered.
  let refusal = Mutex<UserError?>(nil)

  private func refuse() throws {
    if let refusal = refusal.withLock({ $0 }) { throw refusal }
  }

  func add(_ port: CNIPort) async throws {
    try refuse()
    try ports.withLock { ports in
      guard !ports.contains(where: { $0.name == port.name }) else {
        throw UserError(.badInput, "there is a port \(port.name) already")
      }
      ports.append(port)
    }
  }

  func limit(_ port: CNIPort, to bandwidth: CNIBandwidth) async throws {
    try refuse()
    limits.withLock { $0.append(bandwidth) }
  }

  func remove(_ name: String) async throws {
    try refuse()
    ports.withLock { ports in ports.removeAll { $0.name == name } }
  }

  func attachments() async throws -> [CNIAttachedPort] {
    try refuse()
    return ports.withLock(\.self).map { CNIAttachedPort(name: $0.name, pod: $0.pod, carries: true) }
  }

  func check(switchName: String) async throws {
    try refuse()
  }
}
