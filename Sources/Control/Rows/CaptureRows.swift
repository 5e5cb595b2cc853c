import Capture
import Dataplane
import Lab

/// A running capture, as `GET /v1/captures` shows it.
package struct CaptureRow: Described, Equatable {
  package var id: String
  package var targets: [String]
  package var ports: [String]
  package var filter: String
  /// File that the daemon writes; nil = a client has it.
  package var file: String?
  package var received: UInt64
  package var filtered: UInt64
  package var dropped: UInt64
  package var written: UInt64

  package static let shape = Shape.object(
    "Capture", "A capture that runs.",
    [
      Field("id", .text, "Its name; of one that the lab file declares, `file:PATH`."),
      Field("targets", .list(.text), "What was asked for."),
      Field("ports", .list(.text), "The ports that this is now."),
      Field("filter", .text, "As tcpdump has it; empty = every frame."),
      Field(optional: "file", .text, "The file that the daemon writes; not there when a client has it."),
      Field("received", .count, "Frames of its ports."),
      Field("filtered", .count, "Of these, what the filter left out."),
      Field("dropped", .count, "Of these, what the capture was too slow for."),
      Field("written", .count, "What it gave out."),
    ])
}

extension CaptureRow {
  init(_ capture: RunningCapture) {
    let status = capture.status
    self.init(
      id: capture.id, targets: capture.targets, ports: status.ports, filter: status.filter, file: capture.file,
      received: status.counts.received, filtered: status.counts.filtered, dropped: status.counts.dropped,
      written: status.written)
  }
}

/// What `PATCH /v1/captures/ID` takes.
package struct FilterRequest: Described, Equatable {
  package var filter: String

  package static let shape = Shape.object(
    "FilterRequest", "Another filter for a capture that runs.", [Field("filter", .text, "As tcpdump has it.")])
}

/// What `POST /v1/replay` takes.
package struct ReplayRequest: Described, Equatable {
  /// Absolute path of a pcapng or pcap file, as the daemon sees it.
  package var file: String
  package var port: String
  /// How many times faster than it was captured; 0 = as fast as it goes.
  package var speed: Double
  /// Only frames of the interface of that name; nil = all.
  package var interface: String?
  /// Only frames that the file marks as going `in` or `out`, and those that it does not mark; `both` and nil = all.
  package var direction: String?

  package init(
    file: String, port: String, speed: Double, interface: String? = nil, direction: String? = nil
  ) {
    self.file = file
    self.port = port
    self.speed = speed
    self.interface = interface
    self.direction = direction
  }

  /// Refuses what no client of ours sends.
  func check() throws(UserError) {
    guard file.hasPrefix("/") else { throw UserError(.badInput, "file must be an absolute path, found \"\(file)\"") }
  }

  var directions: CaptureDirections {
    switch direction {
    case "in": .fromNode
    case "out": .toNode
    default: .both
    }
  }

  package static let shape = Shape.object(
    "ReplayRequest", "Frames of a file, to be sent into a port.",
    [
      Field("file", .text, "Absolute path of a pcapng or pcap file on the daemon's host."),
      Field("port", .text, "The port, as if its node had sent them."),
      Field("speed", .positive, "How many times faster than captured; 0 = as fast as it goes."),
      Field(optional: "interface", .text, "Only frames of the interface of that name."),
      Field(
        optional: "direction", .choice(["in", "out", "both"]),
        "Only frames that the file marks so, and those that it does not mark."),
    ])
}

/// What became of a replay.
package struct ReplayRow: Described, Equatable {
  package var sent: UInt64
  /// Left out: the file has only their first bytes, or they are longer than any frame here.
  package var incomplete: UInt64
  /// Left out by choice: of other interfaces, or in another direction.
  package var others: UInt64
  /// Left out: dropped where they were captured.
  package var dropped: UInt64
  /// Left out: not Ethernet.
  package var foreign: UInt64
  /// Of those sent, those that the file marks as going out.
  package var outbound: UInt64

  init(_ counts: Replay.Counts) {
    sent = counts.sent
    incomplete = counts.incomplete
    others = counts.others
    dropped = counts.dropped
    foreign = counts.foreign
    outbound = counts.outbound
  }

  package static let shape = Shape.object(
    "Replay", "What became of a replay.",
    [
      Field("sent", .count, "Frames that were sent."),
      Field("incomplete", .count, "Left out: in the file in part only, or too long."),
      Field("others", .count, "Left out: of another interface or direction."),
      Field("dropped", .count, "Left out: dropped where they were captured."),
      Field("foreign", .count, "Left out: no Ethernet."),
      Field("outbound", .count, "Sent, and marked as having gone out."),
    ])
}

/// The one line that `POST /v1/replay` answers, at its end.
package enum ReplayLine: Described, Equatable {
  /// `{"done": {"sent": 10, ...}}`
  case done(ReplayRow)
  /// `{"error": {"code": 1, "message": "..."}}`
  case failed(ErrorBody)

  private enum CodingKeys: String, CodingKey { case done, error }

  package func encode(to encoder: any Encoder) throws {
    var line = encoder.container(keyedBy: CodingKeys.self)
    switch self {
    case .done(let row): try line.encode(row, forKey: .done)
    case .failed(let error): try line.encode(error, forKey: .error)
    }
  }

  package init(from decoder: any Decoder) throws {
    let line = try decoder.container(keyedBy: CodingKeys.self)
    if let error = try line.decodeIfPresent(ErrorBody.self, forKey: .error) {
      self = .failed(error)
    } else {
      self = .done(try line.decode(ReplayRow.self, forKey: .done))
    }
  }

  package static let shape = Shape.either(
    EitherShape(
      name: "ReplayLine", text: "What became of it.",
      shapes: [
        .object("Replayed", "The end.", [Field("done", ReplayRow.shape, "What was sent.")]), ErrorBody.line,
      ]))
}
