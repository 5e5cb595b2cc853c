import Dataplane
import Frames
import GuestKit
import LinuxHost
import Testing
import TestSupport

/// Every change of a data plane beside every other: its callers are many, and an actor's method that waits lets others in.
///
/// A new operation is one line of `operations`.
@Suite struct PairTests {
  /// A data plane with two guests `a` and `b` and an unconnected port `p` on `sw`, a switch `empty`, the free ends `w1` and
  /// `w2`, a capture of `a` and `p`, and a punt from both switches.
  ///
  /// Guests are touched before and after the operations only.
  private final class Plane: @unchecked Sendable {
    let dataplane: Dataplane
    let capture: CaptureHandle
    let punt: PuntHandle
    private let directory: TemporaryDirectory
    private let guests: [VirtualGuest]

    init() async throws {
      directory = try TemporaryDirectory()
      var configuration = DataplaneConfiguration()
      configuration.recorderSize = 0
      dataplane = try Dataplane(configuration)
      for name in ["sw", "empty"] { try await dataplane.addSwitch(SwitchConfiguration(name: name)) }
      var options = VirtualGuest.Options()
      (options.ringSize, options.memorySize, options.receiveLayout) = (16, 1 << 18, [256])
      var guests: [VirtualGuest] = []
      for (number, name) in ["a", "b"].enumerated() {
        try await dataplane.addPort(Self.port(name, directory, mode: .access(vlan: 1), station: number + 1))
        let guest = try VirtualGuest(options)
        try guest.connect(path: directory.path("\(name).sock"))
        guests.append(guest)
      }
      self.guests = guests
      try await dataplane.addPort(Self.port("p", directory, mode: .access(vlan: 1), station: 3))
      for name in ["w1", "w2"] { try await dataplane.addPort(Self.port(name, directory, mode: .wire, station: 4)) }
      capture = try await dataplane.startCapture(ports: ["a", "p"])
      punt = try await dataplane.punt(from: ["sw", "empty"], matching: nil, ringSize: 1 << 18)
      // What the switch has learnt.
      try guests[1].send(FrameBuilder(to: FrameBuilder.broadcast, from: FrameBuilder.station(2)).plain(size: 60))
      _ = try guests[1].waitForTransmitted()
    }

    static func port(
      _ name: String, _ directory: TemporaryDirectory, mode: PortMode, station: Int
    ) -> PortConfiguration {
      var port = PortConfiguration(
        name: name, switchName: mode == .wire ? nil : "sw", mode: mode, address: FrameBuilder.address(station),
        backend: .vhostUser(VhostUserSocket(path: directory.path("\(name).sock"))))
      port.mtu = 1500
      return port
    }

    /// A port that is not there at first.
    func add(_ name: String, _ mode: PortMode) async throws {
      try await dataplane.addPort(Self.port(name, directory, mode: mode, station: 9))
    }

    /// A port at which QEMU's `-netdev stream` or `dgram` may be.
    func add(_ name: String, _ backend: (String) -> PortBackend) async throws {
      try await dataplane.addPort(
        PortConfiguration(
          name: name, switchName: "sw", mode: .access(vlan: 1), address: FrameBuilder.address(8),
          backend: backend(directory.path(name))))
    }

    /// A second front-end may come to a port, and the port is given to it.
    func switchOver(_ name: String) async throws {
      try await dataplane.addStandby(
        port: name, socket: VhostUserSocket(path: directory.path("\(name).standby.sock")))
      do {
        try await dataplane.promoteStandby(port: name)
      } catch {
        // A port that is being handed over takes no such word; that it is in vain is soon known.
        for _ in 0..<200 {
          if (try? await dataplane.removeStandby(port: name)) != nil { break }
          try await Task.sleep(for: .milliseconds(1))
        }
        throw error
      }
    }

    /// All goes to another process, which does not take it.
    func handOverInVain() async throws {
      _ = try await dataplane.handOver()
      await dataplane.resume()
    }

    /// All that can be seen of it, a line each; numbers and times, which nobody chooses, are left out.
    func state() async -> [String] {
      var lines = await dataplane.switches().map { "switch \($0.name) \($0.aging)" }
      for port in await dataplane.ports() {
        lines.append(
          "port \(port.name) \(port.switchName ?? "-") \(port.mode) \(port.peer ?? "-") \(port.mtu) \(port.carrier)")
        lines.append("kind \(port.name) \(port.kind)")
        if let held = port.held { lines.append("held \(port.name) \(held.limit)") }
        if let standby = try? await dataplane.standby(port: port.name) {
          lines.append("standby \(port.name) \(standby.socket)")
        }
        if let rules = try? await dataplane.ruleStatus(port: port.name) {
          lines.append("rules \(port.name) \(rules.rules)")
        }
        if let states = port.states {
          lines.append("states \(port.name) \(states.discarding.ranges) \(states.learning.ranges)")
        }
        let frame = FrameBuilder(to: FrameBuilder.broadcast, from: port.address?.bytes ?? FrameBuilder.station(8))
          .plain(size: 60)
        guard let trace = try? await dataplane.trace(port: port.name, frame: frame) else { continue }
        lines += trace.steps.map { "\(port.name): \($0.text)" }
      }
      lines += await dataplane.fdb(switchName: nil).map { "entry \($0.switchName) \($0.vlan) \($0.address) \($0.port)" }
      lines += capture.interfaces.map { "captured \($0.name) \($0.isEnded)" }
      lines.append("punted \(punt.ports), \(punt.end == nil)")
      lines.append("captures \(await dataplane.runningCaptures().count), \(capture.end == nil)")
      return lines.sorted()
    }

    func stop() async { await dataplane.stop() }
  }

  private static let slow: Impairment = {
    var impairment = Impairment()
    impairment.delay = 5_000_000
    return impairment
  }()

  private static func change(_ name: String, aging: Double) -> Operation<Plane> {
    Operation("change switch \(name)") { plane in
      var configuration = SwitchConfiguration(name: name)
      configuration.aging = aging
      try await plane.dataplane.changeSwitch(configuration)
    }
  }

  private static let locked = PortRules(
    macLock: FrameBuilder.address(1), isIsolated: true, broadcastStorm: 1000, rateFromNode: 1_000_000_000)
  private static let listed = PortRules(
    access: AccessList(name: "web", isStateful: true, toNode: [AccessRule(.allow, .tcp, ports: [80...80])]),
    learnLimit: 4)

  /// What ports of other kinds, machines that move, and rules bring.
  private static let later: [Operation<Plane>] = [
    Operation("MTU of a") { try await $0.dataplane.setMTU(port: "a", 1400) },
    Operation("MTU of p") { try await $0.dataplane.setMTU(port: "p", 9000) },
    Operation("hold a") { try await $0.dataplane.holdFrames(ports: ["a"]) },
    Operation("release a") { try await $0.dataplane.releaseFrames(ports: ["a"]) },
    Operation("room for frames of a") { try await $0.dataplane.setMigrationBuffer(port: "a", 1 << 20) },
    Operation("station behind b") {
      try await $0.dataplane.addStation(FrameBuilder.address(5), vlan: 1, behind: "b", on: "sw")
    },
    Operation("that station no more") {
      _ = try await $0.dataplane.removeStation(FrameBuilder.address(5), vlan: 1, on: "sw")
    },
    Operation("filter of the capture") { try await $0.dataplane.changeFilter(of: $0.capture, to: nil) },
    Operation("add a stream") { try await $0.add("n") { .stream(SocketPeer(stream: "\($0).sock")) } },
    Operation("add datagrams") {
      try await $0.add("d") { .dgram(SocketPeer(datagrams: "\($0).sock", peerPath: "\($0).peer")) }
    },
    Operation("rules of a") { try await $0.dataplane.setRules(port: "a", locked) },
    Operation("other rules of a") { try await $0.dataplane.setRules(port: "a", listed) },
    Operation("no rules of a") { try await $0.dataplane.setRules(port: "a", PortRules()) },
    Operation("rules of p") { try await $0.dataplane.setRules(port: "p", locked) },
    Operation("p to another front-end") { try await $0.switchOver("p") },
    Operation("save") { _ = await $0.dataplane.save() },
    Operation("hand over in vain") { try await $0.handOverInVain() },
  ]

  private static let earlier: [Operation<Plane>] = [
    Operation("add n") { try await $0.add("n", .access(vlan: 1)) },
    Operation("add n in VLAN 20") { try await $0.add("n", .access(vlan: 20)) },
    Operation("remove n") { try await $0.dataplane.removePort("n") },
    Operation("remove p") { try await $0.dataplane.removePort("p") },
    Operation("remove b") { try await $0.dataplane.removePort("b") },
    Operation("remove w1") { try await $0.dataplane.removePort("w1") },
    Operation("a into VLAN 20") { try await $0.dataplane.setMode(port: "a", .access(vlan: 20)) },
    Operation("p into VLAN 20") { try await $0.dataplane.setMode(port: "p", .access(vlan: 20)) },
    Operation("impair a") { try await $0.dataplane.setImpairment(port: "a", fromNode: slow, toNode: nil) },
    Operation("impair p") { try await $0.dataplane.setImpairment(port: "p", fromNode: nil, toNode: slow) },
    Operation("a as it was") { try await $0.dataplane.setImpairment(port: "a", fromNode: nil, toNode: nil) },
    Operation("carrier of b down") { try await $0.dataplane.setCarrier(port: "b", up: false) },
    Operation("carrier of a up") { try await $0.dataplane.setCarrier(port: "a", up: true) },
    Operation("add switch s2") { try await $0.dataplane.addSwitch(SwitchConfiguration(name: "s2")) },
    Operation("remove switch s2") { try await $0.dataplane.removeSwitch("s2") },
    Operation("remove switch empty") { try await $0.dataplane.removeSwitch("empty") },
    change("sw", aging: 60),
    Operation("trunk t") {
      try await $0.dataplane.addPatch(
        name: "t", between: "sw", and: "empty", mode: .trunk(allowed: VLANSet([1...20]), native: nil))
    },
    Operation("remove an end of t") { try await $0.dataplane.removePort("empty:t") },
    Operation("wire w1, w2") { try await $0.dataplane.connectWire("w1", "w2") },
    Operation("flush") { await $0.dataplane.flushFDB(switchName: nil, port: nil, vlan: nil) },
    Operation("flush b") { await $0.dataplane.flushFDB(switchName: nil, port: "b", vlan: nil) },
    Operation("capture b") { _ = try await $0.dataplane.startCapture(ports: ["b"]) },
    Operation("capture b too") { _ = try await $0.dataplane.addPort("b", to: $0.capture) },
    Operation("capture p no more") { try await $0.dataplane.removePort("p", from: $0.capture) },
    Operation("a discards") { try await $0.dataplane.setForwarding(port: "a", vlans: VLANSet([1...1]), .discarding) },
    Operation("a and more learn") {
      try await $0.dataplane.setForwarding(port: "a", vlans: VLANSet([1...20]), .learning)
    },
    Operation("b forwards not") { try await $0.dataplane.setForwarding(port: "b", vlans: .all, .discarding) },
    Operation("a forwards") { try await $0.dataplane.setForwarding(port: "a", vlans: .all, .forwarding) },
    Operation("send out of b") { try await $0.dataplane.send(outOf: "b", frames: [frame(5)], vlan: 1) },
    Operation("punt") { _ = try await $0.dataplane.punt(from: ["sw", "empty"], matching: nil, ringSize: 1 << 18) },
    Operation("end the punt") { await $0.dataplane.stopPunt($0.punt) },
    Operation("end the capture") { await $0.dataplane.stopCapture($0.capture) },
  ]

  private static let operations = earlier + later

  @Test(.timeLimit(.minutes(5))) func everyPairAtOnceEndsAsOneAfterTheOther() async throws {
    let check = PairCheck<Plane, [String]>(Self.operations, rounds: 2, comparesOutcomes: true) { body in
      let plane = try await Plane()
      do {
        let end = try await body(plane)
        await plane.stop()
        return end
      } catch {
        await plane.stop()
        throw error
      }
    } state: {
      await $0.state()
    }
    let failures = try await check.run()
    #expect(failures.isEmpty, "\(failures.count) pairs:\n\(failures.joined(separator: "\n"))")
  }
}
