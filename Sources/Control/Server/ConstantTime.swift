/// Comparisons whose time tells nothing of the secret.
enum ConstantTime {
  /// Whether two texts are the same bytes.
  ///
  /// Every byte of `secret` is looked at, whatever the other text is; only the length of `given`, which who asks knows,
  /// counts beside it.
  @inline(never)
  static func isEqual(_ given: [UInt8], _ secret: [UInt8]) -> Bool {
    var difference = given.count ^ secret.count
    for index in secret.indices {
      let other = given.isEmpty ? 0 : given[index % given.count]
      difference |= Int(other ^ secret[index])
    }
    return difference == 0
  }

  static func isEqual(_ given: some StringProtocol, _ secret: String) -> Bool {
    isEqual(Array(given.utf8), Array(secret.utf8))
  }
}
