package import Dataplane
internal import LinuxHost

/// Why a file was not replayed, or not to its end.
package struct ReplayError: Error, Sendable, CustomStringConvertible {
  package enum Reason: Error, Sendable {
    case file(CaptureFileError)
    /// What the system says.
    case host(String)
    /// A folder, a pipe, a device: reading it might never end.
    case notRegular
    case empty
    /// LINKTYPE_* other than Ethernet.
    case notEthernet(UInt16)
    case refused(DataplaneError)
  }

  package var reason: Reason
  package var path: String
  /// What was done before.
  package var counts: Replay.Counts

  package var description: String {
    switch reason {
    case .file(let error): "\(path): \(before)\(error)"
    case .host(let message): "\(path): \(before)\(message)"
    case .notRegular: "\(path) is no regular file"
    case .empty: "\(path) is empty: no capture file"
    case .notEthernet(let type):
      "\(path): \(before)the capture file has frames of link type \(type); only Ethernet (1) can be sent"
    case .refused(let error): "\(before)\(error)"
    }
  }

  private var before: String {
    switch counts.sent {
    case 0: ""
    case 1: "1 frame was sent, then: "
    default: "\(counts.sent) frames were sent, then: "
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
  ///
  /// Of a file that is damaged or cut short, all frames before the damage are sent.
  package func run(_ path: String, into port: String, of dataplane: Dataplane) async throws(ReplayError) -> Counts {
    var state = ReplayState(port: port, dataplane: dataplane, speed: speed)
    do throws(ReplayError.Reason) {
      try await send(path, &state)
      try await state.flush()
    } catch {
      var reason = error
      // Frames before the damage that are refused are the earlier error.
      do throws(ReplayError.Reason) { try await state.flush() } catch { reason = error }
      throw ReplayError(reason: reason, path: path, counts: state.counts)
    }
    return state.counts
  }

  private func send(_ path: String, _ state: inout ReplayState) async throws(ReplayError.Reason) {
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
    guard !Task.isCancelled else { return }
    do throws(CaptureFileError) { try reader.finish() } catch { throw .file(error) }
  }

  private func take(_ packet: CaptureFilePacket, _ names: [String], _ state: inout ReplayState)
    async throws(ReplayError.Reason)
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

  /// Only what ends and is read without waiting: this is one of Swift's few threads.
  private func open(_ path: String) throws(ReplayError.Reason) -> Descriptor {
    let file: Descriptor
    do throws(SystemError) { file = try Descriptor.openFile(path) } catch { throw Self.translate(error) }
    guard file.isRegularFile else { throw .notRegular }
    guard file.fileSize != 0 else { throw .empty }
    return file
  }

  private func read(_ file: Descriptor) throws(ReplayError.Reason) -> [UInt8] {
    do throws(SystemError) { return try file.read(size: Self.piece) } catch { throw Self.translate(error) }
  }

  private static func translate(_ error: SystemError) -> ReplayError.Reason {
    .host("\(SystemError.text(of: error.code)) (\(SystemError.name(of: error.code)))")
  }

  private func next(_ reader: inout CaptureFileReader) throws(ReplayError.Reason) -> CaptureFileItem? {
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
  ) async throws(ReplayError.Reason) {
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

  /// Sends what is due; what is refused is not tried again.
  mutating func flush() async throws(ReplayError.Reason) {
    guard !due.isEmpty else { return }
    let frames = due
    due = []
    do throws(DataplaneError) {
      try await dataplane.inject(port: port, frames: frames)
    } catch {
      throw .refused(error)
    }
    counts.sent += UInt64(frames.count)
  }
}
