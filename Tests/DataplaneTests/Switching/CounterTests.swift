import Dataplane
import GuestKit
import LinuxHost
import TestSupport
import Testing
import VhostUser

/// Every frame is counted once where it came from and once where it went or was lost.
@Suite struct CounterTests {
  private func frame(_ source: Int, to destination: Int, size: Int = 60, tags: [FrameBuilder.Tag] = []) -> [UInt8] {
    GuestKit.frame(source, to: destination, tags: tags, size: size)
  }

  @Test func framesAndBytesAreCountedWithoutHeadersOfVirtio() async throws {
    try await Bench.with { bench in
      try await bench.addSwitch()
      try await bench.addGuest("a", .access(vlan: 5))
      try await bench.addGuest("b", .trunk(allowed: .all, native: nil))
      try bench.exchange(frame(1, to: 2, size: 100), from: "a")
      try bench.exchange(frame(2, to: 1, size: 204, tags: [.init(5)]), from: "b")
      try bench.exchange(frame(1, to: 2, size: 1000), from: "a")
      let (a, b) = (try await bench.status("a"), try await bench.status("b"))
      #expect([a.receivePackets, a.receiveBytes, a.transmitPackets, a.transmitBytes] == [2, 1100, 1, 200])
      // With the tag as it is on that side.
      #expect([b.receivePackets, b.receiveBytes, b.transmitPackets, b.transmitBytes] == [1, 204, 2, 1108])
      #expect(a.dropsIn.isEmpty && a.dropsOut.isEmpty && b.dropsIn.isEmpty && b.dropsOut.isEmpty)
    }
  }

  /// Each reason of the user guide that a mock guest can bring about, once and by its name.
  @Test func everyReasonIsCountedByItsName() async throws {
    try await Bench.with { bench in
      try await bench.addSwitch()
      try await bench.addGuest("a", .access(vlan: 5))
      try await bench.addGuest("b", .access(vlan: 5), mtu: 1500) { $0.receiveCount = 1 }
      let a = try bench.guest("a")
      let station = FrameBuilder.station(1)
      func send(_ frame: [UInt8], header: NetworkHeader = NetworkHeader()) throws {
        try a.send(frame, header: header)
        #expect(try a.waitForTransmitted())
      }
      try bench.guest("b").send(frame(2, to: 9))
      #expect(try a.receive() != nil)
      try send([1, 2, 3])
      try send(frame(1, to: 2, tags: [.init(6)]))
      try send(frame(1, to: 2, tags: [.init(4095)]))
      try send(FrameBuilder(to: station, from: FrameBuilder.broadcast).plain(size: 60))
      try send(FrameBuilder(to: [1, 0x80, 0xC2, 0, 0, 0], from: station).plain(size: 60))
      try send(frame(1, to: 2), header: NetworkHeader(checksumStart: 60, checksumOffset: 0))
      try send(frame(1, to: 1))
      try send(frame(1, to: 2, size: 1515))
      try send(frame(1, to: 2))
      try send(frame(1, to: 2))
      var status = try await bench.status("a")
      #expect(
        status.dropsIn == [
          "runt": 1, "vlan-filtered": 1, "vlan-invalid": 1, "source-invalid": 1, "link-local": 1, "header-invalid": 1,
        ])
      #expect(status.dropsOut == ["hairpin": 1])
      #expect(status.receivePackets == 10)
      status = try await bench.status("b")
      #expect(status.dropsOut == ["too-big": 1, "no-buffer": 1])
      #expect(status.transmitPackets == 1)
    }
  }

  /// Unicast frames of all kinds between many ports: received = delivered + dropped, everywhere together.
  @Test(arguments: 1...4)
  func whatIsReceivedIsDeliveredOrDropped(seed: Int) async throws {
    try await Bench.with { bench in
      try await bench.addSwitch("sw") { $0.linkLocal = .transparent }
      let modes: [PortMode] = [
        .access(vlan: 5), .access(vlan: 5), .access(vlan: 6), .trunk(allowed: VLANSet([5...6]), native: nil),
        .trunk(allowed: .all, native: 5),
      ]
      var random = SeededRandom(seed: UInt64(seed))
      for (number, mode) in modes.enumerated() {
        try await bench.addGuest("p\(number)", mode, mtu: number == 1 ? 500 : 65_521) {
          $0.receiveCount = number == 2 ? 0 : nil
        }
      }
      // Every station is known in both VLANs, so that no frame is flooded.
      for vlan in [5, 6] as [UInt16] {
        for number in 0..<modes.count {
          try bench.exchange(frame(number + 1, to: 99, size: 64, tags: [.init(vlan)]), from: "p\(number)")
        }
      }
      let known = await bench.stations()
      let before = await bench.dataplane.ports()
      for _ in 0..<40 {
        let number = Int(random.next() % UInt64(modes.count))
        let guest = try bench.guest("p\(number)")
        var frames: [[UInt8]] = []
        for _ in 0..<16 {
          let vlan = UInt16([5, 6, 5, 6, 4095][Int(random.next() % 5)])
          let stations = known.keys.filter { $0.vlan == Int(vlan) }.sorted { $0.description < $1.description }
          let destination = stations.randomElement(using: &random)?.address ?? FrameBuilder.station(1)
          let source = Station(Int(vlan), number + 1)
          // A station of this port only, or nothing that could be learnt.
          guard known[source] == "p\(number)" || vlan > 6 else { continue }
          let size = [10, 17, 64, 300, 1500][Int(random.next() % 5)]
          let whole = FrameBuilder(to: destination, from: source.address, tags: [.init(vlan)]).plain(size: 1500)
          frames.append(Array(whole.prefix(size)))
        }
        try guest.send(burst: frames)
        _ = try bench.collect(after: guest)
      }
      let after = await bench.dataplane.ports()
      func sum(_ value: (PortStatus) -> UInt64) -> UInt64 {
        zip(before, after).reduce(0) { $0 + value($1.1) - value($1.0) }
      }
      let received = sum(\.receivePackets)
      let delivered = sum(\.transmitPackets)
      let dropped = sum { $0.dropsIn.values.reduce(0, +) + $0.dropsOut.values.reduce(0, +) }
      #expect(received > 300)
      #expect(delivered > 0 && dropped > 0)
      #expect(received == delivered + dropped)
    }
  }

  @Test func tooManyFramesForARingAreCounted() async throws {
    try await Bench.with { bench in
      let (a, b) = try await bench.addWire("a", "b") {
        $0.ringSize = 256
        $0.receiveCount = 100
      }
      try a.send(burst: Array(repeating: frame(1, to: 2), count: 250))
      #expect(try a.waitForTransmitted())
      #expect(b.receiveRing().usedCount == 100)
      let status = try await bench.status("b")
      #expect(status.transmitPackets == 100)
      #expect(status.dropsOut == ["no-buffer": 150])
    }
  }

  @Test func announcementsAreBroadcastAndLearnt() async throws {
    try await Bench.with { bench in
      try await bench.addSwitch()
      for name in ["a", "b"] { try await bench.addGuest(name, .access(vlan: 1)) }
      let station: [UInt8] = [0x02, 0x11, 0x22, 0x33, 0x44, 0x55]
      try bench.guest("a").say { try $0.sendRARP(station) }
      let frame = try #require(try bench.guest("b").receive()).frame
      #expect(frame.count == 60)
      #expect(Array(frame.prefix(14)) == FrameBuilder.broadcast + station + [0x80, 0x35])
      #expect(await bench.stations() == [Station(vlan: 1, address: station): "a"])
    }
  }
}
