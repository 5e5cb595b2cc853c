import CLinux
import Glibc

/// An eventfd: wakes whoever waits for its descriptor to become readable.
///
/// Non-blocking.
package final class EventDescriptor: Sendable {
  /// The eventfd itself, to be handed to an epoll or to a peer.
  package let descriptor: Descriptor

  package init() throws(SystemError) {
    descriptor = Descriptor(owning: try check(clinux_eventfd_create(), "eventfd"))
  }

  /// The descriptor's number.
  package var raw: CInt { descriptor.raw }

  /// Wakes the reader; never blocks.
  ///
  /// A full counter is no error: the reader is awake then.
  package func signal() {
    _ = clinux_eventfd_write(raw)
  }

  /// Sleeps until a signal is there, which stays, or the time is over; not for Swift's cooperative threads.
  package func wait(milliseconds: Int32) {
    var item = pollfd(fd: raw, events: Int16(POLLIN), revents: 0)
    // SAFETY: one entry, which lives for the call.
    _ = unsafe poll(&item, 1, milliseconds)
  }

  /// Takes all signals that came since the last call; returns their number.
  @discardableResult
  package func drain() -> UInt64 {
    clinux_eventfd_read(raw)
  }
}
