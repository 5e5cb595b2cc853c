/// Bytes of a file that were not read yet, in the byte order that the file says.
///
/// Offsets count from the first unread byte; callers compare them with `left` before.
struct FileBytes: Sendable {
  private var bytes: [UInt8] = []
  private var start = 0
  /// Bytes of the file before the first unread one.
  private(set) var position: UInt64 = 0
  /// Most significant byte first.
  var isBig = false

  var left: Int { bytes.count - start }

  mutating func append(_ more: [UInt8]) {
    // What was read is let go when it is most of what is held.
    if start > bytes.count / 2 {
      bytes.removeFirst(start)
      start = 0
    }
    bytes += more
  }

  mutating func drop(_ count: Int) {
    start += count
    position += UInt64(count)
  }

  func half(_ offset: Int) -> UInt16 { UInt16(truncatingIfNeeded: isBig ? word(offset) >> 16 : word(offset)) }

  /// The four bytes at `offset`; a half is read with the two bytes behind it, which a block always has.
  func word(_ offset: Int) -> UInt32 { FileOption.word(bytes[(start + offset)..<(start + offset + 4)], isBig: isBig) }

  func bytes(_ offset: Int, _ count: Int) -> [UInt8] { Array(bytes[(start + offset)..<(start + offset + count)]) }

  /// Options from one offset to another, up to the first that does not fit or says that it is the last.
  func options(from first: Int, to end: Int) -> [FileOption] {
    var options: [FileOption] = []
    var offset = first
    while end - offset >= 4 {
      let (code, count) = (half(offset), Int(half(offset + 2)))
      // `half` at the last two bytes of the options reads on into the block's size.
      guard code != Pcapng.Option.end, count <= end - offset - 4 else { break }
      options.append(FileOption(code: code, value: bytes(offset + 4, count)))
      offset += 4 + (count + 3) & ~3
    }
    return options
  }
}

/// An option of a pcapng block.
struct FileOption {
  var code: UInt16
  var value: [UInt8]

  var text: String { String(decoding: value, as: UTF8.self) }

  func word(isBig: Bool) -> UInt32? { value.count == 4 ? Self.word(value[...], isBig: isBig) : nil }

  func long(isBig: Bool) -> UInt64? {
    guard value.count == 8 else { return nil }
    let (first, second) = (UInt64(Self.word(value[..<4], isBig: isBig)), UInt64(Self.word(value[4...], isBig: isBig)))
    return isBig ? first << 32 | second : second << 32 | first
  }

  /// A time: the upper half first in both byte orders.
  func time(isBig: Bool) -> UInt64? {
    guard value.count == 8 else { return nil }
    return UInt64(Self.word(value[..<4], isBig: isBig)) << 32 | UInt64(Self.word(value[4...], isBig: isBig))
  }

  /// Four bytes as a number.
  static func word(_ bytes: ArraySlice<UInt8>, isBig: Bool) -> UInt32 {
    var value: UInt32 = 0
    for byte in bytes { value = value << 8 | UInt32(byte) }
    return isBig ? value : value.byteSwapped
  }
}

/// The unit of an interface's times (`if_tsresol`) and what is added to them (`if_tsoffset`).
struct PcapngResolution: Sendable {
  /// Negative power of ten, or of two if the highest bit is set.
  var code: UInt8 = 6
  /// Seconds.
  var offset: Int64 = 0

  /// Nanoseconds since 1970; what does not fit into 64 bits is the nearest that does.
  func nanoseconds(_ time: UInt64) -> UInt64 {
    var value: UInt64
    let power = Int(code & 0x7F)
    if code & 0x80 != 0 {
      let (high, low) = time.multipliedFullWidth(by: 1_000_000_000)
      if power >= 64 {
        value = power >= 128 ? 0 : high >> UInt64(power - 64)
      } else {
        let upper = power == 0 ? 0 : high << UInt64(64 - power)
        value = high >> UInt64(power) != 0 ? .max : upper | low >> UInt64(power)
      }
    } else {
      value = time
      for _ in 0..<abs(power - 9) where value != 0 {
        if power > 9 {
          value /= 10
        } else {
          let (product, overflows) = value.multipliedReportingOverflow(by: 10)
          value = overflows ? .max : product
        }
      }
    }
    let (shift, overflows) = offset.magnitude.multipliedReportingOverflow(by: 1_000_000_000)
    let step = overflows ? .max : shift
    if offset < 0 { return value > step ? value - step : 0 }
    return value > .max - step ? .max : value + step
  }
}
