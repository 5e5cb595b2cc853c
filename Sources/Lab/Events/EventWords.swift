/// Events in words, to be put behind their subject.
package enum EventWords {
  /// What happened, on one line.
  package static func of(_ type: LabEventType, _ detail: [String: EventValue]) -> String {
    switch type {
    case .labUp: lab(detail)
    case .labDown: detail.text("error").map { "is down: \($0)" } ?? "is down"
    case .labSaved: saved(detail)
    case .nodeStarted:
      if detail["reset"] == true { "began anew" } else { started(detail) }
    case .nodeReady: "is ready"
    case .nodeStopped: detail.text("reason").map { "stopped: \($0)" } ?? "stopped"
    case .nodeFailed: "failed: \(detail.text("reason") ?? "")"
    case .nodeMigrating: "is being migrated"
    case .nodeMigrated: migrated(detail)
    case .nodeNotMigrated: "was not migrated: \(detail.text("reason") ?? "")"
    case .portUp: "is up"
    case .portDown: "is down"
    case .portFault:
      detail.text("advice") ?? "\(detail["refused"] == true ? "refused: " : "")\(detail.text("reason") ?? "")"
    case .linkCarrier: "carrier is \(detail.text("carrier") ?? "")"
    case .linkImpaired: impaired(detail)
    case .fdbMoved, .fdbEvicted, .fdbFull: stations(type, detail)
    case .captureStarted: capture(detail)
    case .captureEnded: "ended: \(detail.text("outcome") ?? ""), \(frames(detail.integer("frames") ?? 0))"
    case .testResult: test(detail)
    case .lost: lost(detail)
    }
  }

  private static func lab(_ detail: [String: EventValue]) -> String {
    let count = detail.integer("steps") ?? 0
    let words = "\(count == 1 ? "1 step" : "\(count) steps") in \(detail.number("seconds") ?? 0) s"
    return detail["takenBack"] == true ? "is up, taken back: \(words)" : "is up: \(words)"
  }

  private static func saved(_ detail: [String: EventValue]) -> String {
    "was saved in \(detail.text("path") ?? ""); its machines stood still for \(detail.number("pause") ?? 0) s"
  }

  private static func started(_ detail: [String: EventValue]) -> String {
    let words = detail["takenBack"] == true ? "was taken back" : "started"
    return detail.integer("pid").map { "\(words) (pid \($0))" } ?? words
  }

  private static func migrated(_ detail: [String: EventValue]) -> String {
    let process = detail.integer("pid").map { " (pid \($0))" } ?? ""
    let times = [detail.number("seconds"), detail.number("downtime")].map { "\($0 ?? 0) s" }
    return "was migrated in \(times[0]), stood still for \(times[1])\(process)"
  }

  private static func impaired(_ detail: [String: EventValue]) -> String {
    guard case .map(let sides)? = detail["impair"], !sides.isEmpty else { return "is impaired no more" }
    let words = sides.sorted { $0.key < $1.key }.map { end, values in
      guard case .map(let pairs) = values else { return end }
      let texts = pairs.sorted { $0.key < $1.key }.map { "\($0.key) \(pairs.text($0.key) ?? "")" }
      return "from \(end) \(texts.isEmpty ? "nothing" : texts.joined(separator: " "))"
    }
    return "is impaired: \(words.joined(separator: ", "))"
  }

  private static func stations(_ type: LabEventType, _ detail: [String: EventValue]) -> String {
    let count = detail.integer("count") ?? 1
    // On a switch without VLANs it is of number 0.
    let vlan = detail.integer("vlan").flatMap { $0 == 0 ? nil : " in VLAN \($0)" } ?? ""
    let station = detail.text("mac").map { "\($0)\(vlan)" }
    switch type {
    case .fdbMoved:
      guard let station else { return "\(count) moves of more stations" }
      let ports =
        "from \(detail.text("from") ?? "a port that is gone") to \(detail.text("to") ?? "a port that is gone")"
      return "\(station) moved \(ports)\(count > 1 ? ", \(count) times" : "")"
    case .fdbEvicted:
      let port = detail.text("port").map { " of \($0)" } ?? ""
      let words = count == 1 ? "1 station\(port) was forgotten" : "\(count) stations\(port) were forgotten"
      return "\(words) to make room\(station.map { ", last \($0)" } ?? "")"
    default:
      let full = detail.text("port").map { "its port \($0)" } ?? "it"
      return "no room for more stations: \(full) has all \(detail.integer("entries") ?? 0) that it may have"
    }
  }

  private static func capture(_ detail: [String: EventValue]) -> String {
    var words = "started"
    if case .list(let targets)? = detail["targets"] {
      words +=
        " on \(targets.compactMap { if case .text(let text) = $0 { text } else { nil } }.joined(separator: ", "))"
    }
    if let filter = detail.text("filter") { words += ", filter \(filter)" }
    if let file = detail.text("file") { words += ", into \(file)" }
    return words
  }

  private static func frames(_ count: Int) -> String { count == 1 ? "1 frame" : "\(count) frames" }

  private static func test(_ detail: [String: EventValue]) -> String {
    let words = "\(detail["passed"] == true ? "passed" : "failed") in \(detail.number("seconds") ?? 0) s"
    guard let said = detail.text("detail"), !said.isEmpty else { return words }
    // On one line.
    return "\(words): \(said.split(whereSeparator: \.isNewline).joined(separator: " | "))"
  }

  private static func lost(_ detail: [String: EventValue]) -> String {
    let count = detail.integer("count") ?? 0
    let words = count == 1 ? "1 event was lost" : "\(count) events were lost"
    guard detail["restart"] == true else { return words }
    let other = "what an earlier daemon noted is not known"
    return count > 0 ? "\(words), and \(other)" : other
  }
}

extension [String: EventValue] {
  fileprivate func text(_ key: String) -> String? { if case .text(let text)? = self[key] { text } else { nil } }

  fileprivate func integer(_ key: String) -> Int? {
    if case .integer(let number)? = self[key] { number } else { nil }
  }

  fileprivate func number(_ key: String) -> Double? {
    switch self[key] {
    case .number(let number): number
    case .integer(let number): Double(number)
    default: nil
    }
  }
}

extension LabEvent {
  /// What happened, to be put behind the subject.
  package var words: String { EventWords.of(type, detail) }
}
