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

  /// Bytes of blocks that are handed over in one go.
  private static let piece = 1 << 16

  /// Writes a recording and closes the sink; returns the frames written.
  ///
  /// Of the settings, names, directions, snap length and count are heeded.
  package static func write(
    _ recording: FlightRecording, _ options: Options, to sink: any CaptureSink
  ) throws(CaptureSinkError) -> UInt64 {
    defer { sink.close() }
    var writer = PcapngWriter()
    writer.add(options.settings.section)
    let snap = options.settings.tap.snapLength
    let kept = snap == 0 ? FlightRecording.keptBytes : min(snap, FlightRecording.keptBytes)
    // Ports that nobody asked for are named only where frames came in by them.
    let limit = options.settings.count.map { Int(clamping: $0) } ?? .max
    let frames = recording.frames.filter { isWanted($0, recording, options) }.prefix(limit)
    let named = named(recording, frames, options)
    var numbers: [Int: UInt32] = [:]
    for place in named {
      numbers[place] = UInt32(numbers.count)
      writer.add(interface(recording.ports[place], options))
    }
    if !named.isEmpty { writer.add(names: options.settings.names) }
    var written: UInt64 = 0
    for frame in frames {
      var packet = PcapngPacket()
      packet.interface = numbers[frame.port] ?? 0
      packet.timestamp = frame.timestamp
      packet.originalLength = frame.length
      var flags = RecordWriter.flags(isInbound: !frame.isSent, frame.bytes)
      if frame.segmentationType != 0 { flags |= Pcapng.Flags.segmentationOffloaded | Pcapng.Flags.checksumNotReady }
      packet.flags = flags
      packet.packetID = frame.packetID
      packet.verdict = options.settings.writesVerdicts && frame.drop != .none ? frame.drop.rawValue : nil
      packet.comment = comment(frame, recording)
      writer.add(packet, Array(frame.bytes.prefix(kept)))
      written += 1
      if writer.count >= piece { try sink.write(writer.take()) { false } }
    }
    try sink.write(writer.take()) { false }
    return written
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
  private static func named(
    _ recording: FlightRecording, _ frames: ArraySlice<RecordedFrame>, _ options: Options
  ) -> [Int] {
    guard let ports = options.ports else { return Array(recording.ports.indices) }
    let used = Set(frames.map(\.port))
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
