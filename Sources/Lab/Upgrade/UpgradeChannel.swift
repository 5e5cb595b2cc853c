import FoundationEssentials
import LinuxHost

/// One end of the socket between the two daemons of an upgrade.
///
/// A message is 4 bytes with the size of its JSON, 4 with the count of its descriptors, both little-endian, the JSON,
/// and then for every 200 descriptors one byte that carries them. Used by one task at a time.
final class UpgradeChannel: Sendable {
  /// Why a message did not come or go.
  enum Failure: Error {
    /// The other one has gone.
    case ended
    case late
    /// What came is none of these messages.
    case garbled(String)
    case host(SystemError)
  }

  private static let headSize = 8
  /// Bytes of a message: the frames that a lab holds may be many.
  private static let largest = 1 << 30
  private static let mostDescriptors = 1 << 16
  private static let batch = 200
  private static let pieceSize = 1 << 18

  private let socket: Descriptor

  init(_ socket: Descriptor) {
    self.socket = socket
    UnixSocket.widenSendBuffer(socket, to: 8 << 20)
  }

  // MARK: - Sending

  /// - Throws: `ended`, `late`, `host`.
  func send(
    _ message: UpgradeMessage, _ descriptors: [Descriptor] = [], by deadline: ContinuousClock.Instant
  ) async throws(Failure) {
    let json: [UInt8]
    do {
      json = [UInt8](try JSONEncoder().encode(message))
    } catch {
      throw .garbled("\(message.word) cannot be written: \(ErrorWords.of(error))")
    }
    guard json.count <= Self.largest, descriptors.count <= Self.mostDescriptors else {
      throw .host(.tooLong("\(message.word): \(json.count) bytes with \(descriptors.count) descriptors"))
    }
    try await write(Self.bytes(UInt32(json.count)) + Self.bytes(UInt32(descriptors.count)) + json, [], deadline)
    var rest = descriptors[...]
    while !rest.isEmpty {
      try await write([0], Array(rest.prefix(Self.batch)), deadline)
      rest = rest.dropFirst(Self.batch)
    }
  }

  private func write(
    _ bytes: [UInt8], _ descriptors: [Descriptor], _ deadline: ContinuousClock.Instant
  ) async throws(Failure) {
    var done = 0
    var descriptors = descriptors
    while done < bytes.count {
      do throws(SystemError) {
        let piece = Array(bytes[done..<min(done + Self.pieceSize, bytes.count)])
        if let count = try UnixSocket.send(socket, piece, descriptors: descriptors) {
          done += count
          descriptors = []
          continue
        }
        // The other one is reading: soon there is room.
        _ = try socket.waitWritable(milliseconds: 5)
      } catch {
        throw error.isGone ? .ended : .host(error)
      }
      if Task.isCancelled || ContinuousClock.now > deadline { throw .late }
      await Task.yield()
    }
  }

  private static func bytes(_ number: UInt32) -> [UInt8] {
    (0..<4).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
  }

  // MARK: - Receiving

  /// The next message.
  /// - Throws: `late` also when the task is cancelled; `ended`, `garbled`, `host`.
  func receive(by deadline: ContinuousClock.Instant) async throws(Failure) -> (UpgradeMessage, [Descriptor]) {
    let head = try await read(Self.headSize, deadline)
    let (size, count) = (Self.number(head[0..<4]), Self.number(head[4..<8]))
    guard size <= Self.largest, count <= Self.mostDescriptors else {
      throw .garbled("a message of \(size) bytes with \(count) descriptors")
    }
    let json = try await read(size, deadline)
    var descriptors: [Descriptor] = []
    while descriptors.count < count {
      let wanted = min(count - descriptors.count, Self.batch)
      let more = try await readDescriptors(wanted, deadline)
      guard more.count == wanted else { throw .garbled("\(more.count) descriptors where there are to be \(wanted)") }
      descriptors += more
    }
    do {
      return (try JSONDecoder().decode(UpgradeMessage.self, from: Data(json)), descriptors)
    } catch {
      throw .garbled(ErrorWords.of(error))
    }
  }

  private static func number(_ bytes: ArraySlice<UInt8>) -> Int {
    bytes.reversed().reduce(0) { $0 << 8 | Int($1) }
  }

  private func read(_ size: Int, _ deadline: ContinuousClock.Instant) async throws(Failure) -> [UInt8] {
    var bytes: [UInt8] = []
    while bytes.count < size {
      let (more, _) = try await readOnce(min(size - bytes.count, Self.pieceSize), 0, deadline)
      bytes += more
    }
    return bytes
  }

  private func readDescriptors(_ count: Int, _ deadline: ContinuousClock.Instant) async throws(Failure) -> [Descriptor]
  {
    try await readOnce(1, count, deadline).descriptors
  }

  private func readOnce(
    _ size: Int, _ count: Int, _ deadline: ContinuousClock.Instant
  ) async throws(Failure) -> (bytes: [UInt8], descriptors: [Descriptor]) {
    while true {
      let received: UnixSocket.Received
      do throws(SystemError) {
        received = try UnixSocket.receive(socket, size: size, maximumDescriptors: count)
      } catch {
        throw error.isGone ? .ended : .host(error)
      }
      switch received {
      case .data(let bytes, let descriptors): return (bytes, descriptors)
      case .end: throw .ended
      case .wouldBlock: break
      }
      try await wait(deadline)
    }
  }

  private func wait(_ deadline: ContinuousClock.Instant) async throws(Failure) {
    let left = (deadline - .now) / .seconds(1)
    do throws(SystemError) {
      guard left > 0, try await Readiness.wait(for: socket, timeoutSeconds: left) else { throw SystemError.timeOut }
    } catch {
      throw error == .timeOut ? .late : .host(error)
    }
  }

  // MARK: - At the end

  /// Whether a message of some kind has come and was not taken.
  func hasReceived(_ isMeant: (UpgradeMessage) -> Bool) async -> Bool {
    let deadline = ContinuousClock.now + .milliseconds(100)
    while let (message, _) = try? await receive(by: deadline) {
      if isMeant(message) { return true }
    }
    return false
  }

  /// Returns when the other one has closed its end, or at the deadline.
  func waitForEnd(by deadline: ContinuousClock.Instant) async {
    while (try? await receive(by: deadline)) != nil {}
  }
}

extension SystemError {
  fileprivate static let timeOut = SystemError(call: "poll", code: 110, context: "")

  fileprivate static func tooLong(_ what: String) -> SystemError {
    SystemError(call: "sendmsg", code: 90, context: what)
  }

  /// The other end of a connection is closed.
  fileprivate var isGone: Bool { ["EPIPE", "ECONNRESET"].contains(Self.name(of: code)) }
}
