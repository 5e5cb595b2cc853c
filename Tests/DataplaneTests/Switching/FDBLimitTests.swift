import Dataplane
import GuestKit
import Testing

/// The bound of a forwarding database, and who pays for it.
@Suite struct FDBLimitTests {
  private func frame(_ source: Int) -> [UInt8] {
    GuestKit.frame(source, to: 0xFFFF, size: 60)
  }

  private func limited(
    to limit: Int, perPort: Int? = nil, _ body: (Bench) async throws -> Void
  ) async throws {
    try await Bench.with { bench in
      try await bench.addSwitch("sw") {
        $0.fdbLimit = limit
        $0.fdbPerPort = perPort ?? limit
      }
      for name in ["a", "b", "c"] { try await bench.addGuest(name, .access(vlan: 1)) { $0.ringSize = 256 } }
      try await body(bench)
    }
  }

  @Test func theTableHoldsNoMoreThanItsLimit() async throws {
    try await limited(to: 16) { bench in
      for source in 1...16 { try bench.exchange(frame(source), from: "a") }
      #expect(Set(await bench.stations().keys) == Set((1...16).map { Station(1, $0) }))
      for source in 17...100 { try bench.exchange(frame(source), from: "a") }
      // The oldest make room for the newest.
      #expect(Set(await bench.stations().keys) == Set((85...100).map { Station(1, $0) }))
    }
  }

  @Test func aPortThatFloodsAddressesPushesOutItsOwn() async throws {
    try await limited(to: 16) { bench in
      for source in 1...4 { try bench.exchange(frame(source), from: "a") }
      for source in 11...13 { try bench.exchange(frame(source), from: "b") }
      for source in 1000..<1500 { try bench.exchange(frame(source), from: "c") }
      let stations = await bench.stations()
      #expect(stations.count == 16)
      #expect((1...4).allSatisfy { stations[Station(1, $0)] == "a" })
      #expect((11...13).allSatisfy { stations[Station(1, $0)] == "b" })
      #expect((1491...1499).allSatisfy { stations[Station(1, $0)] == "c" })
    }
  }

  @Test func aNewcomerGetsRoomFromTheFullest() async throws {
    try await limited(to: 12) { bench in
      for source in 1...10 { try bench.exchange(frame(source), from: "a") }
      for source in 21...22 { try bench.exchange(frame(source), from: "b") }
      for source in 31...36 { try bench.exchange(frame(source), from: "c") }
      let ports = await bench.stations().values
      #expect(ports.count { $0 == "a" } == 4)
      #expect(ports.count { $0 == "b" } == 2)
      #expect(ports.count { $0 == "c" } == 6)
    }
  }

  @Test func aPortHoldsNoMoreThanItMay() async throws {
    try await limited(to: 16, perPort: 4) { bench in
      for source in 1...10 { try bench.exchange(frame(source), from: "a") }
      #expect(Set(await bench.stations().keys) == Set((7...10).map { Station(1, $0) }))
      for source in 21...22 { try bench.exchange(frame(source), from: "b") }
      // Who moves to a port that is full takes the place of its oldest.
      try bench.exchange(frame(22), from: "a")
      let stations = await bench.stations()
      #expect(Set(stations.filter { $0.value == "a" }.keys) == Set([8, 9, 10, 22].map { Station(1, $0) }))
      #expect(stations[Station(1, 21)] == "b")
    }
  }

  /// Half of the table, if nothing else is said.
  @Test func aPortMayHaveHalf() async throws {
    try await Bench.with { bench in
      try await bench.addSwitch("sw") { $0.fdbLimit = 16 }
      try await bench.addGuest("a", .access(vlan: 1)) { $0.ringSize = 256 }
      for source in 1...20 { try bench.exchange(frame(source), from: "a") }
      #expect(Set(await bench.stations().keys) == Set((13...20).map { Station(1, $0) }))
    }
  }

  /// A size that changes while the switch forwards: who was seen last stays known.
  @Test func theSizeChangesUnderTheStations() async throws {
    try await limited(to: 16) { bench in
      for source in 1...10 { try bench.exchange(frame(source), from: "a") }
      for source in 21...24 { try bench.exchange(frame(source), from: "b") }
      func change(to limit: Int, perPort: Int?) async throws -> Set<Station> {
        var configuration = SwitchConfiguration(name: "sw")
        configuration.fdbLimit = limit
        configuration.fdbPerPort = perPort
        try await bench.dataplane.changeSwitch(configuration)
        return Set(await bench.stations().keys)
      }
      let all = Set((Array(1...10) + Array(21...24)).map { Station(1, $0) })
      #expect(try await change(to: 1 << 20, perPort: nil) == all)
      #expect(try await change(to: 100, perPort: 8) == all.subtracting([Station(1, 1), Station(1, 2)]))
      #expect(
        try await change(to: 6, perPort: 6) == Set([8, 9, 10, 22, 23, 24].map { Station(1, $0) }))
      for source in 31...40 { try bench.exchange(frame(source), from: "c") }
      #expect(await bench.stations().count == 6)
      await #expect(throws: DataplaneError.self) { _ = try await change(to: 1 << 21, perPort: nil) }
      await #expect(throws: DataplaneError.self) { _ = try await change(to: 16, perPort: 17) }
      #expect(await bench.stations().count == 6)
    }
  }

  @Test func repeatedAndMovedStationsTakeNoRoom() async throws {
    try await limited(to: 2) { bench in
      for _ in 0..<5 {
        for (source, port) in [(1, "a"), (2, "b"), (1, "b"), (2, "a")] {
          try bench.exchange(frame(source), from: port)
        }
      }
      #expect(await bench.stations() == [Station(1, 1): "b", Station(1, 2): "a"])
    }
  }

  @Test func aTableOfOneEntryWorks() async throws {
    try await limited(to: 1) { bench in
      for source in 1...3 {
        try bench.exchange(frame(source), from: "a")
        #expect(await bench.stations() == [Station(1, source): "a"])
      }
      try bench.exchange(frame(9), from: "b")
      #expect(await bench.stations() == [Station(1, 9): "b"])
    }
  }

  /// Many entries in one table, all found again.
  @Test func allStationsOfALargeTableAreFound() async throws {
    try await limited(to: 8192) { bench in
      let sender = try bench.guest("a")
      for start in stride(from: 0, to: 8192, by: 64) {
        try sender.send(burst: (start..<(start + 64)).map { frame($0 + 1) })
        _ = try bench.collect(after: sender)
      }
      #expect(await bench.stations().count == 8192)
      for station in stride(from: 1, through: 8192, by: 97) {
        let unicast = FrameBuilder(to: FrameBuilder.station(station), from: FrameBuilder.station(1)).plain(size: 60)
        try sender.send(unicast)
        #expect(try bench.collect(after: sender).isEmpty)
      }
      #expect(try await bench.status("a").dropsOut["hairpin"] == 85)
    }
  }
}
