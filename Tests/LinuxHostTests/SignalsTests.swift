import CLinux
import Glibc
import LinuxHost
import Testing

@Suite struct SignalsTests {
  @Test func blockedSignalsAreRead() async {
    await #expect(processExitsWith: .success) {
      // Sent to this thread, so it does not matter what others block.
      Signals.block([SIGTERM, SIGHUP])
      let descriptor = try Signals.descriptor(for: [SIGTERM, SIGHUP])
      guard Signals.read(descriptor) == nil else { exit(1) }
      raise(SIGHUP)
      guard clinux_poll_readable(descriptor.raw, -1) == 1, Signals.read(descriptor) == SIGHUP else { exit(2) }
      raise(SIGTERM)
      guard Signals.read(descriptor) == SIGTERM, Signals.read(descriptor) == nil else { exit(3) }
    }
  }

  @Test func brokenPipesAreErrors() async {
    await #expect(processExitsWith: .success) {
      Signals.ignorePipe()
      let (near, far) = try UnixSocket.pair()
      shutdown(far.raw, CInt(SHUT_RDWR))
      guard write(near.raw, "x", 1) == -1, errno == EPIPE else { exit(1) }
    }
  }

  @Test func refusesNumbersThatAreNoSignals() {
    #expect(throws: SystemError(call: "signalfd", code: EINVAL, context: "signals [4711]")) {
      try Signals.descriptor(for: [4711])
    }
  }
}
