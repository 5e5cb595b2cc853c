import Testing

@testable import Lab

/// When something is done for guests that come back.
@Suite struct TakeoverScheduleTests {
  private let start = ContinuousClock.now
  private func after(_ milliseconds: Int) -> ContinuousClock.Instant { start + .milliseconds(milliseconds) }

  /// Milliseconds at which something was due, looked at every 50.
  private func moments(_ ports: (Int) -> Set<String>) -> [Int] {
    var schedule = TakeoverSchedule(delays: [.milliseconds(100), .milliseconds(300)])
    var found: [Int] = []
    for time in stride(from: 0, through: 2000, by: 50) {
      schedule.note(up: ports(time), now: after(time))
      if schedule.takeDue(now: after(time)) { found.append(time) }
    }
    #expect(!schedule.isPending)
    return found
  }

  @Test func nobodyComesBack() { #expect(moments { _ in [] } == []) }

  @Test func twiceAfterEachReturn() {
    #expect(moments { $0 < 1000 ? [] : ["a"] } == [1100, 1300])
    #expect(moments { $0 < 1000 ? [] : $0 < 1050 ? ["a"] : ["a", "b"] } == [1100, 1150, 1300, 1350])
  }

  @Test func onceForAllThatAreDue() {
    #expect(moments { $0 < 1000 ? [] : ["a", "b", "c"] } == [1100, 1300])
    #expect(moments { $0 < 1000 ? [] : $0 < 1200 ? ["a"] : ["a", "b"] } == [1100, 1300, 1500])
  }

  @Test func aPortThatGoesAndComesCountsAgain() {
    #expect(moments { $0 < 500 ? ["a"] : $0 < 1000 ? [] : ["a"] } == [100, 300, 1100, 1300])
  }
}
