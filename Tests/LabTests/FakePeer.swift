import LinuxHost
import Testing

@testable import Lab

/// The other end of a line protocol: listens on a socket and takes one connection after the other.
struct FakePeer: Sendable {
  let path: String
  private let listener: Descriptor

  init(path: String) throws {
    self.path = path
    listener = try UnixSocket.listen(path: path, mode: 0o600, owner: nil)
  }

  /// The next connection.
  func accept() async throws -> LineConnection {
    while true {
      if let socket = try UnixSocket.accept(listener) { return LineConnection(socket) }
      _ = try await Readiness.wait(for: listener, timeoutSeconds: 30)
    }
  }
}

extension LineConnection {
  /// The next line that begins so; others are passed over.
  ///
  /// nil when the peer has closed.
  func next(beginning start: String) async -> String? {
    while let line = await next() {
      if line.hasPrefix(start) { return line }
    }
    return nil
  }
}

extension String {
  /// The word at this place, counted from 0.
  func word(_ index: Int) -> String { String(split(separator: " ")[index]) }
}

/// Calls `body` with the monitor of a QEMU of which the test says what it answers, once they have greeted each other.
func withMonitor(
  _ body: (QEMUMonitor, LineConnection, LabDirectories) async throws -> Void
) async throws {
  try await withTemporaryDirectories { directories in
    try Files.makeDirectory(directories.stateRoot)
    let path = "\(directories.stateRoot)/qmp.sock"
    let peer = try FakePeer(path: path)
    let monitor = QEMUMonitor(path: path) { _ in }
    defer { monitor.close() }
    monitor.start()
    let qemu = try await peer.accept()
    qemu.send(#"{"QMP": {}}"#)
    #expect(await monitor.waitForCommandMode(seconds: 60))
    _ = await qemu.next()
    try await body(monitor, qemu, directories)
  }
}
