import Lab

/// What `version` and `/v1/version` tell.
package struct VersionRow: Described, Equatable {
  package var version: String
  /// Version of the API.
  package var api: String

  package init() {
    version = Product.version
    api = Product.interface
  }

  package static let shape = Shape.object(
    "Version", "Who answers.",
    [
      Field("version", .text, "Of the program."), Field("api", .text, "Of the API: the first part of its paths."),
    ])
}

/// Where a file of a node lies: its console's socket, its log.
package struct PathRow: Described, Equatable {
  package var path: String
  package init(path: String) { self.path = path }

  package static let shape = Shape.object("Path", "Where a file lies.", [Field("path", .text, "Absolute.")])
}

/// A row of `doctor`, which asks no daemon.
package struct DoctorRow: Codable, Sendable, Equatable {
  package var state: String
  package var subject: String
  package var detail: String
  package var advice: String?

  package init(_ finding: DoctorFinding) {
    state = finding.state.rawValue
    subject = finding.subject
    detail = finding.detail
    advice = finding.advice
  }
}

extension DoctorRow: Listing {
  package static let columns = [Column("STATE"), Column("WHAT"), Column("DETAIL", .prose), Column("ADVICE", .prose)]

  package var cells: [Cell] {
    let tint: Cell.Tint =
      switch state {
      case "ok", "removed": .good
      case "missing", "leftover": .bad
      default: .plain
      }
    return [Cell(state, tint), Cell(subject), Cell(detail), Cell(advice)]
  }
}
