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
}

/// A client of QEMU's machine protocol: events, and commands whose answer is only whether they worked.
///
/// Stays connected until `close`; connects again as long as the socket is there. Only one client at a time is served
/// by QEMU.
final class QEMUMonitor: Sendable {
  private struct State {
    var connection: LineConnection?
    var isClosed = false
    /// Devices whose carrier stays down.
    var carrierDown: [String] = []
  }

  private let path: String
  private let onEvent: @Sendable (QEMUEvent) -> Void
  private let state = Mutex(State())
  private let task = Mutex<Task<Void, Never>?>(nil)

  init(path: String, onEvent: @escaping @Sendable (QEMUEvent) -> Void) {
    self.path = path
    self.onEvent = onEvent
  }

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
  }

  /// Holds the carrier of these devices down.
  ///
  /// QEMU raises it each time a vhost-user back-end connects and has no event for that before version 10, so the
  /// command is repeated every second.
  func holdCarrierDown(devices: [String]) {
    state.withLock { $0.carrierDown = devices }
  }

  private func run() async {
    while !Task.isCancelled {
      if let socket = try? UnixSocket.connect(path: path) { await serve(LineConnection(socket)) }
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
        holder = Task { await self.repeatCarrierDown(connection) }
      }
      if let event = message.event { onEvent(event) }
    }
    holder?.cancel()
    connection.close()
  }

  private func repeatCarrierDown(_ connection: LineConnection) async {
    while !Task.isCancelled {
      for device in state.withLock({ $0.carrierDown }) {
        connection.send(#"{"execute":"set_link","arguments":{"name":"\#(device)","up":false}}"#)
      }
      try? await Task.sleep(for: .seconds(1))
    }
  }
}

/// A line of QEMU's machine protocol (QEMU docs/interop/qmp-spec), as far as it matters here.
struct QMPMessage: Equatable {
  var isGreeting = false
  var event: QEMUEvent?

  private struct Line: Decodable {
    struct Ignored: Decodable {}
    struct Details: Decodable {
      var guest: Bool?
    }
    var QMP: Ignored?
    var event: String?
    var data: Details?
  }

  /// nil for what is not a JSON object.
  init?(line: String) {
    guard let parsed = try? JSONDecoder().decode(Line.self, from: Data(line.utf8)) else { return nil }
    isGreeting = parsed.QMP != nil
    switch parsed.event {
    case "RESET": event = .reset
    case "SHUTDOWN": event = .shutdown(byGuest: parsed.data?.guest ?? false)
    case "GUEST_PANICKED": event = .guestPanicked
    default: break
    }
  }
}
