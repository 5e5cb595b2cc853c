/// Numbers with units as the lab file writes them.
package enum Units {
  /// Bytes from `128M`, `2GiB`, `4096`; both M and MiB are binary.
  ///
  /// Nil when it is no size or does not fit.
  package static func size(_ text: String) -> Int? {
    guard let (number, unit) = split(text) else { return nil }
    let shift: Int
    switch unit.lowercased() {
    case "", "b": shift = 0
    case "k", "kb", "kib": shift = 10
    case "m", "mb", "mib": shift = 20
    case "g", "gb", "gib": shift = 30
    case "t", "tb", "tib": shift = 40
    default: return nil
    }
    let bytes = number * Double(1 << shift)
    return bytes < 0x1p62 && bytes == bytes.rounded() ? Int(bytes) : nil
  }

  /// Seconds from `250us`, `40ms`, `300s`, `5m`, `1h`.
  ///
  /// Nil when it is no time or has no unit.
  package static func seconds(_ text: String) -> Double? {
    guard let (number, unit) = split(text) else { return nil }
    switch unit {
    case "us": return number / 1_000_000
    case "ms": return number / 1000
    case "s": return number
    case "m", "min": return number * 60
    case "h": return number * 3600
    default: return number == 0 && unit.isEmpty ? 0 : nil
    }
  }

  /// Bits per second from `8Mbit`, `1Gbit`, `64kbit`; decimal, in either case.
  ///
  /// Nil when it is no rate, has no unit or does not fit.
  package static func bitsPerSecond(_ text: String) -> Int? {
    guard let (number, unit) = split(text) else { return nil }
    let factor: Double
    switch unit.lowercased() {
    case "bit": factor = 1
    case "kbit": factor = 1e3
    case "mbit": factor = 1e6
    case "gbit": factor = 1e9
    case "tbit": factor = 1e12
    default: return number == 0 && unit.isEmpty ? 0 : nil
    }
    let bits = (number * factor).rounded()
    return bits < 0x1p62 ? Int(bits) : nil
  }

  /// A ratio from `0.5%`: 0.005.
  ///
  /// Nil when it is none or has no unit.
  static func ratio(_ text: String) -> Double? {
    guard let (number, unit) = split(text) else { return nil }
    return unit == "%" ? number / 100 : number == 0 && unit.isEmpty ? 0 : nil
  }

  /// A size with the largest unit that leaves it short: `512 MiB`, `1.5 GiB`.
  package static func describe(bytes: UInt64) -> String {
    var unit = "B"
    var divisor: UInt64 = 1
    for (name, shift) in [("KiB", 10), ("MiB", 20), ("GiB", 30), ("TiB", 40)] where bytes >= 1 << UInt64(shift) {
      unit = name
      divisor = 1 << UInt64(shift)
    }
    let tenths = (bytes % divisor) * 10 / divisor
    return tenths == 0 ? "\(bytes / divisor) \(unit)" : "\(bytes / divisor).\(tenths) \(unit)"
  }

  /// A decimal number without sign or exponent, and the letters after it.
  private static func split(_ text: String) -> (number: Double, unit: Substring)? {
    let digits = text.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
    guard (1...18).contains(digits.utf8.count), digits.first != ".", digits.last != ".", let number = Double(digits)
    else { return nil }
    return (number, text[digits.endIndex...])
  }
}
