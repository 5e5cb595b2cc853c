import Dataplane
import GuestKit
import Testing

/// A filter sees a frame as it is recorded, as far as it may look, whatever became of the tag on the way.
@Suite struct CaptureDepthTests {
  /// Ports 0 and 1 have an access VLAN, port 2 has all VLANs tagged.
  private func bench() throws -> DrivenBench {
    let bench = try DrivenBench()
    try bench.addGuest(.access(vlan: 10))
    try bench.addGuest(.access(vlan: 10))
    try bench.addGuest(.trunk(allowed: .all, native: nil))
    return bench
  }

  private func plain(_ seed: Int, size: Int = 300) -> [UInt8] {
    FrameBuilder(to: FrameBuilder.broadcast, from: FrameBuilder.station(1)).plain(size: size, seed: seed)
  }

  /// The places around what is copied as a rule, and the last that can be looked at.
  @Test(arguments: [12, 16, 59, 60, 61, 62, 63, 64, 67, 68, 100, 250, 251, 252, 253, 254, 255])
  func framesAreFoundWhereverTheyLoseOrGetTheirTag(offset: Int) throws {
    let bench = try bench()
    let frames = (0..<20).map { plain($0) }
    let value = frames[7][offset]
    let wanted = frames.filter { $0[offset] == value }
    let untagged = try bench.capture([0, 1]) { $0.filter = try? .byte(UInt32(offset), is: UInt32(value)) }
    try bench.send(frames.map { tagged(10, $0) }, from: 2, at: 1)
    #expect(untagged.drain().map(\.bytes) == wanted + wanted)
    for port in 0...1 { #expect(try bench.frames(port) == frames) }

    let tag = tagged(10, frames[7])[offset]
    let trunk = try bench.capture([2]) { $0.filter = try? .byte(UInt32(offset), is: UInt32(tag)) }
    try bench.send(frames, from: 0, at: 2)
    #expect(trunk.drain().map(\.bytes) == frames.map { tagged(10, $0) }.filter { $0[offset] == tag })
    #expect(try bench.frames(2) == frames.map { tagged(10, $0) })
  }

  /// The frame ends where the filter looks, and comes in pieces.
  @Test(arguments: [[12], [3, 20, 40], [12, 14, 100, 130, 1], [16, 48]]) func framesInPieces(pieces: [Int]) throws {
    let bench = try bench()
    for size in [64, 256, 259] {
      let frame = plain(size, size: size)
      for offset in [size - 5, size - 1] where offset < 256 {
        let capture = try bench.capture([0]) { $0.filter = try? .byte(UInt32(offset), is: UInt32(frame[offset])) }
        let behind = try bench.capture([0]) { $0.filter = try? .byte(UInt32(min(size, 255)), is: 0x55) }
        try bench.guests[2].send(tagged(10, frame), pieces: pieces)
        bench.breathe(at: 1)
        #expect(capture.drain().map(\.bytes) == [frame], "\(size) \(offset)")
        // What is not there is not found: the tag's four bytes are none of the frame's.
        if size < 256 { #expect(behind.drain().isEmpty) }
        #expect(try bench.frames(0) == [frame])
        bench.worker.stop(capture)
        bench.worker.stop(behind)
      }
    }
  }

  /// A filter whose place is computed in the frame, as in `tcp[tcpflags]`, has the same answer beside a deeper one.
  @Test func capturesDoNotChangeEachOthersAnswer() throws {
    let bench = try bench()
    // X = byte 14, then byte X + 200.
    let computed = try FilterProgram([
      FilterInstruction(0x30, 0, 0, 14), FilterInstruction(0x07), FilterInstruction(0x50, 0, 0, 200),
      FilterInstruction(0x15, 0, 1, 0x77), FilterInstruction(6, 0, 0, 0xFFFF), FilterInstruction(6, 0, 0, 0),
    ])
    let capture = try bench.capture([0, 1, 2]) { $0.filter = computed }
    let fixed = try bench.capture([0]) { $0.filter = try? .byte(62, is: 0x78) }
    for depth in [nil, 64, 255] as [UInt32?] {
      if let depth { _ = try bench.capture([0, 1, 2]) { $0.filter = try? .byte(depth, is: 0) } }
      for place in [200, 240, 255, 256, 257, 259] {
        var frame = plain(place)
        frame[14] = UInt8(place - 200)
        frame[place] = 0x77
        try bench.send([frame], from: 0, at: 1)
        let found = capture.drain().map(\.bytes)
        #expect(found == (place < 256 ? [frame, frame] : []), "\(place) beside \(String(describing: depth))")
        for port in 1...2 { _ = try bench.frames(port) }
      }
      var frame = plain(1)
      frame[62] = 0x78
      try bench.send([tagged(10, frame)], from: 2, at: 2)
      #expect(fixed.drain().map(\.bytes) == [frame], "beside \(String(describing: depth))")
      for port in 0...1 { _ = try bench.frames(port) }
      _ = capture.drain()
    }
  }

  /// Of a frame with a partial checksum more is copied at once; its last bytes are found all the same.
  @Test(arguments: [true, false]) func partialChecksums(takesPartial: Bool) throws {
    let bench = try DrivenBench()
    try bench.addGuest(.access(vlan: 10), takesPartialChecksums: takesPartial)
    try bench.addGuest(.trunk(allowed: .all, native: nil))
    let builder = FrameBuilder(to: FrameBuilder.broadcast, from: FrameBuilder.station(1), tags: [.init(10)])
    let built = builder.udp(
      from: [10, 0, 0, 1], to: [10, 0, 0, 2], payload: (0..<250).map { UInt8($0) }, checksum: .partial)
    let value = built.frame[259]
    let capture = try bench.capture([0]) { $0.filter = try? .byte(255, is: UInt32(value)) }
    try bench.guests[1].send(built.frame, header: built.header)
    bench.breathe(at: 1)
    let got = capture.drain()
    #expect(try got.map(\.bytes) == bench.frames(0) && got.count == 1)
    #expect(got.first?.record.needsChecksum == takesPartial)
  }
}
