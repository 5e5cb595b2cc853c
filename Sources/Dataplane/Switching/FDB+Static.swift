import Synchronization

/// Static entries: stations that the control side has fixed behind a port.
///
/// Nothing that is learnt changes them, no list has them, and so neither age, nor eviction, nor a carrier that goes takes
/// them away: only who fixed them, and the end of their port.
extension FDB {
  /// Has a station be behind a port until somebody says otherwise, whatever is learnt; the oldest that was learnt makes
  /// room for it.
  ///
  /// - Returns: false if there is no room: all that the table holds is static.
  func coldFix(_ key: UInt64, port: Int, tick: UInt32) -> Bool {
    coldWrite { state in
      guard port < state.lists.count else { return false }
      state.entriesInHold += 1
      defer { raiseGeneration() }
      guard let spot = find(key) else {
        insert(key, FDBValue(port: port, isStatic: true, tick: tick), &state)
        return find(key) != nil
      }
      let old = FDBValue(bits: lines[spot.line].value(spot.slot))
      if !old.isStatic {
        unlist(old.number, port: old.port, &state)
        storedStaticCount.store(staticCount + 1, ordering: .relaxed)
      }
      let value = FDBValue(port: port, isStatic: true, tick: tick, number: old.number)
      lines[spot.line].store(value.bits, in: spot.slot)
      return true
    }
  }

  /// Takes a static entry out.
  ///
  /// - Returns: false if there is none for that station.
  func coldUnfix(_ key: UInt64) -> Bool {
    coldWrite { state in
      guard let spot = find(key) else { return false }
      let value = FDBValue(bits: lines[spot.line].value(spot.slot))
      guard value.isStatic else { return false }
      remove(value.number, &state)
      raiseGeneration()
      return true
    }
  }

  /// Forgets everything of a port that goes, static entries too.
  func coldForget(port: Int) {
    coldFlush(port: port)
    if staticCount > 0 { coldFlush(Selection(port: port, isStatic: true)) }
  }
}
