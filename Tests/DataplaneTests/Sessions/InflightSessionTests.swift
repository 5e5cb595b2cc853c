import Dataplane
import Glibc
import GuestKit
import LinuxHost
import TestSupport
import Testing
import VhostUser

/// Front-ends in the order of Cloud Hypervisor, which keep what a back-end had in hand and say the available index to the
/// next one: nothing that lies in their rings is lost or comes twice.
@Suite(.everyRingFormat) struct InflightSessionTests {
  private func with(_ body: (Bench) async throws -> Void) async throws {
    try await Bench.with { bench in
      try await bench.addSwitch()
      for name in ["a", "b"] {
        try await bench.addGuest(name, .access(vlan: 1)) {
          $0.order = .cloudHypervisor
          $0.firstIndex = 0xFFF0
        }
      }
      try bench.exchange(frame(1, to: 2), from: "a")
      try bench.exchange(frame(2, to: 1), from: "b")
      try await body(bench)
    }
  }

  /// The connection ends; what the front-end has kept is what it had.
  private func leave(_ bench: Bench, _ name: String) async throws -> InflightKeeper? {
    let guest = try bench.guest(name)
    let region = guest.frontEnd?.inflight
    guest.disconnect()
    try await eventually("port \(name) has noticed") {
      try await bench.status(name).vhostUser?.isConnected == false
    }
    return region
  }

  @Test func ringsAreGoneOnWithWhereTheyWere() async throws {
    try await with { bench in
      let (a, b) = (try bench.guest("a"), try bench.guest("b"))
      var seed = 0
      for round in 0..<30 {
        // Some lie in a's ring, not looked at.
        for number in 0..<(round % 4) { try b.send(frame(2, to: 1, seed: seed + number)) }
        #expect(try b.waitForTransmitted())
        let region = try await leave(bench, "a")
        #expect(region != nil)
        // Nobody is there to take these.
        for number in 0..<(round % 5) { try a.send(frame(1, to: 2, seed: seed + number)) }
        try a.reconnect(path: bench.path("a"), inflight: region)
        for number in 0..<(round % 5) { #expect(try b.receive()?.frame == frame(1, to: 2, seed: seed + number)) }
        for number in 0..<(round % 4) { #expect(try a.receive()?.frame == frame(2, to: 1, seed: seed + number)) }
        #expect(try a.waitForTransmitted())
        // All buffers of the ring are there, as many as they are.
        for number in 0..<70 {
          let frame = frame(2, to: 1, seed: seed + number)
          try bench.expect(frame, from: "b", reaches: ["a": frame])
        }
        seed += 70
      }
      for name in ["a", "b"] {
        let status = try await bench.status(name)
        #expect(status.error == nil && status.vhostUser?.refusals == 0 && status.dropsOut["no-buffer"] == nil)
      }
    }
  }

  /// A session that goes on elsewhere has its region there, and can die there.
  @Test func theRegionGoesWithASession() async throws {
    try await with { bench in
      let (a, b) = (try bench.guest("a"), try bench.guest("b"))
      for _ in 0..<3 {
        let taken = try #require(await bench.dataplane.takeSession(port: "a"))
        #expect(taken.state.inflight?.ringCount == 2 && taken.state.inflight?.ringSize == 64)
        try await bench.dataplane.takeUp(taken, port: "a")
        try bench.expect(frame(2, to: 1), from: "b", reaches: ["a": frame(2, to: 1)])
      }
      let region = try await leave(bench, "a")
      try a.send(frame(1, to: 2, seed: 9))
      try a.reconnect(path: bench.path("a"), inflight: region)
      #expect(try b.receive()?.frame == frame(1, to: 2, seed: 9))
      #expect(try await bench.status("a").error == nil)
    }
  }

  /// A guest that has started anew meanwhile, and regions that are cut, or say what is not understood.
  @Test func aGuestThatStartedAnewIsServed() async throws {
    try await with { bench in
      let region = try await leave(bench, "a")
      let a = try bench.guest("a")
      for ring in a.rings { ring.reset() }
      try a.postReceiveBuffers()
      try a.reconnect(path: bench.path("a"), inflight: region)
      for seed in 0..<100 {
        try bench.expect(frame(1, to: 2, seed: seed), from: "a", reaches: ["b": frame(1, to: 2, seed: seed)])
        try bench.expect(frame(2, to: 1, seed: seed), from: "b", reaches: ["a": frame(2, to: 1, seed: seed)])
      }
    }
  }

  /// What a part of the region says is wrong costs its ring, and is told; the other ring goes on.
  @Test func aPartThatIsNotUnderstoodStopsItsRing() async throws {
    try await with { bench in
      let a = try bench.guest("a")
      let region = try #require(try await leave(bench, "a"))
      // The transmit ring's part.
      let stride = Int(region.size) / 2
      _ = try region.file.write([7, 0], at: stride + 8)
      try a.reconnect(path: bench.path("a"), inflight: region)
      #expect(try await bench.fault("a") == "ring 1: inflight region of version 7, expected at most 1")
      #expect(try await bench.status("a").carrier == false)
      // A front-end that puts it right is served.
      _ = try region.file.write([0, 0], at: stride + 8)
      a.disconnect()
      try a.reconnect(path: bench.path("a"), inflight: region)
      try bench.expect(frame(1, to: 2), from: "a", reaches: ["b": frame(1, to: 2)])
    }
  }

  @Test func aRegionThatIsCutStopsItsPortAlone() async throws {
    try await with { bench in
      let a = try bench.guest("a")
      let region = try #require(try await leave(bench, "a"))
      let file = try makeMemoryFile(size: Int(region.size))
      let own = InflightKeeper(size: region.size, ringCount: 2, ringSize: 64, file: file)
      try a.reconnect(path: bench.path("a"), inflight: own)
      let last = frame(1, to: 2, seed: 3)
      try bench.expect(last, from: "a", reaches: ["b": last])
      try file.truncate(to: 0)
      // A split ring's part is not touched while the ring runs.
      for _ in 0..<3 { try a.send(frame(1, to: 2)) }
      if RingFormat.current == .packed {
        #expect(try await bench.fault("a").contains("was truncated while mapped"))
      } else {
        #expect(try a.waitForTransmitted())
      }
      a.disconnect()
      _ = try bench.guest("b").receiveAll()
      try bench.expect(frame(2, to: 9), from: "b", reaches: [:])
    }
  }
}

extension Descriptor {
  /// Writes where a front-end writes.
  fileprivate func write(_ bytes: [UInt8], at offset: Int) throws -> Int {
    var bytes = bytes
    return pwrite(raw, &bytes, bytes.count, off_t(offset))
  }

  fileprivate func truncate(to size: Int) throws { ftruncate(raw, off_t(size)) }
}
