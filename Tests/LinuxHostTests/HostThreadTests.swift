import CLinux
import Glibc
import LinuxHost
import Testing

@Suite struct HostThreadTests {
  @Test func hasNameAndProcessor() throws {
    let result = Shared((name: "", allowed: ""))
    let thread = try HostThread.start(name: "aph-name-of-more-than-15", cpu: 0) {
      let name = HostFacts.text(ofFile: "/proc/thread-self/comm") ?? ""
      let status = HostFacts.text(ofFile: "/proc/thread-self/status") ?? ""
      let allowed = status.split(separator: "\n").first { $0.hasPrefix("Cpus_allowed_list:") } ?? ""
      result.value = (name, String(allowed))
    }
    thread.join()
    let (name, allowed) = result.value
    #expect(name == "aph-name-of-mor\n")
    #expect(allowed == "Cpus_allowed_list:\t0")
  }

  /// The calling thread's alone, as Linux has it.
  @Test func hasAPriorityOfItsOwn() throws {
    let result = Shared((isSet: false, nice: 0))
    let thread = try HostThread.start(name: "aph-nice", cpu: nil) {
      let isSet = HostThread.setPriority(7)
      let fields = (HostFacts.text(ofFile: "/proc/thread-self/stat") ?? "").split(separator: " ")
      result.value = (isSet, fields.count > 18 ? Int(fields[18]) ?? 0 : 0)
    }
    thread.join()
    #expect(result.value.isSet && result.value.nice == 7)
    let own = (HostFacts.text(ofFile: "/proc/self/stat") ?? "").split(separator: " ")
    #expect(own.count > 18 && own[18] != "7")
  }

  @Test func blocksAllSignalsButItsOwnFaultsAndTheInterrupt() throws {
    let mask = Shared("")
    let thread = try HostThread.start(name: "aph-mask", cpu: nil) {
      let status = HostFacts.text(ofFile: "/proc/thread-self/status") ?? ""
      let line = status.split(separator: "\n").first { $0.hasPrefix("SigBlk:") } ?? ""
      mask.value = String(line.dropFirst("SigBlk:\t".count))
    }
    thread.join()
    let blocked = try #require(UInt64(mask.value, radix: 16))
    for open in [SIGBUS, SIGSEGV, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGUSR2] {
      #expect(blocked & 1 << (open - 1) == 0)
    }
    for closed in [SIGTERM, SIGINT, SIGHUP, SIGCHLD, SIGPIPE, SIGUSR1, SIGALRM] {
      #expect(blocked & 1 << (closed - 1) != 0)
    }
  }

  @Test(arguments: [-1, 1023, 1024, .max])
  func refusesProcessorsThatAreNotThere(cpu: Int) {
    let error = #expect(throws: SystemError.self) { _ = try HostThread.start(name: "aph", cpu: cpu) {} }
    #expect(error?.code == EINVAL)
  }

  @Test func interruptBreaksAWriteThatBlocks() throws {
    // A full eventfd without O_NONBLOCK, as a hostile peer would leave it.
    let event = Descriptor(owning: clinux_eventfd_create())
    var full = UInt64.max - 1
    #expect(write(event.raw, &full, 8) == 8)
    #expect(clinux_eventfd_write(event.raw) == -EAGAIN)
    _ = fcntl(event.raw, F_SETFL, fcntl(event.raw, F_GETFL) & ~O_NONBLOCK)
    let result = Shared<Int>(1)
    let thread = try HostThread.start(name: "aph-stuck", cpu: nil) {
      result.value = Int(clinux_eventfd_write(event.raw))
    }
    // The thread may not be in the call yet: again until it has come out of it.
    while result.value == 1 {
      thread.interrupt()
      sched_yield()
    }
    #expect(result.value == -Int(EINTR))
    thread.join()
    thread.join()
    thread.interrupt()
  }

  @Test func threadsRunOnWithoutTheirHandle() throws {
    let event = try EventDescriptor()
    do { _ = try HostThread.start(name: "aph-alone", cpu: nil) { event.signal() } }
    #expect(clinux_poll_readable(event.raw, -1) == 1)
  }
}
