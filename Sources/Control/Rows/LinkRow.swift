import Lab
import Topology

/// A row of `link list`.
package struct LinkRow: Described, Equatable {
  package var name: String
  /// Exactly two.
  package var ends: [String]
  /// `up` when all ends have it.
  package var carrier: String
  /// `up` or `down` of each port that the link ends at: two of a wire or a trunk, one of a NIC on a switch.
  package var carriers: [String]
  /// By the end that sends, the values as the lab file writes them; null when nothing is impaired.
  package var impair: [String: [String: String]]?

  init(_ link: LinkStatus) {
    name = link.name
    ends = link.ends
    carrier = link.carrier ? "up" : "down"
    carriers = link.carriers.map { $0 ? "up" : "down" }
    var sides: [String: [String: String]] = [:]
    for (end, definition) in zip(link.ends, [link.impair?.fromFirst, link.impair?.fromSecond]) {
      guard let definition else { continue }
      sides[end] = Dictionary(uniqueKeysWithValues: ImpairmentText.describe(definition).map { ($0.key, $0.text) })
    }
    impair = sides.isEmpty ? nil : sides
  }

  enum CodingKeys: String, CodingKey { case name, ends, carrier, carriers, impair }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(name, forKey: .name)
    try container.encode(ends, forKey: .ends)
    try container.encode(carrier, forKey: .carrier)
    try container.encode(carriers, forKey: .carriers)
    // A key that is sometimes missing is a trap for scripts.
    try container.encode(impair, forKey: .impair)
  }

  package static let shape = Shape.object(
    "Link", "A row of `link list`.",
    [
      Field("name", .text, "Its name; of a NIC on a switch, that of its port."),
      Field("ends", .list(.text), "Two: NICs, or switches."),
      Field("carrier", .carrier, "Up when all ends have it."),
      Field("carriers", .list(.carrier), "Of each port that it ends at: two of a wire or a trunk, one of a NIC."),
      Field("impair", .nullable(.map(.map(.text))), "By the end that sends, values as the lab file has them."),
    ])
}

extension LinkRow: Listing {
  package static let columns = [
    Column("LINK"), Column("ENDS", rank: 1), Column("CARRIER"), Column("IMPAIRMENTS", .prose),
  ]

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

/// What `POST /v1/links/LINK` takes; every key may be left out, and stays as it is then.
package struct LinkRequest: Described, Equatable {
  package var carrier: Bool?
  /// Values as the lab file writes them, by its keys.
  package var impair: [String: String]?
  /// The end that it is for; nil = both.
  package var from: String?
  package var replace: Bool?
  package var reset: Bool?

  package init(_ change: LinkChange) {
    carrier = change.carrier
    impair = change.impair.isEmpty ? nil : change.impair
    from = change.from
    replace = change.isReplacement ? true : nil
    reset = change.isReset ? true : nil
  }

  var change: LinkChange {
    var change = LinkChange()
    change.carrier = carrier
    change.impair = impair ?? [:]
    change.from = from
    change.isReplacement = replace ?? false
    change.isReset = reset ?? false
    return change
  }

  package static let shape = Shape.object(
    "LinkRequest", "What is to be changed of a link; what is left out stays.",
    [
      Field(optional: "carrier", .boolean, "Carrier of the ends that `from` names."),
      Field(optional: "impair", .map(.text), "Values as the lab file writes them, by its keys: `delay`: `40ms`."),
      Field(optional: "from", .text, "The end that it is for: frames that it sends, carrier at it; both without it."),
      Field(optional: "replace", .boolean, "Impairments that are not named go."),
      Field(optional: "reset", .boolean, "Everything back to the lab file."),
    ])
}
