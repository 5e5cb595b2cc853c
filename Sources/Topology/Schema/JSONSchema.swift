/// The JSON schema (draft-07) of the lab file, for editors: made of the tables that the reader uses.
package enum JSONSchema {
  /// The schema, pretty-printed, with a line break at its end.
  package static func text() -> String { document.text() + "\n" }

  static var document: JSONText {
    let root = object(LabSchema.top)
    let definitions = LabSchema.definitions.map { ($0.name.identifier, JSONText.object(object($0))) }
    return .object(
      [
        ("$schema", .string("http://json-schema.org/draft-07/schema#")),
        ("title", .string("Apus lab file")),
        ("description", .string("A virtual network lab: switches, machines, wires, and what must be true of them.")),
      ] + root + [("definitions", .object(definitions))])
  }

  /// A mapping: its keys, and no others.
  private static func object(_ schema: ObjectSchema) -> [(String, JSONText)] {
    let keys = schema.keys.filter { !$0.isLater }
    var members: [(String, JSONText)] = [
      ("type", .string("object")), ("additionalProperties", .boolean(false)),
      ("properties", .object(keys.map { ($0.name, property($0)) })),
    ]
    let required = keys.filter(\.isRequired).map { JSONText.string($0.name) }
    // A profile may bring what a node needs.
    if !required.isEmpty, schema.key("profile") == nil { members.append(("required", .array(required))) }
    return members
  }

  private static func property(_ key: ObjectSchema.Key) -> JSONText {
    var text = key.text
    if let kinds = NodeKind.having(nicKey: key.name) {
      text += " Kinds: \(kinds.map(\.word).joined(separator: ", "))."
    }
    return .object([("description", .string(text))] + members(of: key.type))
  }

  private static func members(of type: ValueType) -> [(String, JSONText)] {
    switch type {
    case .text: scalar
    case .integer(let range): any([.object(integer(range)), pattern("-?[0-9]+")])
    case .size: any([.object(integer(0...Int.max)), pattern("[0-9.]+([KkMmGgTt]([Ii]?[Bb])?|[Bb])?")])
    case .time: any([.object([("const", .integer(0))]), pattern("[0-9.]+(us|ms|s|m|min|h)?")])
    case .ratio: any([.object([("const", .integer(0))]), pattern("[0-9.]+%?")])
    case .rate: any([.object([("const", .integer(0))]), pattern("[0-9.]+([KkMmGgTt]?[Bb][Ii][Tt])?")])
    case .boolean: any([.object([("type", .string("boolean"))]), choice(["on", "off", "true", "false", "yes", "no"])])
    case .octal: any([.object(integer(0...0o7777)), pattern("[0-7]{3,4}")])
    case .ring: any([pattern("[0-9]+x[0-9.]+([KkMmGgTt]([Ii]?[Bb])?|[Bb])?")])
    case .digest: any([pattern("[0-9A-Fa-f]{64}")])
    case .form(let form): any([pattern(form)])
    case .choice(let names): any([choice(names), variable])
    case .name: any([.object([("type", .string("integer"))]), pattern(LabSchema.names.unanchored)])
    case .vlan: any([.object(integer(Limits.vlanIDs)), .object([("type", .string("string"))])])
    case .vlans: members(of: .oneOrMore(.vlan))
    case .mac: any([pattern("[0-9A-Fa-f]{2}([:-][0-9A-Fa-f]{2}){5}")])
    case .address: any([pattern("[0-9A-Fa-f.:]+")])
    case .prefix: any([pattern("[0-9A-Fa-f.:]+/[0-9]+")])
    case .list(let item): [("type", .string("array")), ("items", value(item))]
    case .oneOrMore(let item): any([value(item), .object([("type", .string("array")), ("items", value(item))])])
    case .map(let item, let names):
      [
        ("type", .string("object")), ("patternProperties", .object([(names, value(item))])),
        ("additionalProperties", .boolean(false)),
      ]
    case .object(let schema): [("$ref", .string("#/definitions/\(schema.name.identifier)"))]
    case .either(let types): any(types.map(value))
    case .optional(let type): any([value(type), .object([("type", .string("null"))])])
    }
  }

  private static func value(_ type: ValueType) -> JSONText { .object(members(of: type)) }

  private static func any(_ values: [JSONText]) -> [(String, JSONText)] { [("anyOf", .array(values))] }

  private static let scalar: [(String, JSONText)] = [
    ("type", .array([.string("string"), .string("number"), .string("boolean")]))
  ]

  private static func integer(_ range: ClosedRange<Int>) -> [(String, JSONText)] {
    var members: [(String, JSONText)] = [("type", .string("integer")), ("minimum", .integer(range.lowerBound))]
    if range.upperBound != .max { members.append(("maximum", .integer(range.upperBound))) }
    return members
  }

  private static func choice(_ names: [String]) -> JSONText { .object([("enum", .array(names.map { .string($0) }))]) }

  /// A text of that form, or one that an environment variable completes.
  private static func pattern(_ pattern: String) -> JSONText {
    .object([("type", .string("string")), ("pattern", .string("^(\(pattern))$|\\$\\{"))])
  }

  /// A text that an environment variable completes.
  private static let variable = JSONText.object([("type", .string("string")), ("pattern", .string("\\$\\{"))])
}

extension String {
  /// A name of the tables as a definition of the schema: `port-profile`.
  fileprivate var identifier: String { String(lowercased().map { $0 == " " ? "-" : $0 }) }

  /// A pattern without its anchors.
  fileprivate var unanchored: String { String(drop(while: { $0 == "^" }).prefix { $0 != "$" }) }
}
