import Synchronization

/// A running capture: its interfaces, its counts, and the side of its rings that is drained.
///
/// One thread drains it; the rest may be asked from anywhere.
package final class CaptureHandle: Sendable {
  /// Number among the captures of its data plane.
  package let id: Int
  /// One a worker.
  let rings: [CaptureRing]
  private let merger: Mutex<RingMerger>
  private let members = Mutex(Members())

  private struct Members {
    var all: [CaptureInterface] = []
    /// The last one of each port.
    var latest: [String: CaptureInterface] = [:]
  }

  /// - Parameter marks: of the workers; nil if there is one.
  init(id: Int, rings: [CaptureRing], marks: BurstMarks? = nil) {
    self.id = id
    self.rings = rings
    merger = Mutex(RingMerger(rings, marks))
  }

  /// Takes the next record out of the rings: the frame's bytes replace those of `bytes`; nil if there is none now.
  ///
  /// Records come in order of time, as `RingMerger` has it.
  /// Every record's interface is in `interfaces` before it comes.
  package func next(into bytes: inout [UInt8]) -> CaptureRecord? {
    merger.withLock { $0.next(into: &bytes) }
  }

  /// Why nothing more will come; what `next` still gives after that is the rest.
  package var end: CaptureEnd? { rings.ended }

  /// Ports that are or were part of the capture, by their number.
  package var interfaces: [CaptureInterface] { members.withLock { $0.all } }

  /// What became of the frames of all its ports.
  package var counts: CaptureCounts { interfaces.reduce(CaptureCounts()) { $0 + $1.counts } }

  /// Gives a port its number.
  func append(_ record: PortRecord) -> CaptureInterface {
    members.withLock { members in
      let interface = CaptureInterface(id: UInt32(members.all.count), record, workers: rings.count)
      members.all.append(interface)
      members.latest[record.name] = interface
      return interface
    }
  }

  /// The interface of a port that is part of the capture now, and not of one before it that had its name.
  func current(_ record: PortRecord) -> CaptureInterface? {
    members.withLock { members in
      guard let latest = members.latest[record.name], latest.block === record.block, !latest.isEnded else { return nil }
      return latest
    }
  }
}
