import Dataplane
import Glibc
import GuestKit
import LinuxHost
import TestSupport
import Testing
import VhostUser

/// A machine whose writes are logged, as of one that moves: at its stop frames wait without anybody having been told.
@Suite(.everyRingFormat) struct LoggedSwitchOverTests {
  /// A machine at port `b`, another at `a`, and at `t` the way to another host; all stations known, pages of `b` are logged.
  private func with(_ body: (Bench, VirtualGuest, FrontEnd) async throws -> Void) async throws {
    try await Bench.with { bench in
      try await bench.addSwitch()
      try await bench.addGuest("a", .access(vlan: 1)) { $0.ringSize = 256 }
      try await bench.addGuest("t", .trunk(allowed: .all, native: nil)) { $0.ringSize = 256 }
      let guest = try await bench.addGuest("b", .access(vlan: 1)) { $0.ringSize = 256 }
      try bench.exchange(frame(1), from: "a")
      try bench.exchange(frame(2), from: "b")
      let frontEnd = try #require(guest.frontEnd)
      try frontEnd.setLog(try DirtyPages(of: guest.memory))
      try frontEnd.setLogging(true, guest.rings)
      try await body(bench, guest, frontEnd)
    }
  }

  private func send(_ count: Int, _ bench: Bench) throws {
    let a = try bench.guest("a")
    try a.send(burst: (0..<count).map { frame(1, to: 2, seed: $0) })
    #expect(try a.waitForTransmitted())
  }

  /// `stop` and `cont` in the middle of a migration: the rings run again once there is a log.
  @Test func framesWaitForAMachineThatIsPaused() async throws {
    try await with { bench, guest, frontEnd in
      var plan = guest.plan
      plan.bases = try frontEnd.stopLikeQEMU(plan)
      plan.keepsMemory = frontEnd.protocolFeatures & ProtocolFeature.memorySlots != 0
      try send(50, bench)
      #expect(try await bench.status("b").held?.frames == 50)
      try frontEnd.deviceStartLikeQEMU(plan)
      #expect(try await eventually { try await bench.status("b").held == nil })
      #expect(try guest.receiveAll(quiet: 0).map(\.frame) == (0..<50).map { frame(1, to: 2, seed: $0) })
      // Without a log a stop is a stop.
      try frontEnd.stopLikeQEMU(plan)
      #expect(try await bench.status("b").carrier == false)
    }
  }

  /// The machine goes on on another host, which tells so; then its old process ends.
  @Test(arguments: [false, true]) func framesFollowAMachineToAnotherHost(announcesFirst: Bool) async throws {
    try await with { bench, guest, frontEnd in
      try frontEnd.stopLikeQEMU(guest.plan)
      try send(50, bench)
      let t = try bench.guest("t")
      _ = try t.receiveAll(quiet: 0)
      let announcement = frame(2, tags: [.init(1)])
      if announcesFirst { try bench.exchange(announcement, from: "t") }
      guest.disconnect()
      let transport = try #require(frontEnd.transport as? SocketTransport)
      shutdown(transport.socket.raw, CInt(SHUT_RDWR))
      #expect(try await eventually { try await bench.status("b").carrier == false })
      if !announcesFirst { try bench.exchange(announcement, from: "t") }
      var got: [[UInt8]] = []
      #expect(
        try await eventually {
          got += try t.receiveAll(quiet: 0).map(\.frame)
          return got.count >= 50
        })
      #expect(got == (0..<50).map { tagged(1, frame(1, to: 2, seed: $0)) })
      #expect(try await eventually { try await bench.status("b").held == nil })
    }
  }
}
