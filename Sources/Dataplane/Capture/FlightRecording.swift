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

/// What a flight recorder held at one moment.
package struct FlightRecording: Sendable, Equatable {
  /// Bytes of a frame that are kept.
  package static var keptBytes: Int { FlightRecorder.keptBytes }

  package var ports: [RecordedPort] = []
  /// The oldest first.
  package var frames: [RecordedFrame] = []

  /// - Parameters:
  ///   - records: as `FlightRecorder.snapshot` gives them.
  ///   - end: the position behind the last.
  ///   - ports: all that there were, in order of addition.
  ///   - since: nanoseconds since 1970; older frames are left out.
  ///   - longest: bytes; longer frames are left out.
  init(_ records: [UInt8], until end: UInt64 = 0, ports: [RecordedPort], since: UInt64, longest: Int = .max) {
    self.ports = ports
    let places = Dictionary(grouping: ports.indices) { ports[$0].index }
    let place = { (index: Int, time: UInt64) in Self.place(among: places[index] ?? [], time, ports) }
    let first = end &- UInt64(records.count / FlightRecorder.recordSize)
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
  }

  /// The port that had a number at that time, of all that ever had it.
  private static func place(among places: [Int], _ time: UInt64, _ ports: [RecordedPort]) -> Int? {
    places.last { ports[$0].from <= time && time <= ports[$0].until } ?? places.last
  }
}
