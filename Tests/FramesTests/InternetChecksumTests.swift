import Frames
import Testing

/// Against RFC 1071 written down word by word.
@Suite struct InternetChecksumTests {
  /// The sum of 16-bit words in the order of the network, an odd byte padded with zero, inverted.
  private func naive(_ bytes: [UInt8]) -> UInt16 {
    var sum: UInt32 = 0
    for position in stride(from: 0, to: bytes.count, by: 2) {
      let low = position + 1 < bytes.count ? bytes[position + 1] : 0
      sum += UInt32(bytes[position]) << 8 | UInt32(low)
      sum = (sum & 0xFFFF) + sum >> 16
    }
    return ~UInt16(sum)
  }

  private func partialSum(_ bytes: ArraySlice<UInt8>) -> UInt64 {
    Array(bytes).withUnsafeBytes { buffer in
      buffer.baseAddress.map { Bytes.partialSum($0, count: buffer.count) } ?? 0
    }
  }

  /// In wire order, as a reader of two bytes sees it.
  private func wire(_ checksum: InternetChecksum) -> UInt16 { UInt16(bigEndian: checksum.stored) }

  /// The same numbers in every run.
  private struct Numbers: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return state ^ state >> 29
    }
  }

  @Test func theExampleOfRFC1071() {
    let bytes: [UInt8] = [0x00, 0x01, 0xF2, 0x03, 0xF4, 0xF5, 0xF6, 0xF7]
    var checksum = InternetChecksum()
    checksum.add(bytes)
    #expect(wire(checksum) == ~0xDDF2)
    #expect(naive(bytes) == ~0xDDF2)
  }

  @Test func nothingSumsToNothing() {
    #expect(wire(InternetChecksum()) == 0xFFFF)
    #expect(InternetChecksum.fold(0) == 0)
    #expect(InternetChecksum.fold(0xFFFF) == 0xFFFF)
    #expect(InternetChecksum.fold(0x1_0000) == 1)
    #expect(InternetChecksum.fold(0x1_FFFF) == 1)
    #expect(InternetChecksum.fold(.max) == 0xFFFF)
  }

  @Test(arguments: [0x00, 0x01, 0x80, 0xFF] as [UInt8])
  func evenBytesOfEverySize(byte: UInt8) {
    for count in 0...70 {
      let bytes = [UInt8](repeating: byte, count: count)
      var whole = InternetChecksum()
      whole.add(partial: partialSum(bytes[...]), count: count)
      #expect(wire(whole) == naive(bytes))
    }
  }

  @Test func piecesOfAnySizeSumToTheWhole() {
    var random = Numbers(state: 42)
    for _ in 0..<2000 {
      let bytes = (0..<Int.random(in: 0...400, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
      var checksum = InternetChecksum()
      var rest = bytes[...]
      while !rest.isEmpty {
        let piece = rest.prefix(Int.random(in: 0...min(rest.count, 40), using: &random))
        rest = rest.dropFirst(piece.count)
        if Bool.random(using: &random) {
          checksum.add(partial: partialSum(piece), count: piece.count)
        } else {
          checksum.add(piece)
        }
      }
      #expect(wire(checksum) == naive(bytes))
    }
  }

  @Test func longFramesOfOnesDoNotOverflow() {
    for count in [65_534, 65_535, 65_536, 1 << 20] {
      let bytes = [UInt8](repeating: 0xFF, count: count)
      var checksum = InternetChecksum()
      checksum.add(partial: partialSum(bytes[...]), count: count)
      #expect(wire(checksum) == naive(bytes))
    }
  }

  /// A packet with its checksum in place sums to all ones.
  @Test func aStoredChecksumCompletesItsPacket() {
    var random = Numbers(state: 7)
    for _ in 0..<200 {
      var bytes = (0..<64).map { _ in UInt8.random(in: 0...255, using: &random) }
      let field = 2 * Int.random(in: 0..<32, using: &random)
      bytes[field] = 0
      bytes[field + 1] = 0
      var checksum = InternetChecksum()
      checksum.add(bytes)
      let stored = checksum.stored
      bytes[field] = UInt8(truncatingIfNeeded: stored)
      bytes[field + 1] = UInt8(truncatingIfNeeded: stored >> 8)
      #expect(naive(bytes) == 0)
    }
  }
}
