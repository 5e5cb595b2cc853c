/// A set of VLAN identifiers, 1...4094.
package struct VLANSet: Sendable, Equatable {
  /// 64 words, bit `vid & 63` of word `vid >> 6`.
  private(set) var words: [UInt64] = Array(repeating: 0, count: 64)

  package init() {}

  /// Identifiers outside 1...4094 are left out.
  package init(_ ranges: [ClosedRange<Int>]) {
    for range in ranges {
      for vid in range.clamped(to: 1...4094) where range.contains(vid) { insert(vid) }
    }
  }

  /// Every identifier that may be used: 1...4094.
  package static let all = VLANSet([1...4094])

  package mutating func insert(_ vid: Int) {
    guard (1...4094).contains(vid) else { return }
    words[vid >> 6] |= 1 << UInt64(vid & 63)
  }

  package var isEmpty: Bool { words.allSatisfy { $0 == 0 } }

  package mutating func formUnion(_ other: VLANSet) {
    for index in words.indices { words[index] |= other.words[index] }
  }

  package mutating func subtract(_ other: VLANSet) {
    for index in words.indices { words[index] &= ~other.words[index] }
  }

  package func contains(_ vid: Int) -> Bool {
    (1...4094).contains(vid) && words[vid >> 6] & (1 << UInt64(vid & 63)) != 0
  }

  /// The set as ascending ranges that neither touch nor overlap.
  package var ranges: [ClosedRange<Int>] {
    var result: [ClosedRange<Int>] = []
    var start: Int?
    for vid in 1...4095 {
      if contains(vid) {
        start = start ?? vid
      } else if let first = start {
        result.append(first...(vid - 1))
        start = nil
      }
    }
    return result
  }
}
