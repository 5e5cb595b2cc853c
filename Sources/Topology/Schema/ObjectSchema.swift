/// The keys one mapping of the lab file may have.
struct ObjectSchema: Sendable {
  struct Key: Sendable {
    var name: String
    var type: ValueType
    /// What it is, for editors.
    var text: String
    /// Part of the format, but read by a later version only.
    var isLater = false
    var isRequired = false

    init(_ name: String, _ type: ValueType, _ text: String) {
      self.name = name
      self.type = type
      self.text = text
    }

    /// This key, as one that a mapping cannot be without.
    var required: Key {
      var key = self
      key.isRequired = true
      return key
    }
  }

  /// What the mapping is, as messages call it: `link`, `node`.
  var name: String
  var keys: [Key]

  /// - Parameter later: Keys of the format that this version refuses by name.
  init(_ name: String, _ keys: [Key], later: [String] = []) {
    self.name = name
    self.keys =
      keys
      + later.map {
        var key = Key($0, .text, "Not in this version.")
        key.isLater = true
        return key
      }
  }

  /// Keys that this version reads, in the order the documentation has them.
  var readable: [String] { keys.filter { !$0.isLater }.map(\.name) }

  func key(_ name: String) -> Key? { keys.first { $0.name == name } }

  /// The same mapping where it may say a part only: without a key, and with none that must be there.
  func partial(_ name: String, without left: String) -> ObjectSchema {
    var schema = self
    schema.name = name
    schema.keys = keys.filter { $0.name != left }.map {
      var key = $0
      key.isRequired = false
      return key
    }
    return schema
  }
}

/// What the value of a key may be, as far as a schema for editors can say it.
indirect enum ValueType: Sendable {
  case text
  case integer(ClosedRange<Int>)
  case size
  case time
  case ratio
  case rate
  case boolean
  /// Permissions of a file.
  case octal
  /// Files of a size: `4x10M`.
  case ring
  /// A SHA-256 in hexadecimal.
  case digest
  /// Any other text of a form, as a regular expression that it is whole.
  case form(String)
  case choice([String])
  /// A name of a lab, node, switch, VLAN, link, impairment or profile.
  case name
  case vlan
  /// A VLAN, a list of VLANs and ranges, or `all`.
  case vlans
  case mac
  case address
  /// An address with its prefix length.
  case prefix
  case list(ValueType)
  case oneOrMore(ValueType)
  /// From names to values; the names match the pattern.
  case map(ValueType, names: String)
  case object(ObjectSchema)
  case either([ValueType])
  /// The value may be left out (`sw1:`).
  case optional(ValueType)
}
