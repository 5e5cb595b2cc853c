/// A view of `top` as rows that can be sorted and filtered.
struct TopTable {
  /// A cell with what it is sorted by.
  struct Entry {
    var cell: Cell
    /// Nil of a text.
    var number: Double?

    static func text(_ text: String?, _ tint: Cell.Tint = .plain) -> Entry { Entry(cell: Cell(text, tint)) }
    /// Brief; unknown is below everything.
    static func number(_ number: Double?, _ tint: Cell.Tint = .plain) -> Entry {
      Entry(cell: Cell(number.map { Figure.text($0) }, tint), number: number ?? -1)
    }
    static func whole(_ number: some BinaryInteger) -> Entry { Entry(cell: Cell(number), number: Double(number)) }
    static func share(_ share: Double?) -> Entry {
      Entry(cell: Cell(share.map { "\(Int(($0 * 100).rounded()))%" }), number: share ?? -1)
    }
  }

  let columns: [Column]
  private(set) var rows: [[Entry]]

  init(_ view: TopView, rows: [[Entry]]) {
    columns = view.columns
    self.rows = rows
  }

  /// Keeps rows of which a text contains the filter, in any case of letters.
  mutating func filter(_ words: String) {
    let words = words.lowercased()
    guard !words.isEmpty else { return }
    rows = rows.filter { row in
      zip(columns, row).contains { $0.isText && $1.cell.text.lowercased().contains(words) }
    }
  }

  /// Numbers highest first, texts ascending, unless reversed; rows that are equal stay as they are.
  mutating func sort(_ order: TopState.Order) {
    guard let title = order.column, let column = columns.firstIndex(where: { $0.title == title }) else {
      if order.isReversed { rows.reverse() }
      return
    }
    rows = rows.enumerated().sorted { a, b in
      let (first, second) = (a.element[column], b.element[column])
      var isLess = Self.comes(first, before: second)
      var isMore = Self.comes(second, before: first)
      if order.isReversed { swap(&isLess, &isMore) }
      return isLess || (!isMore && a.offset < b.offset)
    }.map(\.element)
  }

  private static func comes(_ a: Entry, before b: Entry) -> Bool {
    if let first = a.number, let second = b.number { return first > second }
    return NaturalOrder.isAscending(a.cell.text, b.cell.text)
  }
}

/// Names as people sort them: `vm2` is before `vm10`.
enum NaturalOrder {
  static func isAscending(_ a: String, _ b: String) -> Bool {
    var (first, second) = (a[...], b[...])
    while let x = first.first, let y = second.first {
      if x.isASCII, y.isASCII, x.isNumber, y.isNumber {
        let (left, right) = (number(&first), number(&second))
        if left.count != right.count { return left.count < right.count }
        if left != right { return left < right }
      } else if x != y {
        return x < y
      } else {
        first.removeFirst()
        second.removeFirst()
      }
    }
    return first.isEmpty && !second.isEmpty
  }

  /// Digits without the zeros before them.
  private static func number(_ text: inout Substring) -> Substring {
    let digits = text.prefix { $0.isASCII && $0.isNumber }
    text = text.dropFirst(digits.count)
    return digits.drop { $0 == "0" }
  }
}
