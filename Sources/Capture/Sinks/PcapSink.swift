import Synchronization

/// One port's frames as pcap with nanoseconds, for programs that read nothing else.
///
/// Directions, names, comments and counts have no place there. Blocks come in as for any other sink.
package final class PcapSink: CaptureSink {
  /// Bytes of a frame that readers are to be ready for, as tcpdump and Wireshark write it.
  private static let snapLength: UInt32 = 262_144

  private struct State {
    var reader = CaptureFileReader()
    /// Nil until the capture has a port.
    var port: String?
    var target: (any CaptureSink)?
    var isClosed = false
  }

  private let state = Mutex(State())
  private let open: @Sendable () throws(CaptureSinkError) -> any CaptureSink
  private let hasHead: Bool

  /// - Parameters:
  ///   - hasHead: the target begins as such a file does; only frames are written.
  ///   - open: gives the target, for bytes of any kind; called once, when the port is known.
  package init(
    hasHead: Bool = false, _ open: @escaping @Sendable () throws(CaptureSinkError) -> any CaptureSink
  ) {
    (self.hasHead, self.open) = (hasHead, open)
  }

  package var isAbandoned: Bool { state.withLock(\.target)?.isAbandoned ?? false }

  package func write(_ blocks: [UInt8], isCancelled: () -> Bool) throws(CaptureSinkError) {
    let records = try state.withLock { state throws(CaptureSinkError) in try Self.records(blocks, &state) }
    let (port, target) = state.withLock { ($0.port, $0.target) }
    guard port != nil else { return }
    if let target {
      if !records.isEmpty { try target.write(records, isCancelled: isCancelled) }
      return
    }
    let new = try open()
    let isClosed = state.withLock { state in
      state.target = new
      return state.isClosed
    }
    guard !isClosed else { return new.close() }
    try new.write((hasHead ? [] : Self.head) + records, isCancelled: isCancelled)
  }

  /// Frames as records of a pcap file.
  private static func records(_ blocks: [UInt8], _ state: inout State) throws(CaptureSinkError) -> [UInt8] {
    state.reader.append(blocks)
    var output = PcapngBytes()
    var ports = state.port.map { [$0] } ?? []
    while let item = try next(&state.reader) {
      switch item {
      case .interface(let interface):
        // A port that was removed and added again is the same.
        if !ports.contains(interface.name) { ports.append(interface.name) }
      case .packet(let packet): add(packet, to: &output)
      case .statistics: break
      }
    }
    guard ports.count < 2 else { throw .severalPorts(ports) }
    state.port = ports.first
    return output.take()
  }

  private static func next(_ reader: inout CaptureFileReader) throws(CaptureSinkError) -> CaptureFileItem? {
    do throws(CaptureFileError) { return try reader.next() } catch { throw .failed("\(error)") }
  }

  /// Layout: seconds 4, nanoseconds 4, bytes kept 4, bytes of the frame 4, the bytes.
  private static func add(_ packet: CaptureFilePacket, to output: inout PcapngBytes) {
    let (seconds, rest) = packet.packet.timestamp.quotientAndRemainder(dividingBy: 1_000_000_000)
    output.add(UInt32(clamping: seconds))
    output.add(UInt32(truncatingIfNeeded: rest))
    output.add(UInt32(clamping: packet.bytes.count))
    output.add(UInt32(clamping: packet.packet.originalLength))
    output.add(packet.bytes)
  }

  /// Layout: magic 4, version 2 + 2, zone 4, accuracy 4, snap length 4, link type 4.
  private static var head: [UInt8] {
    var output = PcapngBytes()
    output.add(0xA1B2_3C4D as UInt32)
    output.add(2 as UInt16)
    output.add(4 as UInt16)
    output.add(0 as UInt64)
    output.add(snapLength)
    output.add(UInt32(Pcapng.ethernet))
    return output.take()
  }

  package func close() {
    let target = state.withLock { state in
      state.isClosed = true
      return state.target
    }
    target?.close()
  }
}
