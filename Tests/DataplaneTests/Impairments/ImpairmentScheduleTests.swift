import Dataplane
import Testing

/// What is decided for each frame, on a clock of the test's own.
@Suite struct ImpairmentScheduleTests {
  private static let delay: UInt64 = 10_000_000

  private func schedule(seed: UInt64 = 7, _ configure: (inout Impairment) -> Void) -> ImpairmentSchedule {
    ImpairmentSchedule(.with(configure), seed: seed)
  }

  @Test func nothingIsLostAtZeroAndEverythingAtOne() {
    var none = schedule { $0.loss = 0 }
    var all = schedule { $0.loss = 1 }
    for _ in 0..<10_000 {
      let lost = (none.losesNext(), all.losesNext())
      #expect(lost == (false, true))
    }
  }

  @Test(arguments: [0.005, 0.1, 0.5, 0.9])
  func aShareIsLost(share: Double) {
    var some = schedule { $0.loss = share }
    let count = 100_000
    let lost = (0..<count).count { _ in some.losesNext() }
    // Five standard deviations; the seed is always the same.
    let deviation = (Double(count) * share * (1 - share)).squareRoot()
    #expect(abs(Double(lost) - Double(count) * share) < 5 * deviation)
  }

  @Test func aSeedDecidesEverything() {
    let configure = { (impairment: inout Impairment) in
      impairment.delay = Self.delay
      impairment.jitter = 3_000_000
      impairment.loss = 0.3
      impairment.reorder = 0.3
      impairment.corrupt = 0.3
    }
    func run(_ seed: UInt64) -> [ImpairmentSchedule.Departure] {
      var schedule = schedule(seed: seed, configure)
      return (0..<1000).compactMap {
        schedule.losesNext() ? nil : schedule.departure(now: UInt64($0) * 1000, size: 100)
      }
    }
    #expect(run(3) == run(3))
    #expect(run(3) != run(4))
  }

  @Test func theDelayIsExact() {
    var schedule = schedule { $0.delay = Self.delay }
    for now in stride(from: UInt64(5), to: 1_000_000, by: 777) {
      let departure = schedule.departure(now: now, size: 1514)
      #expect(departure == .init(release: now + Self.delay, overtakes: false, flippedBit: -1))
    }
  }

  /// Frames far enough apart show the whole range.
  @Test func jitterIsEvenAroundTheDelay() {
    let jitter: UInt64 = 4_000_000
    var schedule = schedule {
      $0.delay = Self.delay
      $0.jitter = jitter
    }
    var quarters = [0, 0, 0, 0]
    for number in 0..<4000 {
      let now = UInt64(number) * 20_000_000
      let held = schedule.departure(now: now, size: 64).release - now
      #expect((Self.delay - jitter...Self.delay + jitter).contains(held))
      quarters[min(Int((held - (Self.delay - jitter)) / (jitter / 2)), 3)] += 1
    }
    for count in quarters { #expect((850...1150).contains(count)) }
  }

  /// Frames close together keep their order nevertheless, and none leaves before it came.
  @Test(arguments: [0, 1_000_000, 10_000_000] as [UInt64])
  func jitterKeepsTheOrder(delay: UInt64) {
    let jitter: UInt64 = 4_000_000
    var schedule = schedule {
      $0.delay = delay
      $0.jitter = jitter
    }
    var last: UInt64 = 0
    for number in 0..<10_000 {
      let now = UInt64(number) * 1000
      let departure = schedule.departure(now: now, size: 64)
      #expect(departure.release >= max(last, now) && departure.release <= now + delay + jitter)
      #expect(!departure.overtakes)
      last = departure.release
    }
  }

  @Test func theShareThatIsReorderedSkipsTheDelay() {
    var schedule = schedule {
      $0.delay = Self.delay
      $0.jitter = 1_000_000
      $0.reorder = 0.25
    }
    var overtaking = 0
    for number in 0..<10_000 {
      let now = UInt64(number) * 100
      let departure = schedule.departure(now: now, size: 64)
      if departure.overtakes {
        overtaking += 1
        #expect(departure.release == now)
      } else {
        #expect(departure.release >= now + Self.delay - 1_000_000)
      }
    }
    #expect((2280...2720).contains(overtaking))
  }

  @Test func doublesAtZeroAndOne() {
    var never = schedule { $0.duplicate = 0 }
    var always = schedule { $0.duplicate = 1 }
    for _ in 0..<1000 {
      let doubled = (never.duplicatesNext(), always.duplicatesNext())
      #expect(doubled == (false, true))
    }
  }

  @Test func corruptionMeetsEveryBitOfTheFrame() {
    var schedule = schedule { $0.corrupt = 1 }
    var seen = Set<Int>()
    for _ in 0..<20_000 { seen.insert(schedule.departure(now: 0, size: 60).flippedBit) }
    #expect(seen == Set(0..<480))
    #expect(schedule.departure(now: 0, size: 0).flippedBit == -1)
  }

  /// 1 Mbit/s: 125 bytes take a millisecond, whenever they came.
  @Test func theRateSpacesFramesExactly() {
    var schedule = schedule {
      $0.rate = 1_000_000
      $0.delay = Self.delay
    }
    for number in 1...100 {
      #expect(schedule.departure(now: 0, size: 125).release == UInt64(number) * 1_000_000 + Self.delay)
    }
    // Long after the line went idle it begins anew.
    #expect(schedule.departure(now: 500_000_000, size: 125).release == 501_000_000 + Self.delay)
  }

  /// Fractions of a nanosecond add up.
  @Test(arguments: [1000, 7_777_777, 999_999_937, 100_000_000_000] as [UInt64])
  func theRateLosesNothingByRounding(rate: UInt64) {
    var schedule = schedule { $0.rate = rate }
    var bits: UInt64 = 0
    for number in 0..<5000 {
      let size = 60 + number % 1455
      bits += UInt64(size) * 8
      let exact = bits.multipliedFullWidth(by: 1_000_000_000)
      #expect(schedule.departure(now: 0, size: size).release == rate.dividingFullWidth(exact).quotient)
    }
  }

  /// What skips the delay still takes its time at the rate, and so stays behind what came before it there.
  @Test func theRateHoldsForReorderedFramesToo() {
    var schedule = schedule {
      $0.rate = 1_000_000
      $0.delay = Self.delay
      $0.reorder = 1
    }
    for number in 1...50 {
      let departure = schedule.departure(now: 0, size: 125)
      #expect(departure == .init(release: UInt64(number) * 1_000_000, overtakes: true, flippedBit: -1))
    }
  }

  @Test func aShorterDelayLetsNobodyOvertake() {
    var schedule = schedule { $0.delay = Self.delay }
    let first = schedule.departure(now: 0, size: 64)
    schedule.impairment.delay = 0
    #expect(schedule.departure(now: 1, size: 64).release == first.release)
    #expect(schedule.departure(now: Self.delay + 5, size: 64).release == Self.delay + 5)
  }

  @Test func valuesOutOfRangeAreNamed() {
    let bad: [(String, (inout Impairment) -> Void)] = [
      ("loss", { $0.loss = 1.01 }), ("duplicate", { $0.duplicate = -0.1 }), ("reorder", { $0.reorder = .nan }),
      ("corrupt", { $0.corrupt = .infinity }), ("delay", { $0.delay = Impairment.longestDelay + 1 }),
      ("jitter", { $0.jitter = .max }), ("rate", { $0.rate = 999 }), ("queue", { $0.queueCount = 0 }),
      ("queue", { $0.queueCount = 100_001 }),
    ]
    for (name, configure) in bad { #expect(Impairment.with(configure).problem?.hasPrefix(name) == true) }
    #expect(Impairment().problem == nil)
  }
}
