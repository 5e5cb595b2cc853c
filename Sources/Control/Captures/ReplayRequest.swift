import Lab

/// What `POST /v1/replay` takes.
package struct ReplayRequest: Codable, Sendable, Equatable {
  /// Absolute path of a pcapng or pcap file, as the daemon sees it.
  package var file: String
  package var port: String
  /// How many times faster than it was captured; 0 = as fast as it goes.
  package var speed: Double
  /// Only frames of the interface of that name; nil = all.
  package var interface: String?

  package init(file: String, port: String, speed: Double, interface: String? = nil) {
    self.file = file
    self.port = port
    self.speed = speed
    self.interface = interface
  }

  /// Refuses what no client of ours sends.
  func check() throws(UserError) {
    guard file.hasPrefix("/") else { throw UserError(.badInput, "file must be an absolute path, found \"\(file)\"") }
    guard speed >= 0, speed.isFinite else { throw UserError(.badInput, "speed must be 0 or more, found \(speed)") }
  }
}

/// What became of a replay.
package struct ReplayRow: Codable, Sendable, Equatable {
  package var sent: UInt64
  /// Left out: the file has only their first bytes, or they are longer than any frame here.
  package var incomplete: UInt64
  /// Left out by choice.
  package var others: UInt64
}
