import Frames
import Lab

/// What the plugin asks of a lab's daemon.
protocol CNILab: Sendable {
  /// Adds a port that is behind a pod's interface.
  /// - Throws: `UserError`; `unreachable` if the lab is not up.
  func add(_ port: CNIPort) async throws
  /// Limits what a port's link carries.
  func limit(_ port: CNIPort, to bandwidth: CNIBandwidth) async throws
  /// Removes a port; nothing happens if there is none.
  func remove(_ name: String) async throws
  /// The ports that were added for pods.
  func attachments() async throws -> [CNIAttachedPort]
  /// Finds out whether a port could be added there.
  func check(switchName: String) async throws
}

/// A port for a pod.
struct CNIPort: Sendable, Equatable {
  var name: String
  var switchName: String
  /// Of what is on this host, and its interface's name.
  var kind: CNINetwork.Kind
  var target: String
  var mac: MACAddress
  var vlan: String?
  var trunk: [String]?
  var native: String?
  var mtu: Int?
  var pod: PodAttachment
}

/// A port that was added for a pod.
struct CNIAttachedPort: Sendable, Equatable {
  var name: String
  var pod: PodAttachment
  /// Frames can go through it.
  var carries: Bool
}

/// What the plugin does on this host.
protocol CNIHost: Sendable {
  func place(of interface: PodInterface) -> PodInterface.Place
  func isThere(_ interface: PodInterface) -> Bool
  /// - Parameter mark: by which `remove` knows it again.
  func makeTAP(_ interface: PodInterface, mark: String, mac: MACAddress, mtu: Int?) throws
  /// - Parameter host: name of the other end, and the mark.
  func makePair(_ interface: PodInterface, host: String, mac: MACAddress, mtu: Int?) throws
  func configure(_ interface: PodInterface, addresses: [String], routes: [PodRoute]) throws
  /// Removes an interface that was made with this mark; another one of that name stays.
  func remove(_ interface: PodInterface, mark: String) throws
  func look(_ interface: PodInterface) throws -> PodInterface.Look?
  func findPlugin(_ name: String, in folders: [String]) -> String?
  func runPlugin(_ path: String, environment: [String: String], input: [UInt8]) async throws -> PluginProgram.Outcome
}

/// This host as it is.
struct ThisHost: CNIHost {
  func place(of interface: PodInterface) -> PodInterface.Place { interface.place }
  func isThere(_ interface: PodInterface) -> Bool { interface.isThere }
  func makeTAP(_ interface: PodInterface, mark: String, mac: MACAddress, mtu: Int?) throws {
    try interface.makeTAP(mark: mark, mac: mac, mtu: mtu)
  }
  func makePair(_ interface: PodInterface, host: String, mac: MACAddress, mtu: Int?) throws {
    try interface.makePair(host: host, mac: mac, mtu: mtu)
  }
  func configure(_ interface: PodInterface, addresses: [String], routes: [PodRoute]) throws {
    try interface.configure(addresses: addresses, routes: routes)
  }
  func remove(_ interface: PodInterface, mark: String) throws { try interface.remove(mark: mark) }
  func look(_ interface: PodInterface) throws -> PodInterface.Look? { try interface.look() }
  func findPlugin(_ name: String, in folders: [String]) -> String? { PluginProgram.find(name, in: folders) }
  func runPlugin(
    _ path: String, environment: [String: String], input: [UInt8]
  ) async throws -> PluginProgram.Outcome {
    try await PluginProgram.run(path, environment: environment, input: input)
  }
}
