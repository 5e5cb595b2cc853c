import Frames
internal import LinuxHost
import Synchronization

/// The last frames that came in or that a switch itself sent, with their first bytes and what became of them: in memory of fixed size, always
/// overwritten, read by whoever asks after the fact.
///
/// A record has `recordSize` bytes: time 8, length 4, port 2, drop 1, marks 1 (bit 0: sent by a switch; bits 1 to 3: of a
/// large frame, its VIRTIO_NET_HDR_GSO_*), number of outputs 2, the first seven outputs 2 each, the frame's first 64 bytes.
///
/// Unsafe code. Invariants: `memory` has `capacity` records. Positions count records and never wrap. The writer says how
/// far it may write (`positions.limit`) before it does, and how far it has come (`positions.written`) after; a reader
/// copies records and then throws away those that the writer may have been writing over meanwhile, so that no torn record
/// is ever given out.
@safe
final class FlightRecorder: @unchecked Sendable {
  static let recordSize = 96
  static let headSize = 32
  /// Bytes of a frame in a record.
  static let keptBytes = 64
  /// Output ports in a record.
  static let keptOutputs = 7
  /// Bytes that a recorder has at least and at most.
  static let sizes = 1 << 19...1 << 32

  /// Records that were there at one moment.
  struct Snapshot: Sendable {
    /// Bytes of them, the oldest first.
    var records: [UInt8]
    /// The position behind the last.
    var end: UInt64
    /// Number of the worker that wrote them.
    var worker = 0
  }

  private let memory: SharedRecords
  /// Records held.
  let capacity: Int
  private let worker: Int

  /// - Parameters:
  ///   - size: bytes, taken to within `sizes`; touched when they are first used.
  ///   - worker: number of the one that writes to it.
  /// - Throws: ENOMEM if there is no memory for it.
  init(size: Int, worker: Int = 0) throws(SystemError) {
    self.worker = worker
    capacity = min(max(size, Self.sizes.lowerBound), Self.sizes.upperBound) / Self.recordSize
    unsafe memory = try SharedRecords(size: capacity * Self.recordSize)
  }

  /// Recorders of `size` bytes together as far as the least size allows, one for each worker; none if it is 0.
  static func each(of workers: Int, size: Int) throws(SystemError) -> [FlightRecorder] {
    var recorders: [FlightRecorder] = []
    guard size > 0 else { return recorders }
    for worker in 0..<workers { recorders.append(try FlightRecorder(size: size / workers, worker: worker)) }
    return recorders
  }

  /// The worker's side; the recorder must outlive it.
  var writer: FlightRecorderWriter {
    unsafe FlightRecorderWriter(base: memory.base, positions: memory.positions, capacity: capacity)
  }

  /// Records written so far.
  var count: UInt64 { unsafe memory.positions.written }

  /// The records that are there; the worker goes on meanwhile.
  ///
  /// - Parameter first: position of the first that is wanted: the count of those before it.
  func snapshot(from first: UInt64 = 0) -> Snapshot {
    let size = Self.recordSize
    let end = count
    let start = min(end, max(first, end > UInt64(capacity) ? end - UInt64(capacity) : 0))
    var bytes: [UInt8] = []
    bytes.reserveCapacity(Int(end - start) * size)
    var position = start
    while position < end {
      let slot = Int(position % UInt64(capacity))
      let records = min(Int(end - position), capacity - slot)
      // SAFETY: `records` records lie from that slot on. The worker may be writing some of them: those are dropped below.
      unsafe bytes.append(contentsOf: UnsafeRawBufferPointer(start: memory.base + slot * size, count: records * size))
      position += UInt64(records)
    }
    // acquire: the records were copied before the writer is asked how far it may have come meanwhile.
    atomicMemoryFence(ordering: .acquiring)
    let reserved = unsafe memory.positions.unorderedLimit
    let safe = reserved > UInt64(capacity) ? reserved - UInt64(capacity) : 0
    if safe > start { bytes.removeFirst(min(Int(safe - start), Int(end - start)) * size) }
    return Snapshot(records: bytes, end: end, worker: worker)
  }
}

/// The worker's side of a flight recorder: trivial.
///
/// Unsafe code. Invariants as in `FlightRecorder`, whose memory this names; one writer. Between `begin` and `end` the
/// frames of one burst are recorded in order, so that a frame's record is found by its place in the burst.
@safe
struct FlightRecorderWriter: BitwiseCopyable {
  private let base: UnsafeMutableRawPointer
  private let positions: SharedPositions
  private let capacity: Int
  /// Records written; frames are numbered by it, from 1 on (see `TapSet.packetID`).
  private(set) var position: UInt64 = 0
  /// Place of the burst's first record, and records of the burst so far.
  private var slot = 0
  private var count = 0
  /// Time of the burst, and its port where a record has it.
  private var time: UInt64 = 0
  private var portWord: UInt64 = 0
  /// There is a recorder.
  let isOn: Bool
  /// In a burst that is recorded.
  private(set) var isRecording = false

  /// None.
  init() {
    // SAFETY: never dereferenced, since nothing is recorded while `isOn` is false.
    unsafe base = UnsafeMutableRawPointer(bitPattern: 64).unsafelyUnwrapped
    positions = .none
    capacity = 0
    isOn = false
  }

  @unsafe
  fileprivate init(base: UnsafeMutableRawPointer, positions: SharedPositions, capacity: Int) {
    unsafe self.base = base
    self.positions = positions
    self.capacity = capacity
    isOn = true
  }

  /// Begins with a burst of a port.
  ///
  /// - Parameter isSent: the switch itself sends it there.
  @inline(__always)
  mutating func begin(port: Int, time: UInt64, isSent: Bool = false) {
    self.time = time
    portWord = UInt64(UInt16(truncatingIfNeeded: port)) << 32 | (isSent ? 1 << 56 : 0)
    count = 0
    isRecording = true
    positions.setUnorderedLimit(position &+ UInt64(Burst.capacity))
    // release: a reader that sees any of the stores to come sees that they may be there.
    atomicMemoryFence(ordering: .releasing)
  }

  /// Records frames of the burst, the next that were not yet, that all go to one port; -1 = not known yet.
  ///
  /// A function of its own without a call in it, so that all it needs stays in registers.
  @inline(never)
  mutating func record(_ burst: borrowing Burst, from start: Int, count frames: Int, output: Int) {
    precondition(start >= 0 && frames >= 0 && start + frames <= Burst.capacity)
    // SAFETY: start + frames frames are in the burst, and their scratch slots are filled, 64 bytes each at least
    // readable; `place` stays below the end of the records.
    let last = unsafe base + (capacity &- 1) &* FlightRecorder.recordSize
    var place = unsafe self.place(count)
    var frame = unsafe burst.frames.base + start
    var scratch = unsafe burst.scratchSlot(start)
    let outputs = output < 0 ? SIMD2<UInt64>() : SIMD2(1 | UInt64(UInt16(truncatingIfNeeded: output)) << 16, 0)
    var left = frames
    while left > 0 {
      unsafe place.storeBytes(of: time, as: UInt64.self)
      unsafe place.storeBytes(of: portWord | UInt64(frame.pointee.size), toByteOffset: 8, as: UInt64.self)
      unsafe place.storeBytes(of: outputs, toByteOffset: 16, as: SIMD2<UInt64>.self)
      unsafe (place + FlightRecorder.headSize).copy64(from: UnsafeRawPointer(scratch))
      unsafe place = place == last ? base : place + FlightRecorder.recordSize
      unsafe frame += 1
      unsafe scratch += Burst.scratchSlotSize
      left &-= 1
    }
    if burst.hasLarge { markLarge(burst, from: start, count: frames) }
    count &+= frames
  }

  /// Says of the large ones among frames that were just recorded what they are: apart, since few bursts have any.
  @inline(never)
  private func markLarge(_ burst: borrowing Burst, from start: Int, count frames: Int) {
    for position in 0..<frames where burst.frames[start + position].isLarge {
      // SAFETY: the record was written just now.
      let record = unsafe place(count + position)
      let marks = unsafe record.load(fromByteOffset: 15, as: UInt8.self)
      let type = burst.frames[start + position].segmentationType & 7
      unsafe record.storeBytes(of: marks | type << 1, toByteOffset: 15, as: UInt8.self)
    }
  }

  /// Place of the record of the burst's frame `index`.
  @unsafe @inline(__always)
  private func place(_ index: Int) -> UnsafeMutableRawPointer {
    let slot = slot &+ index
    // SAFETY: a burst has fewer frames than the recorder has records, so this is below the capacity.
    return unsafe base + (slot < capacity ? slot : slot &- capacity) &* FlightRecorder.recordSize
  }

  /// Notes one more output of a frame.
  @inline(__always)
  func addOutput(_ index: Int, _ port: Int) {
    guard index < count else { return }
    // SAFETY: the record was written in this burst; an output's place is below `headSize`.
    let record = unsafe place(index)
    let outputs = unsafe record.load(fromByteOffset: 16, as: UInt16.self)
    if outputs < FlightRecorder.keptOutputs {
      unsafe record.storeBytes(
        of: UInt16(truncatingIfNeeded: port), toByteOffset: 18 + 2 * Int(outputs), as: UInt16.self)
    }
    unsafe record.storeBytes(of: outputs &+ 1, toByteOffset: 16, as: UInt16.self)
  }

  /// Notes why a frame, or one of its copies, was dropped.
  ///
  /// - Parameter isWhole: it went nowhere.
  @inline(__always)
  func mark(_ index: Int, _ drop: FrameDrop, isWhole: Bool = false) {
    guard index < count else { return }
    // SAFETY: as above.
    let record = unsafe place(index)
    unsafe record.storeBytes(of: drop.rawValue, toByteOffset: 14, as: UInt8.self)
    if isWhole { unsafe record.storeBytes(of: 0, toByteOffset: 16, as: UInt16.self) }
  }

  /// Ends the burst: its records can be read.
  @inline(__always)
  mutating func end() {
    isRecording = false
    position &+= UInt64(count)
    slot &+= count
    if slot >= capacity { slot &-= capacity }
    count = 0
    // The records are written before they are said to be there.
    positions.publish(position)
  }
}
