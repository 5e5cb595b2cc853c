import FoundationEssentials
import NIOCore
import TestSupport
import Testing

@testable import Control
@testable import Lab

/// `/v1/events`, as lines of JSON and as server-sent events.
@Suite struct EventStreamTests {
  private struct Enough: Error {}

  /// Asks as `curl` does, with headers of one's own, until the text that came has `count` parts between blank lines.
  private func text(_ folder: String, _ target: String, headers: [String] = [], until marker: String? = nil)
    async throws
    -> String
  {
    let stream = try RawHTTP(socket: "\(folder)/control.sock")
    try stream.send(
      "GET \(target) HTTP/1.1\r\nHost: apus\r\nConnection: close\r\n\(headers.map { $0 + "\r\n" }.joined())\r\n")
    return try await stream.text(until: marker)
  }

  private func lab(_ count: Int = 3) -> FixedLab {
    let lab = FixedLab()
    for number in 0..<count { lab.events.note(.nodeReady, subject: "n\(number)") }
    return lab
  }

  @Test func linesAreValuesOfJSON() async throws {
    try await ServerFixture.run(lab()) { client, _ in
      var query = EventQuery()
      (query.since, query.isFollowing) = ("1h", false)
      var events: [EventRow] = []
      try await client.stream(API.events, query: query) { events.append($0) }
      #expect(events.map(\.id) == [1000, 1001, 1002])
      #expect(events.map(\.subject) == ["n0", "n1", "n2"])
      #expect(events.allSatisfy { $0.type == "node.ready" && $0.lab == "two" && $0.detail == [:] && $0.date != nil })
      query = EventQuery()
      (query.after, query.isFollowing) = (1001, false)
      events = []
      try await client.stream(API.events, query: query) { events.append($0) }
      #expect(events.map(\.id) == [1002])
    }
  }

  @Test func whatComesIsHeardAtOnceUntilTheEnd() async throws {
    let lab = lab()
    try await ServerFixture.run(lab) { client, _ in
      var heard: [String] = []
      // What is kept shows that it is listened to.
      var query = EventQuery()
      query.since = "1h"
      try await client.stream(API.events, query: query) { event in
        heard.append(event.type)
        if heard.count == 3 { lab.events.note(.labDown) }
        if event.type == "lab.down" { lab.events.finish() }
      }
      #expect(heard == ["node.ready", "node.ready", "node.ready", "lab.down"])
    }
  }

  @Test func aReaderThatGoesIsForgotten() async throws {
    let lab = lab()
    try await ServerFixture.run(lab) { client, _ in
      var query = EventQuery()
      query.since = "1h"
      await #expect(throws: Enough.self) { try await client.stream(API.events, query: query) { _ in throw Enough() } }
      await lab.events.waitForReaders(seconds: 30)
      let count = lab.events.readerCount
      #expect(count == 0)
    }
  }

  @Test func serverSentEventsAreFramedAsBrowsersReadThem() async throws {
    let lab = FixedLab()
    lab.events.note(.nodeFailed, subject: "vm1", detail: ["reason": "it said:\nmore\r\nends"])
    lab.events.note(.labUp)
    try await ServerFixture.run(lab) { client, _ in
      let folder = String(client.socket.dropLast("/control.sock".count))
      let text = try await text(
        folder, "/v1/events?since=1h&follow=false", headers: ["Accept: text/event-stream"])
      #expect(text.lowercased().contains("content-type: text/event-stream\r\n"))
      #expect(text.lowercased().contains("cache-control: no-store\r\n"))
      let parts = RawHTTP.body(of: text).components(separatedBy: "\n\n")
      #expect(parts.first == "retry: 2000")
      #expect(parts.count == 4, "\(parts)")
      guard parts.count == 4 else { return }
      #expect(parts[3] == "")
      let lines = parts[1].split(separator: "\n")
      #expect(lines.count == 2, "no line break of a text ends a line of the stream")
      #expect(lines[0] == "id: 1000")
      let event = try JSON.decode(EventRow.self, from: Array(lines[1].dropFirst("data: ".count).utf8))
      #expect(event.detail["reason"] == "it said:\nmore\r\nends")
      #expect(parts[2].hasPrefix("id: 1001\ndata: {\"detail\":{},"))
    }
  }

  @Test func lastEventIDGoesOnBehindIt() async throws {
    try await ServerFixture.run(lab()) { client, _ in
      let folder = String(client.socket.dropLast("/control.sock".count))
      let sse = "Accept: text/event-stream"
      func ids(_ id: String) async throws -> [String] {
        // The query that a browser repeats is not what counts then.
        let text = try await text(
          folder, "/v1/events?since=1h&follow=false", headers: [sse, "Last-Event-ID: \(id)"])
        return RawHTTP.body(of: text).split(separator: "\n").filter { $0.hasPrefix("id: ") }.map {
          String($0.dropFirst(4))
        }
      }
      #expect(try await ids("1000") == ["1001", "1002"])
      #expect(try await ids("1002") == [])
      #expect(try await ids("999") == ["1000", "1001", "1002"])
      // Of another daemon: a record of what is lost, and all there is.
      #expect(try await ids("7") == ["999", "1000", "1001", "1002"])
      let refused = try await text(folder, "/v1/events", headers: [sse, "Last-Event-ID: x"])
      #expect(refused.hasPrefix("HTTP/1.1 400 "))
      #expect(refused.contains("Last-Event-ID must be the id of an event"))
    }
  }

  @Test func theHeadIsThereBeforeAnythingHappens() async throws {
    let lab = FixedLab()
    try await ServerFixture.run(lab) { client, _ in
      let folder = String(client.socket.dropLast("/control.sock".count))
      let text = try await text(folder, "/v1/events", headers: ["Accept: text/event-stream"], until: "retry: 2000\n\n")
      #expect(text.hasPrefix("HTTP/1.1 200 OK\r\n"))
    }
  }

  /// A client that takes nothing holds up neither who notes nor who reads, and is told how many it has missed.
  @Test func aClientThatDoesNotReadHoldsNobody() async throws {
    let lab = lab(0)
    try await ServerFixture.run(lab) { client, _ in
      let stuck = try RawHTTP(socket: client.socket)
      try stuck.send("GET /v1/events HTTP/1.1\r\nHost: apus\r\nConnection: close\r\n\r\n")
      let isThere = await eventually { lab.events.readerCount == 1 }
      #expect(isThere)
      let count = 100_000
      let text = String(repeating: "x", count: 200)
      for _ in 0..<count { lab.events.note(.portFault, subject: "p", detail: ["reason": .text(text)]) }
      // Another one hears of all that is kept meanwhile.
      var query = EventQuery()
      (query.since, query.isFollowing) = ("1h", false)
      var heard = 0
      try await client.stream(API.events, query: query) { _ in heard += 1 }
      #expect(heard == EventHub.limit + 1)
      lab.events.finish()
      let body = RawHTTP.body(of: try await stuck.text())
      var (lost, seen) = (0, 0)
      for line in body.split(separator: "\n") {
        let event = try JSON.decode(EventRow.self, from: Array(line.utf8))
        if event.type == "lost", case .integer(let count)? = event.detail["count"] { lost += count } else { seen += 1 }
      }
      #expect(lost + seen == count)
      #expect(lost > 0)
    }
  }

  @Test func silenceIsAComment() throws {
    #expect(String(buffer: try ServerSentEvents.buffer(ServerSentEvents.Piece<EventRow>.silence)) == ":\n\n")
    #expect(EventRoutes.keepAlive == .seconds(15))
  }

  @Test func whatIsNoTimeOrTypeIsRefused() async throws {
    try await ServerFixture.run(FixedLab()) { client, _ in
      for (since, type) in [("yesterday", nil), ("-5m", nil), ("5", nil), ("1h", ["nodes"]), (nil, ["node."])] {
        var query = EventQuery()
        (query.since, query.types) = (since, type)
        let error = await #expect(throws: UserError.self) {
          try await client.stream(API.events, query: query) { _ in }
        }
        #expect(error?.code == .badInput, "\(query)")
        #expect(error?.hint != nil)
      }
    }
  }

  @Test func timesAreOfTheClockOrAgo() throws {
    let now = Date(timeIntervalSince1970: 1_000_000)
    #expect(try EventQuery.time("5m", now: now) == now - 300)
    #expect(try EventQuery.time("250ms", now: now) == now - 0.25)
    #expect(try EventQuery.time("1970-01-01T00:00:10Z", now: now) == Date(timeIntervalSince1970: 10))
    #expect(try EventQuery.time("1970-01-01T01:00:10+01:00", now: now) == Date(timeIntervalSince1970: 10))
    #expect(try EventQuery.time("1970-01-01T00:00:10.500Z", now: now) == Date(timeIntervalSince1970: 10.5))
  }

  @Test func aQueryGoesThereAndBack() throws {
    var query = EventQuery()
    #expect(try API.events.target(query) == "/v1/events")
    (query.since, query.after, query.types, query.isFollowing) = ("5m", 7, ["node", "lab.up"], false)
    query.hasWords = true
    let target = try API.events.target(query)
    #expect(target == "/v1/events?after=7&follow=false&since=5m&type=node%2Clab.up&words=true")
    let object = try QueryText.object(
      try QueryText.pairs(of: String(target.split(separator: "?")[1])), EventQuery.shape.fields, of: "")
    #expect(try JSON.decode(EventQuery.self, from: JSON.bytes(object)) == query)
  }

  @Test func wordsComeForWhoAsks() throws {
    let event = LabEvent(
      id: 1, time: Date(), type: .testResult, lab: "two", subject: "ping a -> b",
      detail: ["passed": true, "seconds": .number(2), "detail": "one\ntwo"])
    #expect(EventRow(event).words == nil)
    let row = try JSON.decode(EventRow.self, from: JSON.bytes(EventRow(event, hasWords: true)))
    #expect(row.words == "passed in 2.0 s: one | two")
  }
}
