/// The key `impair` of a link or a NIC, names resolved.
struct ImpairDraft: Equatable {
  var pair: ImpairmentPair
  /// `from-a` and `from-b` were written, rather than one impairment for both directions.
  var isDirected: Bool

  /// The same link, seen from its other end.
  var reversed: ImpairDraft {
    ImpairDraft(pair: ImpairmentPair(fromFirst: pair.fromSecond, fromSecond: pair.fromFirst), isDirected: isDirected)
  }

  /// What the lab has: impairments that do nothing are none.
  var canonical: ImpairmentPair? {
    func working(_ definition: ImpairmentDefinition?) -> ImpairmentDefinition? {
      definition.flatMap { $0.isNeutral ? nil : $0 }
    }
    let result = ImpairmentPair(fromFirst: working(pair.fromFirst), fromSecond: working(pair.fromSecond))
    return result == ImpairmentPair() ? nil : result
  }
}
