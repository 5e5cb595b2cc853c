import GuestKit
import LinuxHost
import VhostUser

/// A guest of one pair that polls its rings, whose descriptors and frames stay as they are.
final class PolledGuest: @unchecked Sendable {
  private let memory: SharedMemory
  private let frontEnd: FrontEnd
  private let receive: SplitDriver
  private let transmit: SplitDriver
  private let receiveBuffers: [UInt64]
  /// Bytes of the frames of whom this guest hears.
  private let peer: [UInt8]
  private var taken: UInt16 = 0

  /// Connects and starts the device, with every receive buffer posted.
  ///
  /// - Parameters:
  ///   - number: of this guest's station, as FrameBuilder has it; `peer`: of the one that it sends to.
  ///   - size: bytes of its frames.
  init(path: String, number: Int, peer: Int, size: Int, ringSize: Int = 256) throws {
    memory = try SharedMemory(size: 32 << 20)
    let memory = memory
    receive = try SplitDriver(memory: memory, index: 0, size: ringSize)
    transmit = try SplitDriver(memory: memory, index: 1, size: ringSize)
    self.peer = FrameBuilder.station(peer)
    let whole = size + NetworkHeader.size
    let header = [UInt8](repeating: 0, count: NetworkHeader.size)
    let frame = FrameBuilder(to: FrameBuilder.station(peer), from: FrameBuilder.station(number)).plain(size: size)
    receiveBuffers = (0..<ringSize).map { _ in memory.allocate(max(whole, 128), alignment: 64) }
    for slot in 0..<ringSize {
      receive.write(
        RawDescriptor(
          slot: slot, address: receiveBuffers[slot], length: UInt32(max(whole, 128)), flags: RawDescriptor.write))
      let buffer = memory.allocate(whole, alignment: 64)
      memory.write(header + frame, at: buffer)
      transmit.write(RawDescriptor(slot: slot, address: buffer, length: UInt32(whole)))
      for ring in [receive, transmit] { ring.writeAvailableEntry(slot, UInt16(slot)) }
    }
    for ring in [receive, transmit] { ring.availableFlags = 1 }
    receive.availableIndex = UInt16(ringSize)
    frontEnd = try FrontEnd(path: path, timeoutMilliseconds: 10_000)
    let features = VirtioFeature.version1 | VirtioFeature.mergeableBuffers
    try frontEnd.startLikeVirtioUser(
      StartPlan(features: features | VirtioFeature.protocolFeatures, memory: memory, rings: [receive, transmit]))
  }

  /// Frames of this guest that the device has not taken yet.
  var unsent: Int { Int(transmit.availableIndex &- transmit.usedIndex) }
  /// Frames that came and were not made room for again.
  var arrived: Int { Int(receive.usedIndex &- taken) }

  /// Sends frames, and kicks if the device wants it; there must be room in the ring.
  func send(_ count: Int = 1) {
    transmit.availableIndex &+= UInt16(count)
    if transmit.usedFlags & 1 == 0 { transmit.kick() }
  }

  /// Takes so many frames that came, unseen, and posts their buffers again.
  func take(_ count: Int) {
    taken &+= UInt16(count)
    receive.availableIndex = taken &+ UInt16(receive.size)
  }

  /// Waits for a frame of the peer; frames of others, which a back-end may send by itself, are passed over.
  func waitForFrame(nanoseconds: UInt64) -> Bool {
    var looks: UInt64 = 0
    let start = HostClock.monotonic
    while true {
      if arrived > 0 {
        let buffer = receiveBuffers[Int(taken) % receive.size] + UInt64(NetworkHeader.size)
        let source = memory.bytes(buffer + 6, count: 6)
        take(1)
        if source == peer { return true }
      }
      looks += 1
      if looks % 1024 == 0, HostClock.monotonic - start > nanoseconds { return false }
    }
  }
}
