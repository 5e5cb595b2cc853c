/// A name that may stand for several: `vm[1-3]` is vm1, vm2, vm3; `vm[01-10]` keeps its zeros.
struct NameRange {
  /// Most names of one range.
  static let largestCount = 4096

  var names: [String]
  /// More than one name was meant.
  var isRange: Bool

  /// Reads a name; nil when brackets do not hold `FIRST-LAST` with FIRST <= LAST and at most `largestCount` names.
  init?(_ text: String) {
    guard text.contains("[") || text.contains("]") else {
      names = [text]
      isRange = false
      return
    }
    guard let open = text.firstIndex(of: "["), let close = text.firstIndex(of: "]"), open < close else { return nil }
    let inner = text[text.index(after: open)..<close].split(separator: "-", omittingEmptySubsequences: false)
    let (head, tail) = (text[..<open], text[text.index(after: close)...])
    guard inner.count == 2, inner.allSatisfy(Self.isNumber), !tail.contains("["), !tail.contains("]"),
      let first = Int(inner[0]), let last = Int(inner[1]), first <= last, last - first < Self.largestCount
    else { return nil }
    let width = inner[0].first == "0" ? inner[0].utf8.count : 0
    names = (first...last).map { number in
      let digits = String(number)
      return head + String(repeating: "0", count: max(0, width - digits.count)) + digits + tail
    }
    isRange = true
  }

  private static func isNumber(_ text: Substring) -> Bool {
    (1...9).contains(text.utf8.count) && text.utf8.allSatisfy { (0x30...0x39).contains($0) }
  }
}
