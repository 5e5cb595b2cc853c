extension FilterProgram {
  /// Whether a frame is wanted of which at least the first bytes are there; slow, for frames one by one.
  package func accepts(_ bytes: [UInt8], length: Int) -> Bool {
    let runner = FilterRunner(self)
    return unsafe (bytes + [0]).withUnsafeBytes { buffer in
      // SAFETY: `bytes.count` bytes, and one more, are there for the call.
      guard let base = buffer.baseAddress else { return false }
      return unsafe runner.accepts(base, count: bytes.count, length: length)
    }
  }
}

/// A worker's private copy of a filter program.
///
/// Unsafe code. Invariants: the program was checked by `FilterProgram`, so every jump lands inside and goes forward,
/// and every memory slot is below 16; bytes are read only below the count that the caller vouches for.
struct FilterRunner: ~Copyable {
  private let instructions: FixedArray<FilterInstruction>
  /// Bytes that must be at hand.
  let depth: Int

  /// A filter that wants everything.
  init() {
    instructions = FixedArray(count: 0) { _ in FilterInstruction(FilterProgram.Code.ret) }
    depth = 0
  }

  init(_ program: FilterProgram) {
    let source = program.instructions
    instructions = FixedArray(count: source.count) { source[$0] }
    depth = program.depth
  }

  var isEmpty: Bool { @inline(__always) get { instructions.count == 0 } }

  /// Whether a frame is wanted; what lies behind the bytes at hand counts as absent.
  ///
  /// - Parameters:
  ///   - bytes: the frame's first bytes.
  ///   - count: how many of them.
  ///   - length: bytes of the whole frame.
  @unsafe @inline(never)
  func accepts(_ bytes: UnsafeRawPointer, count: Int, length: Int) -> Bool {
    typealias Code = FilterProgram.Code
    var a: UInt32 = 0
    var x: UInt32 = 0
    var memory = SIMD16<UInt32>(repeating: 0)
    var place = 0
    while place < instructions.count {
      let instruction = instructions[place]
      let k = instruction.operand
      place &+= 1
      switch instruction.code & 7 {
      case Code.ld:
        switch instruction.code & 0xE0 {
        case Code.imm: a = k
        case Code.mem: a = memory[Int(k & 15)]
        case Code.len: a = UInt32(truncatingIfNeeded: length)
        default:
          let offset = UInt64(k) &+ (instruction.code & 0xE0 == Code.ind ? UInt64(x) : 0)
          guard let value = unsafe load(bytes, count, offset, instruction.code) else { return false }
          a = value
        }
      case Code.ldx:
        switch instruction.code & 0xE0 {
        case Code.imm: x = k
        case Code.mem: x = memory[Int(k & 15)]
        case Code.len: x = UInt32(truncatingIfNeeded: length)
        default:
          guard let value = unsafe load(bytes, count, UInt64(k), Code.byte) else { return false }
          x = (value & 15) << 2
        }
      case Code.st: memory[Int(k & 15)] = a
      case Code.stx: memory[Int(k & 15)] = x
      case Code.alu:
        let operand = instruction.code & Code.x != 0 ? x : k
        guard let value = Self.compute(instruction.code & 0xF0, a, operand) else { return false }
        a = value
      case Code.jmp:
        let operand = instruction.code & Code.x != 0 ? x : k
        let holds: Bool
        switch instruction.code & 0xF0 {
        case 0x00:
          place &+= Int(k)
          continue
        case 0x10: holds = a == operand
        case 0x20: holds = a > operand
        case 0x30: holds = a >= operand
        default: holds = a & operand != 0
        }
        place &+= Int(holds ? instruction.jumpTrue : instruction.jumpFalse)
      case Code.ret: return (instruction.code == Code.ret ? k : a) != 0
      default:
        if instruction.code == Code.tax { x = a } else { a = x }
      }
    }
    return false
  }

  /// A big-endian word, half-word or byte; nil if it does not lie in the bytes at hand.
  @unsafe @inline(__always)
  private func load(_ bytes: UnsafeRawPointer, _ count: Int, _ offset: UInt64, _ code: UInt16) -> UInt32? {
    typealias Code = FilterProgram.Code
    let size: UInt64 = code & 0x18 == 0 ? 4 : code & 0x18 == Code.half ? 2 : 1
    // Offset and size are sums of two 32-bit numbers: no overflow.
    guard offset &+ size <= UInt64(count) else { return nil }
    let place = Int(offset)
    // SAFETY: place + size <= count.
    switch size {
    case 4: return unsafe UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: place, as: UInt32.self))
    case 2: return UInt32(unsafe UInt16(bigEndian: bytes.loadUnaligned(fromByteOffset: place, as: UInt16.self)))
    default: return UInt32(unsafe bytes.load(fromByteOffset: place, as: UInt8.self))
    }
  }

  /// One arithmetic operation; nil for a division by zero.
  @inline(__always)
  private static func compute(_ operation: UInt16, _ a: UInt32, _ operand: UInt32) -> UInt32? {
    switch operation {
    case 0x00: return a &+ operand
    case 0x10: return a &- operand
    case 0x20: return a &* operand
    case 0x30: return operand == 0 ? nil : a / operand
    case 0x40: return a | operand
    case 0x50: return a & operand
    case 0x60: return operand < 32 ? a << operand : 0
    case 0x70: return operand < 32 ? a >> operand : 0
    case 0x80: return 0 &- a
    case 0x90: return operand == 0 ? nil : a % operand
    default: return a ^ operand
    }
  }
}
