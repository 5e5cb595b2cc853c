import Frames
import GuestKit
import TestSupport

@testable import Dataplane

/// One frame on its way out of a port, its tag changed and its checksum completed, beside a model of plain values.
func fuzzEdit(_ bytes: [UInt8]) {
  var choices = Choices(bytes)
  let isTagged = choices.flag()
  let kinds: [TagEdit.Kind] = isTagged ? [.keep, .remove, .rewrite] : [.keep, .insert]
  let edit = TagEdit(kind: choices.pick(kinds), tag: TagControl(bits: choices.word()))
  let takesPartial = choices.flag()
  let depth = choices.pick([64, 100, 128, 256])
  let (mtu, looks, snapped) = (Int(choices.word() % 9000), choices.number(below: 257), choices.number(below: 300))
  let sums = (isPartial: choices.flag(), start: choices.byte(), field: choices.byte())
  var pieces: [Int] = []
  for _ in 0..<choices.number(below: 6) { pieces.append(1 + Int(choices.byte())) }
  let rest = choices.rest
  var frame = ModelFrame(bytes: Array(rest.prefix(9018)), pieces: [])
  frame.bytes += [UInt8](repeating: 0, count: max(0, 18 - frame.bytes.count))
  if isTagged { frame.bytes.replaceSubrange(12..<14, with: [0x81, 0]) } else if frame.isTagged { frame.bytes[12] = 8 }
  let size = frame.bytes.count
  let (first, last) = (isTagged ? 18 : 14, min(size, Burst.scratchSlotSize) - 2)
  if sums.isPartial, last >= first {
    let start = first + Int(sums.start) % (last - first + 1)
    frame.checksum = (start, Int(sums.field) % (last - start + 1))
  }
  var left = size
  for piece in pieces where piece < left {
    frame.pieces.append(piece)
    left -= piece
  }
  frame.pieces.append(left)
  let bench = EgressBench()
  let index = bench.add(frame, depth: depth)
  let wanted = frame.leaving(edit, takesPartial: takesPartial)
  var leaving = bench.edit(index, edit, for: EgressTraits(mtu: mtu, takesPartialChecksums: takesPartial))
  guard let one = leaving.next(of: bench.burst) else { return demand(false, "no frame leaves") }
  demand(one.size == wanted.count, "\(one.size) bytes leave, expected \(wanted.count)")
  demand((one.refusal == nil) == frame.fits(edit, mtu: mtu), "the size rule")
  demand(bench.pieces(one) == wanted, "pieces")
  demand(bench.copy(one) == wanted + EgressBench.guardBytes, "copy")
  demand(bench.seen(one, depth: looks).prefix(looks) == wanted.prefix(looks), "what is seen")
  let count = min(wanted.count, snapped)
  demand(
    bench.copyFirst(count, one, depth: looks) == Array(wanted.prefix(count)) + EgressBench.guardBytes, "first bytes")
  let isOver = leaving.next(of: bench.burst) == nil
  demand(isOver, "one frame leaves as several")
}

/// A large frame cut into segments, beside segments that are built anew; or any bytes with any header in front of them.
func fuzzCut(_ bytes: [UInt8]) {
  var choices = Choices(bytes)
  if choices.flag() { cutModel(&choices) } else { cutAnything(&choices) }
}

private func cutModel(_ choices: inout Choices) {
  var model = LargeFrameModel()
  let wishes = choices.byte()
  (model.isVersion4, model.transport) = (wishes & 1 == 0, wishes & 2 == 0 ? .tcp : .udp)
  let tags: [[(UInt16, UInt16)]] = [[], [(0x8100, choices.word())], [(0x88A8, 7), (0x8100, 5)]]
  model.tags = tags[Int(wishes >> 2) % 3]
  model.networkOptions = [UInt8](repeating: 1, count: 8 * choices.number(below: 3))
  if !model.isVersion4, wishes & 0x80 != 0 { model.routedTo = [0xFC] + choices.bytes(15) }
  model.transportOptions = [UInt8](repeating: 1, count: 4 * choices.number(below: 11))
  model.flags = choices.byte() & 0xDB
  model.isECN = model.transport == .tcp && model.flags & 0x80 != 0
  (model.identification, model.sequence) = (choices.word(), UInt32(choices.word()) << 16 | UInt32(choices.word()))
  model.segmentSize = 8 + Int(choices.word() % 2000)
  let (edit, takesPartial) = (choices.byte(), choices.flag())
  let size = 1 + Int(choices.word()) % min(60_000, 40 * model.segmentSize)
  let seed = choices.byte()
  model.payload = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31) ^ seed }
  let isTagged = model.tags.first?.0 == 0x8100
  let kinds: [TagEdit.Kind] = isTagged ? [.keep, .remove, .rewrite] : [.keep, .insert]
  let change = TagEdit(kind: kinds[Int(edit) % kinds.count], tag: TagControl(bits: 0x6009))
  let bench = EgressBench()
  let index = bench.add(model, pieces: [model.whole.count])
  guard bench.burst.frames[index].isLarge else { return }
  let wanted = model.segments(takesPartial ? .partial : .full).map {
    ModelFrame(bytes: $0, pieces: []).leaving(change, takesPartial: true)
  }
  var leaving = bench.edit(index, change, for: EgressTraits(mtu: 9200, takesPartialChecksums: takesPartial))
  for segment in wanted {
    guard let frame = leaving.next(of: bench.burst) else { return demand(false, "too few segments") }
    demand(frame.refusal == nil && frame.size == segment.count, "a segment of \(frame.size), not \(segment.count)")
    demand(bench.copy(frame) == segment + EgressBench.guardBytes, "a segment's bytes")
  }
  let isOver = leaving.next(of: bench.burst) == nil
  demand(isOver, "too many segments")
}

/// What cannot be a large frame is dropped; what is one is cut into frames that are no longer than it, in bounds.
private func cutAnything(_ choices: inout Choices) {
  let header = NetworkHeader(choices.bytes(12))
  let (edit, mtu, takesPartial) = (choices.byte(), 68 + Int(choices.word() % 9000), choices.flag())
  let frame = choices.bytes(14) + choices.rest
  let bench = EgressBench()
  let half = 1 + frame.count / 2
  let pieces = choices.flag() ? [frame.count] : [half, frame.count - half].filter { $0 > 0 }
  let index = bench.add(frame, header, pieces: pieces, .all)
  guard !bench.burst.frames[index].isHeaderInvalid else { return }
  let isTagged = frame[12] == 0x81 && frame[13] == 0
  // A runt, which goes nowhere.
  guard !isTagged || frame.count >= 18 else { return }
  let kinds: [TagEdit.Kind] = isTagged ? [.keep, .remove, .rewrite] : [.keep, .insert]
  let change = TagEdit(kind: kinds[Int(edit) % kinds.count], tag: TagControl(bits: 9))
  // A sum that starts in the tag is refused before (`Forwarder`).
  guard !isTagged || header.flags & 1 == 0 || header.checksumStart >= 18 else { return }
  var leaving = bench.edit(index, change, for: EgressTraits(mtu: mtu, takesPartialChecksums: takesPartial))
  var total = 0
  while let one = leaving.next(of: bench.burst) {
    demand(one.size <= frame.count + 4, "a segment longer than its frame")
    guard one.refusal == nil else { continue }
    total += 1
    demand(total <= 65_536, "segments without end")
    let copied = bench.copy(one)
    demand(copied.suffix(8) == EgressBench.guardBytes[...], "bytes behind a segment")
    demand(bench.pieces(one) == Array(copied.dropLast(8)), "pieces and copy differ")
  }
}
