internal import LinuxHost
import Synchronization

/// Word from a worker to the reactor: a ring that failed, a carrier that changed, a node that is to be told.
///
/// Not bounded by number: each change is a report of its own, in order. The reactor is woken by the first and takes all at
/// each look; it never waits for a worker, so what can come between two looks is little. A guest makes one report a
/// message to the reactor (a ring that fails reports once, until it is started again), an interface one a change that the
/// kernel told.
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
  }

  private let reports = Mutex<[Report]>([])
  private let bell: EventDescriptor

  /// - Parameter bell: rung when there is something to take.
  init(bell: EventDescriptor) { self.bell = bell }

  func report(port: Int, ring: Int, fault: RingFault) {
    reports.withLock { $0.append(.fault(port: port, ring: ring, fault: fault)) }
    bell.signal()
  }

  func report(port: Int, isUp: Bool) {
    reports.withLock { $0.append(.carrier(port: port, isUp: isUp)) }
    bell.signal()
  }

  func report(_ report: Report) {
    reports.withLock { $0.append(report) }
    bell.signal()
  }

  /// All reports since the last call, in order.
  func take() -> [Report] {
    reports.withLock { reports in
      let taken = reports
      reports.removeAll(keepingCapacity: true)
      return taken
    }
  }
}
