import LinuxHost
import Synchronization

/// The socket of a connection, in whose place another one may come: that of the QEMU to which a machine moves.
///
/// What the machine said before it moved is in the first socket, so that is read to its end, and then the other one. What
/// is sent is held back before the move, since what the first QEMU has not passed on by then would be lost with it.
final class SwitchedSocket: Sendable {
  private struct State {
    /// nil after `close`.
    var reading: Descriptor?
    var writing: Descriptor?
    /// That of the other QEMU, until the machine is there or stays.
    var successor: Descriptor?
    var isHeld = false
    var waiting: [WakeUp] = []
  }

  private let state: Mutex<State>

  init(_ socket: Descriptor) { state = Mutex(State(reading: socket, writing: socket)) }

  /// Lets go of the socket; nothing is read or sent any more.
  func close() { change { $0 = State() } }

  // MARK: - The move

  /// Another socket is there, to which the machine may go; what is sent waits from now on if it `holds`.
  func prepare(_ successor: Descriptor, holds: Bool) {
    change { state in
      guard state.reading != nil else { return }
      (state.successor, state.isHeld) = (successor, holds)
    }
  }

  /// Whether all that was sent has been passed on, within `seconds`.
  func isDrained(within seconds: Double) async -> Bool {
    let end = ContinuousClock.now + .seconds(seconds)
    while true {
      guard let socket = state.withLock({ $0.writing }) else { return false }
      if UnixSocket.unreadSize(of: socket) == 0 { return true }
      guard ContinuousClock.now < end, (try? await Task.sleep(for: .milliseconds(2))) != nil else { return false }
    }
  }

  /// The machine is there: what is sent goes to it, and what it says comes behind all that it said before.
  func arrive() {
    change { state in
      if let successor = state.successor.take() { state.writing = successor }
      state.isHeld = false
    }
  }

  /// The machine stays.
  func stay() {
    change { state in
      state.successor = nil
      state.isHeld = false
    }
  }

  private func change(_ body: (inout State) -> Void) {
    let waiting = state.withLock { state in
      // Whatever `body` makes of it.
      let waiting = state.waiting
      body(&state)
      state.waiting = []
      return waiting
    }
    for one in waiting { one.wake() }
  }

  // MARK: - Reading and writing

  /// What comes next, 64 KiB at most; nil at the end, or when the task is cancelled.
  ///
  /// One caller at a time.
  func read() async -> [UInt8]? {
    while !Task.isCancelled {
      guard let socket = state.withLock({ $0.reading }) else { return nil }
      let received = try? UnixSocket.receive(socket, size: 65536, maximumDescriptors: 0)
      switch received {
      case .data(let bytes, _)?: return bytes
      case .wouldBlock?: guard (try? await Readiness.wait(for: socket, timeoutSeconds: nil)) != nil else { return nil }
      // A QEMU that was killed may not have read all: that is no end of another kind.
      case .end?, nil: guard goesOn(after: socket) else { return nil }
      }
    }
    return nil
  }

  private func goesOn(after socket: Descriptor) -> Bool {
    state.withLock { state in
      guard let writing = state.writing, writing !== socket else { return false }
      state.reading = writing
      return true
    }
  }

  private enum Sent {
    case count(Int)
    case full(Descriptor)
    case held(WakeUp)
    case gone
  }

  /// Writes to a socket that may not take everything at once.
  /// - Parameter descriptor: goes with the first byte: the peer gets a duplicate.
  /// - Returns: false when the peer is gone, `close` was called, or the task was cancelled.
  func write(_ bytes: [UInt8], with descriptor: Descriptor? = nil) async -> Bool {
    var rest = bytes[...]
    var descriptors = descriptor.map { [$0] } ?? []
    while !rest.isEmpty {
      if Task.isCancelled { return false }
      switch send(Array(rest), descriptors) {
      case .count(let count): (rest, descriptors) = (rest.dropFirst(count), [])
      case .held(let change): await change.wait()
      case .full(let socket): guard await Self.waitForRoom(in: socket) else { return false }
      case .gone: return false
      }
    }
    return true
  }

  /// Under the lock, so that nothing is sent once what is sent is held.
  private func send(_ bytes: [UInt8], _ descriptors: [Descriptor]) -> Sent {
    state.withLock { state in
      guard !state.isHeld else {
        let change = WakeUp()
        state.waiting.append(change)
        return .held(change)
      }
      guard let socket = state.writing else { return .gone }
      do throws(SystemError) {
        return try UnixSocket.send(socket, bytes, descriptors: descriptors).map { Sent.count($0) } ?? .full(socket)
      } catch {
        return .gone
      }
    }
  }

  /// The peer reads nothing now: a guest that boots, for example.
  private static func waitForRoom(in socket: Descriptor) async -> Bool {
    do {
      let room = try Epoll()
      try room.add(socket.raw, token: 1, events: Epoll.output)
      _ = try await Readiness.wait(for: room.descriptor, timeoutSeconds: nil)
      return true
    } catch {
      return false
    }
  }

  /// Writes to a socket that stays the same.
  static func write(_ bytes: [UInt8], to socket: Descriptor) async -> Bool { await SwitchedSocket(socket).write(bytes) }
}
