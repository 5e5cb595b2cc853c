import Synchronization

/// A frame that was punted: as it came to the switch, with what the switch made of it.
package struct PuntedFrame: Sendable, Equatable {
  /// Name of the port that it came in by.
  package var port: String
  /// Number of that port among all that the punt ever had: one that went and the next one of its name have two.
  package var portID: UInt32
  package var switchName: String
  /// The VLAN that it was classified to; nil = the port's ingress filter takes it for none.
  package var vlan: Int?
  package var bytes: [UInt8]
  /// Its checksum field holds only the pseudo header's sum.
  package var hasPartialChecksum: Bool
  /// Nanoseconds since 1970 when the switch took it.
  package var timestamp: UInt64
  /// The same as in captures of the frame.
  package var packetID: UInt64
  /// Why the switch dropped it where it came in; `.none` = it went on.
  package var drop: FrameDrop
}

/// A running punt: the side of its rings that is read.
///
/// One task reads; the rest may be asked from anywhere. A reader that is slow loses frames, which are counted.
package final class PuntHandle: Sendable {
  /// How long `frames` waits between two looks at empty rings: nobody is woken for a frame.
  package static let lookInterval = Duration.milliseconds(5)

  /// One a worker.
  let rings: [CaptureRing]
  private let state: Mutex<State>

  private struct State {
    var merger: RingMerger
    var bytes: [UInt8] = []
    /// Ports of which there may be frames in the rings, by their numbers.
    var members: [UInt32: CaptureInterface] = [:]
    var lastID: UInt32 = 0
    /// Of ports that are gone.
    var pastCounts = CaptureCounts()
  }

  /// - Parameter marks: of the workers; nil if there is one.
  init(rings: [CaptureRing], marks: BurstMarks? = nil) {
    self.rings = rings
    state = Mutex(State(merger: RingMerger(rings, marks)))
  }

  /// Takes the next frame out of the rings, in order of time; nil if there is none now.
  package func next() -> PuntedFrame? {
    state.withLock { state in
      if let frame = take(&state) { return frame }
      let ended = state.members.filter { $0.value.isEnded }
      guard !ended.isEmpty else { return nil }
      // All that came from them was in the rings before they ended; it may have to wait there for what others have.
      if let frame = take(&state) { return frame }
      guard !state.merger.holdsBack else { return nil }
      for (id, interface) in ended {
        state.pastCounts = state.pastCounts + interface.counts
        state.members[id] = nil
      }
      return nil
    }
  }

  private func take(_ state: inout State) -> PuntedFrame? {
    while let record = state.merger.next(into: &state.bytes) {
      guard let interface = state.members[record.interface] else { continue }
      return PuntedFrame(
        port: interface.name, portID: record.interface, switchName: interface.switchName ?? "",
        vlan: record.vlan == 0 ? nil : Int(record.vlan), bytes: state.bytes, hasPartialChecksum: record.needsChecksum,
        timestamp: record.timestamp, packetID: record.packetID, drop: record.drop)
    }
    return nil
  }

  /// Why nothing more will come; what `next` still gives after that is the rest.
  package var end: CaptureEnd? { rings.ended }

  /// Names of the ports that are part of it.
  package var ports: [String] { state.withLock { $0.members.values.filter { !$0.isEnded }.map(\.name).sorted() } }

  /// What became of the frames that the filter was asked about; `dropped` are those lost because the reader was slow.
  package var counts: CaptureCounts {
    state.withLock { state in state.members.values.reduce(state.pastCounts) { $0 + $1.counts } }
  }

  /// Frames as they come, until the punt or the task that reads ends.
  package var frames: Frames { Frames(handle: self) }

  /// Gives a port its number.
  func append(_ record: PortRecord) -> CaptureInterface {
    state.withLock { state in
      state.lastID &+= 1
      let interface = CaptureInterface(id: state.lastID, record, workers: rings.count)
      state.members[state.lastID] = interface
      return interface
    }
  }

  /// Frames of a punt, for one task.
  package struct Frames: AsyncSequence, Sendable {
    fileprivate let handle: PuntHandle

    package func makeAsyncIterator() -> Iterator { Iterator(handle: handle) }

    package struct Iterator: AsyncIteratorProtocol {
      fileprivate let handle: PuntHandle

      package mutating func next() async -> PuntedFrame? {
        while !Task.isCancelled {
          // Asked first: what was in the rings by then comes before the end.
          let hasEnded = handle.end != nil
          if let frame = handle.next() { return frame }
          guard !hasEnded else { return nil }
          try? await Task.sleep(for: PuntHandle.lookInterval)
        }
        return nil
      }
    }
  }
}
