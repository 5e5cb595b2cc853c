/// A part of a frame's bytes in its sender's memory, by where it begins.
struct FrameRange: BitwiseCopyable {
  private var storedPiece: Int32 = 0
  private var storedSkip: Int32 = 0
  private var storedSize: Int32 = 0

  init() {}

  fileprivate init(piece: Int) { storedPiece = Int32(truncatingIfNeeded: piece) }

  /// In `Burst.segments`; not looked at for a frame in one piece.
  fileprivate(set) var piece: Int {
    get { Int(storedPiece) }
    set { storedPiece = Int32(truncatingIfNeeded: newValue) }
  }

  /// Bytes of the piece, or of the frame in one piece, that lie before it.
  fileprivate(set) var skip: Int {
    get { Int(storedSkip) }
    set { storedSkip = Int32(truncatingIfNeeded: newValue) }
  }

  /// Bytes.
  var size: Int {
    get { Int(storedSize) }
    set { storedSize = Int32(truncatingIfNeeded: newValue) }
  }
}

/// Parts of frames, each found from the one before it: what is cut from a frame of many pieces costs no walk over them.
///
/// Unsafe code. Invariants: ranges are of a frame of this burst, and within its size.
extension Burst {
  /// Bytes `offset` to `offset + size` of a frame, which has so many.
  func range(of frame: Frame, from offset: Int, size: Int) -> FrameRange {
    var range = FrameRange(piece: frame.segmentStart)
    advance(&range, by: offset, in: frame)
    range.size = size
    return range
  }

  /// Moves the start of a range on.
  func advance(_ range: inout FrameRange, by count: Int, in frame: Frame) {
    range.skip += count
    guard frame.segmentCount > 0 else { return }
    let end = frame.segmentStart + frame.segmentCount
    while range.piece < end, range.skip >= segments[range.piece].size {
      range.skip -= segments[range.piece].size
      range.piece += 1
    }
  }

  /// The pieces of a range, in order.
  @unsafe @inline(__always)
  func forEachPiece(of frame: Frame, in range: FrameRange, _ body: (UnsafeRawPointer, Int) -> Void) {
    if frame.segmentCount == 0 {
      // SAFETY: the range lies within the frame.
      unsafe body(frame.source + range.skip, range.size)
      return
    }
    var (left, skip, piece) = (range.size, range.skip, range.piece)
    let end = frame.segmentStart + frame.segmentCount
    while left > 0, piece < end {
      let segment = segments[piece]
      let count = min(segment.size - skip, left)
      // SAFETY: `count` bytes lie in the piece behind `skip`.
      if count > 0 { unsafe body(UnsafeRawPointer(segment.base) + skip, count) }
      left -= count
      skip = 0
      piece += 1
    }
  }
}
