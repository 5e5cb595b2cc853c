internal import LinuxHost
import Synchronization

/// Word from a worker to the reactor: a ring that failed, a carrier that changed, a node that is to be told.
///
/// The reactor is woken by the first and takes all at each look; it never waits for a worker, so what can come between two
/// looks is little. Each change is a report of its own, in order, while no more than `limit` wait. From there on a change
/// of a port's carrier takes the place of the one that waits, and is counted: the last state is always right, and what
/// was left out is told (`coalesced`). Of other reports a guest makes one a message to the reactor (a ring that fails
/// reports once, until it is started again).
final class FaultQueue: Sendable {
  /// One report.
  enum Report: Sendable {
    case fault(port: Int, ring: Int, fault: RingFault)
    /// Of a socket's peer: `epoch` is the number of its connection.
    case connection(port: Int, epoch: Int, fault: RingFault)
    /// The peer of a port for datagrams is there: something has come from it.
    case peerFound(port: Int)
    case carrier(port: Int, isUp: Bool)
    /// The carrier that the kernel is to see at a TAP.
    case interface(port: Int, isUp: Bool)
    /// Other guests than before are to see no carrier.
    case held
    /// So many changes of a port's carrier were left out.
    case coalesced(port: Int, count: Int)
  }

  /// Which of the reports that wait is the last of its kind.
  fileprivate enum Place: Hashable {
    case carrier(Int), interface(Int), held
  }

  private struct State {
    var reports: [Report] = []
    /// Of those that came when `limit` were waiting.
    var places: [Place: Int] = [:]
    /// By port.
    var coalesced: [Int: Int] = [:]
  }

  /// Reports that wait, before changes of one carrier become one.
  static let limit = 4096

  private let state = Mutex(State())
  private let bell: EventDescriptor
  private let stationsWait = Atomic<Bool>(false)

  /// - Parameter bell: rung when there is something to take.
  init(bell: EventDescriptor) { self.bell = bell }

  func report(port: Int, ring: Int, fault: RingFault) { report(.fault(port: port, ring: ring, fault: fault)) }

  func report(port: Int, isUp: Bool) { report(.carrier(port: port, isUp: isUp)) }

  func report(_ report: Report) {
    state.withLock { state in
      guard state.reports.count >= Self.limit, let place = report.place else { return state.reports.append(report) }
      guard let index = state.places[place] else {
        state.places[place] = state.reports.count
        return state.reports.append(report)
      }
      state.reports[index] = report
      if case .carrier(let port, _) = report { state.coalesced[port, default: 0] += 1 }
    }
    bell.signal()
  }

  /// All reports since the last call, in order.
  func take() -> [Report] {
    state.withLock { state in
      guard !state.reports.isEmpty else { return [] }
      var taken = state.reports
      state.reports.removeAll(keepingCapacity: taken.count <= Self.limit)
      for (port, count) in state.coalesced.sorted(by: { $0.key < $1.key }) {
        taken.append(.coalesced(port: port, count: count))
      }
      (state.places, state.coalesced) = ([:], [:])
      return taken
    }
  }

  // What switches have to tell lies in their tables; here is only that there is something.

  /// Wakes the reactor without a lock: for the worker's loop.
  func wakeForStations() {
    stationsWait.store(true, ordering: .releasing)
    bell.signal()
  }

  /// Some switch has something to tell since the last call.
  func takeStations() -> Bool {
    stationsWait.load(ordering: .relaxed) && stationsWait.exchange(false, ordering: .acquiring)
  }
}

extension FaultQueue.Report {
  /// Nil of those that never take the place of another.
  fileprivate var place: FaultQueue.Place? {
    switch self {
    case .carrier(let port, _): .carrier(port)
    case .interface(let port, _): .interface(port)
    case .held: .held
    case .fault, .connection, .peerFound, .coalesced: nil
    }
  }
}
