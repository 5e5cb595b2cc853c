/// The name of a port of the data plane, as every table and message has it.
///
/// The one place that puts such names together and takes them apart.
package enum PortName: Hashable, Sendable, CustomStringConvertible {
  /// A node's NIC: `vm1.eth0`.
  case nic(node: String, nic: String)
  /// The end of a link between switches: `sw1:core`.
  case end(switch: String, link: String)

  /// Reads a port's name as the data plane has it; nil for other text.
  ///
  /// Nodes and switches have neither dot nor colon in their names, NICs may have dots, and links both.
  package init?(_ name: String) {
    let (owner, rest) = Self.parts(of: name)
    guard let rest, !owner.isEmpty, !rest.isEmpty else { return nil }
    let isNIC = name.dropFirst(owner.count).first == "."
    self = isNIC ? .nic(node: owner, nic: rest) : .end(switch: owner, link: rest)
  }

  package var description: String {
    switch self {
    case .nic(let node, let nic): "\(node).\(nic)"
    case .end(let name, let link): "\(name):\(link)"
    }
  }

  /// The socket that a port has where the lab file names no other, in the folder of what runs of its lab:
  /// `vm1.eth0.sock`.
  package var socketFile: String { "\(self)\(Self.socketSuffix)" }

  /// The other name of such a socket: a machine that moves from one QEMU into another has both for a moment.
  package var otherSocketFile: String { "\(self)\(Self.otherSocketSuffix)" }

  /// Reads the name of a port's socket; nil for other files.
  package init?(socketFile file: String) {
    guard let suffix = [Self.socketSuffix, Self.otherSocketSuffix].first(where: file.hasSuffix) else { return nil }
    self.init(String(file.dropLast(suffix.count)))
  }

  private static let socketSuffix = ".sock"
  /// No longer than that, as paths of sockets have an end.
  private static let otherSocketSuffix = ".sck2"

  /// The node that has the port; nil for the end of a link between switches.
  package var node: String? {
    guard case .nic(let node, _) = self else { return nil }
    return node
  }

  /// A NIC as ends of links have it, and messages about lab files: `vm1:eth0`.
  static func end(node: String, nic: String) -> String { "\(node):\(nic)" }

  /// What stands before and behind the first dot or colon of an end, `vm1:eth0` or `vm1.eth0`; nil behind = no such.
  static func parts(of text: String) -> (owner: String, rest: String?) {
    guard let separator = text.firstIndex(where: { $0 == ":" || $0 == "." }) else { return (text, nil) }
    return (String(text[..<separator]), String(text[text.index(after: separator)...]))
  }

  // MARK: - What people write

  /// The name that a word has if it is meant as an end of a link: `vm1.eth0` for `vm1:eth0`.
  package static func dotted(_ word: String) -> String {
    guard let colon = word.firstIndex(of: ":") else { return word }
    return "\(word[..<colon]).\(word[word.index(after: colon)...])"
  }

  /// The names that a person may mean by a word: the word itself, and then its dotted name if that is another.
  ///
  /// The end of a link between switches has a colon in its own name.
  package static func meant(by word: String) -> [String] {
    let name = dotted(word)
    return name == word ? [word] : [word, name]
  }

  /// The thing whose name a person means: the one that is called so, else the one whose dotted name it is.
  package static func find<Value>(
    _ word: String, in values: some Sequence<Value>, by name: (Value) -> String
  ) -> Value? {
    for wanted in meant(by: word) {
      if let value = values.first(where: { name($0) == wanted }) { return value }
    }
    return nil
  }
}
