import Glibc
import LinuxHost

extension ProcessIdentity {
  /// Seconds that a QEMU has after each signal; the kernel may take a while to free its memory.
  private static let endings = [(signal: SIGTERM, timeout: 2.0), (signal: SIGKILL, timeout: 10)]

  /// Ends a QEMU: SIGTERM lets it close its files; one that hangs (waiting for a port, say) is killed.
  /// - Returns: false if it still runs.
  func endMachine() async -> Bool {
    for ending in Self.endings {
      guard isAlive else { return true }
      signal(ending.signal)
      if await wait(timeoutSeconds: ending.timeout) { return true }
    }
    return false
  }
}
