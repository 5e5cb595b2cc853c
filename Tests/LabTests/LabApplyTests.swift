import Dataplane
import FoundationEssentials
import LinuxHost
import Synchronization
import TestSupport
import Testing
import Topology

@testable import Lab

/// Changes of labs that are up, with real namespaces.
@Suite struct LabApplyTests {
  private func lab() -> CanonicalLab {
    var lab = CanonicalLab(name: "apl-\(String(UInt32.random(in: 0..<46656 * 36), radix: 36))")
    lab.source = "/labs/x.lab.yaml"
    lab.switches = [SwitchDefinition(name: "sw1")]
    lab.nodes = [
      node("p1", "netns", [nic(mac: "02:00:00:00:00:01", addresses: ["10.0.0.1/24"])]),
      node("p2", "netns", [nic(mac: "02:00:00:00:00:02", addresses: ["10.0.0.2/24"])]),
    ]
    return lab
  }

  /// An echo request is answered, at the fifth at the latest: a neighbour that was silent before is asked for again only
  /// after a second.
  private func answers(_ runtime: LabRuntime, _ from: String, _ address: String) async throws -> Bool {
    for _ in 0..<5 where try await answersOnce(runtime, from, address) { return true }
    return false
  }

  private func answersOnce(_ runtime: LabRuntime, _ from: String, _ address: String) async throws -> Bool {
    for try await event in try await runtime.execute(
      node: from, command: ["busybox", "ping", "-c", "1", "-W", "1", address])
    {
      if case .exit(let status) = event { return status == 0 }
    }
    return false
  }

  private func addProbe(to lab: inout CanonicalLab) {
    lab.nodes.append(node("p3", "netns", [nic(mac: "02:00:00:00:00:03", addresses: ["10.0.0.3/24"])]))
  }

  @Test func nodesComeAndGoWhileTheRestStays() async throws {
    try await withTemporaryDirectories { directories in
      var lab = lab()
      let runtime = LabRuntime(directories: directories)
      _ = try await runtime.bringUp(lab) { _ in }
      #expect(try await answers(runtime, "p1", "10.0.0.2"))
      let since = await runtime.nodes().first?.since
      let received = await runtime.dataplane()?.ports().first { $0.name == "p1.eth0" }?.receivePackets ?? 0
      #expect(received > 0)
      addProbe(to: &lab)
      lab.nodes.remove(at: 1)
      let steps = try await runtime.bringUp(lab) { _ in }
      #expect(steps == [PlanStep(.remove, "node p2", "netns"), PlanStep(.create, "node p3", "netns")])
      #expect(!NetworkNamespace.exists("apus-\(lab.name)-p2"))
      #expect(await runtime.nodes().map(\.node) == ["p1", "p3"])
      #expect(await runtime.nodes().first?.since == since)
      // The port of the node that stayed is still the same one.
      #expect(await runtime.dataplane()?.ports().first { $0.name == "p1.eth0" }?.receivePackets ?? 0 >= received)
      #expect(try await answers(runtime, "p1", "10.0.0.3"))
      #expect(try await runtime.bringUp(lab) { _ in } == [])
      try await runtime.takeDown { _ in }
      #expect(!NetworkNamespace.exists("apus-\(lab.name)-p3"))
      #expect(!Files.exists(directories.state(lab.name)))
    }
  }

  @Test func vlansAndSwitchesChangeUnderRunningNodes() async throws {
    try await withTemporaryDirectories { directories in
      var lab = lab()
      let runtime = LabRuntime(directories: directories)
      _ = try await runtime.bringUp(lab) { _ in }
      #expect(try await answers(runtime, "p1", "10.0.0.2"))
      lab.nodes[0].nics[0].attachment = .switchPort(switch: "sw1", mode: .access(20))
      lab.switches[0].aging = 60
      lab.switches[0].fdbSize = 1024
      _ = try await runtime.bringUp(lab) { _ in }
      #expect(try await !answersOnce(runtime, "p1", "10.0.0.2"))
      let changed = await runtime.dataplane()?.switches().first
      #expect(changed?.aging == 60)
      #expect(changed.map { [$0.fdbLimit, $0.fdbPerPort] } == [1024, 512])
      lab.nodes[1].nics[0].attachment = .switchPort(switch: "sw1", mode: .access(20))
      _ = try await runtime.bringUp(lab) { _ in }
      #expect(try await answers(runtime, "p1", "10.0.0.2"))
      try await runtime.takeDown { _ in }
    }
  }

  /// An interface gets another offload under whoever uses it; a front-end that is connected keeps its device.
  @Test func offloadChangesUnderRunningNodes() async throws {
    try await withTemporaryDirectories { directories in
      var lab = lab()
      lab.nodes.append(node("x1", "external", [nic(mac: "02:00:00:00:00:04")]))
      let runtime = LabRuntime(directories: directories)
      _ = try await runtime.bringUp(lab) { _ in }
      // Lost if the namespace was made anew.
      let address = ["busybox", "ip", "address", "add", "10.0.0.77/24", "dev", "eth0"]
      for try await _ in try await runtime.execute(node: "p2", command: address) {}
      for level in [NICDefinition.Offload.checksum, .off, .on] {
        lab.nodes[1].nics[0].offload = level
        let steps = try await runtime.bringUp(lab) { _ in }
        #expect(steps == [PlanStep(.change, "node p2", "offload of eth0")])
        #expect(try await answers(runtime, "p1", "10.0.0.77"), "\(level)")
        let offloads = await runtime.dataplane()?.ports().first { $0.name == "p2.eth0" }?.offloads
        #expect(offloads?.fromNode.contains("tso4") == (level == .on))
        #expect(offloads?.fromNode.contains("checksum") == (level != .off))
      }
      let socket = "\(directories.state(lab.name))/x1.eth0.sock"
      var frontEnd: Descriptor? = try UnixSocket.connect(path: socket)
      func isConnected() async -> Bool {
        await runtime.dataplane()?.ports().first { $0.name == "x1.eth0" }?.vhostUser?.isConnected ?? false
      }
      #expect(await eventually { await isConnected() })
      var other = lab
      other.nodes[2].nics[0].offload = .off
      other.nodes[1].nics[0].offload = .off
      let wanted = other
      let error = await #expect(throws: UserError.self) { try await runtime.bringUp(wanted) { _ in } }
      #expect(
        error?.message == "port x1.eth0: its `offload` cannot change while a front-end is connected, which has taken "
          + "up what was offered before")
      #expect(error?.hint?.contains(socket) == true)
      #expect(await isConnected())
      #expect(try await runtime.bringUp(lab) { _ in } == [], "everything is as it was")
      withExtendedLifetime(frontEnd) {}
      frontEnd = nil
      #expect(await eventually { await !isConnected() })
      #expect(try await runtime.bringUp(other) { _ in }.count == 2)
      try await runtime.takeDown { _ in }
    }
  }

  /// What a task has connected.
  private final class Connection: Sendable {
    let descriptor = Mutex<Descriptor?>(nil)
  }

  /// A front-end of the daemon before comes back about a second later, and would find less than it has taken up.
  @Test func offloadIsRefusedToAFrontEndThatIsOnItsWayBack() async throws {
    try await withTemporaryDirectories { directories in
      var lab = lab()
      lab.nodes.append(node("x1", "external", [nic(mac: "02:00:00:00:00:04")]))
      let first = LabRuntime(directories: directories)
      _ = try await first.bringUp(lab) { _ in }
      await first.detach()
      let socket = "\(directories.state(lab.name))/x1.eth0.sock"
      let connection = Connection()
      let frontEnd = Task {
        while connection.descriptor.withLock({ $0 }) == nil {
          try await Task.sleep(for: .milliseconds(300))
          if let made = try? UnixSocket.connect(path: socket) { connection.descriptor.withLock { $0 = made } }
        }
      }
      var other = lab
      other.nodes[2].nics[0].offload = .checksum
      let wanted = other
      let second = LabRuntime(directories: directories)
      let error = await #expect(throws: UserError.self) { try await second.bringUp(wanted) { _ in } }
      #expect(error?.message.hasPrefix("port x1.eth0: its `offload` cannot change") == true, "\(error as Any)")
      #expect(await second.lab() == lab, "what was up is up again")
      try await frontEnd.value
      connection.descriptor.withLock { $0 = nil }
      #expect(
        await eventually {
          await second.dataplane()?.ports().first { $0.name == "x1.eth0" }?.vhostUser?.isConnected == false
        })
      // Nobody comes back any more.
      #expect(try await second.bringUp(other) { _ in } == [PlanStep(.change, "node x1", "external, made anew")])
      try await second.takeDown { _ in }
    }
  }

  /// A namespace whose interface was to be opened in another way keeps what runs in it, whatever fails beside it.
  @Test(arguments: [false, true]) func failedOffloadLeavesTheNamespace(daemonDies: Bool) async throws {
    try await withTemporaryDirectories { directories in
      let before = lab()
      var runtime = LabRuntime(directories: directories)
      _ = try await runtime.bringUp(before) { _ in }
      // Lost if the namespace was made anew.
      let address = ["busybox", "ip", "address", "add", "10.0.0.77/24", "dev", "eth0"]
      for try await _ in try await runtime.execute(node: "p2", command: address) {}
      var after = before
      after.nodes[1].nics[0].offload = .off
      addProbe(to: &after)
      var wrong = after
      // The kernel refuses that address, when the ports are there.
      wrong.nodes[2].nics[0].addresses = [AddressDefinition(address: "10.0.0.3/99")]
      let (failing, wanted) = (runtime, wrong)
      await #expect(throws: UserError.self) { try await failing.bringUp(wanted) { _ in } }
      if daemonDies {
        await runtime.detach()
        runtime = LabRuntime(directories: directories)
      }
      let steps = try await runtime.bringUp(after) { _ in }
      #expect(
        steps.suffix(2) == [
          PlanStep(.change, "node p2", "eth0 attached elsewhere, offload of eth0"),
          PlanStep(.create, "node p3", "netns"),
        ])
      #expect(try await answers(runtime, "p1", "10.0.0.77"))
      #expect(await runtime.dataplane()?.ports().first { $0.name == "p2.eth0" }?.offloads?.fromNode == [])
      try await runtime.takeDown { _ in }
    }
  }

  @Test func failedChangeLeavesWhatStayed() async throws {
    try await withTemporaryDirectories { directories in
      let before = lab()
      let runtime = LabRuntime(directories: directories)
      _ = try await runtime.bringUp(before) { _ in }
      var after = before
      addProbe(to: &after)
      // A namespace of that name that is not ours stands in the way.
      try NetworkNamespace.create("apus-\(after.name)-p3")
      await #expect(throws: UserError.self) { try await runtime.bringUp(after) { _ in } }
      #expect(NetworkNamespace.exists("apus-\(after.name)-p3"))
      #expect(await runtime.lab() == before)
      #expect(try await answers(runtime, "p1", "10.0.0.2"))
      try NetworkNamespace.delete("apus-\(after.name)-p3")
      #expect(try await runtime.bringUp(after) { _ in } == [PlanStep(.create, "node p3", "netns")])
      try await runtime.takeDown { _ in }
    }
  }

  @Test func aTrunkOfAFailedChangeGoes() async throws {
    try await withTemporaryDirectories { directories in
      var before = lab()
      before.switches.append(SwitchDefinition(name: "sw2"))
      let runtime = LabRuntime(directories: directories)
      _ = try await runtime.bringUp(before) { _ in }
      var after = before
      after.links = [
        LinkDefinition(
          name: "t", kind: .trunk(.trunk(allowed: [1...4094], native: nil)),
          ends: [.switchPort("sw1"), .switchPort("sw2")])
      ]
      let good = after
      // The kernel refuses that address, when the trunk is there.
      after.nodes.append(node("p3", "netns", [nic(mac: "02:00:00:00:00:03", addresses: ["10.0.0.3/99"])]))
      await #expect(throws: UserError.self) { try await runtime.bringUp(after) { _ in } }
      #expect(await runtime.dataplane()?.ports().map(\.name).sorted() == ["p1.eth0", "p2.eth0"])
      #expect(try await runtime.bringUp(good) { _ in } == [PlanStep(.create, "link t", "trunk")])
      try await runtime.takeDown { _ in }
    }
  }

  @Test func changeAfterTheDaemonDied() async throws {
    try await withTemporaryDirectories { directories in
      var lab = lab()
      let first = LabRuntime(directories: directories)
      _ = try await first.bringUp(lab) { _ in }
      await first.detach()
      addProbe(to: &lab)
      let preview = try LabPreview.steps(lab, directories: directories, isServing: false)
      let second = LabRuntime(directories: directories)
      let steps = try await second.bringUp(lab) { _ in }
      #expect(steps == preview)
      #expect(steps.map(\.action) == [.adopt, .adopt, .adopt, .create])
      #expect(try await answers(second, "p1", "10.0.0.3"))
      try await second.takeDown { _ in }
    }
  }

  @Test func linksAreCutAndMended() async throws {
    try await withTemporaryDirectories { directories in
      let lab = lab()
      let runtime = LabRuntime(directories: directories)
      _ = try await runtime.bringUp(lab) { _ in }
      #expect(await runtime.links().map(\.name) == ["p1.eth0", "p2.eth0"])
      var cut = LinkChange()
      cut.carrier = false
      #expect(try await runtime.setLink("p2:eth0", cut).carrier == false)
      #expect(try await !answersOnce(runtime, "p1", "10.0.0.2"))
      // What was said at run time survives another `up`.
      _ = try await runtime.bringUp(lab) { _ in }
      #expect(await runtime.links().map(\.carrier) == [true, false])
      var reset = LinkChange()
      reset.isReset = true
      #expect(try await runtime.setLink("p2.eth0", reset).carrier == true)
      #expect(try await answers(runtime, "p1", "10.0.0.2"))
      let unknown = await #expect(throws: UserError.self) { try await runtime.setLink("p9.eth0", cut) }
      #expect(unknown?.code == .notFound)
      try await runtime.takeDown { _ in }
    }
  }

  @Test func impairmentsMergeByEnd() async throws {
    try await withTemporaryDirectories { directories in
      let lab = lab()
      let runtime = LabRuntime(directories: directories)
      _ = try await runtime.bringUp(lab) { _ in }
      var change = LinkChange()
      change.impair = ["loss": "100%"]
      change.from = "p2"
      var slow = ImpairmentDefinition()
      slow.loss = 1
      #expect(try await runtime.setLink("p2.eth0", change).impair == ImpairmentPair(fromFirst: slow))
      #expect(try await !answersOnce(runtime, "p1", "10.0.0.2"))
      change.impair = ["delay": "20ms"]
      slow.delay = 0.02
      #expect(try await runtime.setLink("p2.eth0", change).impair == ImpairmentPair(fromFirst: slow))
      change.isReplacement = true
      slow.loss = 0
      #expect(try await runtime.setLink("p2.eth0", change).impair == ImpairmentPair(fromFirst: slow))
      #expect(try await answers(runtime, "p1", "10.0.0.2"))
      change.impair = ["jitter": "500ms"]
      await #expect(throws: UserError.self) { try await runtime.setLink("p2.eth0", change) }
      change.from = "p1"
      await #expect(throws: UserError.self) { try await runtime.setLink("p2.eth0", change) }
      try await runtime.takeDown { _ in }
    }
  }

  @Test func nodesAreStoppedAndStarted() async throws {
    try await withTemporaryDirectories { directories in
      let runtime = LabRuntime(directories: directories)
      _ = try await runtime.bringUp(lab()) { _ in }
      try await runtime.stop(node: "p2") { _ in }
      #expect(await runtime.nodes().map(\.state) == [.running, .stopped])
      #expect(try await !answersOnce(runtime, "p1", "10.0.0.2"))
      try await runtime.start(node: "p2") { _ in }
      #expect(await runtime.nodes().map(\.state) == [.running, .running])
      #expect(try await answers(runtime, "p1", "10.0.0.2"))
      await #expect(throws: UserError.self) { try await runtime.stop(node: "p9") { _ in } }
      // A stopped node that a change makes anew runs.
      try await runtime.stop(node: "p2") { _ in }
      var changed = try #require(await runtime.lab())
      changed.nodes[1].nics[0].addresses = [AddressDefinition(address: "10.0.0.22/24")]
      _ = try await runtime.bringUp(changed) { _ in }
      #expect(await runtime.nodes().map(\.state) == [.running, .running])
      #expect(try await answers(runtime, "p1", "10.0.0.22"))
      try await runtime.takeDown { _ in }
    }
  }

  @Test func testsOfAllKinds() async throws {
    try await withTemporaryDirectories { directories in
      var lab = lab()
      var said = TestDefinition(action: "exec", source: "p1", destination: "")
      said.run = ["/bin/sh", "-c", "echo one two"]
      said.output = "two"
      var failing = said
      failing.output = "three"
      failing.within = 5
      var silent = TestDefinition(action: "tcp", source: "p1", destination: "p2")
      silent.port = 81
      lab.tests = [
        TestDefinition(action: "ping", source: "p1", destination: "p2"),
        TestDefinition(action: "arp", source: "p1", destination: "p2"), silent, said, failing,
      ]
      let runtime = LabRuntime(directories: directories)
      _ = try await runtime.bringUp(lab) { _ in }
      let results = await runtime.runTests { _ in }
      #expect(results.map(\.passed) == [true, true, true, true, false], "\(results)")
      #expect(results[2].test == "tcp p1 -> p2 port 81")
      #expect(results[4].detail.contains("it said: one two"))
      try await runtime.takeDown { _ in }
    }
  }
}
