import CLinux
import Glibc
import Synchronization

/// A child of ours with the read ends of its output, watched together.
///
/// Used by one task at a time, its input by another.
package final class RunningChild: @unchecked Sendable {
  let executable: String
  /// Where what the child reads is written; nil unless the request says that it is fed or has a terminal.
  package let input: ChildInput?
  private let identity: ProcessIdentity
  /// The child itself.
  package var process: ProcessIdentity { identity }
  private let isGroupLeader: Bool
  private let epoll: Epoll
  private let end: Descriptor
  /// Standard output and standard error while they are open and captured.
  private var streams: [Descriptor?]
  private(set) var hasEnded = false
  /// What `next` has yet to hand out, the first at the end.
  private var pending: [ChildEvent] = []
  private var isOver = false

  /// Starts the process of a request; streams without a file are captured.
  package init(_ request: SpawnRequest) throws(SystemError) {
    executable = request.executable
    let ends = try StandardEnds(request)
    epoll = try Epoll()
    (streams, input) = (ends.output, ends.input)
    isGroupLeader = request.newSession
    for (index, stream) in streams.enumerated() {
      if let stream { try epoll.add(stream.raw, token: UInt64(index), events: Epoll.input) }
    }
    identity = try start(request, standard: ends.child, isDetached: false)
    do throws(SystemError) {
      end = try identity.watch()
      try epoll.add(end.raw, token: endToken, events: Epoll.input)
    } catch {
      // A child that is not reaped yet keeps its number, so this reaches no other.
      Glibc.kill(identity.pid, SIGKILL)
      waitpid(identity.pid, nil, 0)
      throw error
    }
    Self.running.withLock { $0[identity.pid] = identity }
  }

  /// Children that were not taken yet.
  private static let running = Mutex<[Int32: ProcessIdentity]>([:])

  /// Kills all children, with their groups, for a process that ends and will see nothing more of them.
  package static func killAll() {
    for child in running.withLock({ Array($0.values) }) {
      child.signalGroup(SIGKILL)
      child.signal(SIGKILL)
    }
  }

  /// Readable when `advance` has something to do.
  var activity: Descriptor { epoll.descriptor }

  /// Hands over what has come; notes the end of the process.
  /// - Parameter timeout: milliseconds to wait for something to come; -1 = for ever.
  func advance(waitingMilliseconds timeout: CInt = 0, _ onOutput: (Bool, [UInt8]) -> Void) throws(SystemError) {
    var events = [EpollEvent](repeating: EpollEvent(), count: 3)
    let count = epoll.wait(into: &events, timeoutMilliseconds: timeout)
    for event in events.prefix(count) {
      if event.token == endToken {
        hasEnded = true
      } else {
        _ = try readOnce(Int(event.token), onOutput)
      }
    }
  }

  /// Hands over what is left in the pipes and takes the exit status.
  ///
  /// To be called once, after the end.
  func finish(_ onOutput: (Bool, [UInt8]) -> Void) throws(SystemError) -> Int32 {
    for index in streams.indices {
      // As much as a pipe can hold (1 MiB): a child left behind may go on writing for ever.
      for _ in 0..<32 {
        guard try readOnce(index, onOutput) else { break }
      }
    }
    Self.running.withLock { _ = $0.removeValue(forKey: identity.pid) }
    return try check(clinux_reap(identity.pid), "waitpid", "process \(identity.pid)")
  }

  /// One read from a stream; false if nothing was there or the stream is at its end.
  private func readOnce(_ index: Int, _ onOutput: (Bool, [UInt8]) -> Void) throws(SystemError) -> Bool {
    guard let stream = streams[index] else { return false }
    let bytes: [UInt8]
    do throws(SystemError) {
      bytes = try stream.read(size: 1 << 16)
    } catch let error where error.code == EAGAIN {
      return false
    } catch let error where error.code == EIO {
      bytes = []  // nobody has the terminal open any more
    }
    guard !bytes.isEmpty else {
      epoll.remove(stream.raw)
      streams[index] = nil
      return false
    }
    onOutput(index == 1, bytes)
    return true
  }

  /// Kills the process and takes its status.
  func kill() async {
    if isGroupLeader { identity.signalGroup(SIGKILL) }
    identity.signal(SIGKILL)
    let pid = identity.pid
    let end = end
    // Apart from the task, which may be cancelled: an ended child must be taken all the same.
    await Task.detached {
      _ = try? await Readiness.wait(for: end, timeoutSeconds: nil)
      Self.running.withLock { _ = $0.removeValue(forKey: pid) }
      _ = clinux_reap(pid)
    }.value
  }

  // MARK: - One event after the other

  /// What comes next; nil after the end.
  ///
  /// What is not asked for stays in the pipes, so a slow reader slows the child down. Cancelled, it kills the child.
  /// - Throws: `CancellationError`; `SystemError`.
  package func next() async throws -> ChildEvent? {
    while pending.isEmpty, !isOver {
      let result = await activityComes()
      // Not a do/catch around awaits, as in `run`.
      if case .failure = result { await kill() }
      try result.get()
      var events: [ChildEvent] = []
      try advance { events.append(.output(isError: $0, $1)) }
      if hasEnded {
        events.append(.ended(status: try finish { events.append(.output(isError: $0, $1)) }))
        isOver = true
      }
      pending = events.reversed()
    }
    return pending.popLast()
  }

  private func activityComes() async -> Result<Void, any Error> {
    do throws(SystemError) {
      return try await Readiness.wait(for: activity, timeoutSeconds: nil) ? .success(()) : .failure(CancellationError())
    } catch {
      return .failure(error)
    }
  }

  /// Ends the child, if it runs, for who will not call `next` again.
  package func abandon() {
    guard !isOver else { return }
    isOver = true
    Task.detached { await self.kill() }
  }
}

/// What `RunningChild.next` tells.
package enum ChildEvent: Sendable, Equatable {
  case output(isError: Bool, [UInt8])
  /// 0...255, or 128 + the signal.
  case ended(status: Int32)
}

private let endToken: UInt64 = 2
