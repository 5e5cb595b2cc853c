import Topology

extension LinkRow: Listing {
  package static let columns = [Column("LINK"), Column("ENDS"), Column("CARRIER"), Column("IMPAIRMENTS")]

  package var cells: [Cell] {
    [
      Cell(name), Cell(ends.joined(separator: " - ")), Cell(carrier, carrier == "up" ? .good : .bad),
      Cell(impairments),
    ]
  }

  /// Both directions at once where they are the same.
  private var impairments: String? {
    guard let impair else { return nil }
    let sides = ends.compactMap { end in impair[end].map { (end, Self.words($0)) } }
    if sides.count == 2, sides[0].1 == sides[1].1 { return sides[0].1 }
    return sides.map { "from \($0.0): \($0.1)" }.joined(separator: "; ")
  }

  private static func words(_ values: [String: String]) -> String {
    ImpairmentKey.allCases.map(\.rawValue).compactMap { key in values[key].map { "\(key) \($0)" } }.joined(
      separator: " ")
  }
}
