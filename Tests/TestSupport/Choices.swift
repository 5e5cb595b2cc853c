/// Bytes as a row of decisions, of a fuzzer or by chance; behind their end all of them are 0.
package struct Choices {
  private let bytes: [UInt8]
  private var place = 0

  package init(_ bytes: [UInt8]) { self.bytes = bytes }

  package var isEmpty: Bool { place >= bytes.count }

  /// What was not taken yet.
  package var rest: [UInt8] { Array(bytes[min(place, bytes.count)...]) }

  package mutating func byte() -> UInt8 {
    guard place < bytes.count else { return 0 }
    defer { place += 1 }
    return bytes[place]
  }

  package mutating func flag() -> Bool { byte() & 1 != 0 }

  /// - Parameter limit: 1 to 65536.
  package mutating func number(below limit: Int) -> Int {
    limit <= 256 ? Int(byte()) % limit : Int(word()) % limit
  }

  package mutating func word() -> UInt16 { UInt16(byte()) | UInt16(byte()) << 8 }

  package mutating func bytes(_ count: Int) -> [UInt8] { (0..<count).map { _ in byte() } }

  package mutating func pick<Value>(_ values: [Value]) -> Value { values[number(below: values.count)] }

  /// One of those that break things, or any.
  package mutating func odd() -> UInt64 {
    let odd: [UInt64] = [
      0, 1, 2, 3, 4, 8, 12, 16, 0xFF, 0x100, 0x101, 0xFFF, 0x1000, 0x1001, 0x7FFF, 0x8000, 0x8001, 0xFFFF, 0x1_0000,
      0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF, 0x1_0000_0000, 0x7FFF_FFFF_FFFF_F000, 0xFFFF_FFFF_FFFF_F000, .max - 1,
      .max,
    ]
    let choice = Int(byte())
    if choice < odd.count { return odd[choice] }
    return (0..<(choice % 8 + 1)).reduce(0) { value, _ in value << 8 | UInt64(byte()) }
  }
}
