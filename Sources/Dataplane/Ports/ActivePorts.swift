/// The ports that a worker of many looks at in each breath: those that sent something lately.
///
/// A port that is silent for `patience` breaths and `silence` cycles is *at rest*: its node is asked to kick, as before a
/// sleep of the worker, and it is looked at in turn with others at rest, a few in each breath. So what a breath costs goes
/// by the ports that are busy, and not by those that there are; the first frame after a rest waits for some breaths, or for
/// the worker to wake up. A worker whose port numbers are all below `crowd` looks at all of them, and none is ever at rest.
struct ActivePorts: ~Copyable {
  /// Ports of which all are looked at.
  static var crowd: Int { 64 }
  /// Port numbers that are looked at in one breath for ports at rest.
  static var asideCount: Int { 16 }
  /// Breaths of silence before a port is at rest.
  static var patience: UInt8 { 16 }
  /// TSC cycles of silence before a port is at rest, and before a worker that has nothing sleeps: about 20 to 50 us, longer
  /// than the gap between frames of a busy guest, shorter than anybody notices.
  static var silence: UInt64 { 100_000 }

  /// One bit a port.
  private var words: FixedArray<UInt64>
  /// TSC about when this breath began, by whom draws the breaths.
  var now: UInt64 = 0
  /// The next one to be looked at aside.
  private var aside = 0

  init(capacity: Int) { words = FixedArray(count: (capacity + 63) / 64) { _ in ~0 } }

  mutating func coldReserve(_ capacity: Int) { words.grow(to: (capacity + 63) / 64) { _ in ~0 } }

  /// One bit for each of 64 ports.
  @inline(__always)
  func word(_ index: Int) -> UInt64 { words[index] }

  @inline(__always)
  func contains(_ port: Int) -> Bool { words[port >> 6] & 1 << UInt64(port & 63) != 0 }

  @inline(__always)
  func insert(_ port: Int) { words[port >> 6] |= 1 << UInt64(port & 63) }

  @inline(__always)
  func remove(_ port: Int) { words[port >> 6] &= ~(1 << UInt64(port & 63)) }

  func insertAll() {
    for index in 0..<words.count { words[index] = ~0 }
  }

  /// The next port whose turn it is to be looked at aside.
  @inline(__always)
  mutating func nextAside(below limit: Int) -> Int {
    if aside >= limit { aside = 0 }
    aside += 1
    return aside - 1
  }
}
