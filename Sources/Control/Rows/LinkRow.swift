import Lab
import Topology

/// A row of `link list`.
package struct LinkRow: Codable, Sendable, Equatable {
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
}
