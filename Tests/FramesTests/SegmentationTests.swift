import Frames
import Testing

/// Frames cut as a device would cut them.
@Suite struct SegmentationTests {
  private let stations: [UInt8] = [2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1]

  private func big(_ value: Int) -> [UInt8] { [UInt8(value >> 8 & 255), UInt8(value & 255)] }

  private func sum(_ bytes: [UInt8]) -> Int {
    var sum = 0
    for (place, byte) in bytes.enumerated() { sum += place % 2 == 0 ? Int(byte) << 8 : Int(byte) }
    while sum > 0xFFFF { sum = (sum & 0xFFFF) + sum >> 16 }
    return sum
  }

  private func tcp(flags: UInt8, payload: [UInt8]) -> [UInt8] {
    big(1000) + big(2000) + [0xFF, 0xFF, 0xFF, 0xF0, 0, 0, 0, 5, 0x80, flags] + big(500) + big(0) + big(0)
      + Array(repeating: 1, count: 12) + payload
  }

  private func version4(_ proto: UInt8, _ segment: [UInt8], tags: [UInt8] = []) -> [UInt8] {
    stations + tags + big(0x0800) + [0x46, 0] + big(24 + segment.count) + big(0xFFFE) + [0x40, 0, 64, proto, 0, 0]
      + [10, 0, 0, 1, 10, 0, 0, 2] + [1, 1, 1, 1] + segment
  }

  private func version6(_ proto: UInt8, _ segment: [UInt8]) -> [UInt8] {
    stations + big(0x86DD) + [0x60, 0, 0, 0] + big(segment.count) + [proto, 64]
      + Array(repeating: 0xFD, count: 32) + segment
  }

  /// Checks the sums of a segment; returns its TCP or UDP part.
  private func transport(_ frame: [UInt8], network: Int, isVersion4: Bool) -> [UInt8] {
    let packet = Array(frame[network...])
    let header = isVersion4 ? Int(packet[0] & 15) * 4 : 40
    let segment = Array(packet[header...])
    let addresses = isVersion4 ? packet[12..<20] : packet[8..<40]
    if isVersion4 {
      #expect(sum(Array(packet[..<header])) == 0xFFFF)
      #expect(Int(packet[2]) << 8 | Int(packet[3]) == packet.count)
    } else {
      #expect(Int(packet[4]) << 8 | Int(packet[5]) == segment.count)
    }
    let pseudo = Array(addresses) + [0, packet[isVersion4 ? 9 : 6]] + big(segment.count)
    #expect(sum(pseudo + segment) == 0xFFFF)
    return segment
  }

  @Test(arguments: [true, false], [0, 4]) func streamsAreCut(isVersion4: Bool, tagSize: Int) throws {
    let payload = (0..<3000).map { UInt8(truncatingIfNeeded: $0) }
    let segment = tcp(flags: 0x80 | 0x19, payload: payload)
    let tags: [UInt8] = tagSize > 0 ? [0x81, 0, 0, 5] : []
    var frame = isVersion4 ? version4(6, segment, tags: tags) : version6(6, segment)
    if !isVersion4 { frame.insert(contentsOf: tags, at: 12) }
    let type = isVersion4 ? Segmentation.tcp4 : Segmentation.tcp6
    let segments = try #require(Segmentation.segments(of: frame, type: type | 0x80, size: 1400))
    #expect(segments.count == 3)
    var joined: [UInt8] = []
    for (number, cut) in segments.enumerated() {
      #expect(Array(cut.prefix(12 + tagSize)) == Array(frame.prefix(12 + tagSize)))
      let part = transport(cut, network: 14 + tagSize, isVersion4: isVersion4)
      let sequence = part[4..<8].reduce(0) { $0 << 8 | UInt32($1) }
      #expect(sequence == 0xFFFF_FFF0 &+ UInt32(1400 * number))
      #expect(part[13] == [0x90, 0x10, 0x19][number])
      if isVersion4 { #expect(Int(cut[18 + tagSize]) << 8 | Int(cut[19 + tagSize]) == (0xFFFE + number) & 0xFFFF) }
      joined += part[32...]
    }
    #expect(joined == payload)
  }

  @Test func datagramsAreCut() throws {
    let payload = (0..<2500).map { UInt8(truncatingIfNeeded: $0 * 7) }
    let frame = version6(17, big(1) + big(2) + big(8 + payload.count) + big(0) + payload)
    let segments = try #require(Segmentation.segments(of: frame, type: Segmentation.udp, size: 1000))
    var joined: [UInt8] = []
    for cut in segments {
      let part = transport(cut, network: 14, isVersion4: false)
      #expect(Int(part[4]) << 8 | Int(part[5]) == part.count)
      joined += part[8...]
    }
    #expect(joined == payload && segments.count == 3)
  }

  @Test func whatIsShortStaysWhole() throws {
    let frame = version4(6, tcp(flags: 0x18, payload: [1, 2, 3]))
    let segments = try #require(Segmentation.segments(of: frame, type: Segmentation.tcp4, size: 3))
    #expect(segments.count == 1 && segments[0].count == frame.count)
    _ = transport(segments[0], network: 14, isVersion4: true)
  }

  @Test func whatIsNotWhatItSaysIsLeft() {
    let frame = version4(6, tcp(flags: 0, payload: Array(repeating: 0, count: 100)))
    #expect(Segmentation.segments(of: frame, type: Segmentation.tcp6, size: 10) == nil)
    #expect(Segmentation.segments(of: frame, type: Segmentation.udp, size: 10) == nil)
    #expect(Segmentation.segments(of: frame, type: 3, size: 10) == nil)
    #expect(Segmentation.segments(of: frame, type: 0, size: 10) == nil)
    #expect(Segmentation.segments(of: frame, type: Segmentation.tcp4, size: 0) == nil)
    // Cut anywhere, with any byte changed: segments or nothing, and no trap.
    for count in 0..<90 { _ = Segmentation.segments(of: Array(frame.prefix(count)), type: 1, size: 10) }
    for place in 0..<90 {
      for value in stride(from: 0, to: 256, by: 15) {
        var changed = frame
        changed[place] = UInt8(value)
        for type in [1, 4, 5] as [UInt8] { _ = Segmentation.segments(of: changed, type: type, size: 10) }
      }
    }
  }

  @Test func partialChecksumsAreCompleted() {
    let whole = version4(6, tcp(flags: 0x18, payload: [1, 2, 3]))
    var partial = Segmentation.segments(of: whole, type: 1, size: 100)?[0] ?? []
    let full = partial
    let length = full.count - 38
    let pseudo = sum(Array(full[26..<34]) + [0, 6] + big(length))
    partial.replaceSubrange(54..<56, with: big(pseudo))
    #expect(partial != full)
    #expect(PartialChecksum.complete(&partial, start: 38, offset: 16))
    #expect(partial == full)
    for (start, offset) in [(-1, 0), (0, -1), (full.count, 0), (0, full.count - 1), (38, full.count)] {
      #expect(!PartialChecksum.complete(&partial, start: start, offset: offset))
    }
    #expect(partial == full)
  }
}
