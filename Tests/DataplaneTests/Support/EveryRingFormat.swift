import GuestKit
import Testing

/// Runs each test once for every format of rings that there is a driver for, with guests of that format.
struct EveryRingFormat: SuiteTrait, TestTrait, TestScoping {
  var formats = RingFormat.allCases

  var isRecursive: Bool { true }

  func provideScope(
    for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
  ) async throws {
    for format in formats { try await RingFormat.$current.withValue(format, operation: function) }
  }
}

extension Trait where Self == EveryRingFormat {
  /// The test is for every format of rings.
  static var everyRingFormat: EveryRingFormat { EveryRingFormat() }
}
