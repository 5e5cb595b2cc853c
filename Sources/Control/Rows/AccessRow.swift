import Dataplane
import Topology

/// A row of `access list`: a rule of a list at a port that has it.
package struct AccessRow: Described, Equatable {
  package var list: String
  /// `to-node` or `from-node`.
  package var direction: String
  /// From 1; nil = what comes to every frame that no rule matched.
  package var number: Int?
  package var rule: String
  /// Nil where no port has the list.
  package var port: String?
  /// Frames.
  package var hits: UInt64

  /// What becomes of frames that no rule is for.
  static let otherwise = "deny any other"

  /// The rows of all lists, in file order; those of the ports that have one follow each other rule by rule.
  /// - Parameter statuses: of ports with rules, in the order of the ports.
  static func rows(_ lists: [AccessDefinition], _ statuses: [(port: String, status: RuleStatus)]) -> [AccessRow] {
    lists.flatMap { list in
      let users = statuses.filter { $0.status.rules.access?.name == list.name }
      return list.directions.flatMap { direction, rules -> [AccessRow] in
        guard let rules else { return [] }
        let lines = rules.enumerated().map { (number: Int?.some($0 + 1), text: $1.words) } + [(nil, otherwise)]
        return lines.enumerated().flatMap { index, line -> [AccessRow] in
          var row = AccessRow(
            list: list.name, direction: direction, number: line.number, rule: line.text, port: nil, hits: 0)
          guard !users.isEmpty else { return [row] }
          return users.map { user in
            row.port = user.port
            let hits = direction == "to-node" ? user.status.toNodeHits : user.status.fromNodeHits
            row.hits = index < hits.count ? hits[index] : 0
            return row
          }
        }
      }
    }
  }

  package static let shape = Shape.object(
    "AccessRule", "A row of `access list`: a rule of an access list at a port that has it.",
    [
      Field("list", .text, "Name of the list."),
      Field("direction", .choice(["to-node", "from-node"]), "Of which frames."),
      Field("number", .nullable(.count), "Its place, from 1; null: what becomes of frames that no rule is for."),
      Field("rule", .text, "What it says."),
      Field("port", .nullable(.text), "The port; null where none has the list."),
      Field("hits", .count, "Frames that it decided on."),
    ])

  /// Every key is always there; what is not known is null.
  package func encode(to encoder: any Encoder) throws {
    var row = encoder.container(keyedBy: CodingKeys.self)
    try row.encode(list, forKey: .list)
    try row.encode(direction, forKey: .direction)
    try row.encode(number, forKey: .number)
    try row.encode(rule, forKey: .rule)
    try row.encode(port, forKey: .port)
    try row.encode(hits, forKey: .hits)
  }
}

extension AccessRow: Listing {
  package static let columns = [
    Column("LIST"), Column("DIRECTION", rank: 1), Column("NUMBER", .right), Column("RULE"), Column("PORT"),
    Column("HITS", .right),
  ]

  package var cells: [Cell] {
    [Cell(list), Cell(direction), Cell(number.map { "\($0)" }), Cell(rule), Cell(port), Cell(hits)]
  }
}
