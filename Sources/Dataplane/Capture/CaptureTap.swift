import Frames

/// What a worker holds of one capture.
///
/// Unsafe code. Invariants: `writer` is the ring's that `ring` keeps alive; the bytes that come in are those of Egress, in
/// the same breath.
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
    /// Captures that the port is part of (`PortSlot.taps`).
    var captures: UInt64
    var direction: CaptureDirections
    var drop: FrameDrop
    var queue: UInt16 = 0
    var timestamp: UInt64 = 0
    var packetID: UInt64 = 0
    /// Bytes that the filters of these captures look at; -1 = not found yet.
    var depth = -1
    /// For punts: the VLAN that it was classified to; 0 = none.
    var vlan: UInt16 = 0
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

  /// Bytes of a frame of that direction that the filter looks at.
  @inline(__always)
  func depth(_ direction: CaptureDirections) -> Int { directions.contains(direction) ? filter.depth : 0 }

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

  mutating func coldAdd(_ port: Int, _ interface: CaptureInterface, worker: Int) {
    guard members[port] == nil else { return }
    members[port] = Member(id: interface.id, counts: interface.writer(of: worker))
    interfaces[port] = interface
    memberCount += 1
  }

  mutating func coldRemove(_ port: Int) {
    guard members[port] != nil else { return }
    publish()
    interfaces[port]?.letGo()
    members[port] = nil
    interfaces[port] = nil
    memberCount -= 1
  }

  /// Lets the reader have what there is, and tells it that nothing more will come by this worker.
  mutating func coldEnd(_ reason: CaptureEnd) {
    publish()
    for port in 0..<interfaces.count { interfaces[port]?.letGo() }
    ring?.close(reason)
  }

  // In a breath.

  /// Lets the reader have what was recorded; a frame's fate cannot be changed any more.
  @inline(__always)
  mutating func publish() {
    writer.publish()
    epoch &+= 1
  }

  /// Records a frame of a burst as it leaves, or came, if it is wanted.
  ///
  /// - Parameter prefix: of `frame`, as deep as this filter looks.
  @inline(never)
  mutating func take(
    _ frame: LeavingFrame, _ prefix: LeavingPrefix, _ sighting: Sighting, of burst: borrowing Burst
  ) {
    let index = frame.index
    guard wants(index, sighting) else { return }
    guard let member = members[sighting.port] else { return }
    let counts = member.counts
    counts.add(CaptureInterface.Slot.received)
    if sighting.direction == .fromNode { noteArrival(index, sighting, at: -1) }
    // No further than this filter looks: what deeper ones have brought here changes no answer.
    // SAFETY: `size` bytes are at the prefix's base.
    guard
      filter.isEmpty
        || (unsafe filter.accepts(prefix.base, count: min(prefix.size, filter.depth), length: frame.size))
    else {
      return counts.add(CaptureInterface.Slot.filtered)
    }
    let captured = min(frame.size, snapLength)
    guard let (place, storedSize) = unsafe writer.reserve(captured) else {
      return counts.add(CaptureInterface.Slot.dropped)
    }
    var record = CaptureRecord()
    record.storedSize = storedSize
    record.interface = member.id
    record.timestamp = sighting.timestamp
    record.packetID = sighting.packetID
    record.originalLength = UInt32(truncatingIfNeeded: frame.size)
    record.capturedLength = UInt32(truncatingIfNeeded: captured)
    record.queue = sighting.queue
    record.direction = sighting.direction
    record.drop = sighting.drop
    record.filterNumber = filterNumber
    record.vlan = sighting.vlan
    // What was refused as no large frame is none.
    if burst.frames[index].isLarge {
      record.segmentationType = burst.frames[index].segmentationType
      record.segmentSize = burst.frames[index].segmentSize
    }
    record.needsChecksum = frame.header.needsChecksum
    record.checksumStart = frame.header.checksumStart
    record.checksumOffset = frame.header.checksumOffset
    // SAFETY: `reserve` gave room for the header and `captured` bytes.
    unsafe place.storeBytes(of: record, as: CaptureRecord.self)
    unsafe frame.copyFirst(captured, prefix, to: place + CaptureRing.headerSize, of: burst)
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
}
