import Lab

/// What came of a migration: the row of `migrate`.
package struct MigrationRow: Described, Equatable {
  package var node: String
  /// The process in which the machine runs now.
  package var pid: Int32
  /// `shared`: both processes had it; `copied`: it was sent.
  package var memory: Memory
  /// Passes over its memory.
  package var rounds: Int
  /// Bytes that were sent.
  package var bytes: Int
  /// Seconds for which the guest stood still, as QEMU tells it.
  package var downtime: Double
  /// Seconds that all of it took.
  package var seconds: Double

  package enum Memory: String, Codable, Sendable, CaseIterable { case shared, copied }

  package init(_ outcome: MigrationOutcome) {
    (node, pid, rounds, bytes) = (outcome.node, outcome.process, outcome.rounds, outcome.sent)
    memory = outcome.isCopied ? .copied : .shared
    downtime = (outcome.downtime * 1000).rounded() / 1000
    seconds = (outcome.seconds * 1000).rounded() / 1000
  }

  package static let shape = Shape.object(
    "Migration", "What came of a migration.",
    [
      Field("node", .text, "The machine."),
      Field("pid", .integer(1...Int(Int32.max)), "The process in which it runs now."),
      Field(
        "memory", .choice(Memory.allCases.map(\.rawValue)), "Whether its memory was copied, or both processes had it."),
      Field("rounds", .count, "Passes over its memory."), Field("bytes", .count, "What was sent."),
      Field("downtime", .positive, "Seconds for which the guest stood still, as QEMU tells it."),
      Field("seconds", .positive, "What all of it took."),
    ])
}

extension MigrationRow: Listing {
  package static let columns = [
    Column("NODE"), Column("PID", .right), Column("MEMORY"), Column("ROUNDS", .right), Column("BYTES", .right),
    Column("DOWNTIME", .right), Column("TIME", .right),
  ]

  package var cells: [Cell] {
    [
      Cell(node), Cell(String(pid)), Cell(memory.rawValue), Cell(rounds), Cell(MigrationNews.size(bytes)),
      Cell("\(Int((downtime * 1000).rounded())) ms"), Cell("\(seconds) s"),
    ]
  }
}

/// A line of what `POST /v1/nodes/NODE/migrate` answers; the last one is `migrated` or `error`.
package enum MigrationLine: Sendable, Equatable {
  /// `{"progress": "vm1: a second QEMU has started (pid 17)"}`
  case progress(String)
  /// `{"round": {"number": 1, "sent": 4096, "remaining": 0}}`
  case round(MigrationRound)
  /// `{"migrated": {"node": "vm1", ...}}`
  case migrated(MigrationRow)
  /// `{"error": {"code": 1, "message": "..."}}`
  case failed(ErrorBody)

  init(_ news: MigrationNews) {
    switch news {
    case .words(let text): self = .progress(text)
    case .round(let round): self = .round(round)
    }
  }
}

extension MigrationLine: Described {
  private enum CodingKeys: String, CodingKey { case progress, round, migrated, error }

  /// As it is written.
  private struct Round: Codable {
    var number: Int
    var sent: Int
    var remaining: Int
  }

  package func encode(to encoder: any Encoder) throws {
    var line = encoder.container(keyedBy: CodingKeys.self)
    switch self {
    case .progress(let text): try line.encode(text, forKey: .progress)
    case .round(let round):
      try line.encode(Round(number: round.number, sent: round.sent, remaining: round.remaining), forKey: .round)
    case .migrated(let row): try line.encode(row, forKey: .migrated)
    case .failed(let error): try line.encode(error, forKey: .error)
    }
  }

  package init(from decoder: any Decoder) throws {
    let line = try decoder.container(keyedBy: CodingKeys.self)
    if let text = try line.decodeIfPresent(String.self, forKey: .progress) {
      self = .progress(text)
    } else if let round = try line.decodeIfPresent(Round.self, forKey: .round) {
      self = .round(MigrationRound(number: round.number, sent: round.sent, remaining: round.remaining))
    } else if let error = try line.decodeIfPresent(ErrorBody.self, forKey: .error) {
      self = .failed(error)
    } else {
      self = .migrated(try line.decode(MigrationRow.self, forKey: .migrated))
    }
  }

  package static let shape = Shape.either(
    EitherShape(
      name: "MigrationLine", text: "How far a migration is; the last line is how it ended.",
      shapes: [
        .object("Progress", "What was done.", [Field("progress", .text, "In words.")]),
        .object(
          "Round", "A pass over the machine's memory begins.",
          [
            Field(
              "round",
              .object(
                "MigrationRound", "A pass over a machine's memory.",
                [
                  Field("number", .integer(1...Int.max), "From 1."),
                  Field("sent", .count, "Bytes that were sent so far."),
                  Field("remaining", .count, "Bytes that are still to be sent."),
                ]), "Which, and how much is left.")
          ]),
        .object("Migrated", "The end.", [Field("migrated", MigrationRow.shape, "What came of it.")]),
        ErrorBody.line,
      ]))
}
