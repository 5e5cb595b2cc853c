import Lab
import Testing

@testable import Control

/// Entity tags and `If-Match`: what a client changes is what it has seen.
@Suite struct ConflictTests {
  private struct Reply {
    var status = 0
    var tag: String?
    var text = ""
  }

  /// - Parameter condition: `If-Match`.
  private func ask(
    _ client: ControlClient, _ method: RouteMethod, _ target: String, _ body: String = "", if condition: String? = nil
  ) async throws -> Reply {
    var reply = Reply()
    var bytes: [UInt8] = []
    do {
      try await client.exchange(
        method, target, .whole(Array(body.utf8)), fields: condition.map { [("if-match", $0)] } ?? [],
        onHead: {
          reply.status = $0.status; reply.tag = $0.tag
        }, onChunk: { bytes += $0 })
    } catch let error as UserError {
      bytes = Array(error.message.utf8)
    }
    reply.text = String(decoding: bytes, as: UTF8.self)
    return reply
  }

  /// A thing, what changes it, and the route's other methods.
  private static let things: [(path: String, method: RouteMethod, body: String)] = [
    ("/v1/links/wire1", .patch, #"{"carrier":true}"#), ("/v1/links/wire1", .put, "{}"),
    ("/v1/ports/vm1.eth0", .patch, #"{"mtu":1400}"#),
    ("/v1/lab", .put, #"{"version":1,"name":"two"}"#),
  ]

  @Test(arguments: things)
  func whatWasSeenIsChanged(_ path: String, _ method: RouteMethod, _ body: String) async throws {
    try await ServerFixture.run(FixedLab()) { client, _ in
      let seen = try await ask(client, .get, path)
      let tag = try #require(seen.tag)
      #expect(tag.hasPrefix("\"") && tag.hasSuffix("\"") && tag.count == 18)
      #expect(try await ask(client, .get, path).tag == tag)
      for condition in [tag, "\"other\", \(tag)", "*"] where path != "/v1/lab" {
        #expect(try await ask(client, method, path, body, if: condition).status == 200)
      }
      #expect(try await ask(client, method, path, body, if: tag).status == 200)
    }
  }

  @Test(arguments: things)
  func whatWasChangedMeanwhileStays(_ path: String, _ method: RouteMethod, _ body: String) async throws {
    let lab = FixedLab()
    try await ServerFixture.run(lab) { client, _ in
      let reply = try await ask(client, method, path, body, if: "\"0123456789abcdef\"")
      #expect(reply.status == 409)
      #expect(reply.text.contains("has been changed since: its ETag is "), "\(reply)")
      // A weak tag is never that of what is changed, and what is no tag is no condition.
      #expect(try await ask(client, method, path, body, if: "W/\"a\"").status == 409)
      #expect(try await ask(client, method, path, body, if: "").status == 409)
      for wrong in ["a", "\"a", "\"a\", b"] {
        #expect(try await ask(client, method, path, body, if: wrong).status == 400, "\(wrong)")
      }
    }
    #expect(await lab.linkChanges.isEmpty)
    #expect(await lab.portChanges.isEmpty)
    #expect(await lab.current == FixedLab.definition)
  }

  @Test func whatHasNoTagTakesNoCondition() async throws {
    try await ServerFixture.run(FixedLab()) { client, _ in
      let reply = try await ask(client, .post, "/v1/trace", #"{"port":"vm1.eth0","frame":[]}"#, if: "*")
      #expect(reply.status == 400)
      #expect(reply.text == "POST /v1/trace takes no If-Match")
    }
  }

  /// What is not there is not as it was seen.
  @Test func nothingMatchesWhatIsNotThere() async throws {
    try await ServerFixture.run(FixedLab()) { client, _ in
      let body = #"{"switch":"sw1","kind":"tap","target":"t"}"#
      let refused = try await ask(client, .put, "/v1/ports/p9", body, if: "*")
      let made = try await ask(client, .put, "/v1/ports/p9", body)
      #expect((refused.status, made.status) == (409, 201))
    }
  }
}
