extension Shape {
  /// As a schema of JSON Schema 2020-12; what has a name is referred to.
  var schema: JSONValue {
    switch self {
    case .object(let object): Self.reference(object.name)
    case .either(let either) where !either.name.isEmpty: Self.reference(either.name)
    default: definition(isClosed: false)
    }
  }

  private static func reference(_ name: String) -> JSONValue { ["$ref": .text("#/components/schemas/\(name)")] }

  /// The schema itself, also of what has a name.
  /// - Parameter isClosed: of an object: it has no other keys. What is answered may get more in later versions.
  func definition(isClosed: Bool) -> JSONValue {
    switch self {
    case .text: ["type": "string"]
    case .form(let form): form.schema
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
    case .counted(let shape, let count): Self.list(shape, count)
    case .map(let shape): ["type": "object", "additionalProperties": shape.schema]
    case .object(let object): object.definition(isClosed: isClosed)
    case .either(let either): ["description": .text(either.text), "oneOf": .list(either.shapes.map(\.schema))]
    case .nullable(let shape): ["oneOf": [shape.schema, ["type": "null"]]]
    case .anything: true
    }
  }

  private static func integer(_ range: ClosedRange<Int>) -> JSONValue {
    var schema: [String: JSONValue] = ["type": "integer"]
    schema["minimum"] = .integer(range.lowerBound)
    schema["maximum"] = .integer(range.upperBound)
    return .object(schema)
  }

  private static func list(_ shape: Shape, _ count: ClosedRange<Int>) -> JSONValue {
    var schema: [String: JSONValue] = [
      "type": "array", "items": shape.schema, "minItems": .integer(count.lowerBound),
    ]
    if count.upperBound != .max { schema["maxItems"] = .integer(count.upperBound) }
    return .object(schema)
  }

  var isList: Bool {
    switch self {
    case .list, .counted: true
    default: false
    }
  }

  /// As a query has it: a list in one text has an item at least, and no item has a comma or is empty.
  var queryShape: Shape {
    switch self {
    case .list(.text): .counted(.form(TextForm("^[^,]+$", 1...1000, "a text", example: "a")), 1...Int.max)
    case .list(let shape): .counted(shape, 1...Int.max)
    default: self
    }
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
    case .list(let shape), .counted(let shape, _): "A list. Each: \(shape.sentence)"
    default: "\(words.prefix(1).uppercased())\(words.dropFirst())."
    }
  }
}

extension ObjectShape {
  /// Keys that may be left out may also be null.
  fileprivate func definition(isClosed: Bool) -> JSONValue {
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
    if isClosed { schema["additionalProperties"] = false }
    return .object(schema)
  }
}

extension TextForm {
  fileprivate var schema: JSONValue {
    var schema: [String: JSONValue] = [
      "type": "string", "minLength": .integer(length.lowerBound), "maxLength": .integer(length.upperBound),
      "examples": [.text(example)],
    ]
    if let pattern { schema["pattern"] = .text(pattern) }
    return .object(schema)
  }
}
