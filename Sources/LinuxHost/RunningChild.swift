import CLinux
import Glibc

/// A child of ours with the read ends of its output, watched together.
///
/// Used by one task at a time.
final class RunningChild: @unchecked Sendable {
  let executable: String
  private let identity: ProcessIdentity
  private let isGroupLeader: Bool
  private let epoll: Epoll
  private let end: Descriptor
  /// Standard output and standard error while they are open and captured.
  private var streams: [Descriptor?]
  private(set) var hasEnded = false

  /// Starts the process of a request; streams without a file are captured.
  init(_ request: SpawnRequest) throws(SystemError) {
    executable = request.executable
    let input = try openStandard(request.standardInput, isOutput: false)
    let output = try Self.stream(request.standardOutput)
    let error = try Self.stream(request.standardError)
    epoll = try Epoll()
    streams = [output.read, error.read]
    isGroupLeader = request.newSession
    for (index, stream) in streams.enumerated() {
      if let stream { try epoll.add(stream.raw, token: UInt64(index), events: Epoll.input) }
    }
    identity = try start(request, standard: (input, output.write, error.write), isDetached: false)
    do throws(SystemError) {
      end = try identity.watch()
      try epoll.add(end.raw, token: endToken, events: Epoll.input)
    } catch {
      // A child that is not reaped yet keeps its number, so this reaches no other.
      Glibc.kill(identity.pid, SIGKILL)
      waitpid(identity.pid, nil, 0)
      throw error
    }
  }

  private static func stream(_ path: String?) throws(SystemError) -> (read: Descriptor?, write: Descriptor) {
    if let path { return (nil, try openStandard(path, isOutput: true)) }
    let pipe = try Descriptor.pipe()
    return (pipe.read, pipe.write)
  }

  /// Readable when `advance` has something to do.
  var activity: Descriptor { epoll.descriptor }

  /// Hands over what has come; notes the end of the process.
  func advance(_ onOutput: (Bool, [UInt8]) -> Void) throws(SystemError) {
    var events = [EpollEvent](repeating: EpollEvent(), count: 3)
    let count = epoll.wait(into: &events, timeoutMilliseconds: 0)
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
      _ = clinux_reap(pid)
    }.value
  }
}

private let endToken: UInt64 = 2
