package import Dataplane

/// Why a file was not replayed, or not to its end.
package struct ReplayError: Error, Sendable, CustomStringConvertible {
  package enum Reason: Error, Sendable {
    case file(CaptureFileError)
    /// What the system says.
    case host(String)
    /// A folder, a pipe, a device: reading it might never end.
    case notRegular
    case empty
    /// What is wrong with a file that is compressed.
    case gzip(String)
    /// No interface of the file is called so; those that are.
    case unknownInterface(String, known: [String])
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
    case .gzip(let message): "\(path): \(before)\(message)"
    case .unknownInterface(let name, let known):
      "\(path) has no interface \"\(name)\"; "
        + (known.isEmpty ? "its interfaces have no names" : "there are \(known.joined(separator: ", "))")
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
    /// Left out by choice: of other interfaces, or in another direction.
    package var others: UInt64 = 0
    /// Left out, since they were dropped where they were captured, and so were not there.
    package var dropped: UInt64 = 0
    /// Left out, since they are not Ethernet.
    package var foreign: UInt64 = 0
    /// Of those sent, those that the file marks as on their way to a node: copies of others, as a rule.
    package var outbound: UInt64 = 0

    package init(sent: UInt64 = 0) { self.sent = sent }
  }

  /// Frames handed over at once, and the time within which frames count as due.
  private static let batch = 256
  private static let slack = Duration.microseconds(200)

  /// Only frames of interfaces that have one of these names, as the file has them; nil = of all.
  ///
  /// The first is the one that messages tell.
  package var interfaces: [String]?
  /// Only frames that the file marks as sent by the node, or to it; such as it does not mark are in both.
  package var directions = CaptureDirections.both
  /// How many times faster; 0 = as fast as it goes.
  package var speed = 1.0

  /// Sends frames as if the node of a port had.
  package typealias Inject = @Sendable (_ port: String, _ frames: [[UInt8]]) async throws(DataplaneError) -> Void

  package init() {}

  /// Replays a file to its end; a cancelled task ends it early.
  ///
  /// Of a file that is damaged or cut short, all frames before the damage are sent.
  package func run(_ path: String, into port: String, of dataplane: Dataplane) async throws(ReplayError) -> Counts {
    try await run(path, into: port) { port, frames async throws(DataplaneError) in
      try await dataplane.inject(port: port, frames: frames)
    }
  }

  /// The same, for a data plane that may end meanwhile.
  package func run(
    _ path: String, into port: String, by inject: @escaping Inject
  ) async throws(ReplayError) -> Counts {
    var state = ReplayState(port: port, inject: inject, speed: speed)
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
    var source = try ReplaySource(path)
    do throws(ReplayError.Reason) {
      try await send(&source, &state)
    } catch {
      await source.close()
      throw error
    }
    await source.close()
  }

  private func send(_ source: inout ReplaySource, _ state: inout ReplayState) async throws(ReplayError.Reason) {
    var reader = CaptureFileReader()
    var names: [String] = []
    var isEmpty = true
    while !Task.isCancelled {
      let bytes = try await source.next()
      guard !bytes.isEmpty else { break }
      isEmpty = false
      reader.append(bytes)
      while let item = try next(&reader), !Task.isCancelled {
        switch item {
        case .interface(let interface): if !names.contains(interface.name) { names.append(interface.name) }
        case .packet(let packet): try await take(packet, &state)
        case .statistics: break
        }
      }
    }
    guard !Task.isCancelled else { return }
    // A compressed file of nothing.
    guard !isEmpty else { throw .empty }
    do throws(CaptureFileError) { try reader.finish() } catch { throw .file(error) }
    if let interfaces, !names.contains(where: interfaces.contains) {
      throw .unknownInterface(interfaces.first ?? "", known: names.filter { !$0.isEmpty })
    }
  }

  private func take(_ packet: CaptureFilePacket, _ state: inout ReplayState) async throws(ReplayError.Reason) {
    guard interfaces?.contains(packet.interfaceName) ?? true else { return state.counts.others += 1 }
    let direction = (packet.packet.flags ?? 0) & 3
    let isOut = direction == Pcapng.Flags.outbound
    guard direction == 0 || directions.contains(isOut ? .toNode : .fromNode) else {
      return state.counts.others += 1
    }
    guard packet.linkType == Pcapng.ethernet else { return state.counts.foreign += 1 }
    // As our captures say it of frames that went nowhere; a recorded one that went somewhere begins with `to`.
    guard packet.packet.comment?.hasPrefix("dropped: ") != true else { return state.counts.dropped += 1 }
    guard packet.bytes.count == packet.packet.originalLength, packet.bytes.count <= Dataplane.longestFrame else {
      return state.counts.incomplete += 1
    }
    try await state.add(packet.bytes, at: packet.hasTime ? packet.packet.timestamp : nil, Self.batch, Self.slack)
    if isOut { state.counts.outbound += 1 }
  }

  private func next(_ reader: inout CaptureFileReader) throws(ReplayError.Reason) -> CaptureFileItem? {
    do throws(CaptureFileError) { return try reader.next() } catch { throw .file(error) }
  }
}

/// Frames that are due, and when the rest is.
private struct ReplayState {
  let port: String
  let inject: Replay.Inject
  let speed: Double
  var counts = Replay.Counts()
  private var due: [[UInt8]] = []
  /// Time of the first frame, in the file and here.
  private var origin: (file: UInt64, here: ContinuousClock.Instant)?

  init(port: String, inject: @escaping Replay.Inject, speed: Double) {
    self.port = port
    self.inject = inject
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
      try await inject(port, frames)
    } catch {
      throw .refused(error)
    }
    counts.sent += UInt64(frames.count)
  }
}
