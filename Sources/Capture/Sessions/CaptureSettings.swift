package import Dataplane

/// Settings of a capture as a whole: what is taken, and how it is written.
package struct CaptureSettings: Sendable {
  /// What is taken at the ports; its filter is that of `filter`.
  package var tap = CaptureConfiguration()
  /// As it was written.
  package var filter: Filter? { didSet { tap.filter = filter?.program } }
  /// Frames after which the capture ends; nil = none.
  package var count: UInt64?
  /// Time after which it ends; nil = none.
  package var duration: Duration?
  /// Partial checksums stay as they are.
  package var isRaw = false
  /// Frames that are to be cut by the device are cut.
  package var segments = false
  /// Time between statistics blocks.
  package var statisticsInterval = Duration.seconds(5)
  /// Drop codes are written as verdicts too, beside the comment.
  package var writesVerdicts = false
  /// Names of stations and hosts, for those who read the file.
  package var names: [PcapngName] = []
  package var section = PcapngSection()
  package init() {}
}

/// Why a capture ended.
package enum CaptureOutcome: Sendable, Equatable, CustomStringConvertible {
  case stopped
  case countReached
  case durationOver
  case portsRemoved
  case readerGone
  case diskFull(String)
  case failed(String)

  package var description: String {
    switch self {
    case .stopped: "stopped"
    case .countReached: "count reached"
    case .durationOver: "duration over"
    case .portsRemoved: "all captured ports were removed"
    case .readerGone: "the reader has gone"
    case .diskFull(let message), .failed(let message): message
    }
  }

  /// What was asked for, as opposed to an error.
  package var isClean: Bool {
    switch self {
    case .diskFull, .failed: false
    default: true
    }
  }
}

/// A capture at one moment.
package struct CaptureStatus: Sendable, Equatable {
  /// At the taps: `received == filtered + dropped + captured`.
  package var counts = CaptureCounts()
  /// Frames written, of those captured; at the end the rest was lost or not wanted any more.
  package var written: UInt64 = 0
  /// Blocks of frames written: more than `written` if frames are cut into segments.
  package var packets: UInt64 = 0
  package var bytes: UInt64 = 0
  /// As the file names them.
  package var ports: [String] = []
  package var filter = ""
  /// Nil while it runs.
  package var outcome: CaptureOutcome?
}
