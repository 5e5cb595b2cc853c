import GuestKit
import LinuxHost
import TestSupport
import Testing

@testable import Dataplane

/// Calls of `Dataplane` that overlap: what comes out is what one after the other would give.
@Suite struct OverlappingCallsTests {
  private func configuration(_ name: String, _ bench: Bench, mtu: Int = 1500) -> PortConfiguration {
    var port = PortConfiguration(
      name: name, switchName: "sw", mode: .access(vlan: 1), address: FrameBuilder.address(1),
      backend: .vhostUser(VhostUserSocket(path: bench.path(name))))
    port.mtu = mtu
    return port
  }

  /// What is wrong with the worker's idea of all ports; a port whose slot somebody else has cleared is dead.
  private func dead(_ plane: Dataplane) async -> [String] {
    let records = await plane.records
    return await plane.worker.run { core in
      records.filter { core.state.ports[$0.index].block !== $0.block }.map(\.name)
    }
  }

  /// A number is not free before the worker has let go of it.
  @Test func aPortThatComesWhileAnotherGoesIsAlive() async throws {
    try await Bench.with { bench in
      try await bench.addSwitch()
      let plane = bench.dataplane
      for round in 0..<200 {
        try await plane.addPort(configuration("a\(round)", bench))
        let next = configuration("b\(round)", bench)
        async let gone: Void = plane.removePort("a\(round)")
        async let come: Void = plane.addPort(next)
        _ = try await (gone, come)
        // A slot that was cleared has the largest MTU.
        #expect(await plane.ports().map(\.name) == ["b\(round)"])
        #expect(await plane.ports().map(\.mtu) == [1500])
        try await plane.removePort("b\(round)")
      }
    }
  }

  @Test func wiresThatComeWhileOthersGoAreJoined() async throws {
    try await Bench.with { bench in
      let plane = bench.dataplane
      for round in 0..<50 {
        let (a, b, c, d) = ("a\(round)", "b\(round)", "c\(round)", "d\(round)")
        for name in [a, b] { try await bench.addPort(name, .wire, mtu: 1500) }
        var (left, right) = (configuration(c, bench), configuration(d, bench))
        (left.switchName, left.mode) = (nil, .wire)
        (right.switchName, right.mode) = (nil, .wire)
        let ends = (left, right)
        try await plane.connectWire(a, b)
        async let first: Void = plane.removePort(a)
        async let second: Void = plane.removePort(b)
        async let third: Void = plane.addPort(ends.0)
        async let fourth: Void = plane.addPort(ends.1)
        _ = try await (first, second, third, fourth)
        try await plane.connectWire(c, d)
        let peers = await plane.worker.run { core in
          (0..<core.state.ports.limit).filter { core.state.ports[$0].kind != .none }.map {
            core.state.ports[core.state.ports[$0].peer].peer == $0
          }
        }
        #expect(peers == [true, true])
        #expect(await dead(plane).isEmpty)
        for name in [c, d] { try await plane.removePort(name) }
      }
    }
  }

  /// An end that is free since the other one goes can be joined anew, and stays so.
  @Test func aWireThatIsMadeWhileAnEndGoesStays() async throws {
    try await Bench.with { bench in
      let plane = bench.dataplane
      for round in 0..<100 {
        let (a, b, c) = ("a\(round)", "b\(round)", "c\(round)")
        for name in [a, b, c] { try await bench.addPort(name, .wire) }
        try await plane.connectWire(a, b)
        async let gone: Void = plane.removePort(a)
        // Refused as long as the removal has not begun.
        while (try? await plane.connectWire(b, c)) == nil {}
        try await gone
        let (left, right) = (try await plane.record(b).index, try await plane.record(c).index)
        let joined = await plane.worker.run { core in (core.state.ports[left].peer, core.state.ports[right].peer) }
        #expect(joined == (right, left))
        for name in [b, c] { try await plane.removePort(name) }
      }
    }
  }

  /// The worker's last word of a port may come while the reactor is told of the next one with its number.
  @Test func whatWasSaidOfAPortIsNotTakenForTheNextOne() async throws {
    try await Bench.with { bench in
      let plane = bench.dataplane
      let events = plane.events.subscribe()
      let faults = await plane.reactor.faults
      await plane.reactor.run { state in
        faults.report(port: 7, isUp: false)
        state.name(7, "next")
        faults.report(port: 7, isUp: true)
      }
      await plane.reactor.settle()
      await plane.stop()
      var told: [DataplaneEvent] = []
      for await case .element(let event) in events { told.append(event) }
      #expect(told.map { "\($0)" } == ["portUp(port: \"next\")"])
    }
  }

  /// Of two calls that want the same only one gets it, and the other is told.
  @Test func whatIsWantedTwiceIsGivenOnce() async throws {
    try await Bench.with { bench in
      let plane = bench.dataplane
      for round in 0..<50 {
        let name = "sw\(round)"
        #expect(await outcomes { try await bench.addSwitch(name) } == 1)
        #expect(await outcomes { try await bench.addPort("p", .access(vlan: 1), on: name) } == 1)
        #expect(await plane.ports().count == 1)
        try await bench.addSwitch("far")
        #expect(
          await outcomes {
            try await plane.addPatch(
              name: "t", between: name, and: "far", mode: .trunk(allowed: VLANSet([1...1]), native: nil))
          } == 1)
        #expect(await plane.ports().map(\.name) == ["p", "\(name):t", "far:t"])
        for port in ["p", "\(name):t", "far:t"] {
          #expect(await outcomes { try await plane.removePort(port) } == 1)
        }
        for item in [name, "far"] { #expect(await outcomes { try await plane.removeSwitch(item) } == 1) }
        #expect(await plane.switches().isEmpty)
        for port in ["a", "b"] { try await bench.addPort(port, .wire) }
        #expect(await outcomes { try await plane.connectWire("a", "b") } == 1)
        for port in ["a", "b"] { try await plane.removePort(port) }
      }
    }
  }

  /// How many of four calls at once succeed.
  private func outcomes(_ body: @escaping () async throws -> Void) async -> Int {
    nonisolated(unsafe) let body = body
    return await withTaskGroup(of: Bool.self) { group in
      for _ in 0..<4 { group.addTask { (try? await body()) != nil } }
      return await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
    }
  }

  /// Either the port is on its switch, or the switch is gone and the port was refused.
  @Test func aSwitchDoesNotGoWhileAPortOfItComes() async throws {
    try await Bench.with { bench in
      let plane = bench.dataplane
      for round in 0..<100 {
        try await bench.addSwitch("sw")
        let port = configuration("p\(round)", bench)
        async let come = try? await plane.addPort(port)
        async let gone = try? await plane.removeSwitch("sw")
        let (isThere, isGone) = (await come != nil, await gone != nil)
        #expect(isThere != isGone)
        guard isThere else { continue }
        #expect(await dead(plane).isEmpty)
        async let going: Void = plane.removePort("p\(round)")
        let early: Void? = try? await plane.removeSwitch("sw")
        try await going
        if early == nil { try await plane.removeSwitch("sw") }
      }
    }
  }

  /// Worker and table have the same mode after many changes at once, and worker and reactor the same carrier.
  @Test func theLastOfManyChangesIsTheLastForAll() async throws {
    try await Bench.with { bench in
      try await bench.addSwitch()
      let plane = bench.dataplane
      try await bench.addPort("p", .access(vlan: 1))
      for _ in 0..<50 {
        await withTaskGroup(of: Void.self) { group in
          for vlan in 1...8 {
            group.addTask { try? await plane.setMode(port: "p", .access(vlan: UInt16(vlan))) }
            group.addTask { try? await plane.setCarrier(port: "p", up: vlan % 2 == 0) }
          }
        }
        let record = try await plane.record("p")
        let (vlan, isWanted) = await plane.worker.run { core in
          (core.state.ports[record.index].untaggedVLAN, core.state.ports[record.index].isWanted)
        }
        #expect(record.mode == .access(vlan: vlan))
        let isAdmitting = await plane.reactor.run { $0.endpoints[record.index]?.isAdmitting }
        #expect(isAdmitting == isWanted)
      }
    }
  }

  /// Listings beside ports that come and go: each port is either there, as it was made, or not.
  @Test func listingsSeeOnlyWholePorts() async throws {
    try await Bench.with { bench in
      try await bench.addSwitch()
      let plane = bench.dataplane
      // More than the worker has room for at the start.
      let ports = (0..<80).map { configuration("p\($0)", bench) }
      async let changes: Void = {
        for _ in 0..<3 {
          for port in ports { try await plane.addPort(port) }
          for port in ports { try await plane.removePort(port.name) }
        }
      }()
      for _ in 0..<300 {
        let seen = await plane.ports()
        #expect(seen.allSatisfy { $0.mtu == 1500 && $0.vhostUser?.socket.hasSuffix("/\($0.name).sock") == true })
      }
      try await changes
    }
  }

  /// An interface that another process holds is waited for, and nobody waits with it.
  @Test func nobodyWaitsForATAPThatIsHeld() async throws {
    let namespace = try TestNamespace()
    try await Bench.with { bench in
      try await bench.addSwitch()
      let plane = bench.dataplane
      var holder: Descriptor? = try TAPDevice.open(TAPRequest(name: "tap0", namespace: namespace.name)).descriptor
      var interface = TAPInterface(name: "tap0")
      interface.namespace = namespace.name
      let port = PortConfiguration(
        name: "tap", switchName: "sw", mode: .access(vlan: 1), address: FrameBuilder.address(1),
        backend: .tap(interface))
      async let added: Void = plane.addPort(port)
      let clock = ContinuousClock()
      let start = clock.now
      // Were the data plane held, its answer would come when the wait has failed.
      while clock.now - start < .milliseconds(20) { #expect(await plane.ports().isEmpty) }
      withExtendedLifetime(holder) {}
      holder = nil
      try await added
      #expect(await plane.ports().map(\.name) == ["tap"])
    }
  }

  @Test func aTAPThatComesWhileAnotherOfItsNamespaceGoesIsHeardOf() async throws {
    let namespace = try TestNamespace()
    try await Bench.with { bench in
      try await bench.addSwitch()
      let plane = bench.dataplane
      func tap(_ name: String) -> PortConfiguration {
        var interface = TAPInterface(name: name)
        interface.namespace = namespace.name
        return PortConfiguration(
          name: name, switchName: "sw", mode: .access(vlan: 1), address: FrameBuilder.address(1),
          backend: .tap(interface))
      }
      for round in 0..<20 {
        let (a, b) = ("a\(round)", "b\(round)")
        try await plane.addPort(tap(a))
        async let gone: Void = plane.removePort(a)
        async let come: Void = plane.addPort(tap(b))
        _ = try await (gone, come)
        try Netlink.configure(link: b, namespace: namespace.name, mtu: nil, address: nil, up: true)
        #expect(try await eventually { try await bench.status(b).carrier })
        try await plane.removePort(b)
        for name in [a, b] { try TAPDevice.remove(name: name, namespace: namespace.name) }
      }
    }
  }
}
