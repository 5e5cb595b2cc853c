import Synchronization

/// Stations of a port that may have only so many.
extension FDB {
  /// What became of a station that was seen.
  enum Learning {
    /// It is noted; with the generation that this is true of.
    case learnt(UInt32)
    /// Another thread has the lock.
    case busy
    /// The port has as many as it may.
    case refused
  }

  /// As `learn`, but a station that is not known behind the port is noted only while it has fewer than `limit`.
  @inline(never)
  func learn(_ key: UInt64, port: Int, tick: UInt32, limit: Int) -> Learning {
    if let known = lookup(key), known.isStatic || known.port == port {
      return learn(key, port: port, tick: tick).map { .learnt($0) } ?? .busy
    }
    return writeIfFree { state -> Learning in
      guard port < state.lists.count, state.lists[port].count < limit else { return .refused }
      note(key, port: port, tick: tick, &state)
      return .learnt(storedGeneration.load(ordering: .relaxed))
    } ?? .busy
  }

  /// Stations that were learnt of a port.
  func coldCount(of port: Int) -> Int {
    coldWrite { state in port < state.lists.count ? state.lists[port].count : 0 }
  }
}
