import Lab
import FoundationEssentials
import Synchronization

@testable import Control

/// A server on a socket in a folder of its own, for the length of one test.
enum ServerFixture {
  /// What the server said about its end, in order.
  final class Ends: Sendable {
    private let all = Mutex<[LabEnd]>([])
    func add(_ end: LabEnd) { all.withLock { $0.append(end) } }
    var values: [LabEnd] { all.withLock { $0 } }
  }

  static func run(
    _ service: FixedLab, webSockets: WebSocketDesk? = nil, _ body: (ControlClient, Ends) async throws -> Void
  ) async throws {
    let folder = try makeFolder()
    defer { for path in [folder, service.directories.dataRoot] { try? FileManager.default.removeItem(atPath: path) } }
    let socket = "\(folder)/control.sock"
    let ends = Ends()
    var server = ControlServer(service: service, socket: socket, onEnd: { ends.add($0) })
    if let webSockets { server.webSockets = webSockets }
    server.upgrade = { program, progress in
      guard program == "/usr/bin/apus" else { throw UserError(.badInput, "no program \(program)") }
      progress("\(program) is ready")
      return UpgradeOutcome(UpgradeRow(lab: "two", pid: 4711, version: "9.9", seconds: 0.021)) {
        ends.add(.neverAskedFor)
      }
    }
    let (ready, readiness) = AsyncStream<Void>.makeStream()
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { [server] in
        defer { readiness.finish() }
        try await server.run { readiness.yield() }
      }
      for await _ in ready { break }
      try await body(ControlClient(socket: socket), ends)
      group.cancelAll()
      try await group.waitForAll()
    }
  }

  static func makeFolder() throws -> String {
    let folder = "/tmp/apus-control-\(UUID().uuidString.prefix(8))"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    return folder
  }
}
