/// Cuts a stream of bytes into lines, wherever its chunks happen to end.
struct LineSplitter {
  /// Bytes of the longest line taken.
  static let limit = 16 << 20

  private var rest: [UInt8] = []

  /// Takes a chunk.
  /// - Returns: the lines it completes, without their line feeds; empty lines are left out.
  /// - Throws: when a line is longer than `limit`.
  mutating func add(_ chunk: some Sequence<UInt8>) throws(LineTooLong) -> [[UInt8]] {
    rest.append(contentsOf: chunk)
    var pieces = rest.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    rest = pieces.popLast().map { [UInt8]($0) } ?? []
    guard rest.count <= Self.limit else { throw LineTooLong(count: rest.count) }
    return pieces.filter { !$0.isEmpty }.map { [UInt8]($0) }
  }

  /// What came after the last line feed.
  mutating func finish() -> [UInt8]? {
    defer { rest = [] }
    return rest.isEmpty ? nil : rest
  }
}

/// A line of a stream that has no end in sight.
struct LineTooLong: Error, CustomStringConvertible {
  var count: Int
  var description: String { "a line of \(count) bytes, at most \(LineSplitter.limit) are taken" }
}
