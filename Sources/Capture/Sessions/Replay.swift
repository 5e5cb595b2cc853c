package import Dataplane
internal import LinuxHost

/// Why a file cannot be replayed.
package enum ReplayError: Error, Sendable, CustomStringConvertible {
  case file(CaptureFileError)
  case host(String)
  /// LINKTYPE_* other than Ethernet.
  case notEthernet(UInt16)
  case refused(DataplaneError)

  package var description: String {
    switch self {
    case .file(let error): error.description
    case .host(let message): message
    case .notEthernet(let type): "the capture file has frames of link type \(type); only Ethernet (1) can be sent"
    case .refused(let error): "\(error)"
    }
  }
}

/// Sends the frames of a capture file into a port, as if its node had, at the times they were captured.
package struct Replay: Sendable {
  /// What was done so far.
  package struct Counts: Sendable, Equatable {
    package var sent: UInt64 = 0
    /// Left out, since the file has only their first bytes, or they are longer than any frame here.
    package var incomplete: UInt64 = 0
    /// Left out by choice: of other interfaces, or on their way out.
    package var others: UInt64 = 0

    package init(sent: UInt64 = 0) { self.sent = sent }
  }

  private static let piece = 1 << 20
  /// Frames handed over at once, and the time within which frames count as due.
  private static let batch = 256
  private static let slack = Duration.microseconds(200)

  /// Only frames of the interface of that name; nil = of all.
  package var interface: String?
  /// Only frames that the file marks as sent by the node, if it marks any.
  package var inboundOnly = false
  /// How many times faster; 0 = as fast as it goes.
  package var speed = 1.0

  package init() {}

  /// Replays a file to its end; a cancelled task ends it early.
  package func run(_ path: String, into port: String, of dataplane: Dataplane) async throws(ReplayError) -> Counts {
    var state = ReplayState(port: port, dataplane: dataplane, speed: speed)
    var reader = CaptureFileReader()
    var names: [String] = []
    let file = try open(path)
    while !Task.isCancelled {
      let bytes = try read(file)
      guard !bytes.isEmpty else { break }
      reader.append(bytes)
      while let item = try next(&reader), !Task.isCancelled {
        switch item {
        case .interface(let interface): names.append(interface.name)
        case .packet(let packet): try await take(packet, names, &state)
        case .statistics: break
        }
      }
    }
    if !Task.isCancelled {
      do throws(CaptureFileError) { try reader.finish() } catch { throw .file(error) }
    }
    try await state.flush()
    return state.counts
  }

  private func take(_ packet: CaptureFilePacket, _ names: [String], _ state: inout ReplayState)
    async throws(ReplayError)
  {
    guard packet.linkType == Pcapng.ethernet else { throw .notEthernet(packet.linkType) }
    let number = Int(packet.packet.interface)
    let name = number < names.count ? names[number] : ""
    let isOut = (packet.packet.flags ?? 0) & 3 == Pcapng.Flags.outbound
    guard interface == nil || interface == name, !(inboundOnly && isOut) else {
      state.counts.others += 1
      return
    }
    guard packet.bytes.count == packet.packet.originalLength, packet.bytes.count <= Dataplane.longestFrame else {
      state.counts.incomplete += 1
      return
    }
    try await state.add(packet.bytes, at: packet.hasTime ? packet.packet.timestamp : nil, Self.batch, Self.slack)
  }

  private func open(_ path: String) throws(ReplayError) -> Descriptor {
    do throws(SystemError) { return try Descriptor.openFile(path) } catch { throw .host("\(error)") }
  }

  private func read(_ file: Descriptor) throws(ReplayError) -> [UInt8] {
    do throws(SystemError) { return try file.read(size: Self.piece) } catch { throw .host("\(error)") }
  }

  private func next(_ reader: inout CaptureFileReader) throws(ReplayError) -> CaptureFileItem? {
    do throws(CaptureFileError) { return try reader.next() } catch { throw .file(error) }
  }
}

/// Frames that are due, and when the rest is.
private struct ReplayState {
  let port: String
  let dataplane: Dataplane
  let speed: Double
  var counts = Replay.Counts()
  private var due: [[UInt8]] = []
  /// Time of the first frame, in the file and here.
  private var origin: (file: UInt64, here: ContinuousClock.Instant)?

  init(port: String, dataplane: Dataplane, speed: Double) {
    self.port = port
    self.dataplane = dataplane
    self.speed = speed
  }

  /// Waits until the frame is due, if it has a time, and takes it in.
  mutating func add(
    _ frame: [UInt8], at time: UInt64?, _ batch: Int, _ slack: Duration
  ) async throws(ReplayError) {
    if let time, speed > 0 {
      let origin = origin ?? (time, ContinuousClock.now)
      self.origin = origin
      // A file whose times go back is not waited for.
      let offset = time > origin.file ? Double(time - origin.file) / 1e9 / speed : 0
      let moment = origin.here + .seconds(min(offset, 1e9))
      if moment > ContinuousClock.now + slack {
        try await flush()
        try? await Task.sleep(until: moment, clock: .continuous)
      }
    }
    guard !Task.isCancelled else { return }
    due.append(frame)
    if due.count >= batch { try await flush() }
  }

  /// Sends what is due.
  mutating func flush() async throws(ReplayError) {
    guard !due.isEmpty else { return }
    do throws(DataplaneError) {
      try await dataplane.inject(port: port, frames: due)
    } catch {
      throw .refused(error)
    }
    counts.sent += UInt64(due.count)
    due = []
  }
}
