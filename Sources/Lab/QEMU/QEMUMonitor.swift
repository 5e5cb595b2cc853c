import FoundationEssentials
import LinuxHost
import Synchronization

/// What QEMU tells of a machine over its monitor (QMP).
enum QEMUEvent: Sendable, Equatable {
  /// The guest was reset: by itself or from outside.
  case reset
  /// The machine ends; `byGuest` when the guest powered off.
  case shutdown(byGuest: Bool)
  case guestPanicked
  /// The guest has let go of a device that was to be unplugged.
  case deviceDeleted(String)
  /// The machine's processors stand still, or go on.
  case stopped, resumed
  /// How far a migration is, at either of its ends; told where the capability `events` is on.
  case migration(MigrationPhase)
  /// A pass over the guest's memory begins; the first is 1.
  case migrationPass(Int)
}

/// A client of QEMU's machine protocol: events, and commands with their outcome.
///
/// Stays connected until `close`; connects again as long as the socket is there. Only one client at a time is served
/// by QEMU.
final class QEMUMonitor: Sendable {
  /// Bytes of the longest answer: that about the disks of a machine with many, and what they lie over.
  private static let lineLimit = 1 << 20
  /// Seconds that QEMU has to answer a command.
  private static let answerTimeout = 10.0

  private struct State {
    var path: String
    var connection: LineConnection?
    /// QEMU takes commands on it.
    var isInCommandMode = false
    var isClosed = false
    var counter = 0
    var waiting: [Int: CheckedContinuation<Result<QMPValue, UserError>, Never>] = [:]
    /// Devices whose carrier stays down.
    var carrierDown: Set<String> = []
    /// Devices that were let go while QEMU took no commands.
    var released: Set<String> = []
  }

  private let onEvent: @Sendable (QEMUEvent) -> Void
  private let state: Mutex<State>
  private let task = Mutex<Task<Void, Never>?>(nil)

  init(path: String, onEvent: @escaping @Sendable (QEMUEvent) -> Void) {
    state = Mutex(State(path: path))
    self.onEvent = onEvent
  }

  /// The socket has another name from now on; the connection stays.
  func socketMoved(to path: String) { state.withLock { $0.path = path } }

  func start() {
    task.withLock { $0 = $0 ?? Task { await self.run() } }
  }

  func close() {
    let connection = state.withLock { state in
      state.isClosed = true
      defer { state.connection = nil }
      return state.connection
    }
    task.withLock { $0?.cancel() }
    connection?.close()
    endCommands("the machine's monitor was closed")
  }

  /// Carries out a command that brings nothing.
  /// - Throws: `UserError` with QEMU's words, or when the machine's monitor does not answer.
  func execute(_ command: QMPCommand) async throws(UserError) { _ = try await ask(command) }

  /// Carries out a command.
  /// - Parameter descriptor: goes with the command: QEMU gets a duplicate.
  /// - Returns: what QEMU answers; an object without members where there is nothing to be told.
  /// - Throws: `UserError` with QEMU's words, or when the machine's monitor does not answer.
  func ask(_ command: QMPCommand, passing descriptor: Descriptor? = nil) async throws(UserError) -> QMPValue {
    let timer = Mutex<Task<Void, Never>?>(nil)
    let result = await withCheckedContinuation { continuation in
      let sent = state.withLock { state -> Int? in
        guard state.isInCommandMode, let connection = state.connection else { return nil }
        state.counter += 1
        state.waiting[state.counter] = continuation
        connection.send(command.line(id: state.counter), with: descriptor)
        return state.counter
      }
      guard let id = sent else {
        continuation.resume(returning: .failure(UserError(.failed, "the machine's monitor does not answer")))
        return
      }
      timer.withLock {
        $0 = Task {
          guard (try? await Task.sleep(for: .seconds(Self.answerTimeout))) != nil else { return }
          self.finish(id, .failure(UserError(.failed, "the machine's monitor has not answered \(command.name)")))
        }
      }
    }
    timer.withLock { $0?.cancel() }
    return try result.get()
  }

  /// Waits until QEMU takes commands.
  /// - Returns: whether it does, before `seconds` are over.
  func waitForCommandMode(seconds: Double) async -> Bool {
    let deadline = ContinuousClock.now + .seconds(seconds)
    while ContinuousClock.now < deadline, !Task.isCancelled {
      if state.withLock({ $0.isInCommandMode }) { return true }
      try? await Task.sleep(for: .milliseconds(10))
    }
    return false
  }

  /// Holds the carrier of exactly these devices down from now on; gives it back to those that were held before.
  ///
  /// QEMU raises it each time a vhost-user back-end connects and has no event for that before version 10, so the
  /// command is repeated every second.
  func holdCarrierDown(devices: Set<String>) {
    state.withLock { state in
      let released = state.carrierDown.subtracting(devices)
      let held = devices.subtracting(state.carrierDown)
      state.carrierDown = devices
      state.released.subtract(devices)
      guard state.isInCommandMode else { return state.released.formUnion(released) }
      for device in released.sorted() { state.connection?.setLink(device, up: true) }
      for device in held.sorted() { state.connection?.setLink(device, up: false) }
    }
  }

  /// Carries out a command of which nobody waits to hear; nothing happens while QEMU takes none.
  func send(_ command: QMPCommand) {
    state.withLock { state in
      // Id 0 belongs to no command that is waited for.
      if state.isInCommandMode { state.connection?.send(command.line(id: 0)) }
    }
  }

  private func run() async {
    while !Task.isCancelled {
      if let socket = try? UnixSocket.connect(path: state.withLock({ $0.path })) {
        await serve(LineConnection(socket, lineLimit: Self.lineLimit))
      }
      try? await Task.sleep(for: .milliseconds(20))
    }
  }

  private func serve(_ connection: LineConnection) async {
    let isOpen = state.withLock { state in
      if !state.isClosed { state.connection = connection }
      return !state.isClosed
    }
    guard isOpen else { return }
    var holder: Task<Void, Never>?
    while let line = await connection.next() {
      guard let message = QMPMessage(line: line) else { continue }
      if message.isGreeting {
        connection.send(#"{"execute":"qmp_capabilities"}"#)
        state.withLock { state in
          state.isInCommandMode = true
          for device in state.released.sorted() { connection.setLink(device, up: true) }
          state.released = []
        }
        holder = Task { await self.repeatCarrierDown(connection) }
      }
      if let answer = message.answer {
        finish(answer.id, answer.error.map { .failure(UserError(.failed, $0)) } ?? .success(answer.value))
      }
      if let event = message.event { onEvent(event) }
    }
    holder?.cancel()
    connection.close()
    state.withLock { state in
      guard state.connection === connection else { return }
      (state.connection, state.isInCommandMode) = (nil, false)
    }
    endCommands("the connection to the machine's monitor was lost")
  }

  private func finish(_ id: Int, _ result: Result<QMPValue, UserError>) {
    state.withLock { $0.waiting.removeValue(forKey: id) }?.resume(returning: result)
  }

  private func endCommands(_ reason: String) {
    let waiting = state.withLock { state in
      defer { state.waiting = [:] }
      return state.waiting.values.map { $0 }
    }
    for continuation in waiting { continuation.resume(returning: .failure(UserError(.failed, reason))) }
  }

  private func repeatCarrierDown(_ connection: LineConnection) async {
    while !Task.isCancelled {
      // Under the lock, so that none follows the command that lets go.
      state.withLock { state in
        for device in state.carrierDown.sorted() { connection.setLink(device, up: false) }
      }
      try? await Task.sleep(for: .seconds(1))
    }
  }
}

extension LineConnection {
  /// Sets a carrier; id 0 belongs to no command, so that nobody waits for the answer.
  fileprivate func setLink(_ device: String, up: Bool) {
    send(QMPCommand.setLink(device: device, up: up).line(id: 0))
  }
}
