/// The ports that a recording may have frames of: those that are there, and those that went last.
struct RecordedPorts {
  /// Ports that are remembered, the present ones too; of these none is forgotten.
  static let limit = 4096

  private struct Entry {
    var port: RecordedPort
    /// Rises with each addition.
    var serial: Int
  }

  /// By number.
  private var present: [Int: Entry] = [:]
  /// In the order they went, from `oldest` on.
  private var past: [Entry] = []
  private var oldest = 0
  private var lastSerial = 0
  /// What `all` gave last; nil = something has changed since.
  private var known: [RecordedPort]?

  var count: Int { present.count + past.count - oldest }

  /// A port is there; of its number there is no other.
  mutating func note(_ port: RecordedPort) {
    known = nil
    lastSerial += 1
    present[port.index] = Entry(port: port, serial: lastSerial)
    while count > Self.limit, oldest < past.count { oldest += 1 }
    guard 2 * oldest > past.count else { return }
    past.removeFirst(oldest)
    oldest = 0
  }

  /// The port of that number is gone.
  mutating func noteGone(_ number: Int, at time: UInt64) {
    guard var entry = present.removeValue(forKey: number) else { return }
    known = nil
    entry.port.until = time
    past.append(entry)
  }

  /// All of them, in the order of addition.
  mutating func all() -> [RecordedPort] {
    if let known { return known }
    let sorted = (past[oldest...] + present.values).sorted { $0.serial < $1.serial }.map(\.port)
    known = sorted
    return sorted
  }
}
