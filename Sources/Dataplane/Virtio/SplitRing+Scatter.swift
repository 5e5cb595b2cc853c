/// The worker's notes of one delivery: the guest's words are read once, what they said stands here.
struct ScatterNotes: ~Copyable {
  /// One chain of the receive ring.
  struct Chain: BitwiseCopyable {
    var head: UInt16
    var size: Int
  }

  /// One buffer that holds a whole frame.
  @safe
  struct Place: BitwiseCopyable {
    let base: UnsafeMutableRawPointer
    let head: UInt16

    @unsafe @inline(__always)
    init(base: UnsafeMutableRawPointer, head: UInt16) {
      unsafe self.base = base
      self.head = head
    }
  }

  let places: FixedArray<Place>
  let targets: FixedArray<Segment>
  let chains = FixedArray<Chain>(count: Burst.chainCapacity) { _ in Chain(head: 0, size: 0) }

  init() {
    // SAFETY: a piece of no bytes; `walk` replaces every piece before it is used.
    let nowhere = unsafe UnsafeMutableRawPointer(bitPattern: 16).unsafelyUnwrapped
    places = FixedArray(count: Burst.capacity) { _ in unsafe Place(base: nowhere, head: 0) }
    targets = FixedArray(count: Burst.segmentCapacity) { _ in unsafe Segment(base: nowhere, size: 0) }
  }
}

/// Delivering a frame into buffers of any layout: several descriptors, indirect tables, several mergeable chains.
///
/// Unsafe code. Invariants as in SplitRing.swift; `targets` holds only pieces that were translated in this delivery.
extension SplitRing {
  /// What became of one frame.
  enum Delivery {
    case delivered
    case noRoom
    case tooBig
    case fault(RingFault)
  }

  /// Chains that one frame may use: num_buffers of a frame in buffers of a cache line.
  private static let chainLimit = UInt16(Burst.chainCapacity)

  @inline(never)
  mutating func deliverScattered(
    _ index: Int, _ frame: Frame, _ edit: TagEdit, size: Int, burst: borrowing Burst,
    notes: borrowing ScatterNotes, memory: GuestMemory, available: UInt16
  ) -> Delivery {
    let needed = headerSize + size
    let limit = isMergeable ? min(available, Self.chainLimit) : 1
    var chains: UInt16 = 0
    var end = 0
    var room = 0
    while room < needed, chains < limit {
      let head = areas.head(at: nextAvailable &+ chains)
      guard head <= mask else {
        return .fault(RingFault(.headOutOfRange, seen: UInt64(head), limit: UInt64(self.size)))
      }
      switch walk(head, access: .write, memory: memory, segments: notes.targets, from: end) {
      case .fault(let fault): return .fault(fault)
      case .chain(let newEnd, let chainSize):
        guard chainSize > 0 else { return .fault(RingFault(.emptyReceiveBuffer)) }
        end = newEnd
        room += chainSize
        notes.chains[Int(chains)] = ScatterNotes.Chain(head: head, size: chainSize)
        chains += 1
      }
    }
    guard room >= needed else { return isMergeable && chains < Self.chainLimit ? .noRoom : .tooBig }
    scatter(index, frame, edit, burst: burst, targets: notes.targets, buffers: chains)
    var left = needed
    for chain in 0..<Int(chains) {
      let note = notes.chains[chain]
      let written = min(left, note.size)
      complete(head: note.head, written: UInt32(truncatingIfNeeded: written))
      left -= written
    }
    nextAvailable &+= chains
    return .delivered
  }

  /// Copies header and frame over the target pieces in order.
  private func scatter(
    _ index: Int, _ frame: Frame, _ edit: TagEdit, burst: borrowing Burst, targets: borrowing FixedArray<Segment>,
    buffers: UInt16
  ) {
    var header: (UInt64, UInt64) = (0, 0)
    unsafe withUnsafeMutableBytes(of: &header) { bytes in
      // SAFETY: sixteen bytes hold a header of twelve.
      unsafe storeHeader(at: bytes.baseAddress.unsafelyUnwrapped, frame, edit, buffers: buffers)
    }
    var writer = ScatterWriter()
    unsafe withUnsafeBytes(of: header) { bytes in
      unsafe writer.write(bytes.baseAddress.unsafelyUnwrapped, headerSize, targets)
    }
    let completes = frame.needsChecksum && !allowsPartialChecksum
    let prefix = unsafe burst.outgoingPrefix(index, frame, edit, completeChecksum: completes)
    unsafe writer.write(prefix.base, prefix.size, targets)
    unsafe burst.forEachTailPiece(frame, from: prefix.tail) { source, size in
      unsafe writer.write(source, size, targets)
    }
  }

  /// Where the next byte goes among the target pieces.
  private struct ScatterWriter {
    private var piece = 0
    private var offset = 0

    /// Copies `size` bytes; the pieces have room for them.
    @unsafe
    mutating func write(_ source: UnsafeRawPointer, _ size: Int, _ targets: borrowing FixedArray<Segment>) {
      var done = 0
      while done < size {
        let target = targets[piece]
        let count = min(target.size - offset, size - done)
        // SAFETY: `count` bytes lie in the piece and in the source.
        unsafe (target.base + offset).copyMemory(from: source + done, byteCount: count)
        done += count
        offset += count
        if offset == target.size {
          piece += 1
          offset = 0
        }
      }
    }
  }
}
