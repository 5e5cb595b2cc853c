import FoundationEssentials
import Lab
import TestSupport
import Topology

@testable import Control

/// A server with its API over TCP, for the length of one test.
struct TCPFixture: Sendable {
  static let token = "0123456789abcdef-good"

  let door: TCPDoor
  let port: Int
  let directories: LabDirectories
  let socket: String

  struct Reply: Sendable {
    var status: Int
    /// In lower case, up to the empty line.
    var head: String
    var body: String

    /// The error of the body.
    var error: ErrorBody? { ErrorAnswer.error(in: Array(body.utf8)) }
  }

  static func run(
    _ lab: FixedLab = FixedLab(), limits: ConnectionLimits = ConnectionLimits(),
    changing change: (inout HTTPDefinition) -> Void = { _ in }, _ body: (TCPFixture) async throws -> Void
  ) async throws {
    let folder = try ServerFixture.makeFolder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let directories = LabDirectories(stateRoot: "\(folder)/s", dataRoot: "\(folder)/d")
    let door = TCPDoor(lab: "two", directories: directories, limits: limits)
    let server = ControlServer(service: lab, socket: "\(folder)/control.sock", tcp: door, onEnd: { _ in })
    let (ready, readiness) = AsyncStream<Void>.makeStream()
    var definition = HTTPDefinition(listen: try address(try TCPClient.freePort()))
    change(&definition)
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask {
        defer { readiness.finish() }
        try await server.run { readiness.yield() }
      }
      for await _ in ready { break }
      try await open(door, &definition)
      try await body(
        TCPFixture(
          door: door, port: definition.listen.port, directories: directories, socket: "\(folder)/control.sock"))
      group.cancelAll()
      try await group.waitForAll()
    }
  }

  /// Tests beside this one may be quicker to take a port that is free.
  private static func open(_ door: TCPDoor, _ definition: inout HTTPDefinition) async throws {
    for attempt in 1... {
      do {
        _ = try await door.open(definition, token: try HTTPToken(token, from: "the test"))
        return await door.settle(isKept: true)
      } catch {
        guard attempt < 20, "\(error)".contains("already in use") else { throw error }
        await door.settle(isKept: false)
        definition.listen = try address(try TCPClient.freePort())
      }
    }
  }

  static func address(_ port: Int) throws -> HTTPAddress {
    guard let address = HTTPAddress("127.0.0.1:\(port)") else { throw NotInTime(description: "port \(port)") }
    return address
  }

  /// Sends one request and takes its answer.
  /// - Parameter headers: in place of `Host` and `Authorization`, where they name them.
  func ask(
    _ method: String, _ target: String, headers: [String: String] = [:], body: String = "", isTrusted: Bool = true
  ) async throws -> Reply {
    var all = ["host": "127.0.0.1:\(port)", "content-length": "\(body.utf8.count)", "connection": "close"]
    if isTrusted { all["authorization"] = "Bearer \(Self.token)" }
    for (name, value) in headers { all[name] = value.isEmpty ? nil : value }
    let fields = all.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)\r\n" }.joined()
    let client = try TCPClient(port: port)
    client.send("\(method) \(target) HTTP/1.1\r\n\(fields)\r\n\(body)")
    return try Self.reply(in: try await client.untilClosed())
  }

  static func reply(in text: String) throws -> Reply {
    guard let end = text.firstRange(of: "\r\n\r\n") else { throw NotInTime(description: "no answer: \(text)") }
    let head = String(text[..<end.lowerBound])
    let status = head.split(separator: " ").dropFirst().first.flatMap { Int($0) }
    return Reply(status: status ?? 0, head: head.lowercased(), body: String(text[end.upperBound...]))
  }
}
