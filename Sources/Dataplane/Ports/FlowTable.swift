import Synchronization

/// Which of a port's receive rings each flow goes to, where several run and are enabled.
///
/// A flow (`Burst.flowHash`) has one of 256 entries, with others. An entry has the ring that its frames go to now, and the
/// one that is its *home*: homes are spread evenly over the open rings, and as few of them as can be change when one is
/// closed or opened. No frame of a flow overtakes one before it that waits in another ring:
/// - A ring that is closed (stopped, or disabled) is left at once, by its own entries alone: nothing that is sent later
///   could be seen there.
/// - A ring that is opened gets an entry only when that was silent for `silence`: by then the guest has taken what lies in
///   the ring before it. That is a *flowlet*: a flow pauses for that long sooner or later, and one that never does fares
///   best where it is.
///
/// Entries are words that several workers may change at once (each flow comes by one of them, but an entry has many flows);
/// homes change only while nobody sends.
///
/// Where one ring is open, nothing is looked up, and no entry is written; the table is made when there are two.
struct FlowTable: ~Copyable {
  /// Entries.
  static var count: Int { 256 }
  /// TSC cycles of silence in which a guest that runs has taken a flow's last frame: about a millisecond.
  static var silence: UInt64 { 3_000_000 }
  /// How much older a last use may be than it is written, so that a busy flow writes seldom.
  private static var precision: UInt64 { silence / 16 }
  /// The bits of a word that are the pair's number; the others are those of the TSC.
  private static var pairMask: UInt64 { 0xFF }

  /// Not private, as the compiler of today breaks on one that is in a port's body.
  struct Entry: ~Copyable {
    /// The pair whose receive ring its frames go to, and above it TSC of their last.
    let word = Atomic<UInt64>(0)
    var home: UInt8 = 0
  }

  private var entries = FixedArray<Entry>(count: 0) { _ in Entry() }

  init() {}

  var isEmpty: Bool { entries.count == 0 }

  /// The pair whose receive ring a frame goes to.
  ///
  /// - Parameters:
  ///   - hash: of its flow.
  ///   - open: pairs whose receive ring is open, as they were last spread over.
  ///   - now: TSC, about.
  @inline(__always)
  func pair(of hash: UInt64, open: UInt16, now: UInt64) -> Int {
    let index = Int(truncatingIfNeeded: hash >> 56)
    let home = UInt64(entries[index].home)
    var word = entries[index].word.load(ordering: .relaxed)
    while true {
      let next = Self.next(word, home: home, open, now)
      guard next != word else { break }
      // Another worker's change counts: it may have moved the entry.
      let (isDone, found) = entries[index].word.compareExchange(expected: word, desired: next, ordering: .relaxed)
      word = isDone ? next : found
      if isDone { break }
    }
    return Int(truncatingIfNeeded: word & Self.pairMask)
  }

  /// An entry's word after a frame.
  @inline(__always)
  private static func next(_ word: UInt64, home: UInt64, _ open: UInt16, _ now: UInt64) -> UInt64 {
    let (pair, time) = (word & pairMask, now & ~pairMask)
    // Of another worker's clock it may be a little ahead.
    let age = Int64(bitPattern: time &- (word & ~pairMask))
    if open &>> UInt16(truncatingIfNeeded: pair) & 1 == 0 || (pair != home && age >= Int64(silence)) {
      return time | home
    }
    return age >= Int64(precision) ? time | pair : word
  }

  // Changes, while nobody sends.

  /// All flows went to one ring until now.
  mutating func coldGather(at pair: Int, now: UInt64) {
    entries.grow(to: Self.count) { _ in Entry() }
    for index in 0..<Self.count {
      entries[index].word.store(now & ~Self.pairMask | UInt64(pair), ordering: .relaxed)
      entries[index].home = UInt8(truncatingIfNeeded: pair)
    }
  }

  /// Gives each open ring as many homes as any other, or one more; whoever has such a home keeps it.
  ///
  /// - Parameter open: at least one.
  func coldSpread(over open: UInt16) {
    let pairs = (0..<UInt8(UInt16.bitWidth)).filter { open >> UInt16($0) & 1 != 0 }
    var room = [Int](repeating: 0, count: UInt16.bitWidth)
    for (rank, pair) in pairs.enumerated() {
      room[Int(pair)] = Self.count / pairs.count + (rank < Self.count % pairs.count ? 1 : 0)
    }
    var homeless: [Int] = []
    for index in 0..<Self.count {
      let home = Int(entries[index].home)
      if room[home] > 0 { room[home] -= 1 } else { homeless.append(index) }
    }
    for pair in pairs {
      for index in homeless.prefix(room[Int(pair)]) { entries[index].home = pair }
      homeless = Array(homeless.dropFirst(room[Int(pair)]))
    }
  }

  /// Gives the memory back.
  mutating func coldClear() { entries = FixedArray(count: 0) { _ in Entry() } }
}
