/// Stations that a worker forgets: with a port that went away, or in time.
///
/// The writer's lock of a table may be held by the control side for a few entries. A worker does not wait for it: what it
/// could not forget it forgets at the next turn of its loop. Until then frames for those stations are dropped at their
/// port as they were a moment ago, and not flooded. The control side forgets the stations of a port itself before it lets
/// go of the port's number (`Dataplane.forgetStations`), so that no other port ever inherits any.
extension Forwarder {
  /// Stations that are to be forgotten still.
  struct OwedFlush {
    var port: Int
    var switchIndex: Int
  }

  /// Forgets what a switch, of which the port is a member, knows to be behind it.
  mutating func coldForgetStations(of port: Int, switchIndex: Int) {
    guard !switches[switchIndex].fdb.flush(port: port) else { return }
    guard !owedFlushes.contains(where: { $0.port == port && $0.switchIndex == switchIndex }) else { return }
    owedFlushes.append(OwedFlush(port: port, switchIndex: switchIndex))
  }

  /// Tries again what could not be forgotten; to be called while `owedFlushes` has something.
  @inline(never)
  mutating func coldPayFlushes() {
    var left: [OwedFlush] = []
    for owed in owedFlushes where !switches[owed.switchIndex].fdb.flush(port: owed.port) { left.append(owed) }
    owedFlushes = left
  }

  /// A port goes, and the control side forgets its stations before its number is free: what is owed of it would meet the
  /// next port with the number.
  mutating func coldDropDebts(of port: Int) { owedFlushes.removeAll { $0.port == port } }

  /// Once a second: forgets stations that nobody heard of for long; where the table is busy, a second later.
  mutating func coldAgeStations(_ tick: UInt32) {
    for index in 0..<switches.count where switches[index].isUsed {
      let aging = switches[index].table.aging
      if tick > aging { _ = switches[index].fdb.age(before: tick - aging) }
    }
  }
}
