/// Stations that a worker forgets: with a port that went away, or in time.
///
/// It does so a few at a time, between breaths, so that no frame waits for it; nor does it wait for the writer's lock of a
/// table, which the control side may hold for a few entries. What it could not forget at once it *owes*, and pays at the
/// next turns of its loop. Until then frames for those stations are dropped at their port as they were a moment ago, and
/// not flooded. The control side forgets the stations of a port itself before it lets go of the port's number
/// (`Dataplane.forgetStations`), so that no other port ever inherits any.
extension Forwarder {
  /// Wakes the control side, to which a switch has something to tell: a few times a second at most, see `FDBNotes`.
  @inline(never)
  func coldTellStations(_ index: Int, _ state: borrowing WorkerState) {
    if switches[index].stations.with({ $0.takeUntold() }) { state.ports.faults.wakeForStations() }
  }

  /// Pieces of a table (`FDB.pieceCount` entries) that are forgotten at once: all that most ports have.
  private static var piecesAtOnce: Int { 4 }

  /// Stations of a port that are to be forgotten still.
  struct OwedFlush {
    var port: Int
    var switchIndex: Int
  }

  /// Stations of a switch not heard of since a second that are to be forgotten still.
  struct OwedAging {
    var switchIndex: Int
    var deadline: UInt32
    /// The first port that may have some.
    var port = 0
  }

  /// A station that was seen behind another port than the table says, while another thread held the table's lock.
  struct OwedMove: BitwiseCopyable {
    var key: UInt64 = 0
    var port = 0
    var switchIndex = -1
  }

  /// How many of them are kept; of others the next frame brings word again.
  static var mostOwedMoves: Int { 32 }

  /// Something is owed.
  var hasDebts: Bool { !owedFlushes.isEmpty || !owedAgings.isEmpty || owedMoveCount > 0 }

  /// Remembers a station that has moved, to note it between breaths.
  ///
  /// Its first frame may be the only one for long, and all that is for it would go where it is no more. A station that is
  /// only new is flooded to meanwhile, so that it misses nothing.
  @inline(never)
  mutating func oweMove(_ key: UInt64, _ place: Place) {
    guard let known = switches[place.switchIndex].stations.with({ $0.lookup(key) }), known.port != place.ingress,
      !known.isStatic
    else { return }
    settleMove(of: key, on: place.switchIndex)
    guard owedMoveCount < Self.mostOwedMoves else { return }
    owedMoves[owedMoveCount] = OwedMove(key: key, port: place.ingress, switchIndex: place.switchIndex)
    owedMoveCount += 1
  }

  /// A station was noted where it is now, or is about to be: what was owed of it is no more.
  @inline(never)
  mutating func settleMove(of key: UInt64, on switchIndex: Int) {
    dropMoves { $0.key == key && $0.switchIndex == switchIndex }
  }

  @inline(__always)
  private mutating func dropMoves(where isDone: (OwedMove) -> Bool) {
    var left = 0
    for position in 0..<owedMoveCount {
      let move = owedMoves[position]
      guard !isDone(move) else { continue }
      owedMoves[left] = move
      left += 1
    }
    owedMoveCount = left
  }

  /// Notes the moves that are owed, of ports that are up still and members of the VLAN.
  private mutating func coldPayMoves(_ state: inout WorkerState) {
    var left = 0
    for position in 0..<owedMoveCount {
      let move = owedMoves[position]
      guard state.ports[move.port].isUp, state.ports[move.port].switchIndex == move.switchIndex,
        state.ports[move.port].carries(UInt16(truncatingIfNeeded: move.key >> 48))
      else { continue }
      let (learnt, isUntold) = switches[move.switchIndex].stations.with {
        ($0.learn(move.key, port: move.port, tick: state.tick), $0.isUntold)
      }
      if isUntold { coldTellStations(move.switchIndex, state) }
      guard learnt == nil else { continue }
      owedMoves[left] = move
      left += 1
    }
    owedMoveCount = left
  }

  /// Forgets what a switch, of which the port is a member, knows to be behind it.
  mutating func coldForgetStations(of port: Int, switchIndex: Int) {
    guard !switches[switchIndex].fdb.flush(port: port, pieces: Self.piecesAtOnce) else { return }
    guard !owedFlushes.contains(where: { $0.port == port && $0.switchIndex == switchIndex }) else { return }
    owedFlushes.append(OwedFlush(port: port, switchIndex: switchIndex))
  }

  /// Forgets a piece of each thing that is owed; to be called while `hasDebts`.
  @inline(never)
  mutating func coldPayDebts(_ state: inout WorkerState) {
    if owedMoveCount > 0 { coldPayMoves(&state) }
    var left: [OwedFlush] = []
    for owed in owedFlushes where !switches[owed.switchIndex].fdb.flush(port: owed.port, pieces: 1) {
      left.append(owed)
    }
    owedFlushes = left
    var agings: [OwedAging] = []
    for var owed in owedAgings
    where !switches[owed.switchIndex].fdb.age(before: owed.deadline, from: &owed.port, pieces: 1) {
      agings.append(owed)
    }
    owedAgings = agings
  }

  /// A port goes, and the control side forgets its stations before its number is free: what is owed of it would meet the
  /// next port with the number.
  mutating func coldDropDebts(of port: Int) {
    owedFlushes.removeAll { $0.port == port }
    dropMoves { $0.port == port }
  }

  /// The same for a switch, whose number another one gets.
  mutating func coldDropDebts(ofSwitch index: Int) {
    owedFlushes.removeAll { $0.switchIndex == index }
    owedAgings.removeAll { $0.switchIndex == index }
    dropMoves { $0.switchIndex == index }
  }

  /// Once a second: begins to forget stations that nobody heard of for long; where the table is busy, a second later.
  mutating func coldAgeStations(_ tick: UInt32) {
    for index in 0..<switches.count where switches[index].isUsed {
      let aging = switches[index].table.aging
      guard tick > aging, !owedAgings.contains(where: { $0.switchIndex == index }) else { continue }
      var owed = OwedAging(switchIndex: index, deadline: tick - aging)
      if !switches[index].fdb.age(before: owed.deadline, from: &owed.port, pieces: 1) { owedAgings.append(owed) }
    }
  }
}
