/// Delivering a frame into buffers of any layout: several descriptors, indirect tables, several mergeable chains.
///
/// Unsafe code. Invariants as in GuestQueue+Transmit.swift; `targets` holds only pieces that were translated in this
/// delivery.
extension GuestQueue where Format: ~Copyable {
  @inline(never)
  mutating func deliverScattered<Logging: DeliveryLogging>(
    _ frame: LeavingFrame, of burst: borrowing Burst, notes: borrowing ScatterNotes, in window: Format.Window,
    memory: GuestMemory, _ logging: Logging.Type
  ) -> FrameDelivery {
    let needed = headerSize + frame.size
    // num_buffers of a frame in buffers of a cache line.
    let limit = traits.isMergeable ? Burst.chainCapacity : 1
    var cursor = ring.next
    var chains = 0
    var pieces = ChainPieces(from: 0)
    while pieces.size < needed, chains < limit, ring.isAvailable(at: cursor, in: window) {
      switch ring.walk(&cursor, .write, &pieces, into: notes.targets, memory: memory, hint: &regionHint) {
      case .fault(let fault): return .fault(fault)
      case .chain(let token, let size):
        guard size > 0 else { return .fault(RingFault(.emptyReceiveBuffer)) }
        notes.chains[chains] = ScatterNotes.Chain(token: token, size: size)
        chains += 1
      }
    }
    guard pieces.size >= needed else {
      return .dropped(traits.isMergeable && chains < Burst.chainCapacity ? .noBuffer : .tooBig)
    }
    if chains > 1 { merged &+= 1 }
    scatter(frame, of: burst, over: notes.targets, buffers: chains)
    if Logging.isOn { noteTargets(notes.targets, needed, memory) }
    var left = needed
    for chain in 0..<chains {
      let note = notes.chains[chain]
      let written = min(left, note.size)
      ring.complete(note.token, written: UInt32(truncatingIfNeeded: written))
      left -= written
    }
    return .delivered
  }

  /// Copies header and frame over the target pieces in order.
  private func scatter(
    _ frame: LeavingFrame, of burst: borrowing Burst, over targets: borrowing FixedArray<Segment>, buffers: Int
  ) {
    var header: (UInt64, UInt64) = (0, 0)
    unsafe withUnsafeMutableBytes(of: &header) { bytes in
      // SAFETY: sixteen bytes hold a header of twelve.
      unsafe storeHeader(at: bytes.baseAddress.unsafelyUnwrapped, frame.header, buffers: buffers)
    }
    var writer = ScatterWriter()
    unsafe withUnsafeBytes(of: header) { bytes in
      // SAFETY: of the same sixteen bytes.
      unsafe writer.write(bytes.baseAddress.unsafelyUnwrapped, headerSize, targets)
    }
    unsafe frame.forEachPiece(of: burst) { source, size in unsafe writer.write(source, size, targets) }
  }
}

/// What became of one frame that leaves.
enum FrameDelivery {
  case delivered
  case dropped(EgressDrop)
  case fault(RingFault)
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
