import Testing
import VhostUser

@testable import Dataplane

/// What is told when, by a clock that the test holds.
@Suite struct LogLimitTests {
  private let start = ContinuousClock.now

  @Test func aKindIsToldOnceAMinuteWithWhatWasKeptBack() {
    var limit = LogLimit<Int>()
    expectLine(&limit, "one", of: 1, at: start, "one")
    expectLine(&limit, "other", of: 2, at: start + .seconds(1), "other")
    for second in 1...59 { expectLine(&limit, "again", of: 1, at: start + .seconds(second), nil) }
    expectLine(&limit, "late", of: 1, at: start + .seconds(60), "late (and 59 more like it before)")
    expectLine(&limit, "again", of: 1, at: start + .seconds(119), nil)
    expectLine(&limit, "late", of: 1, at: start + .seconds(500), "late (and 1 more like it before)")
    expectLine(&limit, "rare", of: 1, at: start + .seconds(600), "rare")
  }

  private func expectLine(
    _ limit: inout LogLimit<Int>, _ line: String, of kind: Int, at time: ContinuousClock.Instant, _ expected: String?,
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    let admitted = limit.admit(line, of: kind, at: time)
    #expect(admitted == expected, sourceLocation: sourceLocation)
  }

  @Test func aFrontEndIsLookedAtTwoSecondsAfterItsFeatures() {
    var watch = StartWatch()
    #expect(!watch.isDue(at: start + .seconds(100)), "no features yet")
    // crosvm once told the protocol's bit alone when it connected, and the guest's driver may come much later.
    watch.noteFeatures(VirtioFeature.protocolFeatures, at: start)
    #expect(!watch.isDue(at: start + .seconds(100)))
    watch.noteFeatures(VirtioFeature.version1 | VirtioFeature.protocolFeatures, at: start + .seconds(100))
    watch.noteFeatures(VirtioFeature.version1, at: start + .seconds(101))
    #expect(!watch.isDue(at: start + .milliseconds(101_999)))
    #expect(watch.isDue(at: start + .seconds(102)))
    watch.end()
    watch.noteFeatures(VirtioFeature.version1, at: start + .seconds(103))
    #expect(!watch.isDue(at: start + .seconds(200)), "the guest lives")
    watch.reset()
    watch.noteFeatures(VirtioFeature.version1, at: start + .seconds(200))
    #expect(watch.isDue(at: start + .seconds(202)), "another session")
  }

  /// QEMU kicks a ring itself when it starts it.
  @Test(
    arguments: [(false, 0, false), (false, 1, false), (false, 2, true), (true, 2, false)] as [(Bool, UInt64, Bool)])
  func ringsThatAreKickedInVainAreDead(hasMoved: Bool, kicks: UInt64, isDead: Bool) {
    #expect(RingActivity(hasMoved: hasMoved, kicks: kicks).isDead == isDead)
  }

  @Test func aHundredFrontEndsMayLeaveAtOnceAndTenASecond() {
    var limit = ArrivalLimit()
    let seconds = [Int](repeating: 0, count: 101) + [Int](repeating: 1, count: 11) + Array(2..<1000)
    let exceeded = seconds.indices.filter { limit.isExceeded(at: start + .seconds(seconds[$0])) }
    #expect(exceeded == [100, 111])
  }
}
