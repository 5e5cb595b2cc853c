import Dataplane
import GuestKit
import LinuxHost
import TestSupport
import Testing

/// A machine with an emulated NIC that moves: its port, of kind `stream`, goes on with another peer.
@Suite struct StandbyStreamTests {
  private static func frame(_ source: Int, to destination: Int, seed: Int = 0) -> [UInt8] {
    GuestKit.frame(source, to: destination, seed: seed)
  }

  /// - Parameter body: is given a guest `near`, a peer of the stream's port `far`, and the socket of the next one.
  private func with(
    _ role: VhostUserSocket.Role, _ body: (Bench, VirtualGuest, StreamPeer, SocketPeer) async throws -> Void
  ) async throws {
    try await Bench.with { bench in
      try await bench.addSwitch()
      let guest = try await bench.addGuest("near", .access(vlan: 1))
      try await bench.dataplane.addPort(
        PortConfiguration(
          name: "far", switchName: "sw", mode: .access(vlan: 1), address: FrameBuilder.address(9),
          backend: .stream(SocketPeer(stream: bench.path("far")))))
      let peer = try StreamPeer(path: bench.path("far"))
      #expect(try await eventually { try await bench.status("far").carrier })
      try peer.send([Self.frame(2, to: 1)])
      #expect(try guest.receive()?.frame == Self.frame(2, to: 1))
      var next = SocketPeer(stream: bench.path("far-next"))
      next.role = role
      try await body(bench, guest, peer, next)
    }
  }

  private func receive(_ count: Int, _ peer: StreamPeer) async throws -> [[UInt8]] {
    var received: [[UInt8]] = []
    _ = try await eventually {
      received += try peer.receive()
      return received.count >= count
    }
    return received
  }

  @Test(arguments: [VhostUserSocket.Role.listen, .connect], [false, true])
  func framesWaitForTheNextPeer(role: VhostUserSocket.Role, isAsked: Bool) async throws {
    try await with(role) { bench, guest, first, next in
      let listener = role == .connect ? try UnixSocket.listen(path: next.path, mode: 0o600, owner: nil) : nil
      try await bench.dataplane.addStandby(port: "far", peer: next)
      #expect(try await bench.dataplane.standby(port: "far")?.socket == next.path)
      // It may connect at once, and waits.
      var second = role == .listen ? try StreamPeer(path: next.path) : nil
      let sent = (0..<20).map { Self.frame(1, to: 2, seed: $0) }
      if isAsked {
        try await bench.dataplane.holdFrames(ports: ["far"])
        try guest.send(burst: sent)
        #expect(try guest.waitForTransmitted())
        #expect(try await bench.status("far").held?.frames == 20)
        #expect(try first.receive().isEmpty)
      }
      // What the machine said last is heard.
      try first.send([Self.frame(2, to: 1, seed: 9)])
      try await bench.dataplane.promoteStandby(port: "far")
      #expect(try guest.receive()?.frame == Self.frame(2, to: 1, seed: 9))
      if let listener {
        #expect(
          try await eventually {
            second = try UnixSocket.accept(listener).map { StreamPeer($0) }
            return second != nil
          })
      }
      if !isAsked {
        try guest.send(burst: sent)
        #expect(try guest.waitForTransmitted())
      }
      try await bench.dataplane.releaseFrames(ports: ["far"])
      let peer = try #require(second)
      #expect(try await receive(20, peer) == sent)
      try peer.send([Self.frame(2, to: 1, seed: 10)])
      #expect(try guest.receive()?.frame == Self.frame(2, to: 1, seed: 10))
      let status = try await bench.status("far")
      #expect(status.carrier && status.held == nil && status.dropsOut.isEmpty)
      #expect(status.socketPeer?.path == next.path && status.socketPeer?.isConnected == true)
      #expect(try await bench.dataplane.standby(port: "far") == nil)
      _ = try first.receive()
      #expect(first.hasEnded)
    }
  }

  @Test func aStandbyThatIsRemovedLeavesNothing() async throws {
    try await with(.listen) { bench, guest, first, next in
      try await bench.dataplane.addStandby(port: "far", peer: next)
      await #expect(throws: DataplaneError.self) { try await bench.dataplane.addStandby(port: "far", peer: next) }
      await #expect(throws: DataplaneError.self) { try await bench.dataplane.addStandby(port: "near", peer: next) }
      try await bench.dataplane.removeStandby(port: "far")
      #expect(throws: (any Error).self) { try StreamPeer(path: next.path) }
      try guest.send(Self.frame(1, to: 2))
      #expect(try await receive(1, first) == [Self.frame(1, to: 2)])
      await #expect(throws: DataplaneError.invalid("port far: no front-end stands by")) {
        try await bench.dataplane.promoteStandby(port: "far")
      }
    }
  }
}
