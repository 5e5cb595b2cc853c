import LinuxHost
import VhostUser

/// A guest with a virtio network device, played by the test: front-end, memory, and the drivers of its ring pairs.
package final class VirtualGuest {
  /// Whose order of messages the front-end follows.
  package enum Order: Sendable, CaseIterable {
    case qemu, virtioUser, cloudHypervisor, crosvm
  }

  package struct Options: Sendable {
    package var order = Order.qemu
    package var pairs = 1
    /// Format of the rings.
    package var format = RingFormat.current
    /// Entries of each ring.
    package var ringSize = 256
    /// Virtio features wanted, of those offered.
    package var features: UInt64 = .max
    /// Protocol features wanted, of those offered.
    package var protocolFeatures: UInt64 = .max
    /// Bytes of guest memory; only touched pages cost anything.
    package var memorySize = 64 << 20
    /// Sizes in bytes of the descriptors of each receive chain.
    package var receiveLayout = [2048]
    /// Receive chains to post; nil = as many as the ring holds.
    package var receiveCount: Int?
    /// Chains go into indirect tables.
    package var receivesIndirect = false
    /// Largest transmitted frame with its header, in bytes.
    package var transmitSize = 66_000
    /// Chains that all rings have seen before; near 65535 to see indices wrap.
    package var firstIndex: UInt16 = 0

    package init() {}
  }

  /// One frame as the device delivered it.
  package struct Received: Equatable, Sendable {
    package var header: NetworkHeader
    package var frame: [UInt8]
    /// Bytes written to each buffer.
    package var bufferSizes: [Int]
  }

  package let options: Options
  package let memory: SharedMemory
  /// By ring index: even receives, odd transmits.
  package let rings: [any RingDriver]
  /// Nil while not connected.
  package private(set) var frontEnd: FrontEnd?
  /// What was negotiated.
  package private(set) var features: UInt64 = 0

  private var transmitBuffers: [[UInt64]]
  private var transmitOwners: [[UInt16: UInt64]]
  private var receiveBuffers: [[[RingSegment]]]

  /// Makes memory and rings; nothing is connected yet.
  package init(_ options: Options = Options(), memory: SharedMemory? = nil) throws {
    let memory = try memory ?? SharedMemory(size: options.memorySize)
    self.options = options
    self.memory = memory
    rings = try (0..<(2 * options.pairs)).map {
      try options.format.driver(memory: memory, index: $0, size: options.ringSize)
    }
    transmitBuffers = Array(repeating: [], count: options.pairs)
    transmitOwners = Array(repeating: [:], count: options.pairs)
    receiveBuffers = Array(repeating: [], count: options.pairs)
  }

  // MARK: - Connection

  /// Connects to a listening back-end and starts the device.
  package func connect(path: String, timeoutMilliseconds: Int = 5000) throws {
    try start(FrontEnd(path: path, timeoutMilliseconds: timeoutMilliseconds))
  }

  /// Starts the device over a connection that exists, with empty rings and fresh receive buffers.
  package func start(_ frontEnd: FrontEnd) throws {
    self.frontEnd = frontEnd
    emptyRings()
    try startDevice(frontEnd)
    for pair in 0..<options.pairs { try postReceiveBuffers(pair: pair) }
  }

  /// Connects to the back-end that follows one that died, over rings as they are: in the order of Cloud Hypervisor, with
  /// the region that was kept, and bases of its own: as if all that was made available had been used.
  package func reconnect(path: String, inflight: InflightKeeper?) throws {
    let frontEnd = try FrontEnd(path: path)
    self.frontEnd = frontEnd
    var plan = plan
    plan.inflight = inflight
    plan.bases = rings.map(\.base)
    try frontEnd.startLikeCloudHypervisor(plan)
    for ring in rings { ring.kick() }
  }

  private func emptyRings() {
    for ring in rings {
      ring.reset()
      ring.start(after: options.firstIndex)
    }
    for pair in 0..<options.pairs {
      transmitBuffers[pair] += transmitOwners[pair].values
      transmitOwners[pair] = [:]
    }
  }

  /// All that a start needs, for calls of `FrontEnd` one by one.
  package var plan: StartPlan {
    var plan = StartPlan(memory: memory, rings: rings)
    plan.features = options.format.features(of: plan.features & options.features)
    plan.protocolFeatures &= options.protocolFeatures
    return plan
  }

  private func startDevice(_ frontEnd: FrontEnd) throws {
    switch options.order {
    case .qemu: try frontEnd.startLikeQEMU(plan)
    case .virtioUser: try frontEnd.startLikeVirtioUser(plan)
    case .cloudHypervisor: try frontEnd.startLikeCloudHypervisor(plan)
    case .crosvm: try frontEnd.startLikeCrosvm(plan)
    }
    features = frontEnd.features
    for ring in rings { ring.usesEventIndex = features & VirtioFeature.eventIndex != 0 }
  }

  /// Stops the device as a guest's shutdown does, and starts it again with empty rings, as its next boot does.
  package func reboot() throws {
    guard let frontEnd else { throw GuestKitError.closed }
    try frontEnd.stopLikeQEMU(plan)
    emptyRings()
    try frontEnd.deviceStartLikeQEMU(rebootPlan)
    for pair in 0..<options.pairs { try postReceiveBuffers(pair: pair) }
  }

  /// After a stop the memory stays known where regions are added one by one.
  private var rebootPlan: StartPlan {
    var plan = plan
    plan.keepsMemory = (frontEnd?.protocolFeatures ?? 0) & ProtocolFeature.memorySlots != 0
    return plan
  }

  /// The machine goes on with another front-end, as where it was moved to.
  package func move(to frontEnd: FrontEnd) { self.frontEnd = frontEnd }

  /// Closes the connection without a word, as a guest that was killed.
  package func disconnect() {
    frontEnd = nil
  }

  /// For a device that is started without a connection: what was negotiated.
  package func assume(features: UInt64) { self.features = features }

  /// Whether receive buffers may be merged.
  package var isMergeable: Bool { features & VirtioFeature.mergeableBuffers != 0 }

  // MARK: - Receiving

  /// Posts receive chains of `options.receiveLayout` until the ring or `options.receiveCount` is full.
  package func postReceiveBuffers(pair: Int = 0) throws {
    let ring = rings[2 * pair]
    let perChain = options.receivesIndirect ? 1 : options.receiveLayout.count
    let count = min(options.receiveCount ?? .max, ring.size / perChain)
    if receiveBuffers[pair].isEmpty {
      receiveBuffers[pair] = (0..<count).map { _ in makeReceiveChain() }
    }
    for chain in receiveBuffers[pair].prefix(count) { try ring.add(chain, isIndirect: options.receivesIndirect) }
    ring.publish()
    ring.kickIfWanted()
  }

  private func makeReceiveChain() -> [RingSegment] {
    options.receiveLayout.map { .init(memory.allocate(max($0, 1), alignment: 1), $0, isWritable: true) }
  }

  /// Waits for one frame; its buffers are posted again.
  ///
  /// - Returns: nil if none came in time.
  /// - Throws: `violation` if header, number of buffers or sizes are not as the device must give them.
  package func receive(timeout milliseconds: Int = 10_000, pair: Int = 0) throws -> Received? {
    let ring = rings[2 * pair]
    guard ring.waitForUsed(until: Deadline(milliseconds: milliseconds)) else { return nil }
    let first = try ring.collect(atMost: 1)
    guard first.count == 1 else { throw GuestKitError.violation("no used entry after the used index moved") }
    let header = try header(first[0])
    // VIRTIO 1.2 section 5.1.6.4: num_buffers is 1 where buffers are not merged.
    let count = Int(header.bufferCount)
    guard count >= 1, count == 1 || isMergeable else { throw GuestKitError.violation("num_buffers is \(count)") }
    // The buffers of one frame become visible together.
    let rest = try ring.collect(atMost: count - 1)
    guard rest.count == count - 1 else {
      throw GuestKitError.violation("num_buffers is \(count) but only \(rest.count + 1) used entries are there")
    }
    let parts = try (first + rest).map(contents)
    for used in first + rest { try ring.add(used.segments, isIndirect: options.receivesIndirect) }
    ring.publish()
    ring.kickIfWanted()
    return Received(
      header: header, frame: Array(parts.joined().dropFirst(NetworkHeader.size)), bufferSizes: parts.map(\.count))
  }

  /// Waits for one frame in any of the receive rings.
  ///
  /// - Returns: nil if none came in time.
  package func receiveAny(timeout milliseconds: Int = 10_000) throws -> (pair: Int, frame: Received)? {
    let deadline = Deadline(milliseconds: milliseconds)
    let receiving = (0..<options.pairs).map { rings[2 * $0] }
    while true {
      // Looked at once more after calls were asked for.
      for isArmed in [false, true] {
        if isArmed { for ring in receiving { ring.armCalls(after: 1) } }
        if let pair = receiving.firstIndex(where: { $0.usedCount > 0 }) {
          return try receive(timeout: 0, pair: pair).map { (pair, $0) }
        }
      }
      guard deadline.waitReadable(receiving.map(\.callEvent.raw)) else { return nil }
      for ring in receiving { ring.callEvent.drain() }
    }
  }

  /// Receives frames until none comes for `quiet` milliseconds.
  package func receiveAll(quiet: Int = 100, pair: Int = 0) throws -> [Received] {
    var frames: [Received] = []
    while let frame = try receive(timeout: quiet, pair: pair) { frames.append(frame) }
    return frames
  }

  private func header(_ used: UsedChain) throws -> NetworkHeader {
    let bytes = try contents(used)
    guard bytes.count >= NetworkHeader.size else {
      throw GuestKitError.violation("\(bytes.count) bytes were written, less than a header")
    }
    return NetworkHeader(bytes)
  }

  /// Bytes that the device wrote to a chain.
  package func contents(_ used: UsedChain) throws -> [UInt8] {
    var rest = Int(used.length)
    var bytes: [UInt8] = []
    for segment in used.segments where segment.isWritable {
      let count = min(rest, Int(segment.length))
      if count > 0 { bytes += memory.bytes(segment.address, count: count) }
      rest -= count
    }
    guard rest == 0 else { throw GuestKitError.violation("used length \(used.length) exceeds the chain") }
    return bytes
  }

  // MARK: - Transmitting

  /// Transmits one frame.
  ///
  /// - Parameters:
  ///   - pieces: sizes in bytes of the first descriptors of header and frame together; the last takes what is left.
  ///   - isIndirect: the chain goes into an indirect table.
  package func send(
    _ frame: [UInt8], header: NetworkHeader = NetworkHeader(), pieces: [Int] = [], isIndirect: Bool = false,
    pair: Int = 0
  ) throws {
    try add(frame, header: header, pieces: pieces, isIndirect: isIndirect, pair: pair)
    rings[2 * pair + 1].publish()
    rings[2 * pair + 1].kickIfWanted()
  }

  /// Transmits frames that become visible together.
  package func send(burst frames: [[UInt8]], pair: Int = 0) throws {
    for frame in frames { try add(frame, pair: pair) }
    rings[2 * pair + 1].publish()
    rings[2 * pair + 1].kickIfWanted()
  }

  /// Puts a frame into the ring without publishing it; waits for room while the ring is full.
  package func add(
    _ frame: [UInt8], header: NetworkHeader = NetworkHeader(), pieces: [Int] = [], isIndirect: Bool = false,
    pair: Int = 0
  ) throws {
    let bytes = header.bytes + frame
    guard bytes.count <= options.transmitSize else { throw GuestKitError.full }
    try makeRoom(for: isIndirect ? 1 : pieces.count + 1, pair: pair)
    let buffer = transmitBuffers[pair].popLast() ?? memory.allocate(options.transmitSize, alignment: 64)
    memory.write(bytes, at: buffer)
    var segments: [RingSegment] = []
    var position = 0
    for piece in pieces {
      let count = min(piece, bytes.count - position)
      segments.append(.init(buffer + UInt64(position), count, isWritable: false))
      position += count
    }
    if position < bytes.count || segments.isEmpty {
      segments.append(.init(buffer + UInt64(position), bytes.count - position, isWritable: false))
    }
    let id = try rings[2 * pair + 1].add(segments, isIndirect: isIndirect)
    transmitOwners[pair][id] = buffer
  }

  private func makeRoom(for count: Int, pair: Int) throws {
    let ring = rings[2 * pair + 1]
    try reclaim(pair: pair)
    while ring.freeCount < count {
      ring.publish()
      ring.kickIfWanted()
      guard ring.waitForUsed(until: Deadline(milliseconds: 10_000)) else {
        throw GuestKitError.timeout("the transmit ring of pair \(pair) stays full")
      }
      try reclaim(pair: pair)
    }
  }

  /// Takes back the buffers of frames that the device has taken.
  ///
  /// - Returns: how many frames.
  @discardableResult
  package func reclaim(pair: Int = 0) throws -> Int {
    let done = try rings[2 * pair + 1].collect()
    for used in done {
      // VIRTIO 1.2 section 2.7.8.2: the length is of bytes written; a transmit chain has none.
      guard used.length == 0 else { throw GuestKitError.violation("\(used.length) bytes written to a transmit chain") }
      if let buffer = transmitOwners[pair].removeValue(forKey: used.id) { transmitBuffers[pair].append(buffer) }
    }
    return done.count
  }

  /// Waits until the device has taken every transmitted frame; false if the time is over.
  package func waitForTransmitted(timeout milliseconds: Int = 10_000, pair: Int = 0) throws -> Bool {
    let ring = rings[2 * pair + 1]
    let isDone =
      ring.outstandingCount == 0
      || ring.waitForUsed(ring.outstandingCount, until: Deadline(milliseconds: milliseconds))
    try reclaim(pair: pair)
    return isDone && ring.outstandingCount == 0
  }
}
