/// The keys one mapping of the lab file may have.
struct ObjectSchema: Sendable {
  struct Key: Sendable {
    var name: String
    /// Part of the format, but read by a later version only.
    var isLater: Bool
  }

  /// What the mapping is, as messages call it: `link`, `node`.
  var name: String
  var keys: [Key]

  init(_ name: String, _ keys: [String], later: [String] = []) {
    self.name = name
    self.keys = keys.map { Key(name: $0, isLater: false) } + later.map { Key(name: $0, isLater: true) }
  }

  /// Keys that this version reads, in the order the documentation has them.
  var readable: [String] { keys.filter { !$0.isLater }.map(\.name) }

  func key(_ name: String) -> Key? { keys.first { $0.name == name } }
}
