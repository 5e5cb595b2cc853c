import Frames
import GuestKit
import TestSupport
import Testing

@testable import Dataplane

/// What a frame becomes on its way out of a port, against a model of plain values.
@Suite struct LeavingFrameTests {
  private static let kinds: [(TagEdit.Kind, isTagged: Bool)] = [
    (.keep, false), (.keep, true), (.remove, true), (.insert, false), (.rewrite, true),
  ]

  private func only(_ frames: LeavingFrames, of bench: EgressBench) throws -> LeavingFrame {
    var frames = frames
    let first = frames.next(of: bench.burst)
    #expect(frames.next(of: bench.burst) == nil, "one frame leaves as one")
    return try #require(first)
  }

  /// Frames of any size, tagged and not, in one piece and in many, with partial checksums anywhere.
  @Test(arguments: 0..<8) func anyFrameLeavesAsTheModelSays(seed: UInt64) throws {
    var numbers = SeededRandom(seed: seed)
    let bench = EgressBench()
    for turn in 0..<250 {
      bench.burst.reset()
      // Not always the first: slots must not be mixed up.
      for _ in 0..<(turn % 3) { _ = bench.add(ModelFrame.random(&numbers).0) }
      let (frame, edit) = ModelFrame.random(&numbers)
      let depth = [64, 64, 100, 128, 256].randomElement(using: &numbers) ?? 64
      let index = bench.add(frame, depth: depth)
      let takesPartial = Bool.random(using: &numbers)
      let mtu = frame.bytes.count - 14 + Int.random(in: -9...9, using: &numbers)
      let wanted = frame.leaving(edit, takesPartial: takesPartial)
      let leaving = try only(
        bench.edit(index, edit, for: EgressTraits(mtu: mtu, takesPartialChecksums: takesPartial)), of: bench)
      let what: Comment = "seed \(seed) turn \(turn): \(frame.bytes.count) \(edit.kind) \(frame.pieces) \(depth)"
      #expect(leaving.size == wanted.count, what)
      #expect(leaving.refusal == (frame.fits(edit, mtu: mtu) ? nil : .tooBig), what)
      check(leaving.header, frame, edit, takesPartial, what)
      #expect(bench.pieces(leaving) == wanted, what)
      #expect(bench.copy(leaving) == wanted + EgressBench.guardBytes, what)
      let looks = Int.random(in: 0...256, using: &numbers)
      #expect(bench.seen(leaving, depth: looks).prefix(looks) == wanted.prefix(looks), what)
      let snapped = min(wanted.count, Int.random(in: 0...300, using: &numbers))
      #expect(
        bench.copyFirst(snapped, leaving, depth: looks) == Array(wanted.prefix(snapped)) + EgressBench.guardBytes, what)
      // What was looked at deeper has changed nothing.
      #expect(bench.pieces(leaving) == wanted, what)
    }
  }

  private func check(
    _ header: OffloadHeader, _ frame: ModelFrame, _ edit: TagEdit, _ takesPartial: Bool, _ what: Comment
  ) {
    guard let checksum = frame.checksum, takesPartial else {
      #expect(header.word == 0 && header.checksumOffset == 0, what)
      return
    }
    #expect(header.needsChecksum, what)
    #expect(Int(header.checksumStart) == checksum.start + edit.growth, what)
    #expect(Int(header.checksumOffset) == checksum.field, what)
    // Flags, and no type of segmentation, header length or segment size beside the start.
    #expect(header.word & 0x0000_FFFF_FFFF_FFFF == 1, what)
  }

  /// MTU and tag allowance, at every size around them.
  @Test(arguments: kinds) func theSizeRule(kind: TagEdit.Kind, isTagged: Bool) throws {
    let bench = EgressBench()
    let edit = TagEdit(kind: kind, tag: TagControl(bits: 5))
    let leavesTagged = kind == .insert || kind == .rewrite || (kind == .keep && isTagged)
    for size in 1500...1530 {
      bench.burst.reset()
      let bytes = frame(1, tags: isTagged ? [.init(7)] : [], size: size)
      let index = bench.add(ModelFrame(bytes: bytes, pieces: [size]))
      let leaving = try only(
        bench.edit(index, edit, for: EgressTraits(mtu: 1500, takesPartialChecksums: true)), of: bench)
      #expect((leaving.refusal == nil) == (size + edit.growth <= (leavesTagged ? 1518 : 1514)), "\(size) \(kind)")
      #expect(try only(bench.edit(index, edit, for: .everything), of: bench).refusal == nil)
    }
  }

  /// What was checked is what leaves: the sender spoils only what was not looked at.
  @Test(arguments: kinds) func theSenderCannotChangeWhatWasSeen(kind: TagEdit.Kind, isTagged: Bool) throws {
    let edit = TagEdit(kind: kind, tag: TagControl(bits: 5))
    for (depth, pieces) in [(64, [300]), (64, [10, 80, 210]), (128, [300]), (128, [100, 200]), (256, [1, 299])] {
      let bench = EgressBench()
      let model = ModelFrame(bytes: frame(1, tags: isTagged ? [.init(7)] : [], size: 300), pieces: pieces)
      let index = bench.add(model, depth: depth)
      bench.spoil(index, with: 0x5A)
      let leaving = try only(bench.edit(index, edit, for: .everything), of: bench)
      let kept = depth + edit.growth
      let wanted =
        Array(model.leaving(edit, takesPartial: true).prefix(kept)) + [UInt8](repeating: 0x5A, count: 300 - depth)
      #expect(bench.pieces(leaving) == wanted, "\(depth) \(pieces)")
      #expect(bench.copy(leaving) == wanted + EgressBench.guardBytes, "\(depth) \(pieces)")
    }
  }

  /// RFC 768: a sum of zero is sent as all ones.
  @Test func aSumOfZeroIsOnes() throws {
    let bench = EgressBench()
    var bytes = frame(1, size: 60)
    bytes.replaceSubrange(14..., with: [UInt8](repeating: 0, count: 46))
    bytes[20] = 0xFF
    bytes[21] = 0xFF
    let index = bench.add(ModelFrame(bytes: bytes, checksum: (14, 2), pieces: [60]))
    let leaving = try only(
      bench.edit(index, .keep, for: EgressTraits(mtu: 1500, takesPartialChecksums: false)), of: bench)
    #expect(Array(bench.pieces(leaving)[16..<18]) == [0xFF, 0xFF])
  }
}
