/// A port as it was while frames were recorded.
package struct RecordedPort: Sendable, Equatable {
  package var name: String
  package var switchName: String?
  package var kind: PortStatus.Kind
  /// Six bytes; empty without one.
  package var address: [UInt8]
  /// Its number in the data plane, which another port may have had before or after it.
  var index: Int
  /// Nanoseconds since 1970.
  var from: UInt64
  var until: UInt64
}

/// A frame as it came in.
package struct RecordedFrame: Sendable, Equatable {
  /// Nanoseconds since 1970.
  package var timestamp: UInt64
  /// The port that it came by, or that the switch itself sent it out of: a place in the recording's `ports`.
  package var port: Int
  /// The first seven ports that it went to, as such places.
  package var outputs: [Int]
  /// Ports that it went to.
  package var outputCount: Int
  /// Bytes of the frame, and the first 64 of them.
  package var length: Int
  package var bytes: [UInt8]
  /// Why it, or the last of its copies that was, was dropped.
  ///
  /// What happens to a frame that is held by an impairment is not known when it is recorded.
  package var drop: FrameDrop
  /// As in captures of the frame.
  package var packetID: UInt64 = 0
  /// The switch itself sent it; see `Dataplane.send`.
  package var isSent = false
  /// VIRTIO_NET_HDR_GSO_* of a large frame, without the ECN bit; 0 = it was none.
  package var segmentationType: UInt8 = 0
}

/// How far recorders were read; see `Dataplane.recording(from:longest:)`.
package struct RecordingPosition: Sendable, Equatable {
  /// Of each worker's recorder; empty = nothing was read.
  private var ends: [UInt64] = []

  /// The start.
  package init() {}

  init(_ snapshots: [FlightRecorder.Snapshot]) { ends = snapshots.map(\.end) }

  func end(of worker: Int) -> UInt64 { ends.indices.contains(worker) ? ends[worker] : 0 }
}

/// What flight recorders held at one moment: a sequence of frames, the oldest first; those that one worker took, in the
/// order that it took them.
///
/// It holds the records as they are in the recorders, and makes a frame of one when it is asked for.
package struct FlightRecording: Sendable, Equatable, Sequence {
  /// Bytes of a frame that are kept.
  package static var keptBytes: Int { FlightRecorder.keptBytes }

  package var ports: [RecordedPort] = []
  private var source: Source

  /// Where the frames come from.
  private enum Source: Sendable {
    case frames([RecordedFrame])
    case records([FlightRecorder.Snapshot], Selection)
  }

  /// Which of the records are meant, and whose they are.
  fileprivate struct Selection: Sendable {
    /// Nanoseconds since 1970; older frames are left out.
    var since: UInt64
    /// Bytes; longer frames are left out.
    var longest: Int
    var ports: [RecordedPort]
    /// Places in `ports` of those that ever had a number.
    var places: [Int: [Int]]

    /// The port that had a number at that time, of all that ever had it.
    func place(_ index: Int, _ time: UInt64) -> Int? {
      guard let places = places[index] else { return nil }
      return places.last { ports[$0].from <= time && time <= ports[$0].until } ?? places.last
    }
  }

  /// - Parameters:
  ///   - snapshots: of the recorders of all workers.
  ///   - ports: all that there were, in order of addition.
  ///   - since: nanoseconds since 1970; older frames are left out.
  ///   - longest: bytes; longer frames are left out.
  init(_ snapshots: [FlightRecorder.Snapshot], ports: [RecordedPort], since: UInt64, longest: Int = .max) {
    self.ports = ports
    let places = Dictionary(grouping: ports.indices) { ports[$0].index }
    source = .records(snapshots, Selection(since: since, longest: longest, ports: ports, places: places))
  }

  /// All of them at once.
  package var frames: [RecordedFrame] {
    get { Array(self) }
    set { source = .frames(newValue) }
  }

  package static func == (one: FlightRecording, other: FlightRecording) -> Bool {
    one.ports == other.ports && one.elementsEqual(other)
  }

  package func makeIterator() -> Iterator {
    switch source {
    case .frames(let frames): Iterator(frames)
    case .records(let snapshots, let selection): Iterator(snapshots, selection)
    }
  }

  /// Merges by time; each worker's part stays in its order, whatever a clock that was set has made of it.
  package struct Iterator: IteratorProtocol, Sendable {
    private var frames: ArraySlice<RecordedFrame> = []
    private var parts: [Part] = []

    fileprivate init(_ frames: [RecordedFrame]) { self.frames = frames[...] }

    fileprivate init(_ snapshots: [FlightRecorder.Snapshot], _ selection: Selection) {
      parts = snapshots.map { Part($0, selection) }
    }

    package mutating func next() -> RecordedFrame? {
      var next: (part: Int, time: UInt64)?
      for part in parts.indices {
        guard let time = parts[part].head?.timestamp, next.map({ time < $0.time }) ?? true else { continue }
        next = (part, time)
      }
      guard let part = next?.part else { return frames.popFirst() }
      return parts[part].take()
    }
  }

  /// The frames of one worker.
  private struct Part: Sendable {
    private let snapshot: FlightRecorder.Snapshot
    private let selection: Selection
    /// The number of the frame before the first record.
    private let first: UInt64
    /// Of the next record, in bytes.
    private var start = 0
    /// The next frame.
    private(set) var head: RecordedFrame?

    init(_ snapshot: FlightRecorder.Snapshot, _ selection: Selection) {
      self.snapshot = snapshot
      self.selection = selection
      first =
        snapshot.end &- UInt64(snapshot.records.count / FlightRecorder.recordSize)
        &+ TapSet.numberBase(of: snapshot.worker)
      _ = take()
    }

    /// The next frame; the one behind it is the next then.
    mutating func take() -> RecordedFrame? {
      let taken = head
      head = nil
      while head == nil, start + FlightRecorder.recordSize <= snapshot.records.count {
        head = frame(at: start)
        start += FlightRecorder.recordSize
      }
      return taken
    }

    /// A number of that many bytes.
    private func number(_ start: Int, _ offset: Int, _ count: Int) -> UInt64 {
      snapshot.records[(start + offset)..<(start + offset + count)].reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// What a record says; nil if it is not meant.
    private func frame(at start: Int) -> RecordedFrame? {
      let (time, length) = (number(start, 0, 8), Int(number(start, 8, 4)))
      guard time >= selection.since, length <= selection.longest,
        let port = selection.place(Int(number(start, 12, 2)), time)
      else { return nil }
      let outputCount = Int(number(start, 16, 2))
      let outputs = (0..<Swift.min(outputCount, FlightRecorder.keptOutputs)).compactMap {
        selection.place(Int(number(start, 18 + 2 * $0, 2)), time)
      }
      let bytes = start + FlightRecorder.headSize
      return RecordedFrame(
        timestamp: time, port: port, outputs: outputs, outputCount: outputCount, length: length,
        bytes: Array(snapshot.records[bytes..<(bytes + Swift.min(length, FlightRecorder.keptBytes))]),
        drop: FrameDrop(rawValue: UInt8(number(start, 14, 1))),
        packetID: first &+ UInt64(start / FlightRecorder.recordSize) &+ 1, isSent: number(start, 15, 1) & 1 != 0,
        segmentationType: UInt8(number(start, 15, 1) >> 1 & 7))
    }
  }
}
