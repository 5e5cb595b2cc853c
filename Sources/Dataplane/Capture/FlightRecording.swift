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

/// What flight recorders held at one moment.
package struct FlightRecording: Sendable, Equatable {
  /// Bytes of a frame that are kept.
  package static var keptBytes: Int { FlightRecorder.keptBytes }

  package var ports: [RecordedPort] = []
  /// The oldest first; those that one worker took, in the order that it took them.
  package var frames: [RecordedFrame] = []

  /// - Parameters:
  ///   - snapshots: of the recorders of all workers.
  ///   - ports: all that there were, in order of addition.
  ///   - since: nanoseconds since 1970; older frames are left out.
  ///   - longest: bytes; longer frames are left out.
  init(_ snapshots: [FlightRecorder.Snapshot], ports: [RecordedPort], since: UInt64, longest: Int = .max) {
    self.ports = ports
    let places = Dictionary(grouping: ports.indices) { ports[$0].index }
    let place = { (index: Int, time: UInt64) in Self.place(among: places[index] ?? [], time, ports) }
    frames = Self.merge(snapshots.map { Self.frames($0, since: since, longest: longest, place) })
  }

  /// The frames of one worker.
  private static func frames(
    _ snapshot: FlightRecorder.Snapshot, since: UInt64, longest: Int, _ place: (_ index: Int, _ time: UInt64) -> Int?
  ) -> [RecordedFrame] {
    let records = snapshot.records
    var frames: [RecordedFrame] = []
    let first =
      snapshot.end &- UInt64(records.count / FlightRecorder.recordSize) &+ TapSet.numberBase(of: snapshot.worker)
    for start in stride(from: 0, to: records.count - FlightRecorder.recordSize + 1, by: FlightRecorder.recordSize) {
      let number = { (offset: Int, count: Int) -> UInt64 in
        records[(start + offset)..<(start + offset + count)].reversed().reduce(0) { $0 << 8 | UInt64($1) }
      }
      let (time, length) = (number(0, 8), Int(number(8, 4)))
      guard time >= since, length <= longest, let port = place(Int(number(12, 2)), time) else { continue }
      let outputCount = Int(number(16, 2))
      let outputs = (0..<min(outputCount, FlightRecorder.keptOutputs)).compactMap {
        place(Int(number(18 + 2 * $0, 2)), time)
      }
      let bytes = start + FlightRecorder.headSize
      frames.append(
        RecordedFrame(
          timestamp: time, port: port, outputs: outputs, outputCount: outputCount, length: length,
          bytes: Array(records[bytes..<(bytes + min(length, FlightRecorder.keptBytes))]),
          drop: FrameDrop(rawValue: UInt8(number(14, 1))),
          packetID: first &+ UInt64(start / FlightRecorder.recordSize) &+ 1, isSent: number(15, 1) & 1 != 0,
          segmentationType: UInt8(number(15, 1) >> 1 & 7)))
    }
    return frames
  }

  /// Merges by time; each part stays in its order, whatever a clock that was set has made of it.
  private static func merge(_ parts: [[RecordedFrame]]) -> [RecordedFrame] {
    guard parts.count > 1 else { return parts.first ?? [] }
    var merged: [RecordedFrame] = []
    merged.reserveCapacity(parts.reduce(0) { $0 + $1.count })
    var heads = parts.map { $0.first?.timestamp }
    var places = Array(repeating: 0, count: parts.count)
    while true {
      var next: (part: Int, time: UInt64)?
      for part in parts.indices {
        guard let head = heads[part], next.map({ head < $0.time }) ?? true else { continue }
        next = (part, head)
      }
      guard let part = next?.part else { return merged }
      merged.append(parts[part][places[part]])
      places[part] += 1
      heads[part] = places[part] < parts[part].count ? parts[part][places[part]].timestamp : nil
    }
  }

  /// The port that had a number at that time, of all that ever had it.
  private static func place(among places: [Int], _ time: UInt64, _ ports: [RecordedPort]) -> Int? {
    places.last { ports[$0].from <= time && time <= ports[$0].until } ?? places.last
  }
}
