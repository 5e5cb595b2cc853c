/// What a station's entry leads to.
struct FDBValue: BitwiseCopyable {
  /// Bits 0...15 port, bit 16 static, bits 32...63 the second in which the station was last seen.
  var bits: UInt64

  @inline(__always)
  init(bits: UInt64) { self.bits = bits }

  @inline(__always)
  init(port: Int, isStatic: Bool, tick: UInt32) {
    bits = UInt64(port & 0xFFFF) | (isStatic ? 1 << 16 : 0) | UInt64(tick) << 32
  }

  @inline(__always) var port: Int { Int(bits & 0xFFFF) }
  @inline(__always) var isStatic: Bool { bits & (1 << 16) != 0 }
  @inline(__always) var tick: UInt32 { UInt32(truncatingIfNeeded: bits >> 32) }
}
