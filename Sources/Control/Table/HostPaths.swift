import Lab

/// Which values of a key are not taken over TCP, since they name a path of this host.
package enum HostValues: Sendable {
  /// All are taken.
  case none
  /// None is.
  case all
  /// Texts that begin with a slash are not.
  case absolute

  fileprivate func has(_ value: JSONValue) -> Bool {
    switch (self, value) {
    case (.none, _), (_, .null): false
    case (.all, _): true
    case (.absolute, .text(let text)): text.hasPrefix("/")
    case (.absolute, _): false
    }
  }
}

extension Field {
  /// The same key, for the control socket alone where its value is one of these.
  func onSocket(_ values: HostValues = .all) -> Field {
    var field = self
    field.hostValues = values
    field.text += values == .all ? " On the control socket alone." : " Paths are taken on the control socket alone."
    return field
  }
}

/// Finds what names a path of this host in what came over TCP.
enum HostPaths {
  /// - Throws: `HTTPRefusal` (403) for the first such key.
  static func refuse(_ value: JSONValue, _ shape: Shape) throws(HTTPRefusal) {
    if let place = first(in: value, shape, at: "") { throw .onSocketOnly("\(place) of the body") }
  }

  /// The same of an object with these keys.
  static func refuse(_ value: JSONValue, _ fields: [Field], of what: String) throws(HTTPRefusal) {
    if let place = first(in: value, fields, at: "") { throw .onSocketOnly("\(place) of \(what)") }
  }

  private static func first(in value: JSONValue, _ shape: Shape, at place: String) -> String? {
    switch (shape, value) {
    case (.list(let shape), .list(let items)), (.counted(let shape, _), .list(let items)):
      items.enumerated().lazy.compactMap { first(in: $1, shape, at: "\(place)[\($0)]") }.first
    case (.map(let shape), .object(let members)):
      members.lazy.compactMap { first(in: $1, shape, at: "\(place).\($0)") }.first
    case (.nullable(let shape), _): first(in: value, shape, at: place)
    case (.either(let either), _): either.shapes.lazy.compactMap { first(in: value, $0, at: place) }.first
    case (.object(let object), _): first(in: value, object.fields, at: place)
    default: nil
    }
  }

  private static func first(in value: JSONValue, _ fields: [Field], at place: String) -> String? {
    for field in fields {
      guard let member = value[field.name] else { continue }
      let path = place.isEmpty ? field.name : "\(place).\(field.name)"
      if field.hostValues.has(member) { return path }
      if let inner = first(in: member, field.shape, at: path) { return inner }
    }
    return nil
  }
}
