import Topology

/// All that can be said of a link at run time; what is not named is up, and not impaired.
package struct LinkWish: Sendable, Equatable {
  /// Ends whose carrier is away.
  package var down: [String]
  /// Values as the lab file writes them, by its keys, by the end that sends.
  package var impair: [String: [String: String]]

  package init(down: [String] = [], impair: [String: [String: String]] = [:]) {
    (self.down, self.impair) = (down, impair)
  }
}

extension LabRuntime.Link {
  /// What is to be written down of the link, so that it is as a client wants it.
  /// - Parameter file: its impairments in the lab file; where they are wanted, nothing is said of them.
  /// - Throws: `UserError` (`badInput`) for an end that it has not, one that is named twice, and values that are none.
  func override(_ wish: LinkWish, file: ImpairmentPair?) throws(UserError) -> RunTimeState.Link {
    var override = RunTimeState.Link()
    for end in wish.down { for position in try ends(from: end) { override.down.insert(endNames[position]) } }
    var pair = ImpairmentPair()
    var named: Set<Int> = []
    for (end, values) in wish.impair.sorted(by: { $0.key < $1.key }) {
      for position in try ends(from: end) {
        guard named.insert(position).inserted else {
          throw UserError(.badInput, "link \(name): \"\(end)\" names an end that is named already")
        }
        var change = LinkChange()
        (change.impair, change.isReplacement) = (values, true)
        try pair.change(position, change)
      }
    }
    override.impair = pair == file ?? ImpairmentPair() ? nil : pair
    return override
  }

  /// Ends as `link list` names them, of those whose carrier was taken away.
  func shownEnds(_ down: Set<String>) -> [String] {
    zip(endNames, [first, second]).filter { down.contains($0.0) }.map(\.1)
  }
}
