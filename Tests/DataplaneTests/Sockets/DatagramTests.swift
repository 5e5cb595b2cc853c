import Dataplane
import Glibc
import GuestKit
import LinuxHost
import Testing
import TestSupport

/// Ports of kind `dgram` of a data plane that runs, whose peer comes and goes.
@Suite struct DatagramTests {
  private static func frame(_ source: Int, to destination: Int) -> [UInt8] { GuestKit.frame(source, to: destination) }

  /// The other side, as QEMU is it: bound to its own path, sending to the port's, and never connected.
  private final class Peer {
    private let socket: Descriptor
    private let path: String
    private let port: String

    init(at path: String, to port: String) throws {
      (self.path, self.port) = (path, port)
      socket = try UnixSocket.bind(path: path, mode: 0o600, owner: nil)
    }

    deinit { SocketFile.remove(path) }

    /// From the socket that is bound, so that the port sees whose it is.
    func send(_ frame: [UInt8]) -> Int {
      var address = sockaddr_un()
      address.sun_family = sa_family_t(AF_UNIX)
      withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(port.utf8)) }
      return withUnsafePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          sendto(socket.raw, frame, frame.count, 0, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
        }
      }
    }

    func receive() -> [[UInt8]] {
      var (frames, buffer): ([[UInt8]], [UInt8]) = ([], [UInt8](repeating: 0, count: 70_000))
      while true {
        let size = recv(socket.raw, &buffer, buffer.count, 0)
        guard size >= 0 else { return frames }
        frames.append(Array(buffer[..<size]))
      }
    }
  }

  private func with(_ body: (Bench, VirtualGuest, () throws -> Peer) async throws -> Void) async throws {
    try await Bench.with { bench in
      try await bench.addSwitch()
      let guest = try await bench.addGuest("near", .access(vlan: 1))
      let (path, peerPath) = (bench.path("far"), bench.path("far.peer"))
      try await bench.dataplane.addPort(
        PortConfiguration(
          name: "far", switchName: "sw", mode: .access(vlan: 1), address: FrameBuilder.address(9),
          backend: .dgram(SocketPeer(datagrams: path, peerPath: peerPath))))
      try await body(bench, guest) { try Peer(at: peerPath, to: path) }
    }
  }

  private func isUp(_ bench: Bench, _ wanted: Bool = true) async throws -> Bool {
    try await eventually { try await bench.status("far").carrier == wanted }
  }

  @Test func theFirstFrameOfAPeerIsTaken() async throws {
    try await with { bench, guest, make in
      let peer = try make()
      #expect(peer.send(Self.frame(2, to: 1)) > 0)
      #expect(try guest.receive()?.frame == Self.frame(2, to: 1))
      withExtendedLifetime(peer) {}
    }
  }

  /// Another one in its place is refused by the kernel until the port has seen it: a quarter of a second.
  @Test func aPeerComesAndGoesAndComesAgain() async throws {
    try await with { bench, guest, make in
      #expect(try await bench.status("far").kind == .dgram)
      #expect(try await bench.status("far").carrier == false)
      for _ in 0..<3 {
        let peer = try make()
        #expect(await eventually { peer.send(Self.frame(2, to: 1)) > 0 })
        #expect(try guest.receive()?.frame == Self.frame(2, to: 1))
        #expect(try await isUp(bench))
        try guest.send(Self.frame(1, to: 2))
        var received: [[UInt8]] = []
        #expect(
          await eventually {
            received += peer.receive()
            return !received.isEmpty
          })
        #expect(received == [Self.frame(1, to: 2)])
        withExtendedLifetime(peer) {}
        // It goes at the end of the scope, without a word.
      }
      #expect(try await isUp(bench, false))
    }
  }

  @Test func datagramsOfWrongSizesAreDroppedAndCounted() async throws {
    try await with { bench, guest, make in
      let peer = try make()
      #expect(try await isUp(bench))
      for size in [0, 1, 13, 69_633, 100_000, 69_632] {
        #expect(peer.send([UInt8](repeating: 2, count: size)) == size)
      }
      #expect(
        try await eventually {
          try await bench.status("far").dropsIn == ["runt": 3, "header-invalid": 3]
        })
      #expect(peer.send(Self.frame(2, to: 1)) > 0)
      #expect(try guest.receive()?.frame == Self.frame(2, to: 1))
      withExtendedLifetime(peer) {}
    }
  }

  /// The kernel queues ten or so; the port keeps others until the peer reads, in order, and drops what is too much.
  @Test func moreFramesThanTheKernelQueuesAreKept() async throws {
    try await with { bench, guest, make in
      let peer = try make()
      #expect(try await isUp(bench))
      var sent: [[UInt8]] = []
      for number in 0..<120 {
        let frame = GuestKit.frame(1, to: 2, seed: number)
        try guest.send(frame)
        sent.append(frame)
      }
      #expect(try guest.waitForTransmitted())
      var received: [[UInt8]] = []
      #expect(
        await eventually {
          received += peer.receive()
          return received.count >= sent.count
        })
      #expect(received == sent)
      withExtendedLifetime(peer) {}
    }
  }
}
