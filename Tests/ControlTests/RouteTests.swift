import Lab
import Testing
import Topology

@testable import Control

/// The table of routes against the server that is made of it.
@Suite struct RouteTests {
  private static let rows = ControlServer(service: FixedLab(), socket: "/", onEnd: { _ in }).routes().map(\.row)

  private struct Reply {
    var status = 0
    var type: String?
    var bytes: [UInt8] = []
    var error: UserError?

    /// Its JSON values.
    func values(of content: Content) throws -> [JSONValue] {
      guard content.type == Content.linesType else { return [try JSON.decode(JSONValue.self, from: bytes)] }
      return try bytes.split(separator: UInt8(ascii: "\n")).map { try JSON.decode(JSONValue.self, from: Array($0)) }
    }
  }

  private func ask(_ client: ControlClient, _ row: RouteRow, _ example: RouteExample) async throws -> Reply {
    let name = PercentCoding.escape(example.name)
    let path = row.parameter.map { row.path.replacing("{\($0)}", with: name) } ?? row.path
    let target = example.query.isEmpty ? path : "\(path)?\(example.query)"
    return try await ask(client, row.method, target, example.upload)
  }

  private func ask(
    _ client: ControlClient, _ method: RouteMethod, _ target: String, _ upload: Upload = .whole([])
  ) async throws -> Reply {
    var reply = Reply()
    do {
      try await client.exchange(method, target, upload) {
        (reply.status, reply.type) = ($0.status, $0.type)
      } onChunk: {
        reply.bytes += $0
      }
    } catch let error as UserError {
      reply.error = error
    }
    return reply
  }

  @Test func everyRowHasAnExample() {
    let ids = Self.rows.map(\.id)
    #expect(Set(ids).count == ids.count)
    #expect(Set(RouteExample.all.map(\.id)) == Set(ids))
  }

  /// Requests and answers are what the rows say, and between them they have every key and every choice of every shape.
  @Test func examplesAreAnsweredAsTheRowsSay() async throws {
    var seen: Set<String> = []
    for example in RouteExample.all {
      let row = try #require(Self.rows.first { $0.id == example.id })
      let texts = example.type == nil ? example.lines ?? (example.body.map { [$0] } ?? []) : []
      for text in texts where example.status < 300 {
        let type = example.lines == nil ? Content.jsonType : Content.linesType
        let shape = try #require(row.bodies.first { $0.type == type }?.shape)
        try note(try JSON.decode(JSONValue.self, from: Array(text.utf8)), shape, &seen)
      }
      // A WebSocket has other clients than this one; the query was read.
      if example.status < 300 || example.status == 426 {
        seen.formUnion(try QueryText.pairs(of: example.query).map { "\(row.id)?\($0.key)" })
      }
      let service = example.lab()
      try await ServerFixture.run(service) { client, _ in
        let reply = try await ask(client, row, example)
        #expect(reply.status == example.status, "\(row.title)?\(example.query): \(reply)")
        #expect(row.statuses.contains(reply.status), "\(row.title) does not say \(reply.status)")
        if reply.status == 200 || reply.status == 201, let answer = row.answer {
          if row.otherAnswers.contains(where: { $0.type == reply.type }) { return }
          #expect(reply.type == answer.type, "\(row.title)")
          guard let shape = answer.shape else { return }
          for value in try reply.values(of: answer) { try note(value, shape, &seen) }
        } else if reply.status == 204 {
          #expect(reply.bytes.isEmpty)
        } else {
          let error = try #require(reply.error)
          try note(try JSON.decode(JSONValue.self, from: JSON.bytes(ErrorBody(error))), ErrorBody.shape, &seen)
        }
      }
    }
    for value in RouteExample.others {
      try note(try JSON.decode(JSONValue.self, from: JSON.bytes(value)), type(of: value).shape, &seen)
    }
    var wanted: Set<String> = []
    for row in Self.rows {
      wanted.formUnion(row.query.map { "\(row.id)?\($0.name)" })
      for content in row.bodies + (row.answer.map { [$0] } ?? []) { content.shape.map { demand($0, &wanted) } }
      for shape in row.socket?.shapes ?? [] { demand(shape, &wanted) }
    }
    #expect(wanted.subtracting(seen).sorted() == [], "keys that are in no example")
  }

  /// Checks a value, and notes the keys of objects and the choices that it has.
  private func note(_ value: JSONValue, _ shape: Shape, _ seen: inout Set<String>) throws {
    try shape.check(value)
    switch (shape, value) {
    case (.nullable(let shape), _): if value != .null { try note(value, shape, &seen) }
    case (.list(let shape), .list(let items)): for item in items { try note(item, shape, &seen) }
    case (.map(let shape), .object(let members)): for item in members.values { try note(item, shape, &seen) }
    case (.either(let either), _):
      for shape in either.shapes where (try? shape.check(value)) != nil { try note(value, shape, &seen) }
    case (.object(let object), _):
      for field in object.fields {
        guard let member = value[field.name], member != .null else { continue }
        seen.insert("\(object.name).\(field.name)")
        try note(member, field.shape, &seen)
      }
    default: break
    }
  }

  /// All keys of all objects.
  private func demand(_ shape: Shape, _ wanted: inout Set<String>) {
    var named: [String: Shape] = [:]
    shape.named(into: &named)
    for (name, shape) in named { wanted.formUnion(shape.fields.map { "\(name).\($0.name)" }) }
  }

  @Test func whatAQueryMustNotSayIsRefused() async throws {
    let lab = FixedLab()
    try await ServerFixture.run(lab) { client, ends in
      for row in Self.rows {
        let path = row.path.replacing("{\(row.parameter ?? "")}", with: "vm1")
        let stranger = try await ask(client, row.method, "\(path)?no-such=1")
        #expect(stranger.status == 400, "\(row.title)")
        #expect(stranger.error?.message == "unknown query key \"no-such\"")
        for field in row.query where !field.isRepeated {
          let twice = try await ask(client, row.method, "\(path)?\(field.name)=1&\(field.name)=1")
          #expect(twice.status == 400, "\(row.title): \(field.name)")
          if case .text = field.shape { continue }
          if case .form = field.shape { continue }
          for text in ["%00", ",", "-1", "1e999", "nan", "TRUE"] {
            if case .list = field.shape, text != "," { continue }
            let reply = try await ask(client, row.method, "\(path)?\(field.name)=\(text)")
            #expect(reply.status == 400, "\(row.title): \(field.name)=\(text)")
            #expect(reply.error?.message.hasPrefix("\(field.name) must be ") == true, "\(reply)")
          }
        }
        let broken = try await ask(client, row.method, "\(path)?a=%zz")
        #expect(broken.status == 400)
      }
      #expect(ends.values.isEmpty)
    }
    #expect(await lab.takeDowns == 0)
    #expect(await lab.flushes.isEmpty)
  }

  /// Each key of each body: with a value that it cannot have, without it if it is required, and one that nobody knows.
  @Test func whatABodyMustNotSayIsRefused() async throws {
    let lab = FixedLab()
    try await ServerFixture.run(lab) { client, _ in
      for example in RouteExample.all where example.body != nil && example.type == nil && example.status < 300 {
        let row = try #require(Self.rows.first { $0.id == example.id })
        let whole = try JSON.decode(JSONValue.self, from: Array((example.body ?? "").utf8))
        guard case .object(let members) = whole, let shape = row.bodies.first?.shape else { continue }
        var bodies: [JSONValue] = [[], "text", 1, .null, .object(members.merging(["no-such": 1]) { $1 })]
        for field in shape.fields {
          bodies.append(.object(members.merging([field.name: ["no-such": ["a": 1]]]) { $1 }))
          if field.isRequired { bodies.append(.object(members.filter { $0.key != field.name })) }
        }
        for body in bodies {
          var wrong = example
          wrong.body = try JSON.text(body)
          let reply = try await ask(client, row, wrong)
          #expect(reply.status == 400, "\(row.title) took \(wrong.body ?? "")")
          #expect(reply.error?.message.contains("is not the JSON that") == true, "\(row.title): \(reply)")
        }
      }
    }
    #expect(await lab.linkChanges.isEmpty)
    #expect(await lab.requests.isEmpty)
  }

  @Test func methodsThatNoRowHasAreNotThere() async throws {
    try await ServerFixture.run(FixedLab()) { client, _ in
      for (path, rows) in Dictionary(grouping: Self.rows, by: \.path) {
        for method in RouteMethod.allCases where !rows.contains(where: { $0.method == method }) {
          let target = path.replacing("{\(rows[0].parameter ?? "")}", with: "vm1")
          let reply = try await ask(client, method, target)
          #expect(reply.status == 405, "\(method) \(path)")
          #expect(reply.error?.hint?.hasPrefix("that path takes ") == true, "\(method) \(path): \(reply)")
        }
      }
    }
  }

  @Test func clientsAskForWhatTheRowsSay() throws {
    #expect(try API.port.target(of: "a/b c") == "/v1/ports/a%2Fb%20c")
    #expect(try API.labUp.target() == "/v1/lab")
    var request = CaptureRequest(["sw1", "vm1.eth0"])
    (request.filter, request.snap, request.duration, request.isRaw) = ("a & b", 0, 1.5, true)
    request.segments = true
    let text = "filter=a%20%26%20b&raw=true&segment=true&snap=0&target=sw1%2Cvm1.eth0"
    #expect(try API.capture.target(request) == "/v1/capture?duration=1.5&\(text)")
    #expect(try API.recording.target(RecordingQuery(request, last: 10)).contains("&last=10&"))
    let object = try QueryText.object(
      try QueryText.pairs(of: "duration=1.5&\(text)"), CaptureRequest.shape.fields, of: "")
    #expect(try JSON.decode(CaptureRequest.self, from: JSON.bytes(object)) == request)
  }
}
