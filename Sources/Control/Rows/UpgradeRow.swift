import Lab

/// What `POST /v1/upgrade` takes.
package struct UpgradeRequest: Described, Equatable {
  /// Path of the program that is to go on with the lab.
  package var program: String

  package init(program: String) { self.program = program }

  package static let shape = Shape.object(
    "UpgradeRequest", "Which program is to go on with the lab.",
    [Field("program", .form(.path), "Its path; owned by root or the daemon's user, and writable by nobody else.")])
}

/// Who goes on with a lab.
package struct UpgradeRow: Described, Equatable {
  package var lab: String
  package var pid: Int
  /// Version of the program.
  package var version: String
  /// Seconds for which no frame moved.
  package var seconds: Double

  package init(lab: String, pid: Int, version: String, seconds: Double) {
    (self.lab, self.pid, self.version, self.seconds) = (lab, pid, version, seconds)
  }

  package static let shape = Shape.object(
    "Upgrade", "Who goes on with a lab.",
    [
      Field("lab", .text, "The lab."),
      Field("pid", .count, "Process of the daemon that goes on."),
      Field("version", .text, "Its version."),
      Field("seconds", .positive, "For how long no frame moved."),
    ])

  /// `lab campus goes on with apus 0.1.0, process 4711; no frame moved for 21 ms`.
  package var words: String {
    "lab \(lab) goes on with apus \(version), process \(pid); no frame moved for \(Int((seconds * 1000).rounded(.up))) ms"
  }
}

/// A line of what `POST /v1/upgrade` answers; the last one is `upgraded` or `error`.
package enum UpgradeLine: Sendable, Equatable {
  /// `{"progress": "/usr/bin/apus is apus 0.2.0"}`
  case progress(String)
  /// `{"upgraded": {"lab": "campus", "pid": 4711, "version": "0.2.0", "seconds": 0.021}}`
  case upgraded(UpgradeRow)
  /// `{"error": {"code": 1, "message": "..."}}`; the daemon that was there goes on.
  case failed(ErrorBody)
}

extension UpgradeLine: Described {
  private enum CodingKeys: String, CodingKey { case progress, upgraded, error }

  package func encode(to encoder: any Encoder) throws {
    var line = encoder.container(keyedBy: CodingKeys.self)
    switch self {
    case .progress(let text): try line.encode(text, forKey: .progress)
    case .upgraded(let row): try line.encode(row, forKey: .upgraded)
    case .failed(let error): try line.encode(error, forKey: .error)
    }
  }

  package init(from decoder: any Decoder) throws {
    let line = try decoder.container(keyedBy: CodingKeys.self)
    if let text = try line.decodeIfPresent(String.self, forKey: .progress) {
      self = .progress(text)
    } else if let row = try line.decodeIfPresent(UpgradeRow.self, forKey: .upgraded) {
      self = .upgraded(row)
    } else {
      self = .failed(try line.decode(ErrorBody.self, forKey: .error))
    }
  }

  package static let shape = Shape.either(
    EitherShape(
      name: "UpgradeLine", text: "What is done, as it is done; the last line is how it ended.",
      shapes: [
        .object("UpgradeProgress", "What was done.", [Field("progress", .text, "In words.")]),
        .object("Upgraded", "The end.", [Field("upgraded", UpgradeRow.shape, "Who goes on.")]),
        ErrorBody.line,
      ]))
}
