import Dataplane
import Frames
import GuestKit
import TestSupport
import Testing

/// Learning, look-up and forgetting (802.1Q-2018 clauses 8.7 and 8.8).
@Suite struct LearningTests {
  /// From station `source` to station `destination` in a VLAN; no VLAN = untagged.
  private func frame(_ source: Int, to destination: Int, vlan: UInt16? = nil, seed: Int = 0) -> [UInt8] {
    GuestKit.frame(
      source, to: destination, tags: vlan.map { [.init($0)] } ?? [], size: vlan == nil ? 64 : 68, seed: seed)
  }

  private func broadcast(_ source: Int, vlan: UInt16? = nil) -> [UInt8] {
    FrameBuilder(
      to: FrameBuilder.broadcast, from: FrameBuilder.station(source), tags: vlan.map { [.init($0)] } ?? []
    ).plain(size: 64)
  }

  /// Three access ports of VLAN 1 named a, b and c.
  private func threePorts(
    _ configure: (inout SwitchConfiguration) -> Void = { _ in }, _ body: (Bench) async throws -> Void
  ) async throws {
    try await Bench.with { bench in
      try await bench.addSwitch("sw", configure)
      for name in ["a", "b", "c"] { try await bench.addGuest(name, .access(vlan: 1)) }
      try await body(bench)
    }
  }

  @Test func unknownStationsAreFlooded() async throws {
    try await threePorts { bench in
      let unicast = frame(1, to: 2)
      try bench.expect(unicast, from: "a", reaches: ["b": unicast, "c": unicast])
      let everybody = broadcast(3)
      try bench.expect(everybody, from: "c", reaches: ["a": everybody, "b": everybody])
      let group = FrameBuilder(to: [0x01, 0, 0x5E, 0, 0, 1], from: FrameBuilder.station(2)).plain(size: 60)
      try bench.expect(group, from: "b", reaches: ["a": group, "c": group])
    }
  }

  @Test func knownStationsGetTheirFramesAlone() async throws {
    try await threePorts { bench in
      try bench.exchange(frame(1, to: 2), from: "a")
      let answer = frame(2, to: 1)
      try bench.expect(answer, from: "b", reaches: ["a": answer])
      for seed in 0..<5 {
        let next = frame(1, to: 2, seed: seed)
        try bench.expect(next, from: "a", reaches: ["b": next])
      }
      #expect(await bench.stations() == [Station(1, 1): "a", Station(1, 2): "b"])
    }
  }

  @Test func stationsAreLearntInEachVLANByThemselves() async throws {
    try await Bench.with { bench in
      try await bench.addSwitch()
      let trunk = PortMode.trunk(allowed: VLANSet([10...10, 20...20]), native: nil)
      for name in ["a", "b"] { try await bench.addGuest(name, trunk) }
      try await bench.addGuest("c", .access(vlan: 10))
      try await bench.addGuest("d", .access(vlan: 20))
      // Station 1 is behind a in VLAN 10, behind b in VLAN 20.
      try bench.exchange(frame(1, to: 99, vlan: 10), from: "a")
      try bench.exchange(frame(1, to: 99, vlan: 20), from: "b")
      #expect(await bench.stations() == [Station(10, 1): "a", Station(20, 1): "b"])
      try bench.expect(frame(2, to: 1), from: "c", reaches: ["a": frame(2, to: 1, vlan: 10)])
      try bench.expect(frame(2, to: 1), from: "d", reaches: ["b": frame(2, to: 1, vlan: 20)])
      // Known in VLAN 10 only: flooded in VLAN 20.
      try bench.exchange(frame(5, to: 99, vlan: 10), from: "a")
      try bench.expect(
        frame(1, to: 5, vlan: 20), from: "b", reaches: ["a": frame(1, to: 5, vlan: 20), "d": frame(1, to: 5)])
    }
  }

  @Test func aStationThatMovesIsFollowedAtOnce() async throws {
    try await threePorts { bench in
      try bench.exchange(frame(1, to: 9), from: "a")
      // c's way to station 1 is remembered.
      try bench.expect(frame(3, to: 1), from: "c", reaches: ["a": frame(3, to: 1)])
      for _ in 0..<3 {
        try bench.exchange(frame(1, to: 9), from: "b")
        try bench.expect(frame(3, to: 1), from: "c", reaches: ["b": frame(3, to: 1)])
        try bench.exchange(frame(1, to: 9), from: "a")
        try bench.expect(frame(3, to: 1), from: "c", reaches: ["a": frame(3, to: 1)])
      }
      #expect(await bench.stations()[Station(1, 1)] == "a")
    }
  }

  @Test func aMoveWithinOneBurstHolds() async throws {
    try await threePorts { bench in
      let guest = try bench.guest("a")
      try guest.send(burst: [frame(1, to: 9), frame(2, to: 9), frame(1, to: 2), frame(2, to: 1)])
      let got = try bench.collect(after: guest)
      // The last two are for stations behind the same port.
      #expect(got["b"]?.map(\.frame) == [frame(1, to: 9), frame(2, to: 9)])
      #expect(try await bench.status("a").dropsOut == ["hairpin": 2])
    }
  }

  /// Frames that need no thought and frames that do leave in the order they came.
  @Test func aBurstKeepsItsOrder() async throws {
    try await threePorts { bench in
      try bench.exchange(frame(2, to: 1), from: "b")
      try bench.exchange(frame(3, to: 1), from: "c")
      try bench.exchange(frame(1, to: 2), from: "a")
      let guest = try bench.guest("a")
      for pattern in ["bbbbb", "bcbcbc", "bb*bb*", "b9b9b", "btbtb", "brbrb", "xbxbx", "ccbb*9trxbc"] {
        let sent = pattern.enumerated().map { seed, kind -> [UInt8] in
          switch kind {
          case "b": frame(1, to: 2, seed: seed)
          case "c": frame(1, to: 3, seed: seed)
          case "*": FrameBuilder(to: FrameBuilder.broadcast, from: FrameBuilder.station(1)).plain(size: 64, seed: seed)
          case "9": frame(1, to: 9, seed: seed)
          case "t": frame(1, to: 2, vlan: 1, seed: seed)
          case "x": frame(7, to: 2, seed: seed)
          default: Array(frame(1, to: 2).prefix(13))
          }
        }
        try guest.send(burst: sent)
        let got = try bench.collect(after: guest)
        func expected(_ kinds: String) -> [[UInt8]] {
          zip(pattern, sent).filter { kinds.contains($0.0) }.map { kind, frame in
            kind == "t" ? Array(frame[..<12] + frame[16...]) : frame
          }
        }
        #expect(got["b"]?.map(\.frame) == expected("b*9tx"), "\(pattern)")
        #expect(got["c"]?.map(\.frame) ?? [] == expected("c*9"), "\(pattern)")
      }
    }
  }

  @Test func unusedEntriesAreForgotten() async throws {
    try await threePorts({ $0.aging = 3 }) { bench in
      try bench.exchange(frame(1, to: 9), from: "a")
      #expect(await bench.stations() == [Station(1, 1): "a"])
      try bench.expect(frame(2, to: 1), from: "b", reaches: ["a": frame(2, to: 1)])
      #expect(await eventually { await bench.stations().isEmpty })
      try bench.expect(frame(2, to: 1), from: "b", reaches: ["a": frame(2, to: 1), "c": frame(2, to: 1)])
    }
  }

  @Test func usedEntriesStayYoung() async throws {
    try await threePorts { bench in
      try bench.exchange(frame(1, to: 9), from: "a")
      // Station 2 goes on sending; it gets younger than station 1, which said one word.
      #expect(
        try await eventually {
          try bench.exchange(frame(2, to: 9), from: "b")
          let entries = await bench.dataplane.fdb(switchName: nil)
          let ages = Dictionary(uniqueKeysWithValues: entries.map { ($0.port, $0.ageSeconds) })
          return try #require(ages["a"]) > #require(ages["b"])
        })
      let entry = try #require(await bench.dataplane.fdb(switchName: "sw").first { $0.port == "b" })
      #expect(entry.isStatic == false)
      #expect(entry.switchName == "sw")
      #expect(await bench.dataplane.fdb(switchName: "other").isEmpty)
    }
  }

  @Test func aPortThatGoesTakesItsStationsAlong() async throws {
    try await threePorts { bench in
      try bench.exchange(frame(1, to: 9), from: "a")
      try bench.exchange(frame(2, to: 9), from: "b")
      try bench.exchange(frame(2, to: 1), from: "b")
      bench.dropGuest("a")
      try await bench.dataplane.removePort("a")
      #expect(await bench.stations() == [Station(1, 2): "b"])
      try bench.expect(frame(2, to: 1), from: "b", reaches: ["c": frame(2, to: 1)])
    }
  }

  /// A static entry leads where it says: whoever sends as that station, while its port is down, and until that goes.
  @Test func aStaticStationStaysWhereItWasPut() async throws {
    try await threePorts { bench in
      let plane = bench.dataplane
      try await plane.addStation(FrameBuilder.address(1), vlan: 1, behind: "a", on: "sw")
      try bench.expect(frame(2, to: 1), from: "b", reaches: ["a": frame(2, to: 1)])
      try bench.exchange(frame(1, to: 9), from: "c")
      try bench.expect(frame(2, to: 1), from: "b", reaches: ["a": frame(2, to: 1)])
      await plane.flushFDB(switchName: nil, port: nil, vlan: nil)
      try await plane.setMode(port: "a", .trunk(allowed: .all, native: 1))
      #expect(await bench.stations()[Station(1, 1)] == "a")
      try await plane.setCarrier(port: "a", up: false)
      try bench.expect(frame(2, to: 1), from: "b", reaches: [:])
      #expect(try await bench.status("a").dropsOut == ["carrier-down": 1])
      // Said once more, it is where it was said last.
      try await plane.addStation(FrameBuilder.address(1), vlan: 1, behind: "c", on: "sw")
      try bench.expect(frame(2, to: 1), from: "b", reaches: ["c": frame(2, to: 1)])
      #expect(try await plane.removeStation(FrameBuilder.address(1), vlan: 1, on: "sw"))
      #expect(try await !plane.removeStation(FrameBuilder.address(1), vlan: 1, on: "sw"))
      try await plane.addStation(FrameBuilder.address(1), vlan: 1, behind: "a", on: "sw")
      bench.dropGuest("a")
      try await plane.removePort("a")
      #expect(await bench.stations()[Station(1, 1)] == nil)
      try bench.expect(frame(2, to: 1), from: "b", reaches: ["c": frame(2, to: 1)])
      for (vlan, port, name) in [(0, "b", "sw"), (4095, "b", "sw"), (1, "a", "sw"), (1, "b", "no")] {
        await #expect(throws: DataplaneError.self) {
          try await plane.addStation(FrameBuilder.address(1), vlan: vlan, behind: port, on: name)
        }
      }
      await #expect(throws: DataplaneError.self) {
        try await plane.addStation(.broadcast, vlan: 1, behind: "b", on: "sw")
      }
    }
  }

  /// How a port's carrier is lost.
  enum Loss: CaseIterable { case disconnected, ringStopped, ringDisabled, setDown }

  @Test(arguments: Loss.allCases)
  func carrierLossTakesStationsAlong(loss: Loss) async throws {
    try await threePorts { bench in
      try bench.exchange(frame(1, to: 9), from: "a")
      try bench.expect(frame(2, to: 1), from: "b", reaches: ["a": frame(2, to: 1)])
      let guest = try bench.guest("a")
      switch loss {
      case .disconnected: guest.disconnect()
      case .ringStopped: _ = try guest.frontEnd?.getRingBase(0)
      case .ringDisabled: try guest.frontEnd?.setRingEnable(0, false)
      case .setDown: try await bench.dataplane.setCarrier(port: "a", up: false)
      }
      #expect(try await eventually { try await bench.status("a").carrier == false })
      #expect(await bench.stations()[Station(1, 1)] == nil)
      try bench.expect(frame(2, to: 1), from: "b", reaches: ["c": frame(2, to: 1)])
    }
  }

  /// A guest whose receive ring is off may still send; nobody must be told that it can be reached.
  @Test func nothingIsLearntFromAPortThatIsDown() async throws {
    try await threePorts { bench in
      let guest = try bench.guest("a")
      _ = try guest.frontEnd?.getRingBase(0)
      try guest.send(frame(1, to: 2))
      #expect(try guest.waitForTransmitted())
      #expect(await bench.stations().isEmpty)
      let status = try await bench.status("a")
      #expect(status.dropsIn == ["port-down": 1])
      #expect(status.receivePackets == 1)
      #expect(try bench.guest("b").receive(timeout: 0) == nil)
    }
  }

  @Test func flushesForgetWhatTheyName() async throws {
    try await Bench.with { bench in
      let trunk = PortMode.trunk(allowed: .all, native: nil)
      for name in ["s1", "s2"] {
        try await bench.addSwitch(name)
        for port in ["a", "b"] { try await bench.addGuest(name + port, trunk, on: name) }
      }
      func fill() throws {
        for node in bench.nodes {
          for vlan in [10, 20] as [UInt16] {
            try bench.exchange(frame(node.name.hasSuffix("a") ? 1 : 2, to: 9, vlan: vlan), from: node.name)
          }
        }
      }
      try fill()
      await bench.dataplane.flushFDB(switchName: "s1", port: "s1a", vlan: 10)
      #expect(await bench.stations("s1") == [Station(20, 1): "s1a", Station(10, 2): "s1b", Station(20, 2): "s1b"])
      await bench.dataplane.flushFDB(switchName: nil, port: nil, vlan: 20)
      #expect(await bench.stations("s1") == [Station(10, 2): "s1b"])
      #expect(await bench.stations("s2") == [Station(10, 1): "s2a", Station(10, 2): "s2b"])
      try fill()
      await bench.dataplane.flushFDB(switchName: "s2", port: nil, vlan: nil)
      #expect(await bench.stations("s1").count == 4)
      #expect(await bench.stations("s2").isEmpty)
      await bench.dataplane.flushFDB(switchName: nil, port: "unknown", vlan: nil)
      #expect(await bench.stations("s1").count == 4)
      await bench.dataplane.flushFDB(switchName: nil, port: nil, vlan: nil)
      #expect(await bench.stations("s1").isEmpty)
    }
  }

  @Test func aNewModeForgetsWhatWasLearntUnderTheOld() async throws {
    try await threePorts { bench in
      try bench.exchange(frame(1, to: 9), from: "a")
      try bench.expect(frame(2, to: 1), from: "b", reaches: ["a": frame(2, to: 1)])
      try await bench.dataplane.setMode(port: "a", .access(vlan: 2))
      #expect(await bench.stations()[Station(1, 1)] == nil)
      try bench.expect(frame(2, to: 1), from: "b", reaches: ["c": frame(2, to: 1)])
      try bench.expect(frame(1, to: 2), from: "a", reaches: [:])
      #expect(await bench.stations()[Station(2, 1)] == "a")
    }
  }
}
