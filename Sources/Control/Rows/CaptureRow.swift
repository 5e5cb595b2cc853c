import Capture
import Dataplane
import Lab

/// A running capture, as `GET /v1/captures` shows it.
package struct CaptureRow: Codable, Sendable, Equatable {
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

  init(_ capture: RunningCapture) {
    id = capture.id
    targets = capture.targets
    ports = capture.status.ports
    filter = capture.status.filter
    file = capture.file
    received = capture.status.counts.received
    filtered = capture.status.counts.filtered
    dropped = capture.status.counts.dropped
    written = capture.status.written
  }
}
