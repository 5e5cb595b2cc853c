import Glibc
import Lab
import TestSupport
import Testing
import Topology

@testable import Control

/// Clients that close their connection right after the request.
@Suite struct GoneClientTests {
  private static let failure = UserError(.failed, "not wholly removed")

  /// Sends a request and reads nothing of the answer.
  private func sendAndClose(_ method: String, _ path: String, body: [UInt8] = [], to socketPath: String) {
    let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(descriptor) }
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(socketPath.utf8)) }
    let size = socklen_t(MemoryLayout<sockaddr_un>.size)
    let result = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(descriptor, $0, size) }
    }
    #expect(result == 0)
    let head = "\(method) \(path) HTTP/1.1\r\nhost: apus\r\ncontent-length: \(body.count)\r\n\r\n"
    let request = Array(head.utf8) + body
    let count = request.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
    #expect(count == request.count)
  }

  private func up(_ client: ControlClient) async throws -> LabLine? {
    var last: LabLine?
    try await client.stream(API.labUp, LabDocument(FixedLab.definition)) { last = $0 }
    return last
  }

  @Test func aDownGoesOnToItsEnd() async throws {
    let lab = FixedLab()
    try await ServerFixture.run(lab) { client, ends in
      sendAndClose("DELETE", "/v1/lab", to: client.socket)
      let hasEnded = await eventually { !ends.values.isEmpty }
      #expect(hasEnded)
      #expect(ends.values == [.takenDown])
      #expect(await lab.lab() == nil)
    }
  }

  @Test func aDownThatFailsLetsTheNextOneIn() async throws {
    let lab = FixedLab(failure: Self.failure)
    try await ServerFixture.run(lab) { client, ends in
      for _ in 0..<20 { sendAndClose("DELETE", "/v1/lab", to: client.socket) }
      let areAllDone = await eventually { await lab.takeDowns == 20 }
      #expect(areAllDone)
      let isOpen = try await eventually {
        do {
          return try await up(client) == .failed(ErrorBody(Self.failure))
        } catch let error as UserError where error.code == .unreachable {
          return false
        }
      }
      #expect(isOpen)
      #expect(ends.values.isEmpty)
    }
  }

  @Test func anUpThatFailsEndsTheDaemon() async throws {
    try await ServerFixture.run(FixedLab(current: nil, failure: Self.failure)) { client, ends in
      let body = try JSON.bytes(LabDocument(FixedLab.definition))
      sendAndClose("PUT", "/v1/lab", body: body, to: client.socket)
      let hasEnded = await eventually { !ends.values.isEmpty }
      #expect(hasEnded)
      #expect(ends.values == [.neverCameUp])
    }
  }

  @Test func anUpLetsTheNextOneIn() async throws {
    let lab = FixedLab(current: nil)
    try await ServerFixture.run(lab) { client, ends in
      let body = try JSON.bytes(LabDocument(FixedLab.definition))
      sendAndClose("PUT", "/v1/lab", body: body, to: client.socket)
      let isUp = await eventually { await lab.lab() != nil }
      #expect(isUp)
      #expect(try await up(client) == .plan([]))
      #expect(ends.values.isEmpty)
    }
  }

  @Test func aDaemonThatNobodyAskedForALabEnds() async throws {
    let query = DownQuery(ifUnused: true)
    try await ServerFixture.run(FixedLab(current: nil)) { client, ends in
      try await client.stream(API.labDown, query: query) { _ in }
      #expect(ends.values == [.neverAskedFor])
      await #expect(throws: UserError(.unreachable, "the daemon is ending")) { _ = try await up(client) }
    }
    try await ServerFixture.run(FixedLab(current: nil)) { client, ends in
      _ = try await up(client)
      await #expect(throws: UserError(.different, "a lab has been asked for")) {
        try await client.stream(API.labDown, query: query) { _ in }
      }
      #expect(ends.values.isEmpty)
    }
  }
}
