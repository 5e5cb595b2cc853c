import LinuxHost
import Synchronization

/// A stream socket that carries lines, both ways: the guest's agent and QEMU's monitor.
///
/// What comes in is read only as fast as `next` is called, and a line has an upper bound: the peer may be hostile.
final class LineConnection: Sendable {
  /// Bytes of the longest line that is taken as a rule; the builtin guest's agent sends at most 4096.
  static let lineLimit = 16 << 10

  private struct Incoming {
    var bytes: [UInt8] = []
    /// Bytes of `bytes` that are known to hold no line end.
    var searched = 0
  }

  private struct Outgoing: Sendable {
    var bytes: [UInt8]
    /// Goes with the first of them.
    var descriptor: Descriptor?
  }

  /// Another one comes in its place when the machine moves.
  let socket: SwitchedSocket
  private let incoming = Mutex(Incoming())
  private let outbox: AsyncStream<Outgoing>.Continuation
  private let queue: SendQueue
  private let writer: Task<Void, Never>
  private let limit: Int

  init(_ socket: Descriptor, lineLimit: Int = lineLimit) {
    let socket = SwitchedSocket(socket)
    self.socket = socket
    limit = lineLimit
    let (stream, continuation) = AsyncStream.makeStream(of: Outgoing.self)
    outbox = continuation
    let queue = SendQueue()
    self.queue = queue
    writer = Task {
      for await item in stream {
        guard await socket.write(item.bytes, with: item.descriptor) else { break }
        queue.note(sent: item.bytes.count)
      }
      queue.end()
    }
  }

  deinit { close() }

  /// Queues a line; the order of calls is the order on the wire.
  ///
  /// After the peer is gone it goes nowhere.
  /// - Parameter descriptor: goes with it: the peer gets a duplicate.
  func send(_ line: String, with descriptor: Descriptor? = nil) {
    queue.note(queued: line.utf8.count + 1)
    outbox.yield(Outgoing(bytes: Array(line.utf8) + [UInt8(ascii: "\n")], descriptor: descriptor))
  }

  /// Bytes that wait to be sent; for tests.
  var queuedBytes: Int { queue.count }

  /// Queues a line once no more than a bounded number of bytes is before it.
  /// - Returns: false when nothing is sent any more, or the task was cancelled.
  func sendInTurn(_ line: String) async -> Bool {
    guard await queue.waitForRoom() else { return false }
    send(line)
    return true
  }

  /// Ends what is sent.
  ///
  /// A waiting `next` ends when its task is cancelled.
  func close() {
    outbox.finish()
    writer.cancel()
  }

  /// The next line without its end; nil when the peer has closed, broke the bound, or the task was cancelled.
  ///
  /// One caller at a time.
  func next() async -> String? {
    while !Task.isCancelled {
      if let line = incoming.withLock({ Self.takeLine(&$0) }) { return line.utf8.count <= limit ? line : nil }
      guard incoming.withLock({ $0.bytes.count }) <= limit else { return nil }
      guard let bytes = await socket.read() else { return nil }
      incoming.withLock { $0.bytes += bytes }
    }
    return nil
  }

  private static func takeLine(_ incoming: inout Incoming) -> String? {
    guard let end = incoming.bytes[incoming.searched...].firstIndex(of: UInt8(ascii: "\n")) else {
      incoming.searched = incoming.bytes.count
      return nil
    }
    var line = incoming.bytes[..<end]
    if line.last == UInt8(ascii: "\r") { line.removeLast() }
    let text = String(decoding: line, as: UTF8.self)
    incoming.bytes.removeSubrange(...end)
    incoming.searched = 0
    return text
  }

  /// Writes to a socket that may not take everything at once.
  /// - Returns: false when the peer is gone or the task was cancelled.
  static func write(_ bytes: [UInt8], to socket: Descriptor) async -> Bool {
    await SwitchedSocket.write(bytes, to: socket)
  }
}
