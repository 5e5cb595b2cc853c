import CLinux
import Glibc

/// One event of an `Epoll`.
package struct EpollEvent: Sendable, Equatable {
  /// The token that the descriptor was added with.
  package var token: UInt64
  /// The kernel's event bits; see the constants of `Epoll`.
  package var events: UInt32

  package init(token: UInt64 = 0, events: UInt32 = 0) {
    self.token = token
    self.events = events
  }
}

/// Waits for many descriptors at once (epoll).
///
/// The corresponding C functions are `epoll_ctl` and `epoll_pwait2`.
package final class Epoll: Sendable {
  /// EPOLLIN: something can be read, or the peer is gone.
  package static let input: UInt32 = 0x001
  /// EPOLLOUT: something can be written.
  package static let output: UInt32 = 0x004
  /// EPOLLERR; always reported.
  package static let error: UInt32 = 0x008
  /// EPOLLHUP: both directions are closed; always reported.
  package static let hangup: UInt32 = 0x010
  /// EPOLLRDHUP: the peer writes no more.
  package static let readHangup: UInt32 = 0x2000
  /// EPOLLONESHOT: reported once, then silent until `modify`.
  package static let oneShot: UInt32 = 1 << 30
  /// EPOLLET: reported when something new happens, not as long as it lasts.
  package static let edgeTriggered: UInt32 = 1 << 31

  /// The epoll itself, readable when an event waits.
  package let descriptor: Descriptor

  package init() throws(SystemError) {
    descriptor = Descriptor(owning: try check(clinux_epoll_create(), "epoll_create1"))
  }

  /// The number of its own descriptor.
  package var raw: CInt { descriptor.raw }

  /// Watches a descriptor; EEXIST if it is watched already, EPERM if its kind of file cannot be watched.
  package func add(_ raw: CInt, token: UInt64, events: UInt32) throws(SystemError) {
    try check(clinux_epoll_control(descriptor.raw, EPOLL_ADD, raw, events, token), "epoll_ctl", "add \(raw)")
  }

  /// Changes what is watched for; also arms a one-shot descriptor again.
  package func modify(_ raw: CInt, token: UInt64, events: UInt32) throws(SystemError) {
    try check(clinux_epoll_control(descriptor.raw, EPOLL_MODIFY, raw, events, token), "epoll_ctl", "modify \(raw)")
  }

  /// Stops watching; nothing happens if the descriptor was not watched.
  ///
  /// To be called before the descriptor is closed, since the watch belongs to the open file, which a peer may keep
  /// open.
  package func remove(_ raw: CInt) {
    _ = clinux_epoll_control(descriptor.raw, EPOLL_REMOVE, raw, 0, 0)
  }

  /// Waits and fills `events` from its start; returns how many.
  ///
  /// 0 when the time is over or a signal came.
  ///
  /// The array's count (of which 128 at most are used) is the maximum; it neither grows nor shrinks. -1 ms waits for
  /// ever.
  package func wait(into events: inout [EpollEvent], timeoutMilliseconds: CInt) -> Int {
    wait(into: &events, timeoutMicroseconds: timeoutMilliseconds < 0 ? -1 : Int64(timeoutMilliseconds) * 1000)
  }

  /// As `wait(into:timeoutMilliseconds:)`, for pauses shorter than a millisecond.
  ///
  /// Negative waits for ever.
  package func wait(into events: inout [EpollEvent], timeoutMicroseconds: Int64) -> Int {
    // SAFETY: EpollEvent and clinux_event have the same layout (asserted on both sides); the call writes at most
    // `count` records of it and keeps no pointer.
    unsafe events.withUnsafeMutableBytes { bytes in
      let records = unsafe bytes.assumingMemoryBound(to: clinux_event.self)
      guard let start = records.baseAddress, records.count > 0 else { return 0 }
      return Int(max(0, unsafe clinux_epoll_wait(descriptor.raw, start, records.count, timeoutMicroseconds)))
    }
  }
}

private let EPOLL_ADD: CInt = 1
private let EPOLL_REMOVE: CInt = 2
private let EPOLL_MODIFY: CInt = 3
