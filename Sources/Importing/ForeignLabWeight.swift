extension ForeignLab {
  /// Most that a lab may weigh: a few words of a file can stand for many lines each.
  static let mostWeight = 64 << 20

  /// About how many bytes its texts have, and the memory of what holds them.
  var weight: Int {
    Weight.of(comments) + notes.reduce(0) { $0 + Weight.of([$1.path, $1.key, $1.reason]) }
      + nodes.reduce(0) { $0 + $1.weight }
      + segments.reduce(0) { $0 + Weight.of($1.comments) + Weight.of([$1.id, $1.name ?? ""]) }
      + segments.reduce(0) { $0 + Weight.of($1.joined.map(\.segment)) }
      + vlans.reduce(0) { $0 + Weight.of([$1.name]) }
  }
}

extension ForeignNode {
  fileprivate var weight: Int {
    let words = [id, name, image ?? "", command ?? "", userData ?? "", networkConfig ?? ""]
    return Weight.of(words) + Weight.of(comments) + Weight.of(after) + Weight.of(exec.map(\.line))
      + (sysctl + env).reduce(0) { $0 + Weight.of([$1.key, $1.value]) }
      + files.reduce(0) { $0 + Weight.of([$1.path, $1.text]) } + nics.reduce(0) { $0 + $1.weight }
  }
}

extension ForeignNIC {
  fileprivate var weight: Int {
    Weight.of([name, mac ?? "", socket ?? ""]) + Weight.of(comments) + Weight.of(addresses) + Weight.of(gateways)
      + routes.reduce(0) { $0 + Weight.of([$1.to, $1.via]) }
  }
}

private enum Weight {
  /// Bytes that hold a text, beside its own.
  private static let ofText = 16

  static func of(_ texts: [String]) -> Int { texts.reduce(0) { $0 + $1.utf8.count + ofText } }
}
