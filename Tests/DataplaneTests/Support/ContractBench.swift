import Glibc
import GuestKit
import LinuxHost
import VhostUser

@testable import Dataplane

/// A worker without a thread that has ports of any kind, each with its other side.
final class ContractBench {
  /// What is behind a port.
  enum FarSide {
    case guest(VirtualGuest)
    /// The far end of a pair of sockets that stands in for an interface.
    case socket(Descriptor)
    /// The far end of a pair of stream sockets.
    case stream(StreamPeer)
    /// The same, with a virtio-net header of ten bytes in front of each frame.
    case packets(Descriptor)
    /// The kind has nothing behind it.
    case nothing
  }

  var core: WorkerCore
  private(set) var blocks: [Int: CounterBlock] = [:]
  private var far: [Int: FarSide] = [:]

  init() throws {
    MemoryMapping.installFaultHandler()
    core = WorkerCore(
      guardian: CallGuardian(), faults: FaultQueue(bell: try EventDescriptor()), epoll: try Epoll())
  }

  /// Adds a port that nothing is behind yet.
  func add(_ port: Int, _ kind: PortKind) {
    let block = CounterBlock()
    blocks[port] = block
    let record = PortRecord(
      index: port, name: "\(port)", switchName: nil, kind: .vhostUser, mode: .wire, mtu: 1500, address: nil, peer: nil,
      socket: nil, block: block)
    core.coldAddPort(record, kind)
  }

  /// Opens what is behind a port.
  ///
  /// - Parameters:
  ///   - hasOffload: an interface has a virtio-net header in front of each frame.
  ///   - takesLarge: large frames that it takes.
  func open(
    _ port: Int, ringSize: Int = 256, hasOffload: Bool = false, takesLarge: LargeFrameTypes = []
  ) throws {
    switch core.state.ports[port].kind {
    case .vhostUser: far[port] = .guest(try startGuest(port, ringSize))
    case .tap:
      let (near, other) = try Self.datagramPair()
      far[port] = .socket(other)
      if let error = core.coldOpenTAP(port, near, hasOffload: hasOffload, takesLarge: takesLarge) { throw error }
      core.coldSetInterface(port, isUp: true)
    case .nic:
      let (near, other) = try Self.pair()
      far[port] = .packets(other)
      let error = core.coldOpenNIC(port, near, takesPartialChecksums: hasOffload, takesLarge: takesLarge)
      if let error { throw error }
      core.coldSetInterface(port, isUp: true)
    case .stream:
      let (near, other) = try UnixSocket.pair()
      far[port] = .stream(StreamPeer(other))
      core.coldOpenStream(port, near, epoch: 1)
    case .dgram:
      let (near, other) = try Self.datagramPair()
      far[port] = .socket(other)
      guard core.coldOpenDatagrams(port, near, peerPath: "/nowhere") else { throw StreamPeer.Failure.refused }
      core.coldSetPeer(port, true)
    case .patch, .null, .none: far[port] = .nothing
    }
    core.coldCarrier(port)
  }

  /// Sockets that keep messages apart.
  private static func pair() throws -> (Descriptor, Descriptor) {
    var pair: [Int32] = [-1, -1]
    let type = CInt(SOCK_DGRAM.rawValue) | CInt(SOCK_NONBLOCK.rawValue) | CInt(SOCK_CLOEXEC.rawValue)
    guard socketpair(AF_UNIX, type, 0, &pair) == 0 else {
      throw SystemError(call: "socketpair", code: errno, context: "")
    }
    return (Descriptor(owning: pair[0]), Descriptor(owning: pair[1]))
  }

  /// Something is behind a port that frames can be sent from and received at.
  func hasFarSide(_ port: Int) -> Bool {
    switch far[port] {
    case .guest, .socket, .stream, .packets: true
    case .nothing, nil: false
    }
  }

  /// Adds two ports joined by a wire and opens both.
  func wire(
    _ first: Int, _ kind: PortKind, _ second: Int, _ other: PortKind, ringSize: Int = 256, hasOffload: Bool = false
  ) throws {
    for (port, kind) in [(first, kind), (second, other)] {
      add(port, kind)
      try open(port, ringSize: ringSize, hasOffload: hasOffload)
    }
    core.coldConnect(first, second)
  }

  func remove(_ port: Int) {
    core.coldRemovePort(port)
    far[port] = nil
  }

  private static func datagramPair() throws -> (Descriptor, Descriptor) {
    var pair: [Int32] = [-1, -1]
    let type = CInt(SOCK_DGRAM.rawValue) | CInt(SOCK_NONBLOCK.rawValue) | CInt(SOCK_CLOEXEC.rawValue)
    guard socketpair(AF_UNIX, type, 0, &pair) == 0 else {
      throw SystemError(call: "socketpair", code: errno, context: "")
    }
    return (Descriptor(owning: pair[0]), Descriptor(owning: pair[1]))
  }

  /// The peer of a stream, for bytes as they are.
  func streamPeer(_ port: Int) throws -> StreamPeer {
    guard case .stream(let peer) = far[port] else { throw StreamPeer.Failure.refused }
    return peer
  }

  private func startGuest(_ port: Int, _ ringSize: Int) throws -> VirtualGuest {
    var options = VirtualGuest.Options()
    options.ringSize = ringSize
    options.memorySize = 8 << 20
    let guest = try VirtualGuest(options)
    try guest.postReceiveBuffers()
    let table = try MemoryTable(DrivenBench.regions(guest.memory))
    core.coldReplaceMemory(port, table, [:])
    for ring in guest.rings {
      let start = DrivenBench.start(ring, options.format.features(of: VirtioFeature.version1))
      core.coldStartRing(
        port,
        WorkerCore.RingInstallation(
          index: start.index,
          layout: try RingLayout(start.addresses, size: start.size, isPacked: start.isPacked, in: table),
          base: start.base, traits: QueueTraits(start), isEnabled: true, kick: start.kick, call: start.call, error: nil)
      )
    }
    return guest
  }

  /// Takes events and breathes until nothing moves.
  func breathe() {
    repeat {
      var events = [EpollEvent](repeating: EpollEvent(), count: 16)
      let count = core.state.ports.epoll.wait(into: &events, timeoutMicroseconds: 0)
      for event in events.prefix(count) {
        let token = EventToken(word: event.token)
        if let port = token.port {
          core.state.ports.coldHandle(port, PortEvent(source: token.source, events: event.events))
        }
      }
    } while core.breathe() > 0
  }

  /// Sends a frame from the far side of a port; false = nothing can send there.
  func send(_ frame: [UInt8], from port: Int) throws -> Bool {
    switch far[port] {
    case .guest(let guest): try guest.send(burst: [frame])
    case .socket(let descriptor):
      guard Glibc.send(descriptor.raw, frame, frame.count, 0) == frame.count else {
        throw SystemError(call: "send", code: errno, context: "")
      }
    case .stream(let peer): try peer.send([frame])
    case .packets(let descriptor):
      let message = [UInt8](repeating: 0, count: 10) + frame
      guard Glibc.send(descriptor.raw, message, message.count, 0) == message.count else {
        throw SystemError(call: "send", code: errno, context: "")
      }
    case .nothing, nil: return false
    }
    breathe()
    return true
  }

  /// The same with several frames at once, of a guest.
  func sendBurst(_ frames: [[UInt8]], from port: Int) throws {
    guard case .guest(let guest) = far[port] else { throw StreamPeer.Failure.refused }
    try guest.send(burst: frames)
    breathe()
  }

  /// What was behind a port is gone.
  func closeFarSide(_ port: Int) { far[port] = .nothing }

  /// What came to the far side of a port since the last call.
  func received(_ port: Int) throws -> [[UInt8]] {
    var frames: [[UInt8]] = []
    switch far[port] {
    case .guest(let guest):
      while let received = try guest.receive(timeout: 0) { frames.append(received.frame) }
    case .socket(let descriptor), .packets(let descriptor):
      var header = 0
      if case .packets = far[port] { header = 10 }
      var buffer = [UInt8](repeating: 0, count: 70_000)
      while true {
        let size = recv(descriptor.raw, &buffer, buffer.count, 0)
        guard size > 0 else { break }
        frames.append(Array(buffer[header..<size]))
      }
    case .stream(let peer): frames = try peer.receive()
    case .nothing, nil: break
    }
    return frames
  }

  /// Frames that went out of a port, and those that were dropped there.
  func counts(_ port: Int) -> (sent: UInt64, dropped: UInt64) {
    guard let block = blocks[port] else { return (0, 0) }
    return (block.value(CounterBlock.Slot.transmitPackets), block.egressDrops.values.reduce(0, +))
  }
}
