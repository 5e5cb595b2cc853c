import LinuxHost

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
