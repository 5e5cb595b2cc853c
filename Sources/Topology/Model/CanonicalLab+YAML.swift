import Yams

extension CanonicalLab {
  /// The lab as YAML, keys sorted.
  ///
  /// This is the canonical form, not a lab file.
  package func yaml() throws -> String {
    let encoder = YAMLEncoder()
    encoder.options.sortKeys = true
    guard let node = try Yams.compose(yaml: encoder.encode(self), .basic, .default, .utf8) else { return "" }
    return try Yams.serialize(node: Self.readable(node), width: -1, allowUnicode: true)
  }

  /// The same tree with `0.04` where Yams writes `4e-2`.
  private static func readable(_ node: Node) -> Node {
    switch node {
    case .scalar(var scalar):
      guard scalar.style == .plain, scalar.string.contains("e"), let number = Double(scalar.string) else { return node }
      scalar.string = number == number.rounded() && abs(number) < 1e15 ? String(Int(number)) : String(number)
      return .scalar(scalar)
    case .sequence(let items): return Node(items.map { readable($0) }, .implicit, items.style)
    case .mapping(let members):
      return Node(members.map { (readable($0.key), readable($0.value)) }, .implicit, members.style)
    case .alias: return node
    }
  }
}
