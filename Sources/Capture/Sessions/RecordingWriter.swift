package import Dataplane
internal import Frames

/// Writes what the flight recorder held as a capture: frames as they came in or were sent by a switch, with where
/// they went.
package enum RecordingWriter {
  /// What of a recording is wanted, and how its file describes itself.
  package struct Options: Sendable {
    /// Names of ports; nil = all.
    ///
    /// Of their frames those are taken that `settings.tap.directions` says: `fromNode` came in by one of them, `toNode` went
    /// to one of them (of a flood the first seven outputs are known).
    package var ports: Set<String>?
    /// Judged by the bytes that were kept: what looks behind them does not find the frame.
    package var filter: Filter?
    package var drops = DroppedFrames.included
    package var settings = CaptureSettings()
    package init() {}
  }

  /// Writes a recording and closes the sink; returns the frames written.
  ///
  /// Of the settings, names, directions, snap length and count are heeded.
  package static func write(
    _ recording: FlightRecording, _ options: Options, to sink: any CaptureSink
  ) throws(CaptureSinkError) -> UInt64 {
    defer { sink.close() }
    var pieces = Pieces(recording, options)
    while let piece = pieces.next() { try sink.write(piece) { false } }
    return pieces.written
  }

  /// The same in pieces of whole blocks, each made when it is asked for.
  package struct Pieces: IteratorProtocol, Sendable {
    /// Bytes of blocks that are handed over in one go, or a block more.
    private static let size = 1 << 16

    private let recording: FlightRecording
    private let options: Options
    private var frames: FlightRecording.Iterator
    private var writer = PcapngWriter()
    /// Numbers of the interfaces, by places in the recording's ports.
    private var numbers: [Int: UInt32] = [:]
    /// Frames that may still come.
    private var left: UInt64
    /// Frames so far.
    package private(set) var written: UInt64 = 0

    package init(_ recording: FlightRecording, _ options: Options) {
      (self.recording, self.options) = (recording, options)
      frames = recording.makeIterator()
      left = options.settings.count ?? .max
      writer.add(options.settings.section)
      // Ports that nobody asked for are named only where frames came in by them.
      let named = RecordingWriter.named(recording, options)
      for place in named {
        numbers[place] = UInt32(numbers.count)
        writer.add(RecordingWriter.interface(recording.ports[place], options))
      }
      if !named.isEmpty { writer.add(names: options.settings.names) }
    }

    package mutating func next() -> [UInt8]? {
      while left > 0, writer.count < Self.size, let frame = frames.next() {
        guard RecordingWriter.isWanted(frame, recording, options) else { continue }
        add(frame)
        left -= 1
        written += 1
      }
      return writer.count > 0 ? writer.take() : nil
    }

    private mutating func add(_ frame: RecordedFrame) {
      let snap = options.settings.tap.snapLength
      let kept = snap == 0 ? FlightRecording.keptBytes : min(snap, FlightRecording.keptBytes)
      var packet = PcapngPacket()
      packet.interface = numbers[frame.port] ?? 0
      packet.timestamp = frame.timestamp
      packet.originalLength = frame.length
      var flags = RecordWriter.flags(isInbound: !frame.isSent, frame.bytes)
      if frame.segmentationType != 0 { flags |= Pcapng.Flags.segmentationOffloaded | Pcapng.Flags.checksumNotReady }
      packet.flags = flags
      packet.packetID = frame.packetID
      packet.verdict = options.settings.writesVerdicts && frame.drop != .none ? frame.drop.rawValue : nil
      packet.comment = RecordingWriter.comment(frame, recording)
      writer.add(packet, Array(frame.bytes.prefix(kept)))
    }
  }

  private static func interface(_ port: RecordedPort, _ options: Options) -> PcapngInterface {
    var block = PcapngInterface()
    block.name = port.name
    block.description = port.switchName.map { "port of switch \($0)" } ?? "end of a wire"
    block.address = port.address.allSatisfy({ $0 == 0 }) ? [] : port.address
    block.filter = options.filter?.text ?? ""
    block.hardware = "apus \(port.kind.rawValue) port"
    return block
  }

  /// Places of the ports that the file describes, in order.
  private static func named(_ recording: FlightRecording, _ options: Options) -> [Int] {
    guard let ports = options.ports else { return Array(recording.ports.indices) }
    var used: Set<Int> = []
    var left = options.settings.count ?? .max
    for frame in recording where isWanted(frame, recording, options) {
      guard left > 0 else { break }
      left -= 1
      used.insert(frame.port)
    }
    return recording.ports.indices.filter { used.contains($0) || ports.contains(recording.ports[$0].name) }
  }

  private static func isWanted(_ frame: RecordedFrame, _ recording: FlightRecording, _ options: Options) -> Bool {
    if let ports = options.ports {
      let directions = options.settings.tap.directions
      let cameIn = !frame.isSent && ports.contains(recording.ports[frame.port].name)
      let wentOut = frame.outputs.contains { ports.contains(recording.ports[$0].name) }
      guard directions.contains(.fromNode) && cameIn || directions.contains(.toNode) && wentOut else { return false }
    }
    switch options.drops {
    case .only: guard frame.drop != .none else { return false }
    case .ignored: guard frame.drop == .none else { return false }
    case .included: break
    }
    return options.filter?.program?.accepts(frame.bytes, length: frame.length) ?? true
  }

  /// As `to b.eth0, c.eth0 and 3 more; large, TCP; dropped: no-buffer`.
  private static func comment(_ frame: RecordedFrame, _ recording: FlightRecording) -> String? {
    var parts: [String] = []
    if frame.outputCount > 0 {
      let names = frame.outputs.map { recording.ports[$0].name }.joined(separator: ", ")
      let more = frame.outputCount - frame.outputs.count
      parts.append("to \(names)" + (more > 0 ? " and \(more) more" : ""))
    }
    if frame.segmentationType != 0 {
      parts.append(frame.segmentationType == Segmentation.udp ? "large, UDP" : "large, TCP")
    }
    if let reason = frame.drop.name { parts.append("dropped: \(reason)") }
    return parts.isEmpty ? nil : parts.joined(separator: "; ")
  }
}
