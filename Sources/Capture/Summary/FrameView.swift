/// Looks at a frame's bytes; what is not there is nil, so that frames cut anywhere can be looked at.
struct FrameView {
  let bytes: [UInt8]

  func byte(_ offset: Int) -> UInt8? { offset >= 0 && offset < bytes.count ? bytes[offset] : nil }

  func half(_ offset: Int) -> UInt16? {
    guard offset >= 0, offset + 2 <= bytes.count else { return nil }
    return UInt16(bytes[offset]) << 8 | UInt16(bytes[offset + 1])
  }

  func word(_ offset: Int) -> UInt32? {
    guard let high = half(offset), let low = half(offset + 2) else { return nil }
    return UInt32(high) << 16 | UInt32(low)
  }

  func slice(_ offset: Int, _ count: Int) -> ArraySlice<UInt8>? {
    guard offset >= 0, count >= 0, offset + count <= bytes.count else { return nil }
    return bytes[offset..<(offset + count)]
  }

  /// As `02:00:00:00:00:01`.
  func station(_ offset: Int) -> String? {
    slice(offset, 6).map { $0.map { hex(UInt64($0), digits: 2) }.joined(separator: ":") }
  }

  /// As `10.0.0.1`.
  func version4(_ offset: Int) -> String? { slice(offset, 4).map { $0.map { String($0) }.joined(separator: ".") } }

  /// As `fe80::1` (RFC 5952).
  func version6(_ offset: Int) -> String? {
    guard slice(offset, 16) != nil else { return nil }
    let groups = (0..<8).map { half(offset + 2 * $0) ?? 0 }
    var (best, length) = (0, 0)
    var start = 0
    while start < 8 {
      var end = start
      while end < 8, groups[end] == 0 { end += 1 }
      if end - start > max(length, 1) { (best, length) = (start, end - start) }
      start = max(end, start + 1)
    }
    let text = { (part: ArraySlice<UInt16>) in part.map { String($0, radix: 16) }.joined(separator: ":") }
    guard length > 0 else { return text(groups[...]) }
    return text(groups[..<best]) + "::" + text(groups[(best + length)...])
  }
}

/// A number with leading zeros.
func hex(_ value: UInt64, digits: Int) -> String {
  let text = String(value, radix: 16)
  return String(repeating: "0", count: max(0, digits - text.count)) + text
}
