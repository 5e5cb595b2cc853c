import Glibc
import LinuxHost
import Testing
import TestSupport

@Suite struct ProcessTests {
  @Test func weAreAlive() throws {
    let me = try #require(ProcessIdentity.of(pid: getpid()))
    #expect(me.isAlive)
    #expect(me.startTime > 0)
    #expect(ProcessIdentity.of(pid: 0x3fff_ffff) == nil)
  }

  @Test func anotherStartTimeIsAnotherProcess() async throws {
    var other = try #require(ProcessIdentity.of(pid: getpid()))
    other.startTime += 1
    #expect(!other.isAlive)
    #expect(!other.signal(SIGKILL))
    #expect(!other.signalGroup(SIGKILL))
    #expect(throws: SystemError.self) { try other.watch() }
    #expect(await other.wait(timeoutSeconds: 10))
  }

  @Test func spawnedProcessIsNotOursAndStandsAlone() async throws {
    let process = try spawn(SpawnRequest(executable: "/bin/sleep", arguments: ["1000"]))
    defer { process.signal(SIGKILL) }
    #expect(process.isAlive)
    let fields = try stat(of: process)
    #expect(fields[1] != String(getpid()))  // parent
    #expect(fields[2] == String(process.pid))  // process group
    #expect(fields[3] == String(process.pid))  // session
    let status = try #require(HostFacts.text(ofFile: "/proc/\(process.pid)/status"))
    #expect(status.contains("SigBlk:\t0000000000000000\n"))
    #expect(status.contains("SigIgn:\t0000000000000000\n"))

    #expect(await !process.wait(timeoutSeconds: 0.01))
    #expect(process.signal(SIGTERM))
    #expect(await process.wait(timeoutSeconds: 60))
    #expect(!process.isAlive)
    #expect(!process.signal(SIGTERM))
  }

  /// Fields of `/proc/PID/stat` from the third on: state, parent, group, session.
  private func stat(of process: ProcessIdentity) throws -> [String] {
    let text = try #require(HostFacts.text(ofFile: "/proc/\(process.pid)/stat"))
    let rest = try #require(text.split(separator: ")").last)
    return rest.split(separator: " ").map(String.init)
  }

  @Test func ignoredAndBlockedSignalsAreNotPassedOn() async throws {
    let status = Shared("")
    let thread = try HostThread.start(name: "aph-blocked", cpu: nil) {
      Signals.ignorePipe()
      Signals.block([SIGTERM, SIGUSR1])
      guard let process = try? spawn(SpawnRequest(executable: "sleep", arguments: ["1000"])) else { return }
      status.value = HostFacts.text(ofFile: "/proc/\(process.pid)/status") ?? ""
      process.signal(SIGKILL)
    }
    thread.join()
    #expect(status.value.contains("SigBlk:\t0000000000000000\n"))
    #expect(status.value.contains("SigIgn:\t0000000000000000\n"))
  }

  @Test func descriptorsAreNotPassedOn() async throws {
    let event = try EventDescriptor()
    let inherited = Descriptor(owning: fcntl(event.raw, F_DUPFD, 200))  // without FD_CLOEXEC
    let script = "test -e /proc/$$/fd/2 && test ! -e /proc/$$/fd/\(inherited.raw)"
    #expect(try await run(SpawnRequest(executable: "sh", arguments: ["-c", script])) { _, _ in } == 0)
  }

  @Test func aProcessThatEndsAtOnceIsStillIdentified() async throws {
    for _ in 0..<20 {
      let process = try spawn(SpawnRequest(executable: "true"))
      #expect(await process.wait(timeoutSeconds: 60))
      #expect(!process.isAlive)
    }
  }

  @Test func failedExecComesBackWithItsError() {
    #expect(throws: SystemError(call: "execve", code: ENOENT, context: "/nowhere/x")) {
      try spawn(SpawnRequest(executable: "/nowhere/x"))
    }
    #expect(throws: SystemError(call: "execve", code: EACCES, context: "/etc/passwd")) {
      try spawn(SpawnRequest(executable: "/etc/passwd"))
    }
    #expect(throws: SystemError(call: "execve", code: ENOENT, context: "x (not found in /bin)")) {
      try spawn(SpawnRequest(executable: "x", environment: ["PATH": "/bin"]))
    }
    #expect(throws: SystemError(call: "chdir", code: ENOENT, context: "/nowhere for /bin/true")) {
      try spawn(SpawnRequest(executable: "/bin/true", workingDirectory: "/nowhere"))
    }
    let name = UniqueName.next()
    #expect(throws: SystemError(call: "open", code: ENOENT, context: "/run/netns/\(name)")) {
      try spawn(SpawnRequest(executable: "/bin/true", namespace: name))
    }
    #expect(throws: SystemError(call: "open", code: ENOENT, context: "/nowhere/log")) {
      try spawn(SpawnRequest(executable: "/bin/true", standardOutput: "/nowhere/log"))
    }
    let error = #expect(throws: SystemError.self) {
      try spawn(SpawnRequest(executable: "/bin/true", arguments: ["a\0b"]))
    }
    #expect(error?.code == EINVAL)
  }

  @Test func outputIsAppendedToFiles() async throws {
    let directory = try TemporaryDirectory()
    let log = directory.path("log")
    for word in ["one", "two"] {
      let process = try spawn(
        SpawnRequest(
          executable: "sh", arguments: ["-c", "echo \(word); echo \(word)! >&2; cat"], standardOutput: log,
          standardError: log))
      #expect(await process.wait(timeoutSeconds: 60))
    }
    #expect(HostFacts.text(ofFile: log) == "one\none!\ntwo\ntwo!\n")
  }

  @Test func runsInANamespaceWithASysOfItsOwn() async throws {
    let namespace = try TestNamespace()
    try namespace.makeTAP("aphtap")
    let output = Shared("")
    let status = try await run(
      SpawnRequest(executable: "ls", arguments: ["/sys/class/net"], namespace: namespace.name)
    ) { _, bytes in output.update { $0 += String(decoding: bytes, as: UTF8.self) } }
    #expect(status == 0)
    let expected = try Netlink.links(namespace: namespace.name).map(\.name)
    #expect(expected.contains("aphtap"))
    #expect(output.value.split(separator: "\n").map(String.init) == expected.sorted())
  }

  @Test func waitEndsWhenItsTaskIsCancelled() async throws {
    let process = try spawn(SpawnRequest(executable: "sleep", arguments: ["1000"]))
    defer { process.signal(SIGKILL) }
    let task = Task { await process.wait(timeoutSeconds: 1000) }
    task.cancel()
    #expect(await !task.value)
  }

  @Test func groupsAreSignalledTogether() async throws {
    let directory = try TemporaryDirectory()
    let log = directory.path("pid")
    let process = try spawn(
      SpawnRequest(
        executable: "sh", arguments: ["-c", "sleep 1000 & echo $!; exec sleep 1000"], standardOutput: log))
    // The leader has written the number when it has become `sleep`.
    while HostFacts.text(ofFile: "/proc/\(process.pid)/comm") != "sleep\n" { sched_yield() }
    let text = try #require(HostFacts.text(ofFile: log)).dropLast()
    let child = try #require(Int32(text).flatMap { ProcessIdentity.of(pid: $0) })
    #expect(process.signalGroup(SIGTERM))
    #expect(await process.wait(timeoutSeconds: 60))
    #expect(await child.wait(timeoutSeconds: 60))
  }
}
