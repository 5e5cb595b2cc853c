import Dataplane
import GuestKit
import LinuxHost
import TestSupport
import Testing
import VhostUser

/// SEND_RARP: QEMU's word for a guest that has arrived and cannot say so itself.
@Suite(.everyRingFormat) struct AnnouncementTests {
  private static func rarp(_ station: Int) -> [UInt8] {
    let address = FrameBuilder.station(station)
    let packet = [0, 1, 8, 0, 6, 4, 0, 3] + address + [0, 0, 0, 0] + address + [0, 0, 0, 0]
    return FrameBuilder.broadcast + address + [0x80, 0x35] + packet + [UInt8](repeating: 0, count: 18)
  }

  private func with(_ body: (Bench, VirtualGuest) async throws -> Void) async throws {
    try await Bench.with { bench in
      try await bench.addSwitch()
      for name in ["old", "peer"] { try await bench.addGuest(name, .access(vlan: 1)) }
      try bench.exchange(frame(7, to: 99), from: "old")
      _ = try await bench.addPort("new", .access(vlan: 1), pairs: 2)
      var options = VirtualGuest.Options()
      options.pairs = 2
      options.ringSize = 64
      try await body(bench, VirtualGuest(options))
    }
  }

  /// The order of a target: rings enabled again and again, the announcement before features and memory, then four more.
  @Test func whatComesBeforeThePortIsUpIsSaidWhenItIs() async throws {
    try await with { bench, guest in
      let frontEnd = try FrontEnd(path: bench.path("new"))
      let plan = guest.plan
      try frontEnd.connectLikeQEMU(plan)
      for _ in 0..<3 { for driver in plan.rings { try frontEnd.setRingEnable(UInt32(driver.index), true) } }
      for _ in 0..<2 { try frontEnd.sendRARP(FrameBuilder.station(7)) }
      try frontEnd.barrier()
      let peer = try bench.guest("peer")
      #expect(try peer.receive(timeout: 0) == nil)
      #expect(await bench.stations() == [Station(1, 7): "old"])
      // Its driver has filled its ring before, as one that arrives has.
      for pair in 0..<2 { try guest.postReceiveBuffers(pair: pair) }
      try frontEnd.deviceStartLikeQEMU(plan)
      #expect(try peer.receive()?.frame == Self.rarp(7))
      #expect(await bench.stations() == [Station(1, 7): "new"], "though it is still connected where it was")
      for _ in 0..<4 {
        try frontEnd.sendRARP(FrameBuilder.station(7))
        #expect(try peer.receive()?.frame == Self.rarp(7))
      }
      try peer.send(frame(3, to: 7))
      #expect(try guest.receiveAny()?.frame.frame == frame(3, to: 7))
      #expect(try peer.receive(timeout: 0) == nil)
    }
  }

  /// It is of the session: the next front-end at the port has nothing to do with it.
  @Test func itEndsWithItsSession() async throws {
    try await with { bench, guest in
      var frontEnd: FrontEnd? = try FrontEnd(path: bench.path("new"))
      try frontEnd?.connectLikeQEMU(guest.plan)
      try frontEnd?.sendRARP(FrameBuilder.station(7))
      try frontEnd?.barrier()
      frontEnd = nil
      try await eventually("it has left") { try await bench.status("new").vhostUser?.isConnected == false }
      try guest.connect(path: bench.path("new"))
      #expect(try await bench.status("new").carrier)
      #expect(try bench.guest("peer").receive(timeout: 0) == nil)
      #expect(await bench.stations() == [Station(1, 7): "old"])
    }
  }

  /// A port that its user has set down says nothing until it is up again.
  @Test func aPortThatIsSetDownSaysItLater() async throws {
    try await with { bench, _ in
      let old = try bench.guest("old")
      try await bench.dataplane.setCarrier(port: "old", up: false)
      try await bench.dataplane.setCarrier(port: "old", up: true)
      try await eventually("it is let in again") {
        (try? old.connect(path: bench.path("old"))) != nil
      }
      try old.say { _ = try $0.getRingBase(0) }
      try old.say { try $0.sendRARP(FrameBuilder.station(8)) }
      let peer = try bench.guest("peer")
      #expect(try peer.receive(timeout: 0) == nil)
      try old.say {
        try $0.setRingBase(0, old.receiveRing().startBase)
        try $0.setRingAddress(old.receiveRing())
        try $0.setRingKick(0, old.receiveRing().kickEvent.descriptor)
      }
      #expect(try peer.receive()?.frame == Self.rarp(8))
    }
  }
}
