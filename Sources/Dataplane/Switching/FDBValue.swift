/// What a station's entry leads to.
struct FDBValue: BitwiseCopyable {
  /// The second in which a station was seen is one of these: four years after the start time stands still.
  static let ticks: ClosedRange<UInt32> = 1...(1 << 27 - 1)

  /// Bits 0...15 port, bit 16 static, bits 17...43 the second in which the station was last seen, bits 44...63 its number
  /// in the table.
  ///
  /// Never 0, since no second is.
  var bits: UInt64

  @inline(__always)
  init(bits: UInt64) { self.bits = bits }

  /// - Parameter number: which entry of the table it is, while it is in one.
  @inline(__always)
  init(port: Int, isStatic: Bool, tick: UInt32, number: Int = 0) {
    let tick = min(max(tick, Self.ticks.lowerBound), Self.ticks.upperBound)
    bits = UInt64(port & 0xFFFF) | (isStatic ? 1 << 16 : 0) | UInt64(tick) << 17 | UInt64(number) << 44
  }

  @inline(__always) var port: Int { Int(bits & 0xFFFF) }
  @inline(__always) var isStatic: Bool { bits & (1 << 16) != 0 }
  @inline(__always) var tick: UInt32 { UInt32(truncatingIfNeeded: bits >> 17) & Self.ticks.upperBound }
  @inline(__always) var number: Int { Int(bits >> 44) }

  /// A station that was learnt at that port and seen in that second.
  @inline(__always)
  func isSame(port: Int, tick: UInt32) -> Bool {
    // All but the number.
    bits & (1 << 44 - 1) == UInt64(port) | UInt64(tick) << 17
  }

  /// The same station, seen at another time.
  @inline(__always)
  func seen(at tick: UInt32) -> FDBValue { FDBValue(port: port, isStatic: isStatic, tick: tick, number: number) }
}
