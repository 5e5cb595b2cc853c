/// Numbers as people write sets of them.
package enum RangeText {
  /// `1-3,7` for 1, 2, 3, 7.
  /// - Parameter numbers: ascending, without repeats.
  package static func format(_ numbers: [Int]) -> String {
    runs(numbers) { $1 == $0 + 1 }
      .map { run in
        guard let first = run.first, let last = run.last, first != last else { return run.map(String.init).joined() }
        return "\(first)-\(last)"
      }
      .joined(separator: ",")
  }

  /// Cuts `elements` wherever one does not continue the one before it.
  static func runs<Element>(_ elements: [Element], continues: (Element, Element) -> Bool) -> [[Element]] {
    var runs: [[Element]] = []
    for element in elements {
      if let last = runs.last?.last, continues(last, element) {
        runs[runs.count - 1].append(element)
      } else {
        runs.append([element])
      }
    }
    return runs
  }
}
