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
        "title": "Apus", "version": .text(Product.version), "summary": "A virtual network lab and its switch.",
        "description": "The lab of one daemon. HTTP/1.1 on the control socket, `<state>/<lab>/control.sock`.",
        "license": ["name": "Apache-2.0", "identifier": "Apache-2.0"],
      ],
      "servers": [["url": "/", "description": "The daemon that answered with this."]],
      "paths": .object(paths),
      "security": [["token": []], ["session": []]],
      "components": [
        "schemas": .object(schemas), "responses": .object(failures), "securitySchemes": Self.securitySchemes,
      ],
    ]
  }

  private static let securitySchemes: JSONValue = [
    "token": [
      "type": "http", "scheme": "bearer",
      "description": "The lab's token, over TCP; on the control socket nothing of the kind is needed.",
    ],
    "session": [
      "type": "apiKey", "in": "cookie", "name": .text(HTTPAccess.cookie),
      "description": "A session that `POST /v1/session` has begun, for browsers.",
    ],
  ]

  // MARK: - Paths

  private func operation(_ row: RouteRow) -> JSONValue {
    var operation: [String: JSONValue] = [
      "operationId": .text(row.id), "summary": .text(row.text), "responses": .object(responses(row)),
      "tags": [.text(row.subject)],
    ]
    if row.access == .everyone { operation["security"] = [] }
    var parameters =
      row.query.map { Self.parameter($0) }
      + (row.parameter.map { [Self.parameter(inPath: $0, row.parameterForm)] } ?? [])
    if row.takesIfMatch { parameters.append(Self.ifMatch) }
    if !parameters.isEmpty { operation["parameters"] = .list(parameters) }
    if !row.bodies.isEmpty {
      operation["requestBody"] = [
        "required": .boolean(row.isBodyRequired), "content": Self.media(row.bodies, example: Sample.body(of: row.id)),
      ]
    }
    if let socket = row.socket { operation["x-websocket"] = socket.description }
    return .object(operation)
  }

  /// Lists in a query are one text with commas (`style` form, not exploded).
  private static func parameter(_ field: Field) -> JSONValue {
    var parameter: [String: JSONValue] = [
      "name": .text(field.name), "in": "query", "required": .boolean(field.isRequired),
      "description": .text(field.text), "schema": field.isRepeated ? field.shape.schema : field.shape.queryShape.schema,
    ]
    if field.shape.isList {
      parameter["style"] = "form"
      parameter["explode"] = .boolean(field.isRepeated)
    }
    if let example = Sample.query[field.name] { parameter["example"] = example }
    return .object(parameter)
  }

  private static func parameter(inPath name: String, _ form: TextForm?) -> JSONValue {
    var parameter: [String: JSONValue] = [
      "name": .text(name), "in": "path", "required": true, "description": .text("Name of the \(name)."),
      "schema": form.map { Shape.form($0).schema } ?? ["type": "string", "minLength": 1],
    ]
    if let example = Sample.names[name] { parameter["example"] = .text(example) }
    return .object(parameter)
  }

  private static let ifMatch: JSONValue = [
    "name": "If-Match", "in": "header", "required": false,
    "description": "The `ETag` of what is to be changed, as it was seen; another one is answered by 409.",
    "schema": ["type": "string", "minLength": 1, "pattern": "^(\\*|\"[^\",]*\")$"], "example": "*",
  ]

  private func responses(_ row: RouteRow) -> [String: JSONValue] {
    var responses: [String: JSONValue] = [:]
    for status in row.statuses {
      responses["\(status)"] = ["$ref": .text("#/components/responses/\(status)")]
    }
    responses["204"] = responses["204"].map { _ in ["description": "It is done; there is nothing to tell."] }
    if row.socket != nil { responses["101"] = SocketWire.accepted }
    if responses["426"] != nil { responses["426"] = SocketWire.required }
    guard let answer = row.answer else { return responses }
    var response: [String: JSONValue] = [
      "description": .text(Self.words(answer)), "content": Self.media([answer] + row.otherAnswers),
    ]
    if row.isTagged, answer.type == Content.jsonType {
      response["headers"] = [
        "ETag": ["description": "Of what can be set of it; for `If-Match`.", "schema": ["type": "string"]]
      ]
    }
    responses["200"] = .object(response)
    if row.mayMake {
      response["description"] = "It was made."
      responses["201"] = .object(response)
    }
    return responses
  }

  private static func words(_ content: Content) -> String {
    let own = content.text.isEmpty ? content.shape?.sentence ?? "" : content.text
    return content.type == Content.linesType ? "Lines as they come, each: \(own)" : own
  }

  private static func media(_ contents: [Content], example: JSONValue? = nil) -> JSONValue {
    var types: [String: JSONValue] = [:]
    for content in contents {
      var media: [String: JSONValue] = [:]
      if let shape = content.shape { media["schema"] = shape.schema }
      if content.type == Content.labFile.type { media["schema"] = ["type": "string"] }
      if content.type == Content.jsonType { media["example"] = example }
      types[content.type] = .object(media)
    }
    return .object(types)
  }

  // MARK: - Components

  private static let statuses: [(Int, String)] = [
    (400, "The request is not understood; nothing was changed."),
    (404, "There is no such thing, or no lab is up."),
    (409, "Something is in the way, or was changed by somebody else; nothing was changed."),
    (500, "It failed while it was done."),
    (503, "The daemon is ending."),
  ]

  private var failures: [String: JSONValue] {
    var responses: [String: JSONValue] = [:]
    for (status, text) in Self.statuses + RouteRow.httpFailures {
      responses["\(status)"] = [
        "description": .text(text), "content": Self.media([Content(type: Content.jsonType, shape: ErrorAnswer.shape)]),
      ]
    }
    return responses
  }

  private var schemas: [String: JSONValue] {
    var (asked, all): ([String: Shape], [String: Shape]) = ([:], [:])
    ErrorAnswer.shape.named(into: &all)
    for row in rows {
      for content in row.bodies {
        content.shape?.named(into: &asked)
        content.shape?.named(into: &all)
      }
      for content in row.answers { content.shape?.named(into: &all) }
      for shape in row.socket?.shapes ?? [] { shape.named(into: &all) }
    }
    var schemas: [String: JSONValue] = [:]
    for (name, shape) in all { schemas[name] = shape.definition(isClosed: asked[name] != nil) }
    return schemas
  }
}

extension RouteRow {
  /// What it is about, from its path: `ports`; `lab` for what has none.
  fileprivate var subject: String {
    let parts = path.split(separator: "/")
    return parts.first == "v1" && parts.count > 1 ? String(parts[1]) : "daemon"
  }
}
