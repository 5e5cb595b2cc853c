/// Numbers of a range that nobody has, the lowest first: what goes through numbers one by one finds them dense.
///
/// - Complexity: O(log n) of the numbers that came back and wait.
struct FreeNumbers {
  private let range: Range<Int>
  /// The first of those that were never taken.
  private var fresh: Int
  /// Those that came back, as a heap: each is below the two behind it.
  private var returned: [Int] = []

  init(_ range: Range<Int>) {
    self.range = range
    fresh = range.lowerBound
  }

  /// The lowest number; nil if all are taken.
  mutating func take() -> Int? {
    guard let lowest = returned.first else {
      guard fresh < range.upperBound else { return nil }
      defer { fresh += 1 }
      return fresh
    }
    let last = returned.removeLast()
    if !returned.isEmpty {
      returned[0] = last
      sink()
    }
    return lowest
  }

  /// Takes a number back that was given.
  mutating func put(_ number: Int) {
    returned.append(number)
    var place = returned.count - 1
    while place > 0, returned[place] < returned[(place - 1) / 2] {
      returned.swapAt(place, (place - 1) / 2)
      place = (place - 1) / 2
    }
  }

  /// Moves the first one to where it belongs.
  private mutating func sink() {
    var place = 0
    while true {
      let (left, right) = (2 * place + 1, 2 * place + 2)
      guard left < returned.count else { return }
      let least = right < returned.count && returned[right] < returned[left] ? right : left
      guard returned[least] < returned[place] else { return }
      returned.swapAt(place, least)
      place = least
    }
  }
}
