import Lab
import Topology

/// What a capture is to be, as the API's query says it.
extension CaptureRequest: RouteQuery {
  package init() { self.init(["all"]) }

  private enum CodingKeys: String, CodingKey {
    case targets = "target"
    case id, filter, snap, count, duration, direction, drops
    case isRaw = "raw"
    case segments = "segment"
    case writesVerdicts = "verdicts"
  }

  package init(from decoder: any Decoder) throws {
    self.init()
    let query = try decoder.container(keyedBy: CodingKeys.self)
    targets = try query.decodeIfPresent([String].self, forKey: .targets) ?? targets
    id = try query.decodeIfPresent(String.self, forKey: .id)
    filter = try query.decodeIfPresent(String.self, forKey: .filter)
    snap = try query.decodeIfPresent(Int.self, forKey: .snap)
    count = try query.decodeIfPresent(Int.self, forKey: .count)
    duration = try query.decodeIfPresent(Double.self, forKey: .duration)
    direction = try query.decodeIfPresent(String.self, forKey: .direction)
      .flatMap { CaptureDefinition.Direction(rawValue: $0) }
    drops = try query.decodeIfPresent(String.self, forKey: .drops).flatMap { Drops(rawValue: $0) }
    isRaw = try query.decodeIfPresent(Bool.self, forKey: .isRaw) ?? false
    segments = try query.decodeIfPresent(Bool.self, forKey: .segments) ?? false
    writesVerdicts = try query.decodeIfPresent(Bool.self, forKey: .writesVerdicts) ?? false
  }

  package func encode(to encoder: any Encoder) throws {
    var query = encoder.container(keyedBy: CodingKeys.self)
    try query.encode(targets, forKey: .targets)
    try query.encodeIfPresent(id, forKey: .id)
    try query.encodeIfPresent(filter, forKey: .filter)
    try query.encodeIfPresent(snap, forKey: .snap)
    try query.encodeIfPresent(count, forKey: .count)
    try query.encodeIfPresent(duration, forKey: .duration)
    try query.encodeIfPresent(direction?.rawValue, forKey: .direction)
    try query.encodeIfPresent(drops?.rawValue, forKey: .drops)
    try query.encode(isRaw, forKey: .isRaw)
    try query.encode(segments, forKey: .segments)
    try query.encode(writesVerdicts, forKey: .writesVerdicts)
  }

  package static let shape = Shape.object(
    "CaptureRequest", "What a capture is to be.",
    [
      Field(optional: "target", .list(.text), "Ports, links, nodes, switches, or `all`, which it is without it."),
      Field(optional: "id", .text, "A name of your own among the captures that run."),
      Field(optional: "filter", .text, "As tcpdump has it."),
      Field(optional: "snap", .count, "Bytes of each frame that are kept; 0 = all."),
      Field(optional: "count", .integer(1...Int.max), "Frames after which it ends."),
      Field(optional: "duration", .number(above: 0, orEqual: false), "Seconds after which it ends."),
      Field(
        optional: "direction", .choice(CaptureDefinition.Direction.allCases.map(\.rawValue)),
        "`in` = from the node into the switch. Without it both; of links alone each frame once, as it was sent."),
      Field(
        optional: "drops", .choice(Drops.allCases.map(\.rawValue)),
        "`include` = dropped frames too, with their reason; `only` = nothing else."),
      Field(optional: "raw", .boolean, "Partial checksums stay as they are."),
      Field(optional: "segment", .boolean, "Frames that a device would cut into segments are cut."),
      Field(optional: "verdicts", .boolean, "Drop codes are written as verdicts too."),
    ])
}
