import Synchronization

/// What happened in a forwarding database that people are told, until the control side takes it.
///
/// A fixed number of places, so that a station that flaps, or a guest that floods addresses, costs a few stores a frame
/// and no memory: what happens again to the same station or port is counted where it stands, and what finds no place is
/// counted without a name. For the holder of the table's lock.
struct FDBNotes: ~Copyable {
  /// A station that came up behind other ports than before, that often.
  struct Move: BitwiseCopyable {
    /// As `FDB.key` makes it; 0 = the place is free.
    var key: UInt64 = 0
    /// Where it was before the first move, and where it is after the last.
    var from = 0
    var to = 0
    var count: UInt64 = 0
  }

  /// Stations of a port that had to make room.
  struct Eviction: BitwiseCopyable {
    /// -1 = the place is free.
    var port = -1
    /// The last of them.
    var key: UInt64 = 0
    /// The port had as many as it may; otherwise the table was full.
    var isOfPort = false
    var count: UInt64 = 0
  }

  /// Places for stations that move, and how many of them a station may have.
  static var movePlaces: Int { 32 }
  private static var probes: Int { 4 }
  static var evictionPlaces: Int { 8 }
  static var fullPortPlaces: Int { 8 }

  private let moves = FixedArray<Move>(count: movePlaces) { _ in Move() }
  private let evictions = FixedArray<Eviction>(count: evictionPlaces) { _ in Eviction() }
  /// Ports that have become full.
  private let fullPorts = FixedArray<Int>(count: fullPortPlaces) { _ in -1 }
  /// Those that found no place.
  private var otherMoves: UInt64 = 0
  private var otherEvictions: UInt64 = 0
  private var otherFullPorts: UInt64 = 0
  /// The table has become full.
  private var isFull = false
  private(set) var isEmpty = true

  init() {}

  /// A station came up behind another port.
  mutating func moved(_ key: UInt64, from: Int, to: Int) {
    isEmpty = false
    let start = Int(truncatingIfNeeded: (key &* 0x9E37_79B9_7F4A_7C15) >> 32)
    for probe in 0..<Self.probes {
      let place = (start &+ probe) & (Self.movePlaces - 1)
      if moves[place].key == key {
        moves[place].to = to
        moves[place].count &+= 1
        return
      }
      guard moves[place].key == 0 else { continue }
      moves[place] = Move(key: key, from: from, to: to, count: 1)
      return
    }
    otherMoves &+= 1
  }

  /// A station of a port had to make room.
  mutating func evicted(_ key: UInt64, from port: Int, isOfPort: Bool) {
    isEmpty = false
    for place in 0..<Self.evictionPlaces {
      if evictions[place].port == port, evictions[place].isOfPort == isOfPort {
        evictions[place].key = key
        evictions[place].count &+= 1
        return
      }
      guard evictions[place].port < 0 else { continue }
      evictions[place] = Eviction(port: port, key: key, isOfPort: isOfPort, count: 1)
      return
    }
    otherEvictions &+= 1
  }

  /// The table, or a port, has as many stations as it may.
  mutating func filled(port: Int?) {
    isEmpty = false
    guard let port else { return isFull = true }
    for place in 0..<Self.fullPortPlaces {
      if fullPorts[place] == port { return }
      guard fullPorts[place] < 0 else { continue }
      return fullPorts[place] = port
    }
    otherFullPorts &+= 1
  }

  /// All of it, by numbers of ports.
  struct Taken {
    var moves: [Move] = []
    var evictions: [Eviction] = []
    var fullPorts: [Int] = []
    var otherMoves: UInt64 = 0
    var otherEvictions: UInt64 = 0
    var otherFullPorts: UInt64 = 0
    var isFull = false

    /// Nothing, with room for all that there can be.
    static var reserved: Taken {
      var taken = Taken()
      taken.moves.reserveCapacity(FDBNotes.movePlaces)
      taken.evictions.reserveCapacity(FDBNotes.evictionPlaces)
      taken.fullPorts.reserveCapacity(FDBNotes.fullPortPlaces)
      return taken
    }
  }

  /// Takes everything out; for the control side.
  /// - Parameter taken: an empty one, with room for all: nothing is to be allocated while the lock is held.
  mutating func coldTake(into taken: inout Taken) {
    guard !isEmpty else { return }
    for place in 0..<Self.movePlaces where moves[place].key != 0 {
      taken.moves.append(moves[place])
      moves[place] = Move()
    }
    for place in 0..<Self.evictionPlaces where evictions[place].port >= 0 {
      taken.evictions.append(evictions[place])
      evictions[place] = Eviction()
    }
    for place in 0..<Self.fullPortPlaces where fullPorts[place] >= 0 {
      taken.fullPorts.append(fullPorts[place])
      fullPorts[place] = -1
    }
    (taken.otherMoves, taken.otherEvictions, taken.otherFullPorts) = (otherMoves, otherEvictions, otherFullPorts)
    (otherMoves, otherEvictions, otherFullPorts) = (0, 0, 0)
    taken.isFull = isFull
    (isFull, isEmpty) = (false, true)
  }
}

extension FDB {
  /// Something was noted since the control side last took notes, and nobody has woken it yet.
  @inline(__always)
  var isUntold: Bool { storedIsUntold.load(ordering: .relaxed) }

  /// Whoever gets true wakes the control side.
  func takeUntold() -> Bool { storedIsUntold.exchange(false, ordering: .relaxed) }

  /// What happened since the last call; waits for the writer's lock.
  func coldTakeNotes() -> FDBNotes.Taken {
    var taken = FDBNotes.Taken.reserved
    coldWrite { state in
      storedIsUntold.store(false, ordering: .relaxed)
      state.notes.coldTake(into: &taken)
    }
    return taken
  }

  /// Takes a note with the lock held; the first one since notes were taken has somebody wake the control side.
  @inline(__always)
  func tell(_ state: inout Writer, _ note: (inout FDBNotes) -> Void) {
    if state.notes.isEmpty { storedIsUntold.store(true, ordering: .relaxed) }
    note(&state.notes)
  }

  /// How many have to go before a table that was full is so no more: what makes room for one does not count.
  @inline(__always)
  private static func slack(_ limit: Int) -> Int { max(limit / 10, 1) }

  /// Has people told that there is no room, once until there was a tenth of it again (`makeRoom`).
  func fill(port: Int?, _ state: inout Writer) {
    guard limit > 0 else { return }
    if let port {
      guard !state.lists[port].isFull else { return }
      state.lists[port].isFull = true
    } else {
      guard !state.isFull else { return }
      state.isFull = true
    }
    tell(&state) { $0.filled(port: port) }
  }

  /// A port, nil = the table, has fewer entries than before, or may have more: with a tenth of room it is full no more.
  func makeRoom(port: Int?, _ state: inout Writer) {
    if let port {
      if state.lists[port].count < portLimit - Self.slack(portLimit) { state.lists[port].isFull = false }
    } else if count < limit - Self.slack(limit) {
      state.isFull = false
    }
  }
}
