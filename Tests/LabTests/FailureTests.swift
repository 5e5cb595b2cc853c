import FoundationEssentials
import Glibc
import LinuxHost
import Synchronization
import Testing
import Topology

@testable import Lab

/// What is left, and what is said, when something does not work.
@Suite struct FailureTests {
  private static func lab(_ nics: [NICDefinition]) -> CanonicalLab {
    var lab = CanonicalLab(name: "apl-\(String(UInt32.random(in: 0..<46656 * 36), radix: 36))")
    lab.source = "/labs/x.lab.yaml"
    lab.switches = [SwitchDefinition(name: "sw1")]
    lab.nodes = [node("a", "netns", nics)]
    return lab
  }

  private static func namespace(_ lab: CanonicalLab) -> String { "apus-\(lab.name)-a" }

  /// `lo` is there in every namespace, and no TAP: neither can it be made nor removed.
  @Test func anInterfaceThatCannotBeRemovedDoesNotKeepItsNamespace() async throws {
    try await withTemporaryDirectories { directories in
      let lab = Self.lab([nic("eth0"), nic("lo", mac: "02:00:00:00:00:02")])
      let runtime = LabRuntime(directories: directories)
      await #expect(throws: UserError.self) { try await runtime.bringUp(lab) { _ in } }
      #expect(!NetworkNamespace.exists(Self.namespace(lab)))
      #expect(!Files.exists(directories.state(lab.name)))
      // The corrected file is not in anybody's way.
      var corrected = lab
      corrected.nodes[0].nics.removeLast()
      _ = try await runtime.bringUp(corrected) { _ in }
      try await runtime.takeDown { _ in }
      #expect(!NetworkNamespace.exists(Self.namespace(lab)))
    }
  }

  @Test func severalFailuresAreToldWhole() {
    #expect(UserError.all([]) == nil)
    let all = UserError.all([UserError(.badInput, "a: no", hint: "do"), UserError(.failed, "b: no", hint: "do not")])
    #expect(all == UserError(.badInput, "a: no; b: no", hint: "do"))
    let error = UserError(.failed, "port a.eth0: no", hint: "run as root")
    #expect(error.leaving([], of: "x") == error)
    #expect(
      error.leaving(["namespace n: busy", "port p: gone"], of: "x")
        == UserError(
          .failed, "port a.eth0: no; left behind: namespace n: busy; port p: gone",
          hint: "run as root; `apus down x` tries again to remove what is left"))
  }

  /// What somebody has done in a node, or an older version has passed over, does not keep its lab from coming back.
  @Test func aRouteInTheWayDoesNotKeepALabFromBeingTakenBack() async throws {
    try await withTemporaryDirectories { directories in
      var lab = Self.lab([nic("eth0", addresses: ["10.0.0.1/24"])])
      lab.nodes[0].nics[0].gateway = "10.0.0.254"
      let first = LabRuntime(directories: directories)
      _ = try await first.bringUp(lab) { _ in }
      let change = ["ip", "route", "replace", "default", "via", "10.0.0.253"]
      for try await event in try await first.execute(node: "a", command: change) {
        if case .exit(let status) = event { #expect(status == 0) }
      }
      await first.detach()
      let second = LabRuntime(directories: directories)
      let said = Mutex<[String]>([])
      let steps = try await second.bringUp(lab) { line in said.withLock { $0.append(line) } }
      #expect(steps.map(\.action) == [.adopt, .adopt])
      let words =
        "a: left out: route to default via 10.0.0.254 on eth0; the one that is there leads via 10.0.0.253 on eth0"
      #expect(said.withLock { $0.contains(words) }, "\(said.withLock { $0 })")
      try await second.takeDown { _ in }
    }
  }

  @Test func nodesThatAreBeingMadeAreStarting() async throws {
    try await withTemporaryDirectories { directories in
      let lab = Self.lab([nic("eth0")])
      let runtime = LabRuntime(directories: directories)
      // Whoever has the brief lane keeps an `up` from making a port.
      await runtime.door.brief.take()
      async let up = runtime.bringUp(lab) { _ in }
      let deadline = ContinuousClock.now + .seconds(60)
      var rows = await runtime.nodes()
      while rows.isEmpty, ContinuousClock.now < deadline {
        try await Task.sleep(for: .milliseconds(1))
        rows = await runtime.nodes()
      }
      runtime.door.brief.leave()
      #expect(rows.map(\.state) == [.starting])
      #expect(rows.map(\.ready) == [false])
      #expect(rows.map(\.error) == [nil])
      _ = try await up
      rows = await runtime.nodes()
      #expect(rows.map(\.state) == [.running] && rows.map(\.ready) == [true])
      try await runtime.takeDown { _ in }
    }
  }

  @Test func aNodeWhoseInterfaceIsDownIsNotReady() async throws {
    try await withTemporaryDirectories { directories in
      var loose = nic("eth0")
      loose.attachment = .none
      let lab = Self.lab([loose, nic("eth1", mac: "02:00:00:00:00:02")])
      let runtime = LabRuntime(directories: directories)
      _ = try await runtime.bringUp(lab) { _ in }
      func set(_ link: String, up: Bool) throws {
        try Netlink.configure(link: link, namespace: Self.namespace(lab), mtu: nil, address: nil, up: up)
      }
      func isReady() async -> Bool { await runtime.nodes().allSatisfy(\.ready) }
      #expect(await isReady())
      // One that leads nowhere does not count.
      try set("eth0", up: false)
      #expect(await isReady())
      // The kernel tells it in its own time.
      func becomes(_ wanted: Bool) async throws -> Bool {
        for _ in 0..<3000 {
          if await isReady() == wanted { return true }
          try await Task.sleep(for: .milliseconds(10))
        }
        return false
      }
      try set("eth1", up: false)
      #expect(try await becomes(false))
      try set("eth1", up: true)
      #expect(try await becomes(true))
      try await runtime.takeDown { _ in }
    }
  }

  /// A folder in the file's place stands for a disk on which nothing can be written.
  @Test func whatCannotBeWrittenDownIsNotDone() async throws {
    try await withTemporaryDirectories { directories in
      let lab = Self.lab([nic("eth0")])
      let runtime = LabRuntime(directories: directories)
      _ = try await runtime.bringUp(lab) { _ in }
      let before = await runtime.links()
      try Files.makeDirectory(directories.runTimeFile(lab.name))
      var down = LinkChange()
      down.carrier = false
      var slow = LinkChange()
      slow.impair = ["delay": "40ms"]
      for change in [down, slow] {
        do {
          _ = try await runtime.setLink("a.eth0", change)
          Issue.record("it was done")
        } catch let error as UserError {
          #expect(error.code == .failed && error.message.contains("runtime.json"), "\(error)")
          #expect(error.hint == "nothing was changed")
        }
      }
      await #expect(throws: UserError.self) { try await runtime.stop(node: "a") { _ in } }
      #expect(await runtime.links() == before)
      #expect(await runtime.nodes().map(\.state) == [.running])
      try FileManager.default.removeItem(atPath: directories.runTimeFile(lab.name))
      #expect(try await runtime.setLink("a.eth0", down).carrier == false)
      try await runtime.takeDown { _ in }
    }
  }

  @Test func whatAProgramSaidIsShownInLines() {
    #expect(ShownText.output("") == " nothing")
    #expect(ShownText.output("\n one\u{1B}[31m\u{7}\u{7F}\u{9B}x \n\n") == "  one^[[31m^G^?\\u{9b}x ")
    #expect(ShownText.output("a\r\nb\n") == "\n      a\n      b")
    let long = ShownText.output((1...30).map { "line \($0)" }.joined(separator: "\n"))
    #expect(long.hasPrefix("\n      (10 more lines before)\n      line 11\n"))
    #expect(long.hasSuffix("\n      line 30"))
    #expect(ShownText.line(String(repeating: "x", count: 300)).count == 203)
  }

  @Test func errorsOfOthersAreWords() {
    #expect(ErrorWords.of(POSIXError(.ENOSPC)) == "No space left on device")
    #expect(ErrorWords.of(CocoaError(.fileNoSuchFile)) == "there is no such file")
    #expect(ErrorWords.of(CocoaError(.fileReadCorruptFile)).contains("Foundation"))
    let json = #expect(throws: DecodingError.self) {
      try JSONDecoder().decode(NodeRecord.self, from: Data("{}".utf8))
    }
    #expect(json.map { ErrorWords.of($0) } == "since is missing")
    #expect(UserError.wrapping(POSIXError(.EACCES), "lab x").message == "lab x: Permission denied")
  }

  @Test func theLimitsThatFilesAreCheckedByAreTheMachines() {
    #expect(MachineLimits.nics == QEMUCommandLine.nicLimit)
  }
}
