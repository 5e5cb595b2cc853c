import CLinux
import Glibc
import LinuxHost
import Testing
import TestSupport

@Suite struct NetworkNamespaceTests {
  @Test func isMadeNamedAndDeleted() throws {
    let name = UniqueName.next()
    defer { try? NetworkNamespace.delete(name) }
    #expect(!NetworkNamespace.exists(name))
    try NetworkNamespace.create(name)
    #expect(NetworkNamespace.exists(name))
    #expect(NetworkNamespace.names().contains(name))
    #expect(throws: SystemError(call: "create namespace", code: EEXIST, context: name)) {
      try NetworkNamespace.create(name)
    }
    #expect(NetworkNamespace.exists(name))
    try NetworkNamespace.delete(name)
    #expect(!NetworkNamespace.exists(name))
    #expect(!NetworkNamespace.names().contains(name))
    try NetworkNamespace.delete(name)
  }

  @Test func beginsWithLoopbackWhichIsUp() throws {
    let namespace = try TestNamespace()
    let links = try Netlink.links(namespace: namespace.name)
    #expect(links.first?.name == "lo")
    #expect(links.first?.isUp == true)
    #expect(try Netlink.addresses(link: "lo", namespace: namespace.name) == ["127.0.0.1/8", "::1/128"])
  }

  @Test func bodiesRunInTheirNamespaceAndNobodyElseDoes() throws {
    let first = try TestNamespace()
    let second = try TestNamespace()
    let here = try here()
    let inside = try Self.place(in: first.name)
    let other = try Self.place(in: second.name)
    #expect(Set([here, inside, other]).count == 3)
    #expect(try Self.place(in: nil) == here)
    #expect(try self.here() == here)
  }

  @Test func bodiesMayNest() throws {
    let first = try TestNamespace()
    let second = try TestNamespace()
    let places = try NetworkNamespace.run(in: first.name) { () throws(SystemError) in
      [
        try Self.place(),
        try NetworkNamespace.run(in: second.name) { () throws(SystemError) in try Self.place() },
        try NetworkNamespace.run(in: nil) { () throws(SystemError) in try Self.place() },
        try Self.place(),
      ]
    }
    #expect(places[0] == places[3])
    #expect(try places[2] == here())
    #expect(Set(places).count == 3)
  }

  @Test func processesInItAreFoundAndEnded() async throws {
    let namespace = try TestNamespace()
    let other = try TestNamespace()
    #expect(NetworkNamespace.processes(in: namespace.name).isEmpty)
    // The second one does not listen.
    let commands = [["sleep", "600"], ["sh", "-c", "trap '' TERM; while :; do sleep 600; done"]]
    for command in commands {
      _ = try spawn(
        SpawnRequest(
          executable: command[0], arguments: Array(command.dropFirst()), namespace: namespace.name))
    }
    let stranger = try spawn(SpawnRequest(executable: "sleep", arguments: ["600"], namespace: other.name))
    defer { stranger.signal(SIGKILL) }
    try await eventually("all are there") { NetworkNamespace.processes(in: namespace.name).count == 3 }
    #expect(NetworkNamespace.processes(in: namespace.name).map(\.program).sorted() == ["sh", "sleep", "sleep"])
    let ended = try await NetworkNamespace.endProcesses(in: namespace.name)
    #expect(ended.count >= 3)
    #expect(NetworkNamespace.processes(in: namespace.name).isEmpty)
    #expect(stranger.isAlive)
    #expect(try await NetworkNamespace.endProcesses(in: "no-such-namespace").isEmpty)
  }

  @Test func whoLooksForARouterIsAnswered() async throws {
    let namespace = try TestNamespace()
    #expect(throws: SystemError.self) { try RouterAdvertiser(interface: "eth0", namespace: namespace.name) }
    let advertiser = try RouterAdvertiser(interface: "lo", namespace: namespace.name)
    let task = Task { await advertiser.run() }
    task.cancel()
    await task.value
  }

  @Test func errorsOfABodyComeBackAndLeaveTheThreadAtHome() throws {
    let namespace = try TestNamespace()
    let failure = SystemError(call: "test", code: EDOM, context: "")
    #expect(throws: failure) {
      try NetworkNamespace.run(in: namespace.name) { () throws(SystemError) -> Int in throw failure }
    }
    #expect(try Self.place(in: nil) == here())
  }

  @Test func manyCallersAtOnceEachGetTheirOwn() async throws {
    let namespaces = try (0..<4).map { _ in try TestNamespace() }
    let expected = try namespaces.map { try Self.place(in: $0.name) }
    try await withThrowingTaskGroup(of: Bool.self) { group in
      for round in 0..<40 {
        let index = round % 4
        let name = namespaces[index].name
        group.addTask { try Self.place(in: name) == expected[index] }
      }
      for try await isRight in group { #expect(isRight) }
    }
  }

  @Test(arguments: ["", ".", "..", "a/b"]) func refusesNamesThatArePaths(name: String) {
    #expect(throws: SystemError(call: "create namespace", code: EINVAL, context: name)) {
      try NetworkNamespace.create(name)
    }
  }

  @Test func missingNamespaceIsAnError() {
    let name = UniqueName.next()
    #expect(throws: SystemError(call: "open", code: ENOENT, context: "/run/netns/\(name)")) {
      try NetworkNamespace.run(in: name) {}
    }
    #expect(!TAPDevice.exists(name: "lo", namespace: name))
  }

  @Test func fileThatIsNoNamespaceIsAnError() throws {
    let host = try TestNamespace()  // the directory is there now
    let name = UniqueName.next()
    let path = NetworkNamespace.path(of: name)
    close(open(path, O_CREAT | O_WRONLY, 0o600))
    defer { unlink(path) }
    #expect(throws: SystemError(call: "open", code: EINVAL, context: path)) { try NetworkNamespace.open(name) }
    #expect(!NetworkNamespace.exists(name))
    // The remains of a create that was broken off can be removed.
    try NetworkNamespace.delete(name)
    #expect(!HostFacts.exists(path))
    withExtendedLifetime(host) {}
  }

  @Test func iproute2SeesIt() async throws {
    let namespace = try TestNamespace()
    let output = Shared("")
    let request = SpawnRequest(
      executable: "ip", arguments: ["netns", "exec", namespace.name, "ip", "-o", "link", "show", "up"])
    let status = try await run(request) { _, bytes in
      output.update { $0 += String(decoding: bytes, as: UTF8.self) }
    }
    #expect(status == 0)
    #expect(output.value.hasPrefix("1: lo: <LOOPBACK,UP,LOWER_UP>"))
  }

  private static func place() throws(SystemError) -> UInt64 {
    let current = Descriptor(owning: clinux_netns_current())
    var status = stat()
    guard fstat(current.raw, &status) == 0 else { throw SystemError(call: "fstat", code: errno, context: "") }
    return UInt64(status.st_ino)
  }

  private static func place(in name: String?) throws(SystemError) -> UInt64 {
    try NetworkNamespace.run(in: name) { () throws(SystemError) in try place() }
  }

  /// The namespace of the calling thread, which is the host's in all threads but one.
  private func here() throws -> UInt64 { try Self.place() }
}
