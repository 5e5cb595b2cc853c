import Dataplane
import Foundation
import Frames
import GuestKit
import LinuxHost
import Testing
import TestSupport

/// A data plane with mock guests at its ports.
///
/// A guest's transmitted frame is taken back only after all its copies were delivered, so `exchange` knows what every
/// guest got without waiting for what does not come.
final class Bench {
  /// A port with a guest at its socket.
  final class Node {
    let name: String
    let path: String
    var guest: VirtualGuest

    init(name: String, path: String, guest: VirtualGuest) {
      self.name = name
      self.path = path
      self.guest = guest
    }
  }

  let dataplane: Dataplane
  private let directory: TemporaryDirectory
  private(set) var nodes: [Node] = []

  private init(_ configuration: DataplaneConfiguration) throws {
    directory = try TemporaryDirectory()
    dataplane = try Dataplane(configuration)
  }

  /// Workers of the data planes of all suites: one, unless the environment asks for more.
  static let workerCount = ProcessInfo.processInfo.environment["APUS_TEST_WORKERS"].flatMap { Int($0) } ?? 1

  /// Runs `body` with a data plane of its own, which is stopped in the end.
  static func with(
    workers: Int = Bench.workerCount, poll: PollPolicy = .adaptive, recorderSize: Int = 8 << 20,
    _ body: (Bench) async throws -> Void
  ) async throws {
    await Turnstile.shared.enter()
    do {
      var configuration = DataplaneConfiguration()
      configuration.workerCount = workers
      configuration.poll = poll
      configuration.recorderSize = recorderSize
      try await run(configuration, body)
      await Turnstile.shared.leave()
    } catch {
      await Turnstile.shared.leave()
      throw error
    }
  }

  private static func run(
    _ configuration: DataplaneConfiguration, _ body: (Bench) async throws -> Void
  ) async throws {
    let bench = try Bench(configuration)
    do {
      try await body(bench)
      await bench.dataplane.stop()
    } catch {
      await bench.dataplane.stop()
      throw error
    }
  }

  func addSwitch(_ name: String = "sw", _ configure: (inout SwitchConfiguration) -> Void = { _ in }) async throws {
    var configuration = SwitchConfiguration(name: name)
    configure(&configuration)
    try await dataplane.addSwitch(configuration)
  }

  func path(_ name: String) -> String { directory.path("\(name).sock") }

  /// A vhost-user port that nobody is connected to; returns the path of its socket.
  @discardableResult
  func addPort(
    _ name: String, _ mode: PortMode, on switchName: String? = "sw", pairs: Int = 1, mtu: Int? = nil,
    offload: OffloadLevel = .on, role: VhostUserSocket.Role = .listen, countsRings: Bool = false
  ) async throws -> String {
    var socket = VhostUserSocket(path: path(name))
    socket.queuePairs = pairs
    socket.offload = offload
    socket.role = role
    socket.countsRings = countsRings
    var port = PortConfiguration(
      name: name, switchName: mode == .wire ? nil : switchName, mode: mode, address: FrameBuilder.address(1),
      backend: .vhostUser(socket))
    port.mtu = mtu
    try await dataplane.addPort(port)
    return socket.path
  }

  /// A port with a guest that is up.
  @discardableResult
  func addGuest(
    _ name: String, _ mode: PortMode, on switchName: String? = "sw", mtu: Int? = nil, offload: OffloadLevel = .on,
    _ configure: (inout VirtualGuest.Options) -> Void = { _ in }
  ) async throws -> VirtualGuest {
    let options = Self.options(configure)
    let path = try await addPort(name, mode, on: switchName, pairs: options.pairs, mtu: mtu, offload: offload)
    let guest = try VirtualGuest(options)
    try guest.connect(path: path)
    nodes.append(Node(name: name, path: path, guest: guest))
    return guest
  }

  /// Takes in a guest that was connected by hand.
  func add(_ guest: VirtualGuest, name: String) {
    nodes.append(Node(name: name, path: path(name), guest: guest))
  }

  /// Two guests joined by a wire.
  func addWire(
    _ first: String = "a", _ second: String = "b", _ configure: (inout VirtualGuest.Options) -> Void = { _ in }
  ) async throws -> (VirtualGuest, VirtualGuest) {
    let pair = (
      try await addGuest(first, .wire, configure), try await addGuest(second, .wire, configure)
    )
    try await dataplane.connectWire(first, second)
    return pair
  }

  private static func options(_ configure: (inout VirtualGuest.Options) -> Void) -> VirtualGuest.Options {
    var options = VirtualGuest.Options()
    options.ringSize = 64
    options.memorySize = 16 << 20
    configure(&options)
    return options
  }

  // Frames.

  /// Transmits a frame; returns what every guest that got something got.
  @discardableResult
  func exchange(_ frame: [UInt8], from sender: String) throws -> [String: [[UInt8]]] {
    let guest = try self.guest(sender)
    try guest.send(frame)
    return try collect(after: guest).mapValues { $0.map(\.frame) }
  }

  /// Transmits a frame and demands what every guest gets: one frame each of those named, nothing the others.
  func expect(
    _ frame: [UInt8], from sender: String, reaches expected: [String: [UInt8]],
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let got = try exchange(frame, from: sender)
    #expect(got == expected.mapValues { [$0] }, sourceLocation: sourceLocation)
  }

  /// Waits until a guest's frames are gone; returns what every guest got of them.
  func collect(after sender: VirtualGuest) throws -> [String: [VirtualGuest.Received]] {
    guard try sender.waitForTransmitted() else { throw GuestKitError.timeout("frames are not taken") }
    var result: [String: [VirtualGuest.Received]] = [:]
    for node in nodes where node.guest.frontEnd != nil {
      for pair in 0..<node.guest.options.pairs {
        while let received = try node.guest.receive(timeout: 0, pair: pair) {
          result[node.name, default: []].append(received)
        }
      }
    }
    return result
  }

  func guest(_ name: String) throws -> VirtualGuest {
    try #require(nodes.first { $0.name == name }).guest
  }

  /// Forgets a guest, as one whose host was switched off.
  func dropGuest(_ name: String) { nodes.removeAll { $0.name == name } }

  // What the data plane says.

  func status(_ port: String) async throws -> PortStatus {
    try #require(await dataplane.ports().first { $0.name == port })
  }

  /// Stations that a switch knows, as `vlan/last byte of the address -> port`.
  func stations(_ switchName: String = "sw") async -> [Station: String] {
    var result: [Station: String] = [:]
    for entry in await dataplane.fdb(switchName: switchName) {
      result[Station(vlan: entry.vlan, address: entry.address.bytes)] = entry.port
    }
    return result
  }

  /// Waits for the fault of a port; returns its reason.
  func fault(_ port: String, after count: UInt64 = 0) async throws -> String {
    var last: PortStatus?
    let isThere = try await eventually {
      last = try await status(port)
      return (last?.vhostUser?.faults ?? 0) > count
    }
    guard isThere else { throw GuestKitError.timeout("port \(port) reports no fault") }
    return try #require(last?.error)
  }
}

/// A key of a forwarding database.
struct Station: Hashable, CustomStringConvertible {
  var vlan: Int
  var address: [UInt8]

  init(vlan: Int, address: [UInt8]) {
    self.vlan = vlan
    self.address = address
  }

  init(_ vlan: Int, _ number: Int) { self.init(vlan: vlan, address: FrameBuilder.station(number)) }

  var description: String { "\(vlan)/\(address)" }
}
