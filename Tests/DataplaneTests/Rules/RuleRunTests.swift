import Frames
import GuestKit
import TestSupport
import Testing

@testable import Dataplane

/// Frames of a conversation, which a list judges together.
@Suite struct RuleRunTests {
  /// A burst of frames, some of them several times in a row, as connections send them.
  private static func frames(_ random: inout RandomFrames) -> [[UInt8]] {
    var frames: [[UInt8]] = []
    while frames.count < 40 {
      let frame = random.frame()
      frames += [[UInt8]](repeating: frame, count: 1 + random.below(4))
    }
    return frames
  }

  private static let slotSize = 2048

  /// - Parameter memory: room for a frame of the largest size that these have, for each of them; they stay there.
  private static func fill(_ burst: borrowing Burst, with frames: [[UInt8]], _ memory: UnsafeMutableRawPointer) {
    burst.reset()
    for (index, bytes) in frames.enumerated() {
      let slot = unsafe memory + index * slotSize
      unsafe bytes.withUnsafeBytes { source in
        guard let base = source.baseAddress, source.count <= slotSize else { return }
        unsafe slot.copyMemory(from: base, byteCount: source.count)
      }
      burst.note(unsafe Frame(source: UnsafeRawPointer(slot), sourceSize: bytes.count, size: bytes.count))
    }
  }

  @Test(arguments: [false, true]) func theyAreJudgedAsEachOfThemAlone(isStateful: Bool) throws {
    var random = RandomFrames(seed: isStateful ? 5 : 6)
    let together = Burst()
    let apart = Burst()
    let memory = UnsafeMutableRawPointer.allocate(byteCount: Burst.capacity * Self.slotSize, alignment: 64)
    defer { unsafe memory.deallocate() }
    var (refusals, passes, quick) = (0, 0, 0)
    for round in 0..<400 {
      let rules = (0..<(1 + random.below(6))).map { _ in random.rule() }
      let list = AccessList(name: "a", isStateful: isStateful, toNode: rules, fromNode: rules.reversed())
      var first = PortRuleSet()
      var second = PortRuleSet()
      first.coldSet(PortRules(access: list), workers: 1, tick: 0)
      second.coldSet(PortRules(access: list), workers: 1, tick: 0)
      for isFromNode in [true, false, true] {
        let frames = Self.frames(&random)
        unsafe Self.fill(together, with: frames, memory)
        unsafe Self.fill(apart, with: frames, memory)
        let start = random.below(8)
        let gone: UInt64 = round % 2 == 0 ? 0 : UInt64(random.below(1 << 30))
        let moment = PortRuleSet.Moment(now: 0, tick: 1, worker: 0, vlan: 1)
        let run = PortRuleSet.Run(start: start, count: frames.count - start, gone: gone, isFromNode: isFromNode)
        let refused = first.judgeByList(run, of: together, moment)
        var expected: UInt64 = 0
        for index in start..<frames.count where gone & 1 << UInt64(index) == 0 {
          apart.look(index)
          if !second.passes(index, of: apart, moment, isFromNode: isFromNode) { expected |= 1 << UInt64(index) }
        }
        guard refused == expected, first.coldHits == second.coldHits else {
          Issue.record("round \(round): \(refused) refused, expected \(expected), by \(list), from \(start): \(frames)")
          return
        }
        refusals += refused.nonzeroBitCount
        passes += frames.count - start - refused.nonzeroBitCount
        // What was not looked at with care went by its words alone.
        quick += frames.count - start - together.viewed.nonzeroBitCount
      }
    }
    #expect(refusals > 5000 && passes > 5000 && quick > 2000)
  }
}
