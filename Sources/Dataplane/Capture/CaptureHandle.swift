import Synchronization

/// A running capture: its interfaces, its counts, and the side of its ring that is drained.
///
/// One thread drains it; the rest may be asked from anywhere.
package final class CaptureHandle: Sendable {
  /// Number among the captures of its data plane.
  package let id: Int
  let ring: CaptureRing
  private let cursor = Mutex<UInt64>(0)
  private let members = Mutex(Members())

  private struct Members {
    var all: [CaptureInterface] = []
    /// The last one of each port.
    var latest: [String: CaptureInterface] = [:]
  }

  init(id: Int, ring: CaptureRing) {
    self.id = id
    self.ring = ring
  }

  /// Takes the next record out of the ring: the frame's bytes replace those of `bytes`; nil if there is none now.
  ///
  /// Every record's interface is in `interfaces` before it comes.
  package func next(into bytes: inout [UInt8]) -> CaptureRecord? {
    cursor.withLock { ring.next(&$0, into: &bytes) }
  }

  /// Why nothing more will come; what `next` still gives after that is the rest.
  package var end: CaptureEnd? { ring.ended }

  /// Ports that are or were part of the capture, by their number.
  package var interfaces: [CaptureInterface] { members.withLock { $0.all } }

  /// What became of the frames of all its ports.
  package var counts: CaptureCounts { interfaces.reduce(CaptureCounts()) { $0 + $1.counts } }

  /// Gives a port its number.
  func append(_ record: PortRecord) -> CaptureInterface {
    members.withLock { members in
      let interface = CaptureInterface(id: UInt32(members.all.count), record)
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
