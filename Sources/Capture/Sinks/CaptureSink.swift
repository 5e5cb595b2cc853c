/// Why a capture cannot be written any more.
package enum CaptureSinkError: Error, Sendable, Equatable, CustomStringConvertible {
  /// Nobody reads the pipe or connection.
  case readerGone
  /// No room on the disk, or none that this user may have.
  case full(String)
  case failed(String)
  /// A pcap file has the frames of one port; these are several.
  case severalPorts([String])
  /// The capture was told to end while the reader did not read.
  case cancelled

  package var description: String {
    switch self {
    case .readerGone: "the reader has gone"
    case .full(let message), .failed(let message): message
    case .severalPorts(let names):
      "a pcap file has the frames of one port, and here are \(names.joined(separator: ", "))"
    case .cancelled: "ended while the reader was not reading"
    }
  }
}

/// Where a capture goes; used by one thread, which may wait in it.
package protocol CaptureSink: AnyObject, Sendable {
  /// Nobody will read what is written from now on; asked while there is nothing to write, a few times a second.
  var isAbandoned: Bool { get }
  /// Writes whole pcapng blocks.
  ///
  /// What cannot be written to its last byte is taken back as far as the kind of sink allows, so that a file ends with a
  /// whole block.
  /// - Parameter isCancelled: asked while the sink waits for its reader.
  func write(_ blocks: [UInt8], isCancelled: () -> Bool) throws(CaptureSinkError)
  /// Ends the output; nothing is written afterwards.
  func close()
}

extension CaptureSink {
  package var isAbandoned: Bool { false }
}
