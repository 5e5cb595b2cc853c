import Frames

/// What a worker holds of one capture.
///
/// Unsafe code. Invariants: `writer` is the ring's that `ring` keeps alive; the bytes that come in were vouched for by
/// `Burst.outgoingPrefix`, the rest of a frame by its segments, in the same breath.
struct CaptureTap: ~Copyable {
  /// One of the capture's ports.
  struct Member: BitwiseCopyable {
    var id: UInt32
    var counts: CaptureCountWriter
  }

  /// Where the record of a frame from a node lies that is not published yet.
  struct Arrival: BitwiseCopyable {
    var packetID: UInt64 = 0
    /// Place in the ring, -1 = it was not wanted, or found no room.
    var position: Int64 = -1
    var port: UInt32 = 0
    var epoch: UInt32 = 0
  }

  /// What is to be recorded of a frame beside what the burst says.
  struct Sighting: BitwiseCopyable {
    var port: Int
    var direction: CaptureDirections
    var drop: FrameDrop
    var queue: UInt16 = 0
    var timestamp: UInt64 = 0
    var packetID: UInt64 = 0
    /// Its checksum is partial in the bytes at hand, and where.
    var needsChecksum = false
    var checksumStart: UInt16 = 0
    /// For punts: the VLAN that it was classified to; 0 = none.
    var vlan: UInt16 = 0
  }

  /// A frame's bytes as they are to be recorded.
  ///
  /// Valid as long as the scratch behind `Burst.outgoingPrefix`: until that is asked again.
  @safe
  struct Content: BitwiseCopyable {
    /// The frame's first bytes, `size` of them.
    let prefix: UnsafeRawPointer
    let size: Int
    /// Where in the sender's frame the rest begins.
    let tail: Int
    /// Bytes of the frame.
    let length: Int
  }

  /// Bytes of a frame that are copied at most: a chain of a guest may be of any length, and is refused for it later.
  private static var longest: Int { Ethernet.maximumFrameSize + Ethernet.tagSize }

  /// Nil = the slot is free.
  private(set) var ring: CaptureRing?
  private var writer: CaptureRingWriter
  private var filter = FilterRunner()
  private var filterNumber: UInt16 = 0
  private var snapLength = 0
  private var directions = CaptureDirections.both
  private var drops = DroppedFrames.ignored
  private(set) var endsWithPorts = true
  private var isPunt = false
  /// By port number; `interfaces` keeps alive what `members` names.
  private var members: FixedArray<Member?>
  private var interfaces: FixedArray<CaptureInterface?>
  private(set) var memberCount = 0
  private let arrivals = FixedArray<Arrival>(count: Burst.capacity) { _ in Arrival() }
  /// Rises with each publication.
  private var epoch: UInt32 = 1

  /// A free slot.
  init() {
    writer = CaptureRingWriter()
    ring = nil
    members = FixedArray(count: 0) { _ in nil }
    interfaces = FixedArray(count: 0) { _ in nil }
  }

  init(_ ring: CaptureRing, _ configuration: CaptureConfiguration, portCapacity: Int) {
    self.ring = ring
    writer = ring.writer
    snapLength = min(configuration.snapLength > 0 ? configuration.snapLength : .max, Self.longest)
    directions = configuration.directions
    drops = configuration.drops
    endsWithPorts = configuration.endsWithPorts
    isPunt = configuration.isPunt
    if let program = configuration.filter { filter = FilterRunner(program) }
    members = FixedArray(count: portCapacity) { _ in nil }
    interfaces = FixedArray(count: portCapacity) { _ in nil }
  }

  var isUsed: Bool { ring != nil }

  /// Bytes that the filter looks at.
  var depth: Int { filter.depth }

  // Between breaths.

  mutating func coldReservePorts(_ capacity: Int) {
    guard isUsed else { return }
    members.grow(to: capacity) { _ in nil }
    interfaces.grow(to: capacity) { _ in nil }
  }

  /// Returns how often the filter was changed.
  mutating func coldSetFilter(_ program: FilterProgram?) -> UInt16 {
    filter = program.map { FilterRunner($0) } ?? FilterRunner()
    filterNumber &+= 1
    return filterNumber
  }

  mutating func coldAdd(_ port: Int, _ interface: CaptureInterface) {
    guard members[port] == nil else { return }
    members[port] = Member(id: interface.id, counts: interface.writer)
    interfaces[port] = interface
    memberCount += 1
  }

  mutating func coldRemove(_ port: Int) {
    guard members[port] != nil else { return }
    publish()
    interfaces[port]?.finish()
    members[port] = nil
    interfaces[port] = nil
    memberCount -= 1
  }

  /// Lets the reader have what there is, and tells it that nothing more will come.
  mutating func coldEnd(_ reason: CaptureEnd) {
    publish()
    for port in 0..<interfaces.count { interfaces[port]?.finish() }
    ring?.close(reason)
  }

  // In a breath.

  /// Lets the reader have what was recorded; a frame's fate cannot be changed any more.
  @inline(__always)
  mutating func publish() {
    writer.publish()
    epoch &+= 1
  }

  /// Records frame `index` of a burst if it is wanted.
  @inline(never)
  mutating func take(_ index: Int, _ content: Content, _ sighting: Sighting, of burst: borrowing Burst) {
    guard wants(index, sighting) else { return }
    guard let member = members[sighting.port] else { return }
    let counts = member.counts
    counts.add(CaptureInterface.Slot.received)
    if sighting.direction == .fromNode { noteArrival(index, sighting, at: -1) }
    // No further than this filter looks: what deeper ones have brought here changes no answer.
    // SAFETY: `size` bytes are at `prefix`.
    guard
      filter.isEmpty
        || (unsafe filter.accepts(
          content.prefix, count: min(content.size, filter.depth), length: content.length))
    else {
      return counts.add(CaptureInterface.Slot.filtered)
    }
    let frame = burst.frames[index]
    let captured = min(content.length, snapLength)
    guard let (place, storedSize) = unsafe writer.reserve(captured) else {
      return counts.add(CaptureInterface.Slot.dropped)
    }
    var record = CaptureRecord()
    record.storedSize = storedSize
    record.interface = member.id
    record.timestamp = sighting.timestamp
    record.packetID = sighting.packetID
    record.originalLength = UInt32(truncatingIfNeeded: content.length)
    record.capturedLength = UInt32(truncatingIfNeeded: captured)
    record.queue = sighting.queue
    record.direction = sighting.direction
    record.drop = sighting.drop
    record.filterNumber = filterNumber
    record.vlan = sighting.vlan
    record.segmentationType = frame.segmentationType
    record.segmentSize = frame.segmentSize
    if sighting.needsChecksum {
      record.needsChecksum = true
      record.checksumStart = sighting.checksumStart
      record.checksumOffset = frame.checksumOffset
    }
    // SAFETY: `reserve` gave room for the header and `captured` bytes.
    unsafe place.storeBytes(of: record, as: CaptureRecord.self)
    unsafe copy(captured, of: frame, content, to: place + CaptureRing.headerSize, burst)
    counts.add(CaptureInterface.Slot.captured)
    if sighting.direction == .fromNode { noteArrival(index, sighting, at: Int64(unsafe writer.position(of: place))) }
  }

  /// Whether the capture is about such frames; a drop of a frame that is recorded already is noted there.
  @inline(__always)
  private func wants(_ index: Int, _ sighting: Sighting) -> Bool {
    guard directions.contains(sighting.direction) else { return false }
    guard sighting.drop != .none else { return drops != .only }
    guard drops != .ignored else { return false }
    guard drops == .included, sighting.direction == .fromNode else { return true }
    let arrival = arrivals[index]
    guard arrival.packetID == sighting.packetID, arrival.port == UInt32(sighting.port), arrival.epoch == epoch else {
      // A punt is told of what comes, and not again of what became of it later.
      return !isPunt
    }
    if arrival.position >= 0 { writer.mark(sighting.drop, at: UInt64(arrival.position)) }
    return false
  }

  @inline(__always)
  private func noteArrival(_ index: Int, _ sighting: Sighting, at position: Int64) {
    arrivals[index] = Arrival(
      packetID: sighting.packetID, position: position, port: UInt32(truncatingIfNeeded: sighting.port), epoch: epoch)
  }

  /// Copies the first `wanted` bytes of a frame: from the prefix, and from the sender's memory behind it.
  @unsafe @inline(__always)
  private func copy(
    _ wanted: Int, of frame: Frame, _ content: Content, to target: UnsafeMutableRawPointer, _ burst: borrowing Burst
  ) {
    var done = min(content.size, wanted)
    // SAFETY: `wanted` bytes are writable at `target`; each piece is cut to what is left of them.
    unsafe target.copyMemory(from: content.prefix, byteCount: done)
    guard done < wanted else { return }
    unsafe burst.forEachTailPiece(frame, from: content.tail) { source, count in
      let count = min(count, wanted - done)
      guard count > 0 else { return }
      unsafe (target + done).copyMemory(from: source, byteCount: count)
      done += count
    }
  }
}
