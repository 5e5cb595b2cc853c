import Capture
import FoundationEssentials
import Lab

/// What of a lab's frames is to be told by `POST /v1/frames`.
package struct FramesQuery: RouteQuery, Equatable {
  /// As for a capture; its count is that of the frames told.
  package var request = CaptureRequest()
  /// Frames told in a second at most; nil = `usualRate`.
  package var rate: Int?

  package static let usualRate = 400

  package init() {}
  package init(_ request: CaptureRequest, rate: Int? = nil) { (self.request, self.rate) = (request, rate) }

  private enum CodingKeys: String, CodingKey { case rate }

  /// Its keys lie beside those of the request.
  package init(from decoder: any Decoder) throws {
    request = try CaptureRequest(from: decoder)
    rate = try decoder.container(keyedBy: CodingKeys.self).decodeIfPresent(Int.self, forKey: .rate)
  }

  package func encode(to encoder: any Encoder) throws {
    try request.encode(to: encoder)
    var query = encoder.container(keyedBy: CodingKeys.self)
    try query.encodeIfPresent(rate, forKey: .rate)
  }

  /// The capture that is behind it: of the first bytes, and without a count of its own, since not every frame is told.
  var capture: CaptureRequest {
    var capture = request
    let snap = request.snap ?? 0
    capture.snap = snap > 0 ? min(snap, SummarySink.snapLength) : SummarySink.snapLength
    capture.count = nil
    return capture
  }

  package static let shape = Shape.object(
    "FramesQuery", "What of a lab's frames is to be told.",
    [Field(optional: "rate", .integer(1...1000), "Frames told in a second at most; 400 without it.")]
      + CaptureRequest.shape.fields)
}

/// A frame in words, as a line of `POST /v1/frames`.
package struct FrameRow: Described, Equatable {
  /// Of the capture, to the microsecond: `2026-01-02T03:04:05.000006Z`.
  package var time: String
  package var interface: String
  /// `in` or `out`.
  package var direction: String
  /// Bytes of the whole frame.
  package var length: Int
  package var source: String
  package var target: String
  package var vlans: [Int]
  package var proto: String
  package var info: String
  package var comment: String?

  private enum CodingKeys: String, CodingKey {
    case time, interface, direction, length, source, target, vlans
    case proto = "protocol"
    case info, comment
  }

  init(_ frame: SummarizedFrame) {
    time = Self.text(frame.time)
    interface = frame.interface
    direction = frame.isInbound ? "in" : "out"
    length = frame.summary.length
    (source, target) = (frame.summary.source, frame.summary.destination)
    vlans = frame.summary.vlans.map { Int($0) }
    (proto, info) = (frame.summary.protocolName, frame.summary.details)
    comment = frame.comment
  }

  private static func text(_ nanoseconds: UInt64) -> String {
    let (seconds, rest) = nanoseconds.quotientAndRemainder(dividingBy: 1_000_000_000)
    let date = Date(timeIntervalSince1970: Double(seconds)).formatted(.iso8601)
    let digits = String(1_000_000 + rest / 1000).dropFirst()
    return "\(date.dropLast()).\(digits)Z"
  }

  package static let shape = Shape.object(
    "Frame", "A frame in words.",
    [
      Field("time", .text, "When it was seen, to the microsecond: `2026-01-02T03:04:05.000006Z`."),
      Field("interface", .text, "The port that it was seen at."),
      Field("direction", .choice(["in", "out"]), "`in` = from the node into the switch."),
      Field("length", .count, "Bytes of the whole frame."),
      Field("source", .text, "Station that it is from; `?` if it is too short to say."),
      Field("target", .text, "Station that it is to."),
      Field("vlans", .list(.count), "Of its tags, the outermost first."),
      Field("protocol", .text, "Such as `ARP`, `TCP`, `LLDP`, or its type as `0x88b5`."),
      Field("info", .text, "What the protocol says; may be empty."),
      Field(optional: "comment", .text, "Such as `dropped: no-buffer`."),
    ])
}

/// A line of what `POST /v1/frames` answers.
package enum FrameLine: Described, Equatable {
  case frame(FrameRow)
  /// `{"lost": 12}`: so many were not told since the last such line.
  case lost(UInt64)

  private enum CodingKeys: String, CodingKey { case lost }

  init(_ news: SummarySink.News) {
    switch news {
    case .frame(let frame): self = .frame(FrameRow(frame))
    case .lost(let count): self = .lost(count)
    }
  }

  package func encode(to encoder: any Encoder) throws {
    switch self {
    case .frame(let row): try row.encode(to: encoder)
    case .lost(let count):
      var line = encoder.container(keyedBy: CodingKeys.self)
      try line.encode(count, forKey: .lost)
    }
  }

  package init(from decoder: any Decoder) throws {
    if let count = try decoder.container(keyedBy: CodingKeys.self).decodeIfPresent(UInt64.self, forKey: .lost) {
      self = .lost(count)
    } else {
      self = .frame(try FrameRow(from: decoder))
    }
  }

  package static let shape = Shape.either(
    EitherShape(
      name: "FrameLine", text: "A frame, or how many were left out.",
      shapes: [
        FrameRow.shape,
        .object(
          "FramesLost", "Frames that came faster than they may be told.",
          [Field("lost", .count, "How many since the last such line.")]),
      ]))
}
