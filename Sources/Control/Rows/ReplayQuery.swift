import Lab

/// How the frames of a capture file that a client sends are replayed.
package struct ReplayQuery: RouteQuery, Equatable {
  /// How many times faster than it was captured; 0 = as fast as it goes, nil = 1.
  package var speed: Double?
  package var interface: String?
  package var direction: String?

  package init() {}

  package static let shape = Shape.object(
    "ReplayQuery", "How frames are sent.",
    [
      Field(optional: "speed", .positive, "How many times faster than captured; 0 = as fast as it goes; 1 without it."),
      Field(optional: "interface", .text, "Only frames of the interface of that name."),
      Field(
        optional: "direction", .choice(["in", "out", "both"]),
        "Only frames that the file marks so, and those that it does not mark."),
    ])
}

/// The bytes of a capture file.
package enum CaptureUpload: UploadKind {
  package static let types = [Pcapng.type, "application/vnd.tcpdump.pcap", "application/octet-stream"]
  package static let text = "A file of pcapng or pcap, also one that gzip has made."
  package static let isRequired = true
  package static let limit = 4 << 30
}

extension ErrorBody {
  /// An error about a file that a client has sent, which it knows by no path.
  init(_ error: any Error, hiding path: String?) {
    self.init(error)
    if let path { message = message.replacing(path, with: "the body") }
  }
}
