/// How often ADD_MEM_REG said what was known already: so many REM_MEM_REG of the same region follow its removal.
///
/// QEMU 7.2 sends both messages once for every ring pair.
struct RegionRepeats {
  /// Regions that are remembered at most, against a front-end that repeats without end.
  private static let maximumRegions = 1024

  private var counts: [MemoryRange: Int] = [:]

  /// A region that is there was added again, by another of the ring pairs.
  mutating func noteAdded(_ range: MemoryRange, pairs: Int) {
    let count = min(counts[range, default: 0] + 1, pairs - 1)
    guard count > 0, counts[range] != nil || counts.count < Self.maximumRegions else { return }
    counts[range] = count
  }

  /// A region that is not there is removed; false if it was not added so often.
  mutating func takeRemoval(_ range: MemoryRange) -> Bool {
    guard let count = counts[range] else { return false }
    counts[range] = count > 1 ? count - 1 : nil
    return true
  }

  /// In an order that is always the same.
  var state: [SessionState.Repeat] {
    counts.map { .init(guestAddress: $0.guestAddress, size: $0.size, userAddress: $0.userAddress, count: $1) }
      .sorted { $0.guestAddress < $1.guestAddress }
  }

  /// Takes over what was remembered elsewhere, within the limits of what is remembered here.
  mutating func restore(_ state: [SessionState.Repeat], pairs: Int) {
    for item in state.prefix(Self.maximumRegions) where item.count > 0 && pairs > 1 {
      let range = MemoryRange(guestAddress: item.guestAddress, size: item.size, userAddress: item.userAddress)
      counts[range] = min(item.count, pairs - 1)
    }
  }

  /// All regions are new.
  mutating func forget() { counts = [:] }
}
