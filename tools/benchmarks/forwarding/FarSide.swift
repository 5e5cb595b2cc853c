import Frames
import Glibc
import GuestKit
import LinuxHost
import VhostUser

/// A frame that is sent again and again, and the virtio-net header in front of it.
struct PreparedFrame {
  var bytes: [UInt8]
  var header = NetworkHeader()

  init(bytes: [UInt8]) { self.bytes = bytes }

  init(_ built: FrameBuilder.Built) { (bytes, header) = (built.frame, built.header) }
}

/// What is behind a port of a run on one thread: it sends the same frame again and again, and takes what comes.
protocol FarSide: AnyObject {
  /// Sets the frame that `send` sends.
  func prepare(_ frame: PreparedFrame)
  /// Sends the prepared frame so many times.
  func send(_ count: Int)
  /// Makes room for so many frames more.
  func take(_ count: Int)
}

/// A guest whose descriptors stay as they are: each turn makes the same chains available again.
final class Station: FarSide {
  /// How a transmitted frame lies in its chain.
  enum Chain: String {
    /// Header and frame in one buffer.
    case single
    /// A descriptor each.
    case two
    /// A descriptor each, in an indirect table.
    case indirect
  }

  /// What a station's rings are made of.
  struct Shape {
    /// Bytes of a transmitted frame with its virtio-net header, at most.
    var transmitSize = 2048
    var chain = Chain.single
    /// Bytes of a receive buffer.
    var receiveSize = 2048
    /// Receive buffers that a frame takes.
    var receiveCount = 1
    /// Buffers that the frames of a ring lie in; 0 = one for each.
    var distinct = 0
    /// Virtio features that are negotiated.
    var features = VirtioFeature.version1 | VirtioFeature.mergeableBuffers
  }

  static let ringSize = 256
  let memory: SharedMemory
  /// Receive and transmit.
  let rings: [SplitDriver]
  private let shape: Shape
  /// Header and frame of each chain to send.
  private var transmitBuffers: [UInt64] = []

  init(_ shape: Shape) throws {
    self.shape = shape
    let memory = try SharedMemory.likeQEMU(size: 64 << 20)
    self.memory = memory
    rings = try (0..<2).map { try SplitDriver(memory: memory, index: $0, size: Self.ringSize) }
    for ring in rings { ring.availableFlags = 1 }
    layReceiveRing(rings[0])
    layTransmitRing(rings[1])
  }

  private func layReceiveRing(_ ring: SplitDriver) {
    let buffers = allocate(shape.receiveSize)
    for slot in 0..<Self.ringSize {
      ring.write(
        RawDescriptor(
          slot: slot, address: buffers[slot % buffers.count], length: UInt32(shape.receiveSize),
          flags: RawDescriptor.write))
      ring.writeAvailableEntry(slot, UInt16(slot))
    }
  }

  private func layTransmitRing(_ ring: SplitDriver) {
    transmitBuffers = allocate(shape.transmitSize)
    let chains = shape.chain == .two ? Self.ringSize / 2 : Self.ringSize
    for position in 0..<Self.ringSize {
      let chain = position % chains
      let buffer = transmitBuffers[chain % transmitBuffers.count]
      let whole = UInt32(shape.transmitSize)
      let header = UInt32(NetworkHeader.size)
      let pieces = [
        RawDescriptor(
          slot: 2 * chain, address: buffer, length: header, flags: RawDescriptor.next, next: UInt16(2 * chain + 1)),
        RawDescriptor(slot: 2 * chain + 1, address: buffer + UInt64(header), length: whole - header),
      ]
      switch shape.chain {
      case .single:
        ring.write(RawDescriptor(slot: chain, address: buffer, length: whole))
        ring.writeAvailableEntry(position, UInt16(chain))
      case .two:
        for piece in pieces { ring.write(piece) }
        ring.writeAvailableEntry(position, UInt16(2 * chain))
      case .indirect:
        let table = memory.allocate(32)
        ring.writeTable(table, pieces.map { RingSegment($0.address, Int($0.length), isWritable: false) })
        ring.write(RawDescriptor(slot: chain, address: table, length: 32, flags: RawDescriptor.indirect))
        ring.writeAvailableEntry(position, UInt16(chain))
      }
    }
  }

  private func allocate(_ size: Int) -> [UInt64] {
    (0..<(shape.distinct == 0 ? Self.ringSize : shape.distinct)).map { _ in memory.allocate(size, alignment: 64) }
  }

  func prepare(_ built: PreparedFrame) {
    for buffer in transmitBuffers { memory.write(built.header.bytes + built.bytes, at: buffer) }
  }

  func send(_ count: Int) { rings[1].availableIndex &+= UInt16(count) }
  func take(_ count: Int) { rings[0].availableIndex &+= UInt16(count * shape.receiveCount) }

  /// What the session would hand over for each ring.
  var starts: [RingStart] {
    rings.map { ring in
      RingStart(
        index: ring.index, size: Self.ringSize, base: 0, addresses: ring.addresses, kick: ring.kickEvent.descriptor,
        call: nil, error: nil, isEnabled: true, features: shape.features)
    }
  }

  var regions: [MemoryRegionRequest] {
    zip(memory.regions, memory.descriptors).map { region, descriptor in
      MemoryRegionRequest(
        guestAddress: region.guestAddress, size: region.size, userAddress: region.userAddress,
        fileOffset: region.fileOffset, descriptor: descriptor)
    }
  }
}

/// The kernel's side of a TAP, played by a socket: a read or write moves one frame with its virtio-net header.
final class Interface: FarSide {
  private let socket: Descriptor
  private var bytes: [UInt8] = []
  private var room = [UInt8](repeating: 0, count: 70_000)

  /// - Parameter socket: the far end of the pair that the port has the other end of.
  init(_ socket: Descriptor) { self.socket = socket }

  func prepare(_ built: PreparedFrame) { bytes = built.header.bytes + built.bytes }

  func send(_ count: Int) {
    for _ in 0..<count where Glibc.send(socket.raw, bytes, bytes.count, 0) != bytes.count {
      Options.fail("a frame does not fit into the socket: errno \(errno)", status: 1)
    }
  }

  func take(_ count: Int) {
    while recv(socket.raw, &room, room.count, 0) > 0 {}
  }
}
