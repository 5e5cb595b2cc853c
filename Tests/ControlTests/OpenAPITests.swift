import Testing

@testable import Control

/// `GET /openapi.json`.
@Suite struct OpenAPITests {
  private func document() async throws -> JSONValue {
    var document = JSONValue.null
    try await ServerFixture.run(FixedLab()) { client, _ in document = try await client.ask(API.description) }
    return document
  }

  private func members(_ value: JSONValue?) -> [String: JSONValue] {
    if case .object(let members)? = value { members } else { [:] }
  }

  @Test func itHasEveryRowAndNothingElse() async throws {
    let document = try await document()
    #expect(document["openapi"] == "3.1.0")
    #expect(document["info"]?["version"] == .text(Product.version))
    let rows = ControlServer(service: FixedLab(), socket: "/", onEnd: { _ in }).routes().map(\.row)
    let told = members(document["paths"]).flatMap { path, methods in
      members(methods).keys.map { "\($0.uppercased()) \(path)" }
    }
    #expect(told.sorted() == rows.map(\.title).sorted())
    for row in rows {
      let operation = document["paths"]?[row.path]?[row.method.rawValue.lowercased()]
      #expect(operation?["operationId"] == .text(row.id))
      #expect(members(operation?["responses"]).keys.sorted() == row.statuses.map { "\($0)" }.sorted())
      for (status, response) in members(operation?["responses"]) {
        #expect(response["description"] != nil || response["$ref"] != nil, "\(row.title) \(status)")
        if let text = response["description"] { #expect(text != "", "\(row.title) \(status)") }
      }
      guard case .list(let parameters)? = operation?["parameters"] else {
        #expect(row.query.isEmpty && row.parameter == nil && !row.takesIfMatch)
        continue
      }
      let names = row.query.map(\.name) + (row.parameter.map { [$0] } ?? []) + (row.takesIfMatch ? ["If-Match"] : [])
      #expect(parameters.map { $0["name"] } == names.map { .text($0) })
    }
  }

  @Test func everyReferenceLeadsSomewhere() async throws {
    let document = try await document()
    var references: Set<String> = []
    collect(document, &references)
    #expect(references.count > 40)
    for reference in references.sorted() {
      var place: JSONValue? = document
      for key in reference.dropFirst(2).split(separator: "/") { place = place?[String(key)] }
      #expect(place != nil, "\(reference)")
    }
    // And everything that has a name is used.
    for kind in ["schemas", "responses"] {
      for name in members(document["components"]?[kind]).keys {
        #expect(references.contains("#/components/\(kind)/\(name)"), "\(name)")
      }
    }
  }

  private func collect(_ value: JSONValue, _ references: inout Set<String>) {
    switch value {
    case .object(let members):
      if case .text(let reference)? = members["$ref"] { references.insert(reference) }
      for member in members.values { collect(member, &references) }
    case .list(let items): for item in items { collect(item, &references) }
    default: break
    }
  }

  /// Of the schemas of a `oneOf` a value must match exactly one: null is in one of them at most.
  @Test func nullIsSaidOnce() async throws {
    var counts: [Int] = []
    countNulls(in: try await document(), &counts)
    #expect(counts.count > 40)
    #expect(counts.allSatisfy { $0 == 1 })
  }

  /// How often each `oneOf` that may be null says so, here and in what stands in it.
  private func countNulls(in value: JSONValue, _ counts: inout [Int]) {
    switch value {
    case .object(let members):
      let nulls = nulls(in: value)
      if nulls > 0, members["oneOf"] != nil { counts.append(nulls) }
      for member in members.values { countNulls(in: member, &counts) }
    case .list(let items): for item in items { countNulls(in: item, &counts) }
    default: break
    }
  }

  private func nulls(in schema: JSONValue) -> Int {
    // A schema that is just true takes null too.
    if schema["type"] == "null" || schema == true { return 1 }
    guard case .list(let schemas)? = schema["oneOf"] else { return 0 }
    return schemas.reduce(0) { $0 + nulls(in: $1) }
  }

  /// Two types of one name would hide each other.
  @Test func aNameStandsForOneShape() {
    var found: [String: Set<JSONValue.Text>] = [:]
    for row in ControlServer(service: FixedLab(), socket: "/", onEnd: { _ in }).routes().map(\.row) {
      for content in row.bodies + (row.answer.map { [$0] } ?? []) {
        var named: [String: Shape] = [:]
        content.shape?.named(into: &named)
        for (name, shape) in named {
          found[name, default: []].insert(JSONValue.Text(shape.definition(isClosed: false)))
        }
      }
    }
    for (name, texts) in found { #expect(texts.count == 1, "\(name)") }
  }
}

extension JSONValue {
  /// A value as text, to be compared.
  fileprivate struct Text: Hashable {
    var text: String
    init(_ value: JSONValue) { text = (try? JSON.text(value)) ?? "" }
  }
}
