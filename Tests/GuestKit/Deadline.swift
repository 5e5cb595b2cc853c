import Glibc
import LinuxHost

/// A point in time until which a test waits; waiting is poll(2), never a sleep.
package struct Deadline: Sendable {
  private let nanoseconds: UInt64

  package init(milliseconds: Int) {
    nanoseconds = Self.now() &+ UInt64(max(0, milliseconds)) &* 1_000_000
  }

  /// Milliseconds left, rounded up; 0 = it is over.
  package var remaining: CInt {
    let now = Self.now()
    guard nanoseconds > now else { return 0 }
    return CInt(clamping: (nanoseconds - now + 999_999) / 1_000_000)
  }

  private static func now() -> UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
  }

  /// Waits until one of `descriptors` is readable (or its peer is gone); false if the time is over.
  package func waitReadable(_ descriptors: [CInt]) -> Bool {
    wait(descriptors, events: Int16(POLLIN))
  }

  /// Waits until `descriptor` takes bytes; false if the time is over.
  package func waitWritable(_ descriptor: CInt) -> Bool {
    wait([descriptor], events: Int16(POLLOUT))
  }

  private func wait(_ descriptors: [CInt], events: Int16) -> Bool {
    var polled = descriptors.map { pollfd(fd: $0, events: events, revents: 0) }
    while true {
      let result = poll(&polled, nfds_t(polled.count), remaining)
      if result > 0 { return true }
      if result == 0 || errno != EINTR { return false }
    }
  }
}

/// Open descriptors of this process, to see that none leaks.
package func openDescriptorCount() -> Int {
  guard let folder = opendir("/proc/self/fd") else { return -1 }
  defer { closedir(folder) }
  var count = 0
  while readdir(folder) != nil { count += 1 }
  // ".", ".." and the folder itself.
  return count - 3
}
