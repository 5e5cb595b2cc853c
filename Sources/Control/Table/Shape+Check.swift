import FoundationEssentials

/// Where a value is not of its shape.
struct ShapeFault: Error, Equatable, CustomStringConvertible {
  /// As `nodes[0].name`; empty = the value itself.
  var path: String
  /// What is wrong with it: `must be a text`.
  var reason: String

  var description: String { "\(path.isEmpty ? "it" : path) \(reason)" }
}

extension Shape {
  /// Checks a value, with all that is in it.
  /// - Throws: the first fault.
  func check(_ value: JSONValue, at path: String = "") throws(ShapeFault) {
    switch (self, value) {
    case (.list(let shape), .list(let items)):
      for (index, item) in items.enumerated() { try shape.check(item, at: "\(path)[\(index)]") }
    case (.counted(let shape, let count), .list(let items)):
      guard count.contains(items.count) else { throw ShapeFault(path: path, reason: "must be \(words)") }
      try Shape.list(shape).check(value, at: path)
    case (.map(let shape), .object(let members)):
      for (key, member) in members.sorted(by: { $0.key < $1.key }) {
        try shape.check(member, at: Self.path(path, key))
      }
    case (.object(let object), .object(let members)): try object.check(members, at: path)
    case (.either(let either), _): try either.check(value, at: path)
    case (.nullable, .null): break
    case (.nullable(let shape), _): try shape.check(value, at: path)
    default:
      guard isScalar(value) else { throw ShapeFault(path: path, reason: "must be \(words)") }
    }
  }

  /// Whether it is one of the values without parts that this is.
  private func isScalar(_ value: JSONValue) -> Bool {
    switch (self, value) {
    case (.text, .text), (.boolean, .boolean), (.anything, _): true
    case (.choice(let words), .text(let text)): words.contains(text)
    case (.form(let form), .text(let text)): form.holds(text)
    case (.integer(let range), .integer(let number)): range.contains(number)
    case (.number(let least, let orEqual), .integer(let number)):
      orEqual ? Double(number) >= least : Double(number) > least
    case (.number(let least, let orEqual), .number(let number)): orEqual ? number >= least : number > least
    case (.numbers(let range), .integer(let number)): range.contains(Double(number))
    case (.numbers(let range), .number(let number)): range.contains(number)
    case (.bytes, .text(let text)): Data(base64Encoded: text) != nil
    default: false
    }
  }

  fileprivate static func path(_ path: String, _ key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }
}

extension ObjectShape {
  /// Keys that are optional may also be null: that is what is said of a thing that is not known.
  fileprivate func check(_ members: [String: JSONValue], at path: String) throws(ShapeFault) {
    for field in fields {
      let place = Shape.path(path, field.name)
      guard let value = members[field.name] else {
        if field.isRequired { throw ShapeFault(path: place, reason: "is missing") }
        continue
      }
      if !field.isRequired, value == .null { continue }
      try field.shape.check(value, at: place)
    }
    let known = fields.map(\.name)
    if let stranger = members.keys.sorted().first(where: { !known.contains($0) }) {
      throw ShapeFault(
        path: Shape.path(path, stranger), reason: "is an unknown key (known: \(known.joined(separator: ", ")))")
    }
  }
}

extension EitherShape {
  /// Says what is wrong by the shape that has most in common with the value: the one that it has a key of.
  fileprivate func check(_ value: JSONValue, at path: String) throws(ShapeFault) {
    var nearest: ShapeFault?
    for shape in shapes {
      do throws(ShapeFault) {
        return try shape.check(value, at: path)
      } catch {
        if shape.fields.contains(where: { value[$0.name] != nil }) { nearest = nearest ?? error }
      }
    }
    throw nearest ?? ShapeFault(path: path, reason: "must be \(Shape.either(self).words)")
  }
}

extension Shape {
  /// All shapes under a name in this one, itself too, each once.
  func named(into found: inout [String: Shape]) {
    switch self {
    case .list(let shape), .counted(let shape, _), .map(let shape), .nullable(let shape): shape.named(into: &found)
    case .object(let object):
      guard found[object.name] == nil else { return }
      found[object.name] = self
      for field in object.fields { field.shape.named(into: &found) }
    case .either(let either):
      guard found[either.name] == nil else { return }
      if !either.name.isEmpty { found[either.name] = self }
      for shape in either.shapes { shape.named(into: &found) }
    case .text, .form, .choice, .integer, .number, .numbers, .boolean, .bytes, .anything: break
    }
  }
}
