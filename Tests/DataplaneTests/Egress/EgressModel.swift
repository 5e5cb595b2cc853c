import Frames
import GuestKit
import TestSupport

@testable import Dataplane

/// A frame and what its virtio-net header says, as plain values: what Egress must make of it, worked out anew.
struct ModelFrame {
  var bytes: [UInt8]
  /// Where the sum of a partial checksum starts, and its field from there.
  var checksum: (start: Int, field: Int)?
  /// Bytes of each piece of memory that it lies in.
  var pieces: [Int]

  var isTagged: Bool { bytes.count >= 14 && bytes[12] == 0x81 && bytes[13] == 0 }

  /// Its bytes after a change of the tag.
  func leaving(_ edit: TagEdit, takesPartial: Bool) -> [UInt8] {
    let whole = takesPartial ? bytes : completed
    let tag = [0x81, 0, UInt8(edit.tag.bits >> 8), UInt8(truncatingIfNeeded: edit.tag.bits)]
    return switch edit.kind {
    case .keep: whole
    case .insert: whole[..<12] + tag + whole[12...]
    case .remove: Array(whole[..<12] + whole[16...])
    case .rewrite: whole[..<12] + tag + whole[16...]
    }
  }

  /// Its bytes with the sum over all from `start` in its field.
  private var completed: [UInt8] {
    guard let checksum else { return bytes }
    let sum = ~internetSum(Array(bytes[checksum.start...]))
    let stored = sum == 0 ? 0xFFFF : sum
    var bytes = bytes
    bytes[checksum.start + checksum.field] = UInt8(stored >> 8)
    bytes[checksum.start + checksum.field + 1] = UInt8(truncatingIfNeeded: stored)
    return bytes
  }

  /// The size rule, in words: payload behind the header, and behind the tag if it leaves with one.
  func fits(_ edit: TagEdit, mtu: Int) -> Bool {
    let leavesTagged = edit.kind == .insert || edit.kind == .rewrite || (edit.kind == .keep && isTagged)
    return leaving(edit, takesPartial: true).count <= mtu + 14 + (leavesTagged ? 4 : 0)
  }

  /// Any frame that a switch lets through; its edit is one that fits it.
  static func random(_ numbers: inout SeededRandom) -> (ModelFrame, TagEdit) {
    let size =
      [18...64, 60...70, 250...262, 18...600, 1500...1530, 2000...9000][Int.random(in: 0..<6, using: &numbers)]
      .randomElement(using: &numbers) ?? 64
    var bytes = (0..<size).map { _ in UInt8.random(in: .min ... .max, using: &numbers) }
    let isTagged = Bool.random(using: &numbers)
    if isTagged { bytes.replaceSubrange(12..<14, with: [0x81, 0]) } else { bytes[12] = 8 }
    var frame = ModelFrame(bytes: bytes, pieces: [size])
    let first = isTagged ? 18 : 14
    let last = min(size, Burst.scratchSlotSize) - 2
    if last >= first, Bool.random(using: &numbers) {
      let start = Int.random(in: first...last, using: &numbers)
      frame.checksum = (start, Int.random(in: 0...(last - start), using: &numbers))
    }
    if Bool.random(using: &numbers) {
      frame.pieces = []
      while frame.pieces.reduce(0, +) < size {
        let left = size - frame.pieces.reduce(0, +)
        frame.pieces.append(min(left, Int.random(in: 1...max(size / 3, 1), using: &numbers)))
      }
    }
    let kinds: [TagEdit.Kind] = isTagged ? [.keep, .remove, .rewrite] : [.keep, .insert]
    return (
      frame,
      TagEdit(
        kind: kinds.randomElement(using: &numbers) ?? .keep,
        tag: TagControl(bits: .random(in: .min ... .max, using: &numbers)))
    )
  }
}

/// Frames of a burst, each in memory of its own that its sender may change.
final class EgressBench {
  let burst = Burst()
  private var memory: [UnsafeMutableRawBufferPointer] = []
  /// Pieces of the frames that are in the burst.
  private var pieces: [Int: [UnsafeMutableRawBufferPointer]] = [:]

  deinit { for piece in memory { piece.deallocate() } }

  /// Puts a frame into the burst, as deep in scratch as asked for; returns its number.
  func add(_ frame: ModelFrame, depth: Int = Burst.scratchRule) -> Int {
    var header = NetworkHeader()
    if let checksum = frame.checksum {
      header = NetworkHeader(checksumStart: checksum.start, checksumOffset: checksum.field)
    }
    let index = add(frame.bytes, header, pieces: frame.pieces, [])
    burst.extendScratch(to: depth)
    return index
  }

  /// The same for a large one.
  func add(_ model: LargeFrameModel, pieces: [Int]) -> Int { add(model.whole, model.header, pieces: pieces, .all) }

  /// Puts a frame into the burst with what its header says, as a port does that takes such types of large frames.
  func add(_ bytes: [UInt8], _ header: NetworkHeader, pieces sizes: [Int], _ types: LargeFrameTypes) -> Int {
    let index = burst.count
    var offset = 0
    let pieces = sizes.map { size in
      let piece = UnsafeMutableRawBufferPointer.allocate(byteCount: size, alignment: 1)
      piece.copyBytes(from: bytes[offset..<(offset + size)])
      offset += size
      return piece
    }
    memory += pieces
    self.pieces[index] = pieces
    guard let first = pieces.first?.baseAddress else { return index }
    var entry = Frame(source: UnsafeRawPointer(first), sourceSize: sizes[0], size: bytes.count)
    if pieces.count > 1 {
      entry.segmentStart = burst.segmentCount
      entry.segmentCount = pieces.count
      for piece in pieces {
        guard let base = piece.baseAddress else { continue }
        burst.segments[burst.segmentCount] = Segment(base: base, size: piece.count)
        burst.segmentCount += 1
      }
    }
    let words = header.bytes.prefix(8).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    if words & 0xFFFF != 0 {
      entry.judge(
        OffloadHeader(word: words, checksumOffset: header.checksumOffset), allowsPartial: true, types)
    }
    burst.fillScratch(index, &entry)
    burst.judgeLarge(index, &entry)
    burst.frames[index] = entry
    burst.count = index + 1
    return index
  }

  func edit(_ index: Int, _ edit: TagEdit, for traits: EgressTraits) -> LeavingFrames {
    LeavingFrames(PendingFrame(frame: index, edit: edit), traits)
  }

  /// Has the sender overwrite its whole frame.
  func spoil(_ index: Int, with byte: UInt8) {
    for piece in pieces[index] ?? [] { for place in piece.indices { piece[place] = byte } }
  }

  /// What scratch holds of a frame.
  func scratch(_ index: Int) -> [UInt8] {
    Array(UnsafeRawBufferPointer(start: burst.scratchSlot(index), count: burst.frames[index].scratchSize))
  }

  /// A frame's pieces, joined.
  func pieces(_ frame: LeavingFrame) -> [UInt8] {
    var bytes: [UInt8] = []
    frame.forEachPiece(of: burst) { bytes += UnsafeRawBufferPointer(start: $0, count: $1) }
    return bytes
  }

  /// A frame copied in one go, with eight bytes behind it that must stay 0xEE.
  func copy(_ frame: LeavingFrame) -> [UInt8] {
    filled(frame.size) { frame.copy(to: $0, of: burst) }
  }

  /// Its first bytes as a capture copies them whose filter looks at `depth` bytes; the same behind them.
  func copyFirst(_ wanted: Int, _ frame: LeavingFrame, depth: Int) -> [UInt8] {
    let prefix = frame.prefix(of: burst, depth: depth)
    return filled(wanted) { frame.copyFirst(wanted, prefix, to: $0, of: burst) }
  }

  /// The bytes that somebody sees who looks at `depth` of them.
  func seen(_ frame: LeavingFrame, depth: Int) -> [UInt8] {
    let prefix = frame.prefix(of: burst, depth: depth)
    return Array(UnsafeRawBufferPointer(start: prefix.base, count: prefix.size))
  }

  private func filled(_ size: Int, _ fill: (UnsafeMutableRawPointer) -> Void) -> [UInt8] {
    withUnsafeTemporaryAllocation(byteCount: size + 8, alignment: 16) { buffer in
      for place in buffer.indices { buffer[place] = 0xEE }
      if let base = buffer.baseAddress { fill(base) }
      return Array(buffer)
    }
  }

  static let guardBytes = [UInt8](repeating: 0xEE, count: 8)
}
