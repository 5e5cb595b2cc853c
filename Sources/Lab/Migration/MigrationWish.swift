/// What somebody wants who has a machine migrated.
package struct MigrationWish: Sendable, Equatable {
  /// Milliseconds for which a guest may stand still; QEMU takes no more than 2000 s.
  package static let downtimes = 1...2_000_000

  /// Bytes a second that are sent at most; nil = as many as can be.
  package var bandwidth: Int?
  /// Milliseconds for which the guest may stand still, of `downtimes`.
  package var downtime = 300
  /// The host that it is to go to; nil = this one.
  package var host: String?

  package init() {}
}

/// What happens while a machine migrates.
package enum MigrationNews: Sendable, Equatable {
  /// In words, with the node's name before them.
  case words(String)
  case round(MigrationRound)
}

/// A pass over a guest's memory.
package struct MigrationRound: Sendable, Equatable {
  /// From 1.
  package var number: Int
  /// Bytes that were sent so far.
  package var sent: Int
  /// Bytes that are still to be sent.
  package var remaining: Int

  package init(number: Int, sent: Int, remaining: Int) {
    (self.number, self.sent, self.remaining) = (number, sent, remaining)
  }
}

/// What came of a migration.
package struct MigrationOutcome: Sendable, Equatable {
  package var node: String
  /// The QEMU in which the machine runs now.
  package var process: Int32
  /// Its memory was sent; else both had it.
  package var isCopied: Bool
  /// Passes over its memory.
  package var rounds: Int
  /// Bytes that were sent.
  package var sent: Int
  /// Seconds for which the guest stood still, as QEMU tells it.
  package var downtime: Double
  /// Seconds that all of it took.
  package var seconds: Double

  package init(
    node: String, process: Int32, isCopied: Bool, rounds: Int, sent: Int, downtime: Double, seconds: Double
  ) {
    (self.node, self.process, self.isCopied, self.rounds) = (node, process, isCopied, rounds)
    (self.sent, self.downtime, self.seconds) = (sent, downtime, seconds)
  }
}

extension MigrationNews {
  /// The news in words: `vm1: round 2: 12.1 MiB sent, 3.0 MiB to go`.
  package func words(of node: String) -> String {
    switch self {
    case .words(let text): text
    case .round(let round):
      "\(node): round \(round.number): \(Self.size(round.sent)) sent, \(Self.size(round.remaining)) to go"
    }
  }

  /// `12.1 MiB`.
  package static func size(_ bytes: Int) -> String {
    guard bytes >= 1 << 20 else { return "\((max(bytes, 0) + 1023) >> 10) KiB" }
    let tenths = bytes / ((1 << 20) / 10)
    return "\(tenths / 10).\(tenths % 10) MiB"
  }
}
