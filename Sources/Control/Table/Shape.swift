/// A value that the API takes or gives as JSON.
///
/// `shape` says beside the type what its coding does: bodies and queries are judged by it, `/openapi.json` tells it.
/// That the two agree is shown by `RouteTests`: each key of each shape is met in an example, and no other.
package protocol Described: Codable, Sendable {
  static var shape: Shape { get }
}

extension Array: Described where Element: Described {
  package static var shape: Shape { .list(Element.shape) }
}

/// What a JSON value may be.
package indirect enum Shape: Sendable {
  case text
  /// A text that has a form of its own.
  case form(TextForm)
  /// One of these texts.
  case choice([String])
  case integer(ClosedRange<Int>)
  /// Above the first, or any from there on if the second is true.
  case number(above: Double, orEqual: Bool)
  case numbers(ClosedRange<Double>)
  /// `true` or `false`.
  case boolean
  /// A text of base64.
  case bytes
  case list(Shape)
  /// A list of so many.
  case counted(Shape, ClosedRange<Int>)
  /// An object with any keys.
  case map(Shape)
  case object(ObjectShape)
  /// One of several, under a name.
  case either(EitherShape)
  /// Also null.
  case nullable(Shape)
  case anything

  /// A count of something, from 0 on.
  static let count = Shape.integer(0...Int.max)
  /// A VLAN identifier.
  static let vlan = Shape.integer(1...4094)
  /// The same of a station: 0 on a switch without VLANs.
  static let stationVLAN = Shape.integer(0...4094)
  static let carrier = Shape.choice(["up", "down"])
  /// Any number from 0 on.
  static let positive = Shape.number(above: 0, orEqual: true)

  /// An object of that name, with these keys and no others.
  static func object(_ name: String, _ text: String, _ fields: [Field]) -> Shape {
    .object(ObjectShape(name: name, text: text, fields: fields))
  }
}

/// An object with keys that are known.
package struct ObjectShape: Sendable {
  /// Among the schemas of the document.
  var name: String
  /// What it is, in a sentence.
  var text: String
  var fields: [Field]
}

/// One of several values.
package struct EitherShape: Sendable {
  /// Among the schemas of the document; empty = it stands where it is used.
  var name: String
  var text: String
  var shapes: [Shape]
}

/// A key of an object, or of a query.
package struct Field: Sendable {
  package var name: String
  var shape: Shape
  /// What it is, in a sentence.
  var text: String
  /// It is always there.
  var isRequired: Bool
  /// A list that a query has item by item, the key each time; else its items have commas between.
  var isRepeated = false
  /// Which of its values are not taken over TCP.
  var hostValues = HostValues.none

  /// A key that is always there.
  init(_ name: String, _ shape: Shape, _ text: String) {
    self.init(name: name, shape: shape, text: text, isRequired: true)
  }

  /// A key that may be left out.
  init(optional name: String, _ shape: Shape, _ text: String) {
    self.init(name: name, shape: shape, text: text, isRequired: false)
  }

  /// A list of which a query has the key once an item, at least one.
  init(repeated name: String, _ item: Shape, _ text: String) {
    self.init(name: name, shape: .list(item), text: text, isRequired: true)
    isRepeated = true
  }

  private init(name: String, shape: Shape, text: String, isRequired: Bool) {
    (self.name, self.shape, self.text, self.isRequired) = (name, shape, text, isRequired)
  }

  /// The same key where it may be left out.
  var optional: Field {
    var field = self
    field.isRequired = false
    return field
  }
}

extension Shape {
  /// Keys of an object; none of anything else.
  package var fields: [Field] {
    if case .object(let object) = self { object.fields } else { [] }
  }

  /// What a value must be, as messages say it.
  var words: String {
    switch self {
    case .text: "a text"
    case .form(let form): form.words
    case .choice(let words): "one of \(words.joined(separator: ", "))"
    case .integer(let range):
      switch (range.lowerBound, range.upperBound) {
      case (.min, .max): "a whole number"
      case (let least, .max): "a whole number, \(least) or more"
      case (let least, let most): "a whole number from \(least) to \(most)"
      }
    case .number(let least, let orEqual):
      least == -.infinity ? "a number" : orEqual ? "a number, \(Int(least)) or more" : "a number above \(Int(least))"
    case .numbers(let range): "a number from \(Int(range.lowerBound)) to \(Int(range.upperBound))"
    case .boolean: "true or false"
    case .bytes: "base64"
    case .list: "a list"
    case .counted(_, let count):
      count.upperBound == .max
        ? "a list of \(count.lowerBound) or more" : "a list of \(count.lowerBound) to \(count.upperBound)"
    case .map, .object: "an object"
    case .either(let either): "one of \(either.shapes.map(\.words).joined(separator: "; "))"
    case .nullable(let shape): "\(shape.words), or null"
    case .anything: "anything"
    }
  }
}
