import CLinux
import Glibc

/// A process recognised for sure, also by a later run of the daemon: numbers are used again, start times are not.
package struct ProcessIdentity: Codable, Sendable, Equatable {
  package var pid: Int32
  /// Clock ticks since boot (field 22 of `/proc/PID/stat`, proc(5)).
  package var startTime: UInt64

  package init(pid: Int32, startTime: UInt64) {
    self.pid = pid
    self.startTime = startTime
  }

  /// The process that has this number now; nil if there is none.
  package static func of(pid: Int32) -> ProcessIdentity? {
    status(of: pid).map { ProcessIdentity(pid: pid, startTime: $0.startTime) }
  }

  /// Whether it still runs; one that has ended and waits for its parent to notice does not.
  package var isAlive: Bool {
    guard let status = Self.status(of: pid), status.startTime == startTime else { return false }
    return status.state != UInt8(ascii: "Z") && status.state != UInt8(ascii: "X")
  }

  /// Sends a signal to the process alone; false if it has ended or may not be signalled.
  @discardableResult
  package func signal(_ number: CInt) -> Bool {
    guard isAlive, let watch = try? watch() else { return false }
    return clinux_pidfd_signal(watch.raw, number) == 0
  }

  /// Sends a signal to all processes of the group that this process leads, as one started in a session of its own does.
  ///
  /// False if the leader has ended or nobody was reached.
  @discardableResult
  package func signalGroup(_ number: CInt) -> Bool {
    isAlive && clinux_group_signal(pid, number) == 0
  }

  /// A pidfd, which becomes readable when the process ends.
  /// - Throws: ESRCH if it has ended and is gone.
  package func watch() throws(SystemError) -> Descriptor {
    let descriptor = Descriptor(owning: try check(clinux_pidfd_open(pid), "pidfd_open", "process \(pid)"))
    // Asked after the open: if the start time is still right, the descriptor is of the right process.
    guard Self.of(pid: pid) == self else {
      throw SystemError(call: "pidfd_open", code: ESRCH, context: "process \(pid) started at \(startTime)")
    }
    return descriptor
  }

  /// Waits for the end; false if the time is over first, or the task is cancelled.
  package func wait(timeoutSeconds: Double) async -> Bool {
    guard isAlive else { return true }
    do {
      return try await Readiness.wait(for: watch(), timeoutSeconds: timeoutSeconds)
    } catch {
      return !isAlive
    }
  }

  private static func status(of pid: Int32) -> (startTime: UInt64, state: UInt8)? {
    var startTime: UInt64 = 0
    var state: CChar = 0
    // SAFETY: the call writes both and keeps no pointer.
    guard unsafe clinux_process_status(pid, &startTime, &state) >= 0 else { return nil }
    return (startTime, UInt8(bitPattern: state))
  }
}
