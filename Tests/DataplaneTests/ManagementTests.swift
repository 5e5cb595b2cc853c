import Dataplane
import GuestKit
import LinuxHost
import TestSupport
import Testing
import VhostUser

/// The facade: names, limits, numbers given again, events, the end.
@Suite struct ManagementTests {
  @Test func mistakesAreNamed() async throws {
    try await Bench.with { bench in
      try await bench.addSwitch()
      try await bench.addPort("a", .access(vlan: 1))
      await #expect(throws: DataplaneError.nameTaken("sw")) { try await bench.addSwitch() }
      await #expect(throws: DataplaneError.nameTaken("a")) { try await bench.addPort("a", .access(vlan: 1)) }
      await #expect(throws: DataplaneError.unknownSwitch("other")) {
        try await bench.addPort("b", .access(vlan: 1), on: "other")
      }
      await #expect(throws: DataplaneError.unknownPort("b")) { try await bench.dataplane.removePort("b") }
      await #expect(throws: DataplaneError.self) { try await bench.dataplane.removeSwitch("sw") }
      await #expect(throws: DataplaneError.self) { try await bench.dataplane.setMode(port: "a", .wire) }
      await #expect(throws: DataplaneError.self) { try await bench.dataplane.connectWire("a", "a") }
      for pairs in [0, 17] {
        await #expect(throws: DataplaneError.self) { try await bench.addPort("b", .access(vlan: 1), pairs: pairs) }
      }
      for mtu in [67, 65_522] {
        await #expect(throws: DataplaneError.self) { try await bench.addPort("b", .access(vlan: 1), mtu: mtu) }
      }
      #expect(await bench.dataplane.ports().map(\.name) == ["a"])
      try await bench.dataplane.removePort("a")
      try await bench.dataplane.removeSwitch("sw")
      #expect(await bench.dataplane.switches().isEmpty)
    }
  }

  @Test func aSocketThatIsTakenIsNamedAndLeftAlone() async throws {
    try await Bench.with { bench in
      try await bench.addSwitch()
      let listener = try UnixSocket.listen(path: bench.path("a"), mode: 0o600, owner: nil)
      let error = await #expect(throws: DataplaneError.self) { try await bench.addPort("a", .access(vlan: 1)) }
      guard case .host(let text) = error else { throw GuestKitError.violation("\(String(describing: error))") }
      #expect(text.contains("port a") && text.contains("EADDRINUSE") && text.contains(bench.path("a")), "\(text)")
      #expect(await bench.dataplane.ports().isEmpty)
      #expect(throws: Never.self) { try UnixSocket.connect(path: bench.path("a")) }
      withExtendedLifetime(listener) {}
    }
  }

  /// Numbers of removed ports are given again; what was learnt of the old port must not lead to the new one.
  @Test func portsComeAndGo() async throws {
    try await Bench.with { bench in
      try await bench.addSwitch()
      try await bench.addGuest("stays", .access(vlan: 1))
      for turn in 0..<20 {
        try await bench.addGuest("p", .access(vlan: 1))
        let frame = FrameBuilder(to: FrameBuilder.station(9), from: FrameBuilder.station(2)).plain(size: 60, seed: turn)
        try bench.expect(frame, from: "p", reaches: ["stays": frame])
        let answer = FrameBuilder(to: FrameBuilder.station(2), from: FrameBuilder.station(1)).plain(size: 60)
        try bench.expect(answer, from: "stays", reaches: ["p": answer])
        bench.dropGuest("p")
        try await bench.dataplane.removePort("p")
        #expect(throws: SystemError.self) { try UnixSocket.connect(path: bench.path("p")) }
        try bench.expect(answer, from: "stays", reaches: [:])
      }
    }
  }

  /// More ports than there was room for in the beginning, on switches made before.
  @Test func aHundredPortsShareASwitch() async throws {
    try await Bench.with { bench in
      try await bench.addSwitch()
      for number in 0..<100 {
        try await bench.addGuest("p\(number)", .access(vlan: 1)) {
          $0.ringSize = 16
          $0.memorySize = 1 << 18
          $0.transmitSize = 256
          $0.receiveLayout = [256]
        }
      }
      let frame = FrameBuilder(to: FrameBuilder.broadcast, from: FrameBuilder.station(1)).plain(size: 60)
      #expect(try bench.exchange(frame, from: "p50").count == 99)
      for number in [0, 63, 64, 65, 99] {
        try bench.exchange(
          FrameBuilder(to: FrameBuilder.broadcast, from: FrameBuilder.station(100 + number)).plain(size: 60),
          from: "p\(number)")
        let answer = FrameBuilder(to: FrameBuilder.station(100 + number), from: FrameBuilder.station(1)).plain(size: 60)
        try bench.expect(answer, from: "p50", reaches: ["p\(number)": answer])
      }
    }
  }

  @Test func eventsTellOfCarriersAndFaults() async throws {
    try await Bench.with { bench in
      let events = bench.dataplane.events.subscribe()
      try await bench.addSwitch()
      let guest = try await bench.addGuest("a", .access(vlan: 1))
      guest.transmitRing().split.offer(999)
      guest.transmitRing().publish()
      guest.transmitRing().kick()
      _ = try await bench.fault("a")
      var told: [String] = []
      for await case .element(let event) in events {
        switch event {
        case .portUp(let port): told.append("up \(port)")
        case .portDown(let port): told.append("down \(port)")
        case .portFault(let port, let reason): told.append("fault \(port) \(reason)")
        case .portRefusal(let port, let reason): told.append("refusal \(port) \(reason)")
        case .portAdvice(let port, let text): told.append("advice \(port) \(text)")
        case .carrierChangesLost(let port, let count): told.append("lost \(port) \(count)")
        case .stations(let news): told.append("\(news)")
        case .workerAdvice(let worker, let text): told.append("advice \(worker) \(text)")
        }
        if told.count == 3 { break }
      }
      #expect(told == ["up a", "fault a ring 1: available ring names descriptor 999 of 64", "down a"])
    }
  }

  @Test func afterTheEndNothingIsLeft() async throws {
    var path = ""
    var memory: SharedMemory?
    try await Bench.with { bench in
      let (a, _) = try await bench.addWire()
      path = bench.path("a")
      memory = a.memory
    }
    #expect(throws: SystemError.self) { try UnixSocket.connect(path: path) }
    let file = try #require(memory).descriptors[0]
    #expect(await eventually { openCopies(of: file) == 1 && mappings(of: file.raw) == 1 })
  }

  @Test(arguments: PollPolicy.allCases)
  func endsAtOnceHoweverItWaits(poll: PollPolicy) async throws {
    for _ in 0..<20 {
      try await Bench.with(poll: poll) { bench in
        try await bench.addSwitch()
        #expect(await bench.dataplane.ports().isEmpty)
      }
    }
  }
}
