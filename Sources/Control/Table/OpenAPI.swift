import Lab

/// The description of the API in the words of the OpenAPI Specification, version 3.1.0.
///
/// All of it is made of the rows that the router serves and the shapes of their JSON.
struct OpenAPI {
  let rows: [RouteRow]

  var document: JSONValue {
    var paths: [String: JSONValue] = [:]
    for row in rows {
      var methods: [String: JSONValue] = [:]
      if case .object(let known)? = paths[row.path] { methods = known }
      methods[row.method.rawValue.lowercased()] = operation(row)
      paths[row.path] = .object(methods)
    }
    return [
      "openapi": "3.1.0",
      "info": [
        "title": "Apus", "version": .text(Product.version),
        "description": "The lab of one daemon. HTTP/1.1 on the control socket, `<state>/<lab>/control.sock`.",
      ],
      "paths": .object(paths),
      "components": ["schemas": .object(schemas), "responses": .object(Self.failures)],
    ]
  }

  // MARK: - Paths

  private func operation(_ row: RouteRow) -> JSONValue {
    var operation: [String: JSONValue] = [
      "operationId": .text(row.id), "summary": .text(row.text), "responses": .object(responses(row)),
    ]
    let parameters = row.query.map { Self.parameter($0) } + (row.parameter.map { [Self.parameter(inPath: $0)] } ?? [])
    if !parameters.isEmpty { operation["parameters"] = .list(parameters) }
    if !row.bodies.isEmpty {
      operation["requestBody"] = ["required": .boolean(row.isBodyRequired), "content": Self.media(row.bodies)]
    }
    return .object(operation)
  }

  /// Lists in a query are one text with commas (`style` form, not exploded).
  private static func parameter(_ field: Field) -> JSONValue {
    var parameter: [String: JSONValue] = [
      "name": .text(field.name), "in": "query", "required": .boolean(field.isRequired),
      "description": .text(field.text), "schema": field.shape.schema,
    ]
    if case .list = field.shape {
      parameter["style"] = "form"
      parameter["explode"] = false
    }
    return .object(parameter)
  }

  private static func parameter(inPath name: String) -> JSONValue {
    [
      "name": .text(name), "in": "path", "required": true, "description": .text("Name of the \(name)."),
      "schema": Shape.text.schema,
    ]
  }

  private func responses(_ row: RouteRow) -> [String: JSONValue] {
    var responses: [String: JSONValue] = [:]
    for status in row.statuses {
      responses["\(status)"] = ["$ref": .text("#/components/responses/\(status)")]
    }
    responses["204"] = responses["204"].map { _ in ["description": "It is done; there is nothing to tell."] }
    if let answer = row.answer {
      responses["200"] = ["description": .text(Self.words(answer)), "content": Self.media([answer] + row.otherAnswers)]
    }
    return responses
  }

  private static func words(_ content: Content) -> String {
    let own = content.text.isEmpty ? content.shape?.sentence ?? "" : content.text
    return content.type == Content.linesType ? "Lines as they come, each: \(own)" : own
  }

  private static func media(_ contents: [Content]) -> JSONValue {
    var types: [String: JSONValue] = [:]
    for content in contents {
      var media: [String: JSONValue] = [:]
      if let shape = content.shape { media["schema"] = shape.schema }
      types[content.type] = .object(media)
    }
    return .object(types)
  }

  // MARK: - Components

  private static let statuses: [(ExitCode, String)] = [
    (.badInput, "The request is not understood; nothing was changed."),
    (.notFound, "There is no such thing, or no lab is up."),
    (.different, "Something is in the way; nothing was changed."),
    (.failed, "It failed while it was done."),
    (.unreachable, "The daemon is ending."),
  ]

  private static var failures: [String: JSONValue] {
    var responses: [String: JSONValue] = [:]
    for (code, text) in statuses {
      responses["\(code.status)"] = [
        "description": .text(text), "content": media([Content(type: Content.jsonType, shape: ErrorAnswer.shape)]),
      ]
    }
    return responses
  }

  private var schemas: [String: JSONValue] {
    var shapes: [String: Shape] = [:]
    ErrorAnswer.shape.named(into: &shapes)
    for row in rows {
      for content in row.bodies + (row.answer.map { [$0] } ?? []) { content.shape?.named(into: &shapes) }
    }
    return shapes.mapValues(\.definition)
  }
}

extension Shape {
  /// As a schema of JSON Schema 2020-12; what has a name is referred to.
  var schema: JSONValue {
    switch self {
    case .object(let object): Self.reference(object.name)
    case .either(let either) where !either.name.isEmpty: Self.reference(either.name)
    default: definition
    }
  }

  private static func reference(_ name: String) -> JSONValue { ["$ref": .text("#/components/schemas/\(name)")] }

  /// The schema itself, also of what has a name.
  var definition: JSONValue {
    switch self {
    case .text: ["type": "string"]
    case .choice(let words): ["type": "string", "enum": .list(words.map { .text($0) })]
    case .integer(let range): Self.integer(range)
    case .number(let least, let orEqual):
      least == -.infinity
        ? ["type": "number"]
        : ["type": "number", orEqual ? "minimum" : "exclusiveMinimum": .number(least)]
    case .numbers(let range):
      ["type": "number", "minimum": .number(range.lowerBound), "maximum": .number(range.upperBound)]
    case .boolean: ["type": "boolean"]
    case .bytes: ["type": "string", "contentEncoding": "base64"]
    case .list(let shape): ["type": "array", "items": shape.schema]
    case .map(let shape): ["type": "object", "additionalProperties": shape.schema]
    case .object(let object): object.definition
    case .either(let either): ["description": .text(either.text), "oneOf": .list(either.shapes.map(\.schema))]
    case .nullable(let shape): ["oneOf": [shape.schema, ["type": "null"]]]
    case .anything: true
    }
  }

  private static func integer(_ range: ClosedRange<Int>) -> JSONValue {
    var schema: [String: JSONValue] = ["type": "integer"]
    if range.lowerBound != .min { schema["minimum"] = .integer(range.lowerBound) }
    if range.upperBound != .max { schema["maximum"] = .integer(range.upperBound) }
    return .object(schema)
  }

  /// Also null, which only one of the schemas of a `oneOf` may be.
  fileprivate var orNull: Shape {
    switch self {
    case .nullable, .anything: self
    default: .nullable(self)
    }
  }

  /// What it is, in a sentence.
  var sentence: String {
    switch self {
    case .object(let object): object.text
    case .either(let either): either.text
    case .list(let shape): "A list. Each: \(shape.sentence)"
    default: "\(words.prefix(1).uppercased())\(words.dropFirst())."
    }
  }
}

extension ObjectShape {
  /// Keys that may be left out may also be null.
  fileprivate var definition: JSONValue {
    var properties: [String: JSONValue] = [:]
    for field in fields {
      var property: [String: JSONValue] = ["description": .text(field.text)]
      let shape = field.isRequired ? field.shape : field.shape.orNull
      if case .object(let members) = shape.schema { property.merge(members) { $1 } }
      properties[field.name] = .object(property)
    }
    var schema: [String: JSONValue] = [
      "type": "object", "description": .text(text), "properties": .object(properties),
    ]
    let required = fields.filter(\.isRequired).map { JSONValue.text($0.name) }
    if !required.isEmpty { schema["required"] = .list(required) }
    return .object(schema)
  }
}
