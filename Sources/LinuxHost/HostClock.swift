import CLinux
import Glibc

/// The clocks of this machine, for threads that are not Swift's.
package enum HostClock {
  /// Nanoseconds since 1970.
  package static var realtime: UInt64 { clinux_realtime() }

  /// Nanoseconds of the monotonic clock.
  package static var monotonic: UInt64 { clinux_monotonic() }

  /// Lets the calling thread sleep; not for Swift's cooperative threads.
  package static func pause(microseconds: UInt32) { usleep(microseconds) }
}
