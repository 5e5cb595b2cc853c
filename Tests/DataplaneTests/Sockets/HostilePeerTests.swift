import Dataplane
import Glibc
import GuestKit
import LinuxHost
import TestSupport
import Testing

/// Peers of stream and dgram ports that lie about lengths, stop half-way, flood and hand over descriptors: the process goes
/// on, guests elsewhere lose nothing, and nothing of such a peer is kept.
@Suite struct HostilePeerTests {
  /// What a peer sends, and whether the port's connection is to end for it.
  struct Attack: Sendable, CustomTestStringConvertible {
    var name: String
    var bytes: [UInt8]
    /// What the port says of it; nil = nothing is wrong.
    var reason: String?
    var testDescription: String { name }
  }

  private static let good = StreamPeer.framed(GuestKit.frame(41, to: 22))

  private static func length(_ value: Int) -> Attack {
    Attack(
      name: "a frame of \(value) bytes", bytes: good + StreamPeer.length(value) + [UInt8](repeating: 1, count: 200),
      reason: "a frame of \(value) bytes")
  }

  /// The first two are lengths that may be, of frames that do not come.
  private static let lengths: [Attack] = [
    Attack(name: "65535 bytes are not all there", bytes: StreamPeer.length(0xFFFF) + [1, 2, 3]),
    Attack(name: "65536 bytes are not all there", bytes: StreamPeer.length(0x1_0000) + [1, 2, 3]),
    length(0), length(1), length(13), length(69_633), length(0x7FFF_FFFF), length(0x8000_0000), length(0xFFFF_FFFF),
  ]

  private static let halves: [Attack] = [1, 2, 3, 4, 5, 17, 18, good.count - 1].map { count in
    Attack(name: "\(count) bytes", bytes: Array(good.prefix(count)))
  }

  private static let others: [Attack] = [
    Attack(name: "nothing", bytes: []),
    Attack(name: "text", bytes: Array("GET / HTTP/1.1\r\n\r\n".utf8), reason: "a frame of 1195725856 bytes"),
    Attack(name: "frames in a frame", bytes: StreamPeer.framed(good + good) + good),
    Attack(name: "the longest frame", bytes: StreamPeer.framed([UInt8](repeating: 2, count: 69_632))),
  ]

  private static let attacks = lengths + halves + others

  /// A victim whose switch has a port `peer` for a stream besides.
  private func withStream(_ body: (Victim, String) async throws -> Void) async throws {
    try await Victim.with { victim in
      var peer = SocketPeer(stream: victim.bench.path("stream"))
      peer.mode = 0o600
      try await victim.bench.dataplane.addPort(
        PortConfiguration(
          name: "peer", switchName: "sw", mode: .access(vlan: 1), address: FrameBuilder.address(9),
          backend: .stream(peer)))
      try await body(victim, peer.path)
    }
  }

  private func isUp(_ victim: Victim, _ wanted: Bool) async throws -> Bool {
    try await eventually { try await victim.bench.status("peer").carrier == wanted }
  }

  /// Sends all of it, while the port reads.
  private func send(_ bytes: [UInt8], to peer: StreamPeer) async throws {
    var rest = bytes[...]
    while !rest.isEmpty {
      var sent: Int?
      do { sent = try UnixSocket.send(peer.socket, Array(rest)) } catch { return }
      rest = rest.dropFirst(sent ?? 0)
      if sent == nil { try await Task.sleep(for: .milliseconds(1)) }
    }
  }

  @Test func lengthsThatLieAndHalfFramesLeaveNothingBehind() async throws {
    try await withStream { victim, path in
      let base = OpenDescriptors()
      var faults: UInt64 = 0
      for attack in Self.attacks + Self.attacks {
        do {
          let peer = try StreamPeer(path: path)
          #expect(try await isUp(victim, true), "\(attack.name)")
          try await send(attack.bytes, to: peer)
          if let reason = attack.reason {
            faults += 1
            let wanted = faults
            let isTold = try await eventually { try await victim.bench.status("peer").socketPeer?.faults == wanted }
            #expect(isTold, "\(attack.name)")
            let error = try await victim.bench.status("peer").error
            #expect(error?.contains(reason) == true, "\(attack.name): \(error ?? "nothing")")
          }
          try victim.expectOthersUnharmed()
        }
        #expect(try await isUp(victim, false), "\(attack.name)")
        while try victim.neighbour.receive(timeout: 0) != nil {}
        while try victim.bad.receive(timeout: 0) != nil {}
      }
      #expect(try await victim.bench.status("peer").socketPeer?.faults == faults)
      try victim.expectTraffic()
      #expect(await base.haveReturned(), "\(OpenDescriptors()), before: \(base)")
    }
  }

  /// A frame that stops half-way holds its own port's input alone: what goes to the peer passes.
  @Test func halfAFrameHoldsNobody() async throws {
    try await withStream { victim, path in
      let peer = try StreamPeer(path: path)
      try peer.sendBytes(Self.good + Self.good.prefix(30))
      #expect(try victim.neighbour.receive()?.frame == GuestKit.frame(41, to: 22))
      for seed in 0..<50 {
        try victim.neighbour.send(Victim.frame(22, to: 41, seed: seed))
        #expect(try victim.neighbour.waitForTransmitted())
        try victim.expectOthersUnharmed()
      }
      var received: [[UInt8]] = []
      #expect(
        try await eventually {
          received += try peer.receive()
          return received.count >= 50
        })
      #expect(received == (0..<50).map { Victim.frame(22, to: 41, seed: $0) })
      try peer.sendBytes(Array(Self.good.dropFirst(30)))
      #expect(try victim.neighbour.receive()?.frame == GuestKit.frame(41, to: 22))
    }
  }

  /// Sends what it is given without pause, on a thread of its own.
  private final class Flood: Sendable {
    private let isDone = Flag()
    private let thread: HostThread

    /// - Parameter send: gets the number of the call.
    init(_ send: @escaping @Sendable (Int) -> Void) throws {
      let isDone = isDone
      thread = try HostThread.start(name: "apd-flooder", cpu: nil) {
        var number = 0
        while !isDone.isSet {
          send(number)
          number += 1
        }
      }
    }

    func stop() {
      isDone.set()
      thread.join()
    }
  }

  /// Frames that are flooded to all, without pause; and a hundred peers that wait in front of the door.
  @Test func aFloodHoldsNobody() async throws {
    try await withStream { victim, path in
      let base = OpenDescriptors()
      do {
        let peer = try StreamPeer(path: path)
        #expect(try await isUp(victim, true))
        let socket = peer.socket
        let frame = FrameBuilder(to: FrameBuilder.broadcast, from: FrameBuilder.station(41)).plain(size: 60)
        let burst = Array(repeating: StreamPeer.framed(frame), count: 20).flatMap { $0 }
        let flood = try Flood { _ in _ = try? UnixSocket.send(socket, burst) }
        var waiting: [Descriptor] = []
        for _ in 0..<100 {
          if let next = try? UnixSocket.connect(path: path) { waiting.append(next) }
          try victim.expectOthersUnharmed()
        }
        flood.stop()
        #expect(try await victim.bench.status("peer").receivePackets > 0)
        #expect(!waiting.isEmpty)
      }
      while try victim.neighbour.receive(timeout: 0) != nil {}
      while try victim.bad.receive(timeout: 0) != nil {}
      // Those that waited are taken one after the other, and have gone.
      #expect(await base.haveReturned(), "\(OpenDescriptors()), before: \(base)")
      let last = try StreamPeer(path: path)
      #expect(
        try await eventually {
          try last.sendBytes(Self.good)
          return try victim.neighbour.receive(timeout: 100)?.frame == GuestKit.frame(41, to: 22)
        })
    }
  }

  /// Descriptors that come with frames are nobody's.
  @Test func descriptorsAreNotTaken() async throws {
    let files = try (0..<8).map { _ in try EventDescriptor().descriptor }
    try await withStream { victim, path in
      let peer = try StreamPeer(path: path)
      #expect(try await isUp(victim, true))
      for _ in 0..<20 {
        #expect(try UnixSocket.send(peer.socket, Self.good, descriptors: files) == Self.good.count)
        #expect(try victim.neighbour.receive()?.frame == GuestKit.frame(41, to: 22))
      }
      #expect(await eventually { files.allSatisfy { openCopies(of: $0) == 1 } })
    }
  }

  // Datagrams.

  /// Sends one from a socket without a name, or one that is bound.
  private static func send(_ bytes: [UInt8], from socket: Descriptor, to path: String) -> Int {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(path.utf8)) }
    return withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        sendto(socket.raw, bytes, bytes.count, CInt(MSG_DONTWAIT), $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
  }

  @Test func datagramsOfAnySizeInAFloodHoldNobody() async throws {
    try await Victim.with { victim in
      let (path, peerPath) = (victim.bench.path("dgram"), victim.bench.path("dgram.peer"))
      try await victim.bench.dataplane.addPort(
        PortConfiguration(
          name: "peer", switchName: "sw", mode: .access(vlan: 1), address: FrameBuilder.address(9),
          backend: .dgram(SocketPeer(datagrams: path, peerPath: peerPath))))
      let base = OpenDescriptors()
      for round in 0..<3 {
        let socket = try UnixSocket.bind(path: peerPath, mode: 0o600, owner: nil)
        #expect(try await isUp(victim, true))
        let sizes = [0, 1, 13, 14, 60, 1514, 69_632, 69_633, 100_000]
        let flood = try Flood { number in
          _ = Self.send([UInt8](repeating: 2, count: sizes[number % sizes.count]), from: socket, to: path)
        }
        for _ in 0..<100 { try victim.expectOthersUnharmed() }
        flood.stop()
        let drops = try await victim.bench.status("peer").dropsIn
        #expect((drops["runt"] ?? 0) > 0 && (drops["header-invalid"] ?? 0) > 0, "round \(round)")
        while try victim.neighbour.receive(timeout: 0) != nil {}
        while try victim.bad.receive(timeout: 0) != nil {}
        // Behind what the kernel still holds of the flood.
        #expect(
          try await eventually {
            _ = Self.send(GuestKit.frame(41, to: 22), from: socket, to: path)
            return try victim.neighbour.receive(timeout: 100)?.frame == GuestKit.frame(41, to: 22)
          })
        SocketFile.remove(peerPath)
      }
      #expect(try await isUp(victim, false))
      #expect(await base.haveReturned(), "\(OpenDescriptors()), before: \(base)")
      #expect(try await victim.bench.status("peer").error == nil)
    }
  }
}
