import Lab
import Topology

extension CaptureRequest {
  /// As parameters of a query.
  package var query: [String: String?] {
    [
      "target": targets.joined(separator: ","), "id": id, "filter": filter, "snap": snap.map { "\($0)" },
      "count": count.map { "\($0)" }, "duration": duration.map { "\($0)" }, "direction": direction?.rawValue,
      "drops": drops?.rawValue,
      "raw": isRaw ? "true" : nil, "segment": segments ? "true" : nil,
      "verdicts": writesVerdicts ? "true" : nil,
    ]
  }

  /// - Throws: `UserError` for values that are none.
  init(query: (String) -> String?) throws(UserError) {
    self.init([])
    func number<Value: LosslessStringConvertible & Comparable>(
      _ name: String, _ type: Value.Type, above least: Value, _ wanted: String = "a number above 0"
    ) throws(UserError) -> Value? {
      guard let text = query(name) else { return nil }
      guard let value = Value(text), value > least else {
        throw UserError(.badInput, "\(name) must be \(wanted), found \"\(text)\"")
      }
      return value
    }
    targets = (query("target") ?? "all").split(separator: ",").map { String($0) }
    guard !targets.isEmpty else { throw UserError(.badInput, "target names nothing") }
    id = query("id")
    filter = query("filter")
    snap = try number("snap", Int.self, above: -1, "0 or more")
    count = try number("count", Int.self, above: 0)
    duration = try number("duration", Double.self, above: 0)
    direction = try Self.word(query("direction"), "direction")
    drops = try Self.word(query("drops"), "drops")
    isRaw = query("raw") == "true"
    segments = query("segment") == "true"
    writesVerdicts = query("verdicts") == "true"
  }
}
