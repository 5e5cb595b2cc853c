import Dataplane
import GuestKit
import LinuxHost
import Testing
import TestSupport

/// Ports of kind `stream` of a data plane that runs: peers come, break the rules, leave and come again.
@Suite struct StreamSessionTests {
  private static func frame(_ source: Int, to destination: Int) -> [UInt8] { GuestKit.frame(source, to: destination) }

  /// A guest `near`, and a stream's port `far` on the same switch.
  private func with(
    _ role: VhostUserSocket.Role = .listen, _ body: (Bench, VirtualGuest, String) async throws -> Void
  ) async throws {
    try await Bench.with { bench in
      try await bench.addSwitch()
      let guest = try await bench.addGuest("near", .access(vlan: 1))
      var peer = SocketPeer(stream: bench.path("far"))
      peer.role = role
      peer.mode = 0o600
      try await bench.dataplane.addPort(
        PortConfiguration(
          name: "far", switchName: "sw", mode: .access(vlan: 1), address: FrameBuilder.address(9),
          backend: .stream(peer)))
      try await body(bench, guest, peer.path)
    }
  }

  private func isUp(_ bench: Bench, _ wanted: Bool = true) async throws -> Bool {
    try await eventually { try await bench.status("far").carrier == wanted }
  }

  /// Frames go both ways.
  private func expectTraffic(
    _ bench: Bench, _ guest: VirtualGuest, _ peer: StreamPeer, sourceLocation: SourceLocation = #_sourceLocation
  ) async throws {
    #expect(try await isUp(bench), sourceLocation: sourceLocation)
    try peer.send([Self.frame(2, to: 1)])
    #expect(try guest.receive()?.frame == Self.frame(2, to: 1), sourceLocation: sourceLocation)
    try guest.send(Self.frame(1, to: 2))
    var received: [[UInt8]] = []
    #expect(
      try await eventually {
        received += try peer.receive()
        return !received.isEmpty
      }, sourceLocation: sourceLocation)
    #expect(received == [Self.frame(1, to: 2)], sourceLocation: sourceLocation)
  }

  @Test func aPeerComesAndLeavesAndComesAgain() async throws {
    try await with { bench, guest, path in
      #expect(try await bench.status("far").carrier == false)
      #expect(try await bench.status("far").kind == .stream)
      for _ in 0..<3 {
        do {
          let peer = try StreamPeer(path: path)
          try await expectTraffic(bench, guest, peer)
          #expect(try await bench.status("far").socketPeer?.isConnected == true)
        }
        #expect(try await isUp(bench, false))
      }
      let status = try await bench.status("far")
      #expect(status.socketPeer?.faults == 0 && status.error == nil)
      #expect(status.receivePackets == 3)
    }
  }

  @Test(arguments: [0, 13, 69_633, 0xFFFF_FFFF]) func aPeerThatBreaksTheRulesIsShownTheDoor(_ length: Int) async throws
  {
    try await with { bench, guest, path in
      let bad = try StreamPeer(path: path)
      #expect(try await isUp(bench))
      try bad.sendBytes(StreamPeer.length(length) + [UInt8](repeating: 0, count: 64))
      #expect(
        try await eventually {
          _ = try bad.receive()
          return bad.hasEnded
        })
      #expect(try await eventually { try await bench.status("far").socketPeer?.faults == 1 })
      #expect(try await bench.status("far").error?.contains("a frame of \(length) bytes") == true)
      try await expectTraffic(bench, guest, try StreamPeer(path: path))
    }
  }

  /// Another peer waits until the first has gone: frames of its are read then.
  @Test func theSecondPeerWaits() async throws {
    try await with { bench, guest, path in
      var first: StreamPeer? = try StreamPeer(path: path)
      try await expectTraffic(bench, guest, try #require(first))
      let second = try StreamPeer(path: path)
      try await expectTraffic(bench, guest, try #require(first))
      first = nil
      try await expectTraffic(bench, guest, second)
    }
  }

  @Test func aPortThatConnectsFindsItsPeerAgain() async throws {
    try await with(.connect) { bench, guest, path in
      #expect(try await bench.status("far").carrier == false)
      for _ in 0..<2 {
        let listener = try UnixSocket.listen(path: path, mode: 0o600, owner: nil)
        var accepted: Descriptor?
        #expect(
          try await eventually {
            accepted = try UnixSocket.accept(listener)
            return accepted != nil
          })
        try await expectTraffic(bench, guest, StreamPeer(try #require(accepted)))
        accepted = nil
        SocketFile.remove(path)
      }
    }
  }

  @Test func thePortsOwnFileGoesWithIt() async throws {
    try await with { bench, _, path in
      let peer = try StreamPeer(path: path)
      #expect(try await isUp(bench))
      try await bench.dataplane.removePort("far")
      #expect(
        try await eventually {
          _ = try peer.receive()
          return peer.hasEnded
        })
      #expect(throws: SystemError.self) { try UnixSocket.connect(path: path) }
    }
  }
}
