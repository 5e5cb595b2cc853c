import GuestKit
import LinuxHost
import Synchronization
import Testing
import TestSupport

@testable import Dataplane

/// Adding a vhost-user port waits for no thread, and what is asked of the port at once finds it all the same.
@Suite(.timeLimit(.minutes(2))) struct AddedPortsTests {
  /// Keeps worker and reactor from everything as long as `body` runs.
  private func withThreadsHeld<T>(_ plane: Dataplane, _ body: () async throws -> T) async rethrows -> T {
    let hold = Hold()
    defer { hold.end() }
    await plane.worker.commands.submit { _ in hold.wait() }
    await plane.reactor.commands.submit { _ in hold.wait() }
    let result = try await body()
    #expect(!hold.wasWaitedFor, "the threads were waited for")
    return result
  }

  /// What is wrong with worker's and reactor's idea of all ports.
  private func dead(_ plane: Dataplane) async -> [String] {
    let records = await plane.records
    let slots = await plane.worker.run { core in records.map { core.state.ports[$0.index].block === $0.block } }
    let names = await plane.reactor.run { state in records.map { state.endpoints[$0.index]?.name } }
    return records.indices.filter { !slots[$0] || names[$0] != records[$0].name }.map { records[$0].name }
  }

  @Test func portsAreAddedWhileWorkerAndReactorAreBusy() async throws {
    try await Bench.with { bench in
      try await bench.addSwitch()
      let (plane, names) = (bench.dataplane, (0..<40).map { "p\($0)" })
      let early = try await withThreadsHeld(plane) {
        for name in names { try await bench.addPort(name, .access(vlan: 1)) }
        #expect(await plane.records.map(\.name) == names)
        // What cannot be is told at once, too, and leaves nothing.
        await #expect(throws: DataplaneError.nameTaken("p7")) { try await bench.addPort("p7", .access(vlan: 1)) }
        let other = try UnixSocket.listen(path: bench.path("other"), mode: 0o600, owner: nil)
        await #expect(throws: DataplaneError.self) { try await bench.addPort("other", .access(vlan: 1)) }
        withExtendedLifetime(other) {}
        #expect(await plane.records.map(\.name) == names)
        // Front-ends may come.
        return try names.map { try UnixSocket.connect(path: bench.path($0)) }
      }
      #expect(await dead(plane).isEmpty)
      #expect(await plane.ports().map(\.name) == names)
      #expect(await eventually { await plane.ports().allSatisfy { $0.vhostUser?.isConnected == true } })
      withExtendedLifetime(early) {}
    }
  }

  /// Each call comes to the threads behind the one that has added the port, whoever else calls meanwhile.
  @Test func whatFollowsAtOnceFindsThePort() async throws {
    try await Bench.with { bench in
      try await bench.addSwitch()
      let plane = bench.dataplane
      for round in 0..<50 {
        let (a, b, c) = ("a\(round)", "b\(round)", "c\(round)")
        for name in [a, b] { try await bench.addPort(name, .wire, mtu: 1500) }
        async let joined: Void = plane.connectWire(a, b)
        try await bench.addPort(c, .access(vlan: 1))
        async let changed: Void = plane.setMode(port: c, .access(vlan: 9))
        async let down: Void = plane.setCarrier(port: c, up: false)
        _ = try await (joined, changed, down)
        #expect(await dead(plane).isEmpty)
        let (left, right, third) = (
          try await plane.record(a).index, try await plane.record(b).index, try await plane.record(c).index
        )
        let seen = await plane.worker.run { core in
          (
            core.state.ports[left].peer, core.state.ports[right].peer, core.state.ports[third].untaggedVLAN,
            core.state.ports[third].isWanted
          )
        }
        #expect(seen == (right, left, 9, false))
        #expect(await plane.reactor.run { $0.endpoints[third]?.isAdmitting } == false)
        try await bench.addPort("d\(round)", .access(vlan: 1))
        for name in [a, b, c, "d\(round)"] { try await plane.removePort(name) }
        #expect(await plane.reactor.run { $0.endpoints.count } == 0)
        #expect(throws: SystemError.self) { try UnixSocket.connect(path: bench.path("d\(round)")) }
      }
    }
  }

  /// Whatever is asked first of a port that worker and reactor have yet to take in.
  @Test func everyCallFindsAPortThatTheThreadsHaveYetToTakeIn() async throws {
    try await Bench.with { bench in
      try await bench.addSwitch()
      let plane = bench.dataplane
      let vlan = VLANSet([9...9])
      try await withThrowingTaskGroup(of: Void.self) { group in
        try await withThreadsHeld(plane) {
          try await bench.addPort("p", .access(vlan: 9))
          #expect(try await plane.restoreEntries(Self.station(at: "p", vlan: 9)) == 1)
          let calls: [@Sendable () async throws -> Void] = [
            { _ = try await plane.startCapture(ports: ["p"]) },
            { _ = try await plane.punt(from: ["sw"], matching: nil, ringSize: 1 << 18) },
            { try await plane.setImpairment(port: "p", fromNode: .with { $0.delay = 1 }, toNode: nil) },
            { try await plane.setForwarding(port: "p", vlans: vlan, .learning) },
            { try await plane.send(outOf: "p", frames: [frame(1)], vlan: 9) },
            { #expect(await plane.ports().map(\.name) == ["p"]) },
          ]
          let begun = calls.map { _ in Flag() }
          for (call, hasBegun) in zip(calls, begun) {
            group.addTask {
              hasBegun.set()
              try await call()
            }
          }
          #expect(await eventually { begun.allSatisfy(\.isSet) })
          // Behind them.
          _ = await plane.records
        }
        try await group.waitForAll()
      }
      let record = try await plane.record("p")
      let port = record.index
      let (taps, isImpaired, state) = await plane.worker.run { core in
        (core.state.ports[port].taps, core.state.ports[port].ingressLine >= 0, core.state.ports[port].states.state(9))
      }
      #expect(taps.nonzeroBitCount == 2 && isImpaired && state == .learning)
      #expect(record.block.egressDrops == ["carrier-down": 1])
      #expect(await plane.fdb(switchName: "sw").map(\.port) == ["p"])
      try await plane.removePort("p")
      #expect(await plane.fdb(switchName: "sw").isEmpty)
    }
  }

  /// A switch that knows one station for good.
  private static func station(at port: String, vlan: Int) -> SwitchSnapshot {
    let entry = SwitchSnapshot.Entry(
      vlan: vlan, address: FrameBuilder.address(5), port: port, origin: .fixed, age: 0)
    return SwitchSnapshot(SwitchConfiguration(name: "sw"), [entry])
  }

  /// Its caller hears of the change when the port has gone and another one has its number.
  @Test func aChangeOfModeForgetsNoStationsOfTheNextPortWithTheNumber() async throws {
    try await Bench.with { bench in
      try await bench.addSwitch()
      try await bench.addPort("p", .access(vlan: 1))
      let (plane, commands, hold) = (bench.dataplane, await bench.dataplane.worker.commands, Hold())
      commands.submit { _ in hold.wait() }
      #expect(await eventually { !commands.isWaiting })
      let change = Task(priority: .background) { try await plane.setMode(port: "p", .access(vlan: 2)) }
      #expect(await eventually { commands.isWaiting })
      let next = PortConfiguration(
        name: "q", switchName: "sw", mode: .access(vlan: 1), address: FrameBuilder.address(1),
        backend: .vhostUser(VhostUserSocket(path: bench.path("q"))))
      let replacement = Task(priority: .high) {
        try await plane.replace("p", by: next, knowing: Self.station(at: "q", vlan: 1))
      }
      #expect(await eventually { await plane.records.isEmpty })
      await plane.reactor.run { _ in }
      await plane.block {
        // Both are done on the worker before either caller goes on: then the one of higher priority does.
        hold.end()
        let isDone = Mutex(false)
        commands.submit { _ in isDone.withLock { $0 = true } }
        while !isDone.withLock({ $0 }) { HostClock.pause(microseconds: 100) }
      }
      #expect(try await replacement.value == (0, 1))
      try await change.value
      #expect(await plane.fdb(switchName: "sw").map(\.port) == ["q"])
    }
  }

  /// The reactor has yet to let go of the former one when the next one opens its socket.
  @Test func aPortMayHaveTheSocketOfOneThatGoes() async throws {
    try await Bench.with { bench in
      try await bench.addSwitch()
      let plane = bench.dataplane
      for round in 0..<200 {
        try await bench.addPort("p", .access(vlan: 1))
        async let gone: Void = plane.removePort("p")
        while true {
          do {
            try await bench.addPort("p", .access(vlan: 1))
            break
          } catch DataplaneError.nameTaken {
            // The removal has not begun.
          }
        }
        try await gone
        let frontEnd = try UnixSocket.connect(path: bench.path("p"))
        if round % 20 == 0 {
          #expect(await eventually { await plane.ports().map { $0.vhostUser?.isConnected } == [true] })
        }
        withExtendedLifetime(frontEnd) {}
        try await plane.removePort("p")
        #expect(throws: SystemError.self) { try UnixSocket.connect(path: bench.path("p")) }
      }
    }
  }

  /// A number beyond the worker's slots would be a trap where the worker meets it in a switch's table.
  @Test func aPortIsNotThereBeforeTheWorkerHasASlotForIt() async throws {
    try await Bench.with { bench in
      try await bench.addSwitch()
      let (plane, room) = (bench.dataplane, PortSet.initialCapacity)
      let last = "p\(room)"
      try await withThrowingTaskGroup(of: Void.self) { group in
        try await withThreadsHeld(plane) {
          for number in 0..<room { try await bench.addPort("p\(number)", .access(vlan: 1)) }
          let port = PortConfiguration(
            name: last, switchName: "sw", mode: .access(vlan: 1), address: FrameBuilder.address(1),
            backend: .vhostUser(VhostUserSocket(path: bench.path(last))))
          group.addTask { try await plane.addPort(port) }
          // It has its number in the step in which it would be there, did it not wait.
          #expect(await eventually { await plane.name(of: room) == last })
          #expect(await plane.records.count == room)
        }
        try await group.waitForAll()
      }
      #expect(await plane.records.last?.name == last)
      #expect(await dead(plane).isEmpty)
      // Few wait: there is room for many after one.
      let slots = await plane.worker.run { $0.state.ports.capacity }
      #expect(slots >= 2 * room)
      try await withThreadsHeld(plane) {
        for number in room + 1..<slots { try await bench.addPort("p\(number)", .access(vlan: 1)) }
      }
      #expect(await dead(plane).isEmpty)
    }
  }
}

extension Dataplane {
  /// The name of whatever has a port number, coming and going ports too.
  fileprivate func name(of number: Int) -> String? { portTable.name(of: number) }

  /// Keeps the actor from everything else as long as `body` runs.
  fileprivate func block(_ body: @Sendable () -> Void) { body() }

  /// Replaces a port by one that knows a station at once; returns its number, and how many it knows.
  fileprivate func replace(
    _ name: String, by port: PortConfiguration, knowing snapshot: SwitchSnapshot
  ) async throws -> (Int, Int) {
    try await removePort(name)
    try await addPort(port)
    return (try record(port.name).index, try restoreEntries(snapshot))
  }
}
