import Dataplane
import GuestKit
import TestSupport
import Testing

/// Filters of captures, and the checks of their programs.
@Suite struct CaptureFilterTests {
  private func frames(_ count: Int, size: Int = 300) -> [[UInt8]] {
    (0..<count).map {
      FrameBuilder(to: FrameBuilder.station(2), from: FrameBuilder.station(1)).plain(size: size, seed: $0)
    }
  }

  /// Frames are judged wherever the filter looks, and delivered as they are.
  @Test(arguments: [14, 63, 64, 65, 100, 200, 255])
  func onlyWantedFramesAreRecorded(offset: Int) throws {
    let bench = try DrivenBench.wire()
    let sent = frames(60)
    let value = sent[7][offset]
    let wanted = sent.filter { $0[offset] == value }
    let capture = try bench.capture([0, 1]) { $0.filter = try? .byte(UInt32(offset), is: UInt32(value)) }
    try bench.send(sent, from: 0, at: 1)
    #expect(try bench.frames(1) == sent)
    #expect(capture.drain().map(\.bytes) == wanted + wanted)
    let (all, some) = (UInt64(sent.count), UInt64(wanted.count))
    #expect(capture.counts(0) == [all, all - some, 0, some] && capture.counts(1) == capture.counts(0))
  }

  @Test func aFrameInPiecesIsJudgedToo() throws {
    let bench = try DrivenBench.wire(bufferSize: 4096)
    let frame = frames(1)[0]
    let capture = try bench.capture([1]) { $0.filter = try? .byte(250, is: UInt32(frame[250])) }
    for pieces in [[12], [3, 20, 40], [12, 14, 100, 100]] { try bench.guests[0].send(frame, pieces: pieces) }
    bench.breathe(at: 1)
    #expect(try bench.frames(1) == [frame, frame, frame])
    #expect(capture.drain().map(\.bytes) == [frame, frame, frame])
  }

  @Test func twoCapturesHaveTheirOwnFilters() throws {
    let bench = try DrivenBench.wire()
    let sent = frames(40)
    let first = try bench.capture([0]) { $0.filter = try? .byte(14, is: UInt32(sent[3][14])) }
    let second = try bench.capture([0]) { $0.filter = try? .byte(130, is: UInt32(sent[5][130])) }
    try bench.send(sent, from: 0, at: 1)
    #expect(first.drain().map(\.bytes) == sent.filter { $0[14] == sent[3][14] })
    #expect(second.drain().map(\.bytes) == sent.filter { $0[130] == sent[5][130] })
  }

  @Test func theFilterOfARunningCaptureChanges() throws {
    let bench = try DrivenBench.wire()
    let sent = frames(4)
    let capture = try bench.capture([0]) { $0.filter = try? FilterProgram([FilterInstruction(6)]) }
    try bench.send(sent, from: 0, at: 1)
    #expect(capture.drain().isEmpty)
    bench.worker.setFilter(capture, try .byte(14, is: UInt32(sent[2][14])))
    try bench.send(sent, from: 0, at: 2)
    #expect(capture.drain().map(\.bytes) == [sent[2]])
    bench.worker.setFilter(capture, nil)
    try bench.send(sent, from: 0, at: 3)
    #expect(capture.drain().map(\.bytes) == sent)
    #expect(capture.counts(0) == [12, 7, 0, 5])
  }

  // Programs.

  private static let bad: [([FilterInstruction], FilterProgramError)] = [
    ([], .empty),
    (Array(repeating: FilterInstruction(6), count: 4097), .tooLong(4097)),
    ([FilterInstruction(0x30)], .noEnd),
    ([FilterInstruction(0x05, 0, 0, 0)], .jumpOutOfRange(at: 0)),
    ([FilterInstruction(0x05, 0, 0, UInt32.max), FilterInstruction(6)], .jumpOutOfRange(at: 0)),
    ([FilterInstruction(0x15, 0, 1), FilterInstruction(6)], .jumpOutOfRange(at: 0)),
    ([FilterInstruction(0x15, 255, 0), FilterInstruction(6)], .jumpOutOfRange(at: 0)),
    ([FilterInstruction(0x60, 0, 0, 16), FilterInstruction(6)], .memoryOutOfRange(16, at: 0)),
    ([FilterInstruction(0x61, 0, 0, 99), FilterInstruction(6)], .memoryOutOfRange(99, at: 0)),
    ([FilterInstruction(0x02, 0, 0, 16), FilterInstruction(6)], .memoryOutOfRange(16, at: 0)),
    ([FilterInstruction(0x03, 0, 0, .max), FilterInstruction(6)], .memoryOutOfRange(.max, at: 0)),
    ([FilterInstruction(0x34, 0, 0, 0), FilterInstruction(6)], .divisionByZero(at: 0)),
    ([FilterInstruction(0x94, 0, 0, 0), FilterInstruction(6)], .divisionByZero(at: 0)),
    ([FilterInstruction(0x64, 0, 0, 32), FilterInstruction(6)], .shiftTooFar(at: 0)),
    ([FilterInstruction(0x38), FilterInstruction(6)], .unknownInstruction(0x38, at: 0)),
    ([FilterInstruction(0xFFFF), FilterInstruction(6)], .unknownInstruction(0xFFFF, at: 0)),
    ([FilterInstruction(0x0E), FilterInstruction(6)], .unknownInstruction(0x0E, at: 0)),
    ([FilterInstruction(0x20, 0, 0, 253), FilterInstruction(6)], .looksTooFar(256)),
    ([FilterInstruction(0x30, 0, 0, .max), FilterInstruction(6)], .looksTooFar(4_294_967_295)),
    ([FilterInstruction(0xB1, 0, 0, 256), FilterInstruction(6)], .looksTooFar(256)),
  ]

  @Test(arguments: bad.indices) func badProgramsAreRefused(_ index: Int) {
    let (program, error) = Self.bad[index]
    #expect(throws: error) { try FilterProgram(program) }
    #expect(!error.description.isEmpty)
  }

  @Test func theDepthIsFound() throws {
    let end = FilterInstruction(6, 0, 0, 1)
    #expect(try FilterProgram([end]).depth == 0)
    #expect(try FilterProgram([FilterInstruction(0x28, 0, 0, 12), end]).depth == 14)
    #expect(try FilterProgram([FilterInstruction(0x20, 0, 0, 26), end]).depth == 30)
    // The port behind an IPv4 header: its length is 60 at most.
    #expect(
      try FilterProgram([FilterInstruction(0xB1, 0, 0, 14), FilterInstruction(0x48, 0, 0, 14), end]).depth == 76)
    #expect(
      try FilterProgram([FilterInstruction(0x01, 0, 0, 9), FilterInstruction(0x50, 0, 0, 14), end]).depth == 24)
    // X from the frame may be anything.
    #expect(
      try FilterProgram([
        FilterInstruction(0x30, 0, 0, 1), FilterInstruction(0x07), FilterInstruction(0x50, 0, 0, 0), end,
      ]).depth == 256)
  }

  /// Whatever passes the checks ends, and reads nothing it must not: random programs over random frames.
  @Test func randomProgramsAreRefusedOrEnd() throws {
    var random = SeededRandom(seed: 99)
    let bench = try DrivenBench.wire()
    let codes: [UInt16] = [
      0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x0C, 0x14, 0x15, 0x16, 0x1D, 0x20, 0x24, 0x25, 0x28, 0x2C, 0x30,
      0x34, 0x35, 0x3C, 0x40, 0x44, 0x45, 0x48, 0x50, 0x54, 0x5C, 0x60, 0x61, 0x64, 0x6C, 0x74, 0x7C, 0x80, 0x81, 0x84,
      0x87, 0x94, 0x9C, 0xA4, 0xAC, 0xB1,
    ]
    var accepted = 0
    for round in 0..<3000 {
      var program: [FilterInstruction] = []
      for _ in 0..<(1 + random.next() % 12) {
        let wild = random.next() % 20 == 0
        program.append(
          FilterInstruction(
            wild ? UInt16(truncatingIfNeeded: random.next()) : codes[Int(random.next() % UInt64(codes.count))],
            UInt8(truncatingIfNeeded: random.next() % 6), UInt8(truncatingIfNeeded: random.next() % 6),
            wild ? UInt32(truncatingIfNeeded: random.next()) : UInt32(random.next() % 40)))
      }
      program.append(FilterInstruction(random.next() % 2 == 0 ? 6 : 0x16, 0, 0, 1))
      guard let checked = try? FilterProgram(program) else { continue }
      accepted += 1
      let capture = try bench.capture([0]) {
        $0.filter = checked
        $0.ringSize = 1 << 18
      }
      let sent = frames(2, size: 14 + Int(random.next() % 300))
      try bench.send(sent, from: 0, at: UInt64(round))
      #expect(try bench.frames(1) == sent)
      let counts = capture.counts
      #expect(counts.received == 2 && counts.filtered + counts.captured == 2)
      bench.worker.stop(capture)
    }
    #expect(accepted > 200)
  }
}
