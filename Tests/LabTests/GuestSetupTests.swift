import Testing

@testable import Lab

@Suite struct GuestSetupTests {
  private func check(_ setup: GuestSetup, expected: Int?) -> UserError? {
    do {
      try setup.check(expected: expected, node: "v")
      return nil
    } catch {
      return error
    }
  }

  @Test func allStepsDoneIsWell() {
    var setup = GuestSetup()
    setup.steps = 3
    #expect(check(setup, expected: 3) == nil)
    // A machine that an older version started says nothing, and is not asked.
    #expect(check(GuestSetup(), expected: nil) == nil)
  }

  @Test func stepsThatWereNotDoneAreAnErrorInTheGuestsWords() {
    var setup = GuestSetup(lines: "route to default via fe80::1 on eth0: ip: RTNETLINK answers: Invalid argument\n\n")
    setup.steps = 2
    let words = "route to default via fe80::1 on eth0: ip: RTNETLINK answers: Invalid argument"
    #expect(
      check(setup, expected: 3) == UserError(.failed, "node v: its guest could not set up its network: \(words)"))
  }

  @Test func stepsOfWhichNothingWasSaidAreAnError() {
    var setup = GuestSetup()
    setup.steps = 2
    let error = check(setup, expected: 3)
    #expect(error?.message == "node v: its guest could not set up its network: 2 of 3 steps were done")
    setup.steps = nil
    #expect(check(setup, expected: 3)?.hint?.contains("tools/setup") == true)
  }

  @Test func aTalkativeGuestIsCutShort() {
    let setup = GuestSetup(
      lines: String(repeating: "\u{1B}[31m" + String(repeating: "x", count: 500) + "\n", count: 99))
    #expect(setup.faults.count == GuestSetup.faultLimit)
    #expect(setup.faults.allSatisfy { $0.count == GuestSetup.textLimit && $0.hasPrefix("?[31m") })
    #expect(setup.words.hasSuffix("; and 89 more"))
  }
}
