import Dataplane
import GuestKit
import Testing

/// Trunks between switches of one lab: a frame crosses them all in one breath.
@Suite struct TrunkTests {
  private func frame(_ source: Int, to destination: Int?, _ tag: FrameBuilder.Tag? = nil) -> [UInt8] {
    GuestKit.frame(source, to: destination, tags: tag.map { [$0] } ?? [], size: tag == nil ? 60 : 64)
  }

  /// Switches s1...sN, trunks t1...tN-1 between neighbours, one access port `aN.10` and `aN.20` a switch.
  private func chain(
    of count: Int, _ mode: PortMode = .trunk(allowed: .all, native: nil), ports: Bool = true,
    _ body: (Bench) async throws -> Void
  ) async throws {
    try await Bench.with { bench in
      for number in 1...count { try await bench.addSwitch("s\(number)") }
      for number in 1..<count {
        try await bench.dataplane.addPatch(
          name: "t\(number)", between: "s\(number)", and: "s\(number + 1)", mode: mode)
      }
      for number in 1...count where ports {
        for vlan in [10, 20] as [UInt16] {
          try await bench.addGuest("a\(number).\(vlan)", .access(vlan: vlan), on: "s\(number)") { $0.ringSize = 32 }
        }
      }
      try await body(bench)
    }
  }

  @Test(arguments: 2...5)
  func framesCrossAChainOfSwitches(count: Int) async throws {
    try await chain(of: count) { bench in
      let everybody = frame(1, to: nil)
      var all: [String: [UInt8]] = [:]
      for number in 2...count { all["a\(number).10"] = everybody }
      try bench.expect(everybody, from: "a1.10", reaches: all)
      for number in 1...count {
        let port = number == 1 ? "a1.10" : "s\(number):t\(number - 1)"
        #expect(await bench.stations("s\(number)") == [Station(10, 1): port])
      }
      let answer = frame(2, to: 1)
      try bench.expect(answer, from: "a\(count).10", reaches: ["a1.10": answer])
      try bench.expect(frame(1, to: 2), from: "a1.10", reaches: ["a\(count).10": frame(1, to: 2)])
      for number in 1..<count {
        let near = try await bench.status("s\(number):t\(number)")
        let far = try await bench.status("s\(number + 1):t\(number)")
        #expect([near.transmitPackets, near.receivePackets] == [2, 1])
        #expect([far.transmitPackets, far.receivePackets] == [1, 2])
        #expect(near.peer == far.name && far.peer == near.name)
        #expect(near.kind == .patch && near.carrier)
        #expect(near.dropsIn.isEmpty && near.dropsOut.isEmpty && far.dropsIn.isEmpty && far.dropsOut.isEmpty)
      }
    }
  }

  @Test func trunksKeepVLANsApartAndPrioritiesAlive() async throws {
    try await chain(of: 3, .trunk(allowed: VLANSet([10...10]), native: nil)) { bench in
      try await bench.addGuest("trunk", .trunk(allowed: .all, native: nil), on: "s3")
      let tagged = frame(1, to: nil, .init(10, priority: 5))
      try bench.expect(
        tagged, from: "a1.10", reaches: ["a2.10": frame(1, to: nil), "a3.10": frame(1, to: nil), "trunk": tagged])
      // VLAN 20 stays on its switch.
      try bench.expect(frame(1, to: nil), from: "a1.20", reaches: [:])
      try bench.expect(
        frame(2, to: nil, .init(20)), from: "trunk", reaches: ["a3.20": frame(2, to: nil)])
      try bench.expect(frame(3, to: nil, .init(30)), from: "trunk", reaches: [:])
      #expect(await bench.stations("s2") == [Station(10, 1): "s2:t1"])
    }
  }

  @Test func aNativeVLANCrossesUntagged() async throws {
    try await Bench.with { bench in
      for name in ["s1", "s2"] { try await bench.addSwitch(name) }
      try await bench.dataplane.addPatch(
        name: "t", between: "s1", and: "s2", mode: .trunk(allowed: VLANSet([10...10, 20...20]), native: 10))
      for name in ["s1", "s2"] {
        try await bench.addGuest("a." + name, .access(vlan: 10), on: name)
        try await bench.addGuest("t." + name, .trunk(allowed: .all, native: nil), on: name)
      }
      // The priority goes with the tag.
      try bench.expect(
        frame(1, to: nil, .init(10, priority: 3)), from: "t.s1",
        reaches: [
          "a.s1": frame(1, to: nil), "a.s2": frame(1, to: nil), "t.s2": frame(1, to: nil, .init(10)),
        ])
      let other = frame(1, to: nil, .init(20, priority: 3))
      try bench.expect(other, from: "t.s1", reaches: ["t.s2": other])
    }
  }

  @Test func eightTrunksAreCrossedAndNotNine() async throws {
    try await chain(of: 10, ports: false) { bench in
      for number in [1, 9, 10] { try await bench.addGuest("a\(number)", .access(vlan: 10), on: "s\(number)") }
      let everybody = frame(1, to: nil)
      try bench.expect(everybody, from: "a1", reaches: ["a9": everybody])
      #expect(try await bench.status("s9:t8").dropsIn == ["loop": 1])
      try bench.expect(frame(2, to: nil), from: "a10", reaches: ["a9": frame(2, to: nil)])
    }
  }

  /// A ring of switches: broadcasts circle until their hops are used up, and everything goes on.
  @Test(arguments: 2...5)
  func loopsAreBounded(count: Int) async throws {
    try await chain(of: count) { bench in
      try await bench.dataplane.addPatch(
        name: "back", between: "s\(count)", and: "s1", mode: .trunk(allowed: .all, native: nil))
      for turn in 1...10 {
        let got = try bench.exchange(frame(turn, to: nil), from: "a1.10")
        for number in 2...count {
          let copies = try #require(got["a\(number).10"])
          #expect(!copies.isEmpty && copies.count <= 16 && copies.allSatisfy { $0 == frame(turn, to: nil) })
        }
      }
      var loops: UInt64 = 0
      for port in await bench.dataplane.ports() { loops += port.dropsIn["loop"] ?? 0 }
      #expect(loops >= 10)
      // Without the loop all is as it was.
      try await bench.dataplane.removePort("s\(count):back")
      try await bench.dataplane.removePort("s1:back")
      await bench.dataplane.flushFDB(switchName: nil, port: nil, vlan: nil)
      var all: [String: [UInt8]] = [:]
      for number in 2...count { all["a\(number).10"] = frame(50, to: nil) }
      try bench.expect(frame(50, to: nil), from: "a1.10", reaches: all)
    }
  }

  /// Five switches, each joined to each: without a bound a broadcast would make 4 to the power of 8 copies.
  @Test func aMeshOfSwitchesIsBounded() async throws {
    try await Bench.with { bench in
      for number in 1...5 { try await bench.addSwitch("s\(number)") }
      for near in 1...5 {
        for far in 1...5 where far > near {
          try await bench.dataplane.addPatch(
            name: "t\(near)\(far)", between: "s\(near)", and: "s\(far)", mode: .trunk(allowed: .all, native: nil))
        }
      }
      for number in 1...5 {
        try await bench.addGuest("a\(number)", .access(vlan: 10), on: "s\(number)") { $0.ringSize = 32 }
      }
      let (near, far) = try await bench.addWire("near", "far")
      for turn in 1...3 {
        let sender = try bench.guest("a1")
        try sender.send(burst: (0..<8).map { frame(turn * 100 + $0, to: nil) })
        try near.send(frame(1, to: 2))
        #expect(try far.receive()?.frame == frame(1, to: 2))
        #expect(try sender.waitForTransmitted(timeout: 10_000))
        for node in bench.nodes where node.name.hasPrefix("a") {
          while try node.guest.receive(timeout: 0) != nil {}
        }
      }
      var loops: UInt64 = 0
      for port in await bench.dataplane.ports() { loops += port.dropsIn["loop"] ?? 0 }
      #expect(loops > 0)
    }
  }

  /// A link has carrier if both ends have.
  @Test(arguments: ["s1:t1", "s2:t1"])
  func aTrunkWithoutCarrierPassesNothing(end: String) async throws {
    try await chain(of: 2) { bench in
      try bench.exchange(frame(1, to: nil), from: "a1.10")
      try await bench.dataplane.setCarrier(port: end, up: false)
      for port in ["s1:t1", "s2:t1"] { #expect(try await bench.status(port).carrier == false) }
      #expect(await bench.stations("s2").isEmpty)
      try bench.expect(frame(2, to: nil), from: "a2.10", reaches: [:])
      try bench.expect(frame(1, to: nil), from: "a1.10", reaches: [:])
      try await bench.dataplane.setCarrier(port: end, up: true)
      try bench.expect(frame(2, to: nil), from: "a2.10", reaches: ["a1.10": frame(2, to: nil)])
    }
  }

  @Test func aTrunkThatLostAnEndPassesNothing() async throws {
    try await chain(of: 2) { bench in
      try bench.exchange(frame(2, to: nil), from: "a2.10")
      #expect(await bench.stations("s1") == [Station(10, 2): "s1:t1"])
      try await bench.dataplane.removePort("s2:t1")
      let status = try await bench.status("s1:t1")
      #expect(status.carrier == false)
      #expect(status.peer == nil)
      #expect(await bench.stations("s1").isEmpty)
      try bench.expect(frame(1, to: 2), from: "a1.10", reaches: [:])
    }
  }

  /// Many copies on one switch are not a loop.
  @Test func aFloodToManyPortsStillCrossesATrunk() async throws {
    try await Bench.with { bench in
      for name in ["s1", "s2"] { try await bench.addSwitch(name) }
      try await bench.addGuest("sender", .access(vlan: 10), on: "s1") { $0.ringSize = 256 }
      for number in 0..<80 {
        try await bench.addGuest("m\(number)", .access(vlan: 10), on: "s1") {
          $0.ringSize = 64
          $0.memorySize = 1 << 20
          $0.transmitSize = 2048
          $0.receiveLayout = [128]
        }
      }
      try await bench.dataplane.addPatch(
        name: "t", between: "s1", and: "s2", mode: .trunk(allowed: .all, native: nil))
      try await bench.addGuest("far", .access(vlan: 10), on: "s2") { $0.ringSize = 256 }
      let sender = try bench.guest("sender")
      let frames = (1...64).map { frame($0, to: nil) }
      try sender.send(burst: frames)
      let got = try bench.collect(after: sender)
      #expect(got["far"]?.map(\.frame) == frames)
      #expect(got["m79"]?.map(\.frame) == frames)
      #expect(try await bench.status("sender").dropsIn == [:])
    }
  }
}
