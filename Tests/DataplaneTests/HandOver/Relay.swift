import Foundation
import GuestKit
import LinuxHost
import Synchronization
import TestSupport
import Testing

@testable import Dataplane

/// A data plane that others take over, one after the other, each as another process would: values as text, descriptors as
/// duplicates.
final class Relay {
  private(set) var plane: Dataplane
  let directory: TemporaryDirectory
  private var switches: [SwitchConfiguration] = []
  private var ports: [PortConfiguration] = []
  private var wires: [(String, String)] = []
  private var patches: [(PatchEnd, PatchEnd)] = []
  private var impairments: [(port: String, fromNode: Impairment?, toNode: Impairment?)] = []
  private(set) var guests: [String: VirtualGuest] = [:]
  /// What happened at the present one, since it is the present one.
  private(set) var events: Broadcast<DataplaneEvent>.Subscription
  /// Bytes of the last value, as text.
  private(set) var stateSize = 0
  /// Descriptors that went with it.
  private(set) var descriptorCount = 0

  private init(workers: Int) throws {
    directory = try TemporaryDirectory()
    plane = try Dataplane(Self.configuration(workers))
    events = plane.events.subscribe()
  }

  private static func configuration(_ workers: Int) -> DataplaneConfiguration {
    var configuration = DataplaneConfiguration()
    configuration.workerCount = workers
    configuration.recorderSize = 0
    return configuration
  }

  /// Runs `body` with a data plane; whatever has it in the end is stopped.
  static func with(workers: Int = 1, _ body: (Relay) async throws -> Void) async throws {
    await Turnstile.shared.enter()
    let relay: Relay
    do {
      relay = try Relay(workers: workers)
      do { try await body(relay) } catch {
        await relay.plane.stop()
        throw error
      }
    } catch {
      await Turnstile.shared.leave()
      throw error
    }
    await relay.plane.stop()
    await Turnstile.shared.leave()
  }

  func path(_ name: String) -> String { directory.path("\(name).sock") }

  // What there is.

  func addSwitch(_ name: String = "sw", _ configure: (inout SwitchConfiguration) -> Void = { _ in }) async throws {
    var configuration = SwitchConfiguration(name: name)
    configure(&configuration)
    try await plane.addSwitch(configuration)
    switches.append(configuration)
  }

  func addPort(_ port: PortConfiguration) async throws {
    try await plane.addPort(port)
    ports.append(port)
  }

  func addPort(
    _ name: String, _ mode: PortMode, on switchName: String? = "sw", number: Int = 1, _ backend: PortBackend,
    _ configure: (inout PortConfiguration) -> Void = { _ in }
  ) async throws {
    var port = PortConfiguration(
      name: name, switchName: mode == .wire ? nil : switchName, mode: mode, address: FrameBuilder.address(number),
      backend: backend)
    configure(&port)
    try await addPort(port)
  }

  @discardableResult
  func addGuest(
    _ name: String, _ mode: PortMode, on switchName: String? = "sw", toldByOwner: Bool = false,
    _ configure: (inout VirtualGuest.Options) -> Void = { _ in }
  ) async throws -> VirtualGuest {
    var options = VirtualGuest.Options()
    options.memorySize = 16 << 20
    options.transmitSize = 4096
    configure(&options)
    var socket = VhostUserSocket(path: path(name))
    socket.queuePairs = options.pairs
    try await addPort(name, mode, on: switchName, .vhostUser(socket)) { $0.carrierIsTold = toldByOwner }
    let guest = try VirtualGuest(options)
    try guest.connect(path: socket.path)
    guests[name] = guest
    return guest
  }

  func connectWire(_ first: String, _ second: String) async throws {
    try await plane.connectWire(first, second)
    wires.append((first, second))
  }

  func addPatch(_ first: PatchEnd, _ second: PatchEnd) async throws {
    try await plane.addPatch(first, second)
    patches.append((first, second))
  }

  func impair(_ port: String, fromNode: Impairment? = nil, toNode: Impairment? = nil) async throws {
    try await plane.setImpairment(port: port, fromNode: fromNode, toNode: toNode)
    impairments.append((port, fromNode, toNode))
  }

  func setMTU(_ port: String, _ mtu: Int?) async throws {
    try await plane.setMTU(port: port, mtu)
    for place in ports.indices where ports[place].name == port { ports[place].mtu = mtu }
  }

  func guest(_ name: String) throws -> VirtualGuest { try #require(guests[name]) }

  func status(_ port: String) async throws -> PortStatus {
    try #require(await plane.ports().first { $0.name == port })
  }

  // The hand-over.

  /// What another process gets: the value as text, and duplicates.
  func given() async throws -> (state: PlaneState, descriptors: [Descriptor]) {
    let given = try await plane.handOver()
    let text = try JSONEncoder().encode(given.state)
    (stateSize, descriptorCount) = (text.count, given.descriptors.count)
    return (try JSONDecoder().decode(PlaneState.self, from: text), try given.descriptors.map { try $0.duplicate() })
  }

  /// Another data plane that has all that this one has, and has not begun.
  func successor(
    _ given: (state: PlaneState, descriptors: [Descriptor]), workers: Int = 1, without missing: Set<String> = []
  ) async throws -> Dataplane {
    let next = try Dataplane(
      Self.configuration(workers), inheriting: given.state, descriptors: given.descriptors)
    do {
      for item in switches { try await next.addSwitch(item) }
      for port in ports where !missing.contains(port.name) { try await next.addPort(port) }
      for wire in wires { try await next.connectWire(wire.0, wire.1) }
      for patch in patches { try await next.addPatch(patch.0, patch.1) }
      for item in impairments where !missing.contains(item.port) {
        try await next.setImpairment(port: item.port, fromNode: item.fromNode, toNode: item.toNode)
      }
    } catch {
      await next.stop()
      throw error
    }
    return next
  }

  /// Has another data plane take everything over; returns how long no frame moved.
  @discardableResult
  func handOver(workers: Int = 1, without missing: Set<String> = []) async throws -> Duration {
    let clock = ContinuousClock.now
    let given = try await given()
    let told = ContinuousClock.now
    let next = try await successor(given, workers: workers, without: missing)
    let heard = next.events.subscribe()
    let made = ContinuousClock.now
    await next.begin()
    let silence = ContinuousClock.now - clock
    if ProcessInfo.processInfo.environment["APUS_MEASURE"] != nil {
      print("hand-over: told in \(told - clock), made in \(made - told), all in \(silence); \(stateSize) bytes")
    }
    await plane.stop()
    plane = next
    events = heard
    return silence
  }

  /// All that was heard of the present one by now; it hears nothing more.
  func stopAndHear() async -> [String] {
    await plane.stop()
    var all: [String] = []
    for await heard in events {
      if case .element(let event) = heard { all.append("\(event)") } else { all.append("\(heard)") }
    }
    return all
  }
}
