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
    var format = RingFormat.split
    /// Bytes of the guest's memory.
    var memorySize = 64 << 20
    /// Bytes of a transmitted frame with its virtio-net header, at most.
    var transmitSize = 2048
    var chain = Chain.single
    /// Bytes of a receive buffer.
    var receiveSize = 2048
    /// Receive buffers that a frame takes.
    var receiveCount = 1
    /// Buffers that the frames of a ring lie in; 0 = one for each.
    var distinct = 0
    /// Receive rings that are enabled; all frames are of one flow, which stays in the first.
    var receiveRings = 1
    /// Virtio features that are negotiated.
    var features = VirtioFeature.version1 | VirtioFeature.mergeableBuffers
  }

  static let ringSize = 256
  let memory: SharedMemory
  /// Receive and transmit.
  let rings: [any RingDriver]
  /// Receive rings that get nothing.
  private let others: [any RingDriver]
  private let shape: Shape
  /// Header and frame of each chain to send.
  private var transmitBuffers: [UInt64] = []
  /// By ring, its chains, over and over.
  private var chains: [[[RawDescriptor]]] = [[], []]
  /// By ring, of a format whose device writes over the descriptors: the chain that is offered next, and its slot.
  private var next = [(chain: 0, slot: 0), (chain: 0, slot: 0)]

  init(_ shape: Shape) throws {
    self.shape = shape
    let memory = try SharedMemory.likeQEMU(size: shape.memorySize)
    self.memory = memory
    rings = try (0..<2).map { try shape.format.driver(memory: memory, index: $0, size: Self.ringSize) }
    others = try (1..<shape.receiveRings).map {
      try shape.format.driver(memory: memory, index: 2 * $0, size: Self.ringSize)
    }
    let buffers = allocate(shape.receiveSize)
    chains[0] = (0..<Self.ringSize).map { slot in
      [
        RawDescriptor(
          slot: slot, address: buffers[slot % buffers.count], length: UInt32(shape.receiveSize),
          flags: RawDescriptor.write)
      ]
    }
    transmitBuffers = allocate(shape.transmitSize)
    chains[1] = (0..<(shape.chain == .two ? Self.ringSize / 2 : Self.ringSize)).map(transmitChain)
    for ring in rings {
      for descriptor in chains[ring.index].joined() { ring.write(descriptor) }
      if ring.format == .split {
        for position in 0..<Self.ringSize {
          let chain = chains[ring.index][position % chains[ring.index].count]
          ring.split.writeAvailableEntry(position, UInt16(chain[0].slot))
        }
      }
      ring.disarmCalls()
    }
  }

  /// The chain of a number, in the ring's order.
  private func transmitChain(_ number: Int) -> [RawDescriptor] {
    let buffer = transmitBuffers[number % transmitBuffers.count]
    let (whole, header) = (UInt32(shape.transmitSize), UInt32(NetworkHeader.size))
    guard shape.chain != .single else { return [RawDescriptor(slot: number, address: buffer, length: whole)] }
    let pieces = [
      RawDescriptor(
        slot: 2 * number, address: buffer, length: header, flags: RawDescriptor.next, next: UInt16(2 * number + 1)),
      RawDescriptor(slot: 2 * number + 1, address: buffer + UInt64(header), length: whole - header),
    ]
    guard shape.chain == .indirect else { return pieces }
    let table = memory.allocate(32)
    rings[1].writeTable(table, pieces.map { RingSegment($0.address, Int($0.length), isWritable: false) })
    return [RawDescriptor(slot: number, address: table, length: 32, flags: RawDescriptor.indirect)]
  }

  /// Makes the next chains of a ring available.
  private func offer(_ ring: Int, _ count: Int) {
    guard rings[ring].format != .split else { return rings[ring].split.availableIndex &+= UInt16(count) }
    for _ in 0..<count {
      var chain = chains[ring][next[ring].chain]
      for position in chain.indices { chain[position].slot = (next[ring].slot + position) % Self.ringSize }
      rings[ring].offer(chain, id: UInt16(next[ring].slot))
      next[ring].chain = (next[ring].chain + 1) % chains[ring].count
      next[ring].slot = (next[ring].slot + chain.count) % Self.ringSize
    }
    rings[ring].publish()
  }

  private func allocate(_ size: Int) -> [UInt64] {
    (0..<(shape.distinct == 0 ? Self.ringSize : shape.distinct)).map { _ in memory.allocate(size, alignment: 64) }
  }

  func prepare(_ built: PreparedFrame) {
    for buffer in transmitBuffers { memory.write(built.header.bytes + built.bytes, at: buffer) }
  }

  func send(_ count: Int) { offer(1, count) }
  func take(_ count: Int) { offer(0, count * shape.receiveCount) }

  /// Where the frame of a slot's transmit buffer is; as long as the station lives.
  func frame(_ slot: Int) -> UnsafeMutableRawPointer {
    memory.pointer(transmitBuffers[slot % transmitBuffers.count] + UInt64(NetworkHeader.size), count: 60)
  }

  /// What the session would hand over for each ring.
  var starts: [RingStart] {
    (rings + others).map { ring in
      var addresses = ring.addresses
      // Says nothing where nothing is logged.
      addresses.flags = RingAddresses.logFlag
      return RingStart(
        index: ring.index, size: Self.ringSize, base: ring.startBase, addresses: addresses,
        kick: ring.kickEvent.descriptor, call: nil, error: nil, isEnabled: true,
        features: ring.format.features(of: shape.features))
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

/// The peer of a stream's port: it sends frames of one turn with one call, each behind its length.
final class StreamSide: FarSide {
  private let socket: Descriptor
  private var bytes: [UInt8] = []
  private var frameSize = 0
  private var room = [UInt8](repeating: 0, count: 1 << 20)

  /// - Parameter socket: the far end of the pair that the port has the other end of.
  init(_ socket: Descriptor) { self.socket = socket }

  func prepare(_ built: PreparedFrame) {
    let size = built.bytes.count
    let framed = (0..<4).map { UInt8(truncatingIfNeeded: size >> (24 - 8 * $0)) } + built.bytes
    frameSize = framed.count
    bytes = Array(repeatElement(framed, count: 64).joined())
  }

  func send(_ count: Int) {
    guard Glibc.send(socket.raw, bytes, count * frameSize, 0) == count * frameSize else {
      Options.fail("frames do not fit into the socket: errno \(errno)", status: 1)
    }
  }

  func take(_ count: Int) {
    while recv(socket.raw, &room, room.count, 0) > 0 {}
  }
}
