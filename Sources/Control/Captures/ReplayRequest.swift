import Capture
import Dataplane
import Lab
import Topology

/// What `POST /v1/replay` takes.
package struct ReplayRequest: Codable, Sendable, Equatable {
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
    guard speed >= 0, speed.isFinite else { throw UserError(.badInput, "speed must be 0 or more, found \(speed)") }
    _ = try CaptureRequest.word(direction, "direction", CaptureDefinition.Direction.self)
  }

  var directions: CaptureDirections {
    CaptureDirections(direction.flatMap { CaptureDefinition.Direction(rawValue: $0) } ?? .both)
  }
}

/// What became of a replay.
package struct ReplayRow: Codable, Sendable, Equatable {
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
}
