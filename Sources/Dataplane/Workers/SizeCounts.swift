import Synchronization

/// How often values of each size came: written by one thread, read by anybody at any time.
struct SizeCounts: ~Copyable, Sendable {
  /// Sizes that are told apart; see `Histogram`.
  static var places: Int { 16 }

  private let counts: InlineArray<16, Atomic<UInt64>>
  private let sum = Atomic<UInt64>(0)

  init() { counts = InlineArray { _ in Atomic(0) } }

  /// Counts a value of that size.
  ///
  /// One writer, so a load and a store are enough.
  /// - Parameter amount: what the sum of all rises by.
  @inline(__always)
  func note(_ size: UInt64, adding amount: UInt64) {
    let place = size <= 1 ? 0 : min(64 - (size &- 1).leadingZeroBitCount, Self.places - 1)
    counts[place].store(counts[place].load(ordering: .relaxed) &+ 1, ordering: .relaxed)
    sum.store(sum.load(ordering: .relaxed) &+ amount, ordering: .relaxed)
  }

  var histogram: Histogram {
    Histogram(
      counts: (0..<Self.places).map { counts[$0].load(ordering: .relaxed) }, sum: sum.load(ordering: .relaxed))
  }
}
