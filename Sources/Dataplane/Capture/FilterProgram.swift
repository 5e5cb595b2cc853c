/// One instruction of the classic Berkeley Packet Filter (McCanne and Jacobson 1993; Linux' `struct sock_filter`).
package struct FilterInstruction: Sendable, Equatable, BitwiseCopyable {
  package var code: UInt16
  package var jumpTrue: UInt8
  package var jumpFalse: UInt8
  package var operand: UInt32

  package init(_ code: UInt16, _ jumpTrue: UInt8 = 0, _ jumpFalse: UInt8 = 0, _ operand: UInt32 = 0) {
    self.code = code
    self.jumpTrue = jumpTrue
    self.jumpFalse = jumpFalse
    self.operand = operand
  }
}

/// What is wrong with a filter program.
package enum FilterProgramError: Error, Sendable, Equatable, CustomStringConvertible {
  case empty
  case tooLong(Int)
  case unknownInstruction(UInt16, at: Int)
  case jumpOutOfRange(at: Int)
  case memoryOutOfRange(UInt32, at: Int)
  case divisionByZero(at: Int)
  case shiftTooFar(at: Int)
  case looksTooFar(Int)
  case noEnd

  package var description: String {
    switch self {
    case .empty: "filter program without an instruction"
    case .tooLong(let count): "filter program of \(count) instructions; at most \(FilterProgram.longest)"
    case .unknownInstruction(let code, let place): "filter instruction \(place) has the unknown code \(code)"
    case .jumpOutOfRange(let place): "filter instruction \(place) jumps out of the program or backwards"
    case .memoryOutOfRange(let slot, let place): "filter instruction \(place) uses memory slot \(slot) of 16"
    case .divisionByZero(let place): "filter instruction \(place) divides by zero"
    case .shiftTooFar(let place): "filter instruction \(place) shifts by 32 bits or more"
    // What Linux keeps beside a frame is asked for there (SKF_AD_OFF, `linux/filter.h`): inbound, outbound, ifname.
    case .looksTooFar(let offset) where offset >= Int(UInt32.max) - 0xFFF:
      "inbound, outbound and the like are no part of the frame; captures have --direction in or out for it"
    case .looksTooFar(let offset):
      "the filter looks at byte \(offset) of the frame; captures can look at the first \(FilterProgram.farthest)"
    case .noEnd: "filter program does not end with a return"
    }
  }
}

/// A program that says which frames are wanted, proven to end and to stay within its memory.
///
/// What the checks promise: every jump goes forward and stays inside, so that a run takes at most `count` steps; the
/// last instruction returns; memory slots exist; constant divisors are not zero. What remains for the run: loads behind
/// the end of the frame and a divisor of zero in X, both of which refuse the frame.
package struct FilterProgram: Sendable, Equatable {
  /// Instructions at most, as in the kernel.
  package static let longest = 4096
  /// Bytes of a frame that a program can look at.
  package static let farthest = 256

  package let instructions: [FilterInstruction]
  /// Bytes from the frame's start that must be at hand for a run.
  package let depth: Int

  /// Checks a program.
  package init(_ instructions: [FilterInstruction]) throws(FilterProgramError) {
    guard !instructions.isEmpty else { throw .empty }
    guard instructions.count <= Self.longest else { throw .tooLong(instructions.count) }
    for (place, instruction) in instructions.enumerated() {
      try Self.check(instruction, at: place, of: instructions.count)
    }
    guard let last = instructions.last, last.code & 7 == Code.ret else { throw .noEnd }
    self.instructions = instructions
    depth = try Self.depth(of: instructions)
  }

  /// The parts of a code: class, size, mode, operation, source (`linux/bpf_common.h`).
  enum Code {
    static let ld: UInt16 = 0
    static let ldx: UInt16 = 1
    static let st: UInt16 = 2
    static let stx: UInt16 = 3
    static let alu: UInt16 = 4
    static let jmp: UInt16 = 5
    static let ret: UInt16 = 6
    static let misc: UInt16 = 7
    static let half: UInt16 = 0x08
    static let byte: UInt16 = 0x10
    static let imm: UInt16 = 0x00
    static let abs: UInt16 = 0x20
    static let ind: UInt16 = 0x40
    static let mem: UInt16 = 0x60
    static let len: UInt16 = 0x80
    static let msh: UInt16 = 0xA0
    static let x: UInt16 = 0x08
    static let a: UInt16 = 0x10
    static let div: UInt16 = 0x30
    static let lsh: UInt16 = 0x60
    static let rsh: UInt16 = 0x70
    static let neg: UInt16 = 0x80
    static let mod: UInt16 = 0x90
    static let xor: UInt16 = 0xA0
    static let tax: UInt16 = 0x07
    static let txa: UInt16 = 0x87
  }

  private static func check(
    _ instruction: FilterInstruction, at place: Int, of count: Int
  ) throws(FilterProgramError) {
    guard isKnown(instruction.code) else { throw .unknownInstruction(instruction.code, at: place) }
    let operand = instruction.operand
    switch instruction.code & 7 {
    case Code.ld, Code.ldx:
      if instruction.code & 0xE0 == Code.mem, operand >= 16 { throw .memoryOutOfRange(operand, at: place) }
    case Code.st, Code.stx: if operand >= 16 { throw .memoryOutOfRange(operand, at: place) }
    case Code.alu:
      guard instruction.code & Code.x == 0 else { break }
      let operation = instruction.code & 0xF0
      if operation == Code.div || operation == Code.mod, operand == 0 { throw .divisionByZero(at: place) }
      if operation == Code.lsh || operation == Code.rsh, operand >= 32 { throw .shiftTooFar(at: place) }
    case Code.jmp:
      // Places that can be jumped to lie behind this instruction, so a run always ends.
      let room = UInt64(count - place - 1)
      let farthest =
        instruction.code & 0xF0 == 0
        ? UInt64(operand) : UInt64(max(instruction.jumpTrue, instruction.jumpFalse))
      guard farthest < room else { throw .jumpOutOfRange(at: place) }
    default: break
    }
  }

  private static func isKnown(_ code: UInt16) -> Bool {
    guard code <= 0xFF else { return false }
    switch code & 7 {
    case Code.ld:
      switch code & 0xE0 {
      case Code.abs, Code.ind: return code & 0x18 != 0x18
      case Code.imm, Code.mem, Code.len: return code & 0x18 == 0
      default: return false
      }
    case Code.ldx:
      switch code & 0xE0 {
      case Code.imm, Code.mem, Code.len: return code & 0x18 == 0
      case Code.msh: return code & 0x18 == Code.byte
      default: return false
      }
    case Code.st, Code.stx: return code & 0xF8 == 0
    case Code.alu: return code & 0xF0 <= Code.xor && (code & 0xF0 != Code.neg || code & Code.x == 0)
    case Code.jmp: return code & 0xF0 <= 0x40 && (code & 0xF0 != 0 || code & Code.x == 0)
    case Code.ret: return code == Code.ret || code == Code.ret | Code.a
    default: return code == Code.tax || code == Code.txa
    }
  }

  /// How far a program may look: constant offsets as they are, those with X by the largest X that is set before.
  ///
  /// Jumps go forward only, so whatever sets X stands before its use. An X that comes from the frame otherwise than as
  /// the length of an IPv4 header (60 bytes at most) may be anything: then all bytes that can be had are at hand.
  private static func depth(of instructions: [FilterInstruction]) throws(FilterProgramError) -> Int {
    var depth: UInt64 = 0
    var largestX: UInt64? = 0
    for instruction in instructions {
      let operand = UInt64(instruction.operand)
      switch instruction.code & 7 {
      case Code.ld:
        let size: UInt64 = [4, 2, 1][Int(instruction.code & 0x18) >> 3]
        if instruction.code & 0xE0 == Code.abs {
          guard operand + size <= UInt64(farthest) else { throw .looksTooFar(Int(operand + size - 1)) }
          depth = max(depth, operand + size)
        } else if instruction.code & 0xE0 == Code.ind {
          depth = max(depth, min(operand + (largestX ?? UInt64(farthest)) + size, UInt64(farthest)))
        }
      case Code.ldx:
        switch instruction.code & 0xE0 {
        case Code.imm: largestX = largestX.map { max($0, operand) }
        case Code.msh:
          guard operand < UInt64(farthest) else { throw .looksTooFar(Int(operand)) }
          depth = max(depth, operand + 1)
          largestX = largestX.map { max($0, 60) }
        default: largestX = nil
        }
      case Code.misc: if instruction.code == Code.tax { largestX = nil }
      default: break
      }
    }
    return Int(depth)
  }
}
