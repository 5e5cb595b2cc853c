import Foundation
import Glibc
import LinuxHost
import Synchronization

/// A Chromium process and the DevTools protocol with it: JSON messages with a zero byte after each, in over its
/// descriptor 3 and out over its descriptor 4 (`--remote-debugging-pipe`), so that no port is open to anybody else.
final class ChromiumPipe: Sendable {
  private let child: RunningChild
  private let outgoing: AsyncStream<[UInt8]>.Continuation
  private let state = Mutex(State())
  private let tasks = Mutex<[Task<Void, Never>]>([])
  private let log: String
  private let onEvent: @Sendable (_ method: String, _ parameters: JSON) -> Void

  private struct State {
    var lastNumber = 0
    var waiting: [Int: CheckedContinuation<JSON, any Error>] = [:]
    /// How the process ended; nil while it runs.
    var end: String?
  }

  /// Starts the process.
  /// - Parameters:
  ///   - log: file to which its own messages go.
  ///   - onEvent: called with each event, in the order of their arrival.
  init(
    _ command: [String], environment: [String: String], log: String,
    onEvent: @escaping @Sendable (_ method: String, _ parameters: JSON) -> Void
  ) throws {
    // What a process is started with here has the three standard streams only; the shell turns two of them into the
    // descriptors that Chromium wants. All its processes live in a namespace of processes that ends with the first
    // of them, so none is left whatever happens.
    let script = "exec \"$@\" 3<&0 4>&1 </dev/null >>\"$0\" 2>&1"
    let namespace = ["--pid", "--mount-proc", "--fork", "--kill-child", "sh", "-c", script, log]
    var request = SpawnRequest(executable: "unshare", arguments: namespace + command, environment: environment)
    request.isFed = true
    request.standardError = log
    self.log = log
    self.onEvent = onEvent
    child = try RunningChild(request)
    let messages = AsyncStream.makeStream(of: [UInt8].self)
    outgoing = messages.continuation
    let reader = Task { await self.read() }
    // One task writes, as the input takes one caller at a time.
    let writer = Task { [child] in for await message in messages.stream { _ = await child.input?.write(message) } }
    tasks.withLock { $0 = [reader, writer] }
  }

  /// The process, whose end takes all others of this Chromium with it.
  var process: ProcessIdentity { child.process }

  /// Sends a command and waits for its result.
  /// - Parameter session: of the page that it is about; nil: the browser.
  func ask(
    _ method: String, _ parameters: JSON = [:], session: String? = nil, within seconds: Double = 60
  ) async throws -> JSON {
    let number = state.withLock { state in
      state.lastNumber += 1
      return state.lastNumber
    }
    var message: [String: JSON] = ["id": .number(Double(number)), "method": .text(method), "params": parameters]
    if let session { message["sessionId"] = .text(session) }
    let bytes = Array(try JSONEncoder().encode(JSON.fields(message))) + [0]
    let timer = Task {
      try await Task.sleep(for: .seconds(seconds))
      answer(number, .failure(Failure("Chromium has no answer to \(method) within \(seconds) s")))
    }
    defer { timer.cancel() }
    let result = try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        let end = state.withLock { state in
          if state.end == nil { state.waiting[number] = continuation }
          return state.end
        }
        if let end { return continuation.resume(throwing: Failure("\(method): \(end)")) }
        if Task.isCancelled { return answer(number, .failure(CancellationError())) }
        outgoing.yield(bytes)
      }
    } onCancel: {
      answer(number, .failure(CancellationError()))
    }
    if let complaint = result["error"]["message"].text { throw Failure("\(method): \(complaint)") }
    return result["result"]
  }

  /// Ends the process: asks it to, and kills it if it does not listen.
  func close() async {
    _ = try? await ask("Browser.close", within: 10)
    if !(await child.process.wait(timeoutSeconds: 10)) { child.process.signalGroup(SIGKILL) }
    outgoing.finish()
    // Cancelled, the reader kills the child and takes its status, unless it has ended by now.
    for task in tasks.withLock({ $0 }) {
      task.cancel()
      await task.value
    }
  }

  private func read() async {
    var buffer: [UInt8] = []
    var status: Int32?
    while let event = try? await child.next() {
      switch event {
      case .output(_, let bytes):
        // Only what is new can hold the end of a message: screenshots come in many pieces.
        var searched = buffer.count
        buffer += bytes
        while let end = buffer[searched...].firstIndex(of: 0) {
          take(Data(buffer[..<end]))
          buffer.removeSubrange(...end)
          searched = 0
        }
      case .ended(let code): status = code
      }
    }
    let lines = (text(of: log) ?? "").split(separator: "\n").filter { !$0.contains(":ERROR:dbus/") }
    let end =
      "Chromium has ended\(status.map { " with status \($0)" } ?? "")\n\(lines.suffix(10).joined(separator: "\n"))"
    let waiting = state.withLock { state in
      state.end = end
      defer { state.waiting = [:] }
      return state.waiting
    }
    for continuation in waiting.values { continuation.resume(throwing: Failure(end)) }
  }

  private func take(_ bytes: Data) {
    guard let message = try? JSON(parsing: bytes) else { return }
    if let number = message["id"].number {
      answer(Int(number), .success(message))
    } else if let method = message["method"].text {
      onEvent(method, message["params"])
    }
  }

  private func answer(_ number: Int, _ result: Result<JSON, any Error>) {
    state.withLock { $0.waiting.removeValue(forKey: number) }?.resume(with: result)
  }
}
