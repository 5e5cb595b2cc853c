import FoundationEssentials
import LinuxHost
import Synchronization
import Testing
import Topology

@testable import Lab

/// Labs with real namespaces and TAPs, each under names of its own, so that they may run side by side.
@Suite struct LabRuntimeTests {
  /// A lab with a namespace, a TAP and an external node.
  private func lab() -> CanonicalLab {
    let mark = String(UInt32.random(in: 0..<46656 * 36), radix: 36)
    var lab = CanonicalLab(name: "apl-\(mark)")
    lab.source = "/labs/x.lab.yaml"
    lab.switches = [SwitchDefinition(name: "sw1")]
    var first = nic(addresses: ["10.0.0.1/24", "fd00::1/64"])
    first.mtu = 2000
    let second = nic("apl\(mark)", mac: "02:00:00:00:00:02", addresses: [])
    lab.nodes = [
      node("p1", "netns", [first]), node("up", "tap", [second]),
      node("ext", "external", [nic(mac: "02:00:00:00:00:03")]),
    ]
    return lab
  }

  private func namespace(_ lab: CanonicalLab) -> String { "apus-\(lab.name)-p1" }
  private func tap(_ lab: CanonicalLab) -> String { lab.nodes[1].nics[0].name }

  private func expectNothingLeft(of lab: CanonicalLab, _ directories: LabDirectories) {
    #expect(!NetworkNamespace.exists(namespace(lab)))
    #expect(!TAPDevice.exists(name: tap(lab), namespace: nil))
    #expect(!Files.exists(directories.state(lab.name)))
    #expect(!Files.exists(directories.data(lab.name)))
  }

  @Test func upTwiceThenDown() async throws {
    try await withTemporaryDirectories { directories in
      let lab = lab()
      let runtime = LabRuntime(directories: directories)
      let lines = Mutex<[String]>([])
      let steps = try await runtime.bringUp(lab) { line in lines.withLock { $0.append(line) } }
      #expect(steps.map(\.subject) == ["switch sw1", "node p1", "node up", "node ext"])
      #expect(steps.allSatisfy { $0.action == .create })
      #expect(lines.withLock { $0 }.starts(with: ["switch sw1", "port p1.eth0 open", "port up.\(tap(lab)) open"]))
      #expect(directories.runningLabs() == [lab.name])

      let inside = try Netlink.links(namespace: namespace(lab)).first { $0.name == "eth0" }
      #expect(inside?.address == "02:00:00:00:00:01")
      #expect(inside?.mtu == 2000)
      #expect(inside?.isUp == true)
      let addresses = try Netlink.addresses(link: "eth0", namespace: namespace(lab))
      #expect(Set(addresses).isSuperset(of: ["10.0.0.1/24", "fd00::1/64"]))
      #expect(try Netlink.speed(link: "eth0", namespace: namespace(lab)) == 10000)
      // Nobody speaks IPv6 on the host's side of the network.
      #expect(try Netlink.addresses(link: tap(lab), namespace: nil) == [])

      #expect(try await runtime.bringUp(lab) { _ in } == [])
      let rows = await runtime.nodes()
      #expect(rows.map(\.node) == ["p1", "up", "ext"])
      // Of these none has a console.
      for name in rows.map(\.node) + ["p9"] {
        let console = await #expect(throws: UserError.self) { try await runtime.consolePath(node: name) }
        let log = await #expect(throws: UserError.self) { try await runtime.logPath(node: name) }
        #expect(console?.code == .notFound && log?.code == .notFound, "\(String(describing: console))")
      }
      #expect(rows.map(\.state) == [.running, .running, .running])
      #expect(rows.map(\.ready) == [true, true, false])
      #expect(rows[0].addresses == ["10.0.0.1/24", "fd00::1/64"])
      #expect(rows[0].since != nil)

      try await runtime.takeDown { _ in }
      expectNothingLeft(of: lab, directories)
      #expect(await runtime.lab() == nil)
      try await runtime.takeDown { _ in }
    }
  }

  @Test func commandsRunInTheNamespace() async throws {
    try await withTemporaryDirectories { directories in
      let lab = lab()
      let runtime = LabRuntime(directories: directories)
      _ = try await runtime.bringUp(lab) { _ in }
      var output: [UInt8] = []
      var last: ExecuteEvent?
      for try await event in try await runtime.execute(node: "p1", command: ["sh", "-c", "ls /sys/class/net; exit 3"]) {
        if case .output(let bytes) = event { output += bytes }
        last = event
      }
      #expect(String(decoding: output, as: UTF8.self).split(separator: "\n").contains("eth0"))
      #expect(last == .exit(3))
      for try await event in try await runtime.execute(node: "p1", command: ["no-such-program"]) { last = event }
      #expect(last == .exit(127))
      let unknown = await #expect(throws: UserError.self) { try await runtime.execute(node: "p9", command: ["ls"]) }
      #expect(unknown?.code == .notFound)
      #expect(unknown?.hint == "nodes: p1, up, ext")
      await #expect(throws: UserError.self) { try await runtime.execute(node: "up", command: ["ls"]) }
      await #expect(throws: UserError.self) { try await runtime.consolePath(node: "p1") }
      try await runtime.takeDown { _ in }
    }
  }

  @Test func anotherDaemonTakesTheLabBack() async throws {
    try await withTemporaryDirectories { directories in
      let lab = lab()
      let first = LabRuntime(directories: directories)
      _ = try await first.bringUp(lab) { _ in }
      let since = await first.nodes().map(\.since)
      await first.detach()
      #expect(NetworkNamespace.exists(namespace(lab)))
      #expect(TAPDevice.exists(name: tap(lab), namespace: nil))
      let second = LabRuntime(directories: directories)
      let steps = try await second.bringUp(lab) { _ in }
      #expect(steps.map(\.action) == [.adopt, .adopt, .adopt, .adopt])
      #expect(await second.nodes().map(\.since) == since)
      try await second.takeDown { _ in }
      expectNothingLeft(of: lab, directories)
    }
  }

  @Test func lostInterfacesAreMadeAgain() async throws {
    try await withTemporaryDirectories { directories in
      let lab = lab()
      let runtime = LabRuntime(directories: directories)
      _ = try await runtime.bringUp(lab) { _ in }
      try TAPDevice.remove(name: tap(lab), namespace: nil)
      #expect(await runtime.nodes().map(\.state) == [.running, .failed, .running])
      let steps = try await runtime.bringUp(lab) { _ in }
      #expect(steps == [PlanStep(.restart, "node up", "tap, had ended")])
      #expect(TAPDevice.exists(name: tap(lab), namespace: nil))
      try await runtime.takeDown { _ in }
      expectNothingLeft(of: lab, directories)
    }
  }

  /// A client may say what no lab file can; the running lab must not lose a port by it.
  @Test func whatLeadsNowhereIsRefusedBeforeAnythingIsDone() async throws {
    try await withTemporaryDirectories { directories in
      let good = lab()
      let runtime = LabRuntime(directories: directories)
      _ = try await runtime.bringUp(good) { _ in }
      func refused(_ message: String, _ change: (inout CanonicalLab) -> Void) async {
        var lab = good
        change(&lab)
        let error = await #expect(throws: UserError.self) { try await runtime.bringUp(lab) { _ in } }
        #expect(error?.code == .badInput)
        #expect(error?.message == message)
      }
      let (p1, p2) = (LinkEnd.nic(node: "p1", nic: "eth0"), LinkEnd.nic(node: "p2", nic: "eth0"))
      await refused("NIC \"p1:eth0\": unknown switch \"sw9\" (L201)") {
        $0.nodes[0].nics[0].attachment = .switchPort(switch: "sw9", mode: .access(1))
      }
      await refused("NIC \"p1:eth0\" is used by switch \"sw1\" and link \"w\" (L202)") {
        $0.links = [LinkDefinition(name: "w", kind: .wire, ends: [p1, p2])]
      }
      await refused("NIC \"p1:eth0\" is no end of link \"w\" (L201)") {
        $0.nodes[0].nics[0].attachment = .wire(link: "w")
      }
      await refused("link \"w\": unknown NIC \"p2:eth0\" (L201)") {
        $0.links = [LinkDefinition(name: "w", kind: .wire, ends: [p1, p2])]
        $0.nodes[0].nics[0].attachment = .wire(link: "w")
      }
      let all = LinkDefinition.Kind.trunk(.trunk(allowed: [1...4094], native: nil))
      await refused("link \"t\": unknown switch \"sw9\" (L201)") {
        $0.links = [LinkDefinition(name: "t", kind: all, ends: [.switchPort("sw1"), .switchPort("sw9")])]
      }
      await refused("link \"t\" does not join two ends (L203)") {
        $0.links = [LinkDefinition(name: "t", kind: all, ends: [.switchPort("sw1"), .switchPort("sw1")])]
      }
      await refused("socket \"/tmp/x\" is used by ext:eth0 and ext2:eth0 (L202)") {
        $0.nodes[2].nics[0].socket = "/tmp/x"
        var other = nic(mac: "02:00:00:00:00:09")
        other.socket = "/tmp/x"
        $0.nodes.append(node("ext2", "external", [other]))
      }
      #expect(try await runtime.bringUp(good) { _ in } == [])
      try await runtime.takeDown { _ in }
    }
  }

  /// Links without a name of their own are called by their ends, and so are LANs, which are switches.
  @Test func namesThatAreMadeOfEndsAreTaken() {
    var lab = CanonicalLab(name: "apl1")
    let ends: [LinkEnd] = [.nic(node: "a", nic: "eth0"), .nic(node: "b", nic: "e--1")]
    lab.links = [LinkDefinition(name: "a:eth0--b:e--1", kind: .wire, ends: ends)]
    lab.switches = [SwitchDefinition(name: "a:eth1--b:eth1.5--c:x_y"), SwitchDefinition(name: "sw1")]
    #expect(lab.wrongName == nil && lab.wrongNameOfJoint == nil)
  }

  /// A change may wait while the lab is taken down: it must not tell of a lab without a name.
  @Test func withoutALabThereIsNeitherNodeNorLink() async throws {
    let runtime = LabRuntime(directories: LabDirectories(stateRoot: "/nonexistent/s", dataRoot: "/nonexistent/d"))
    let link = await #expect(throws: UserError.self) { try await runtime.setLink("x", LinkChange()) }
    let node = await #expect(throws: UserError.self) { try await runtime.logPath(node: "x") }
    for error in [link, node] {
      #expect(error?.code == .notFound)
      #expect(error?.message == "no lab is up")
    }
  }

  @Test func interfaceOfSomebodyElseIsLeftAlone() async throws {
    try await withTemporaryDirectories { directories in
      let lab = lab()
      let name = tap(lab)
      let foreign = try TAPDevice.open(
        TAPRequest(name: name, namespace: nil, hasHeader: false, offloads: [], isPersistent: false)
      ).descriptor
      let runtime = LabRuntime(directories: directories)
      let error = await #expect(throws: UserError.self) { try await runtime.bringUp(lab) { _ in } }
      #expect(
        error?.message == "node up: an interface \(name) exists on this host and is not of this lab")
      #expect(TAPDevice.exists(name: name, namespace: nil))
      #expect(!NetworkNamespace.exists(namespace(lab)))
      #expect(!Files.exists(directories.state(lab.name)))
      #expect(foreign.raw >= 0)
    }
  }

  @Test func failureHalfWayLeavesNothingBehind() async throws {
    try await withTemporaryDirectories { directories in
      var lab = lab()
      // Made last: everything before it is there when this fails.
      var taken = nic(mac: "02:00:00:00:00:04")
      taken.socket = "\(directories.stateRoot)/taken.sock"
      lab.nodes.append(node("last", "external", [taken]))
      try Files.makeDirectory(directories.stateRoot)
      let listener = try UnixSocket.listen(path: "\(directories.stateRoot)/taken.sock", mode: 0o600, owner: nil)
      let runtime = LabRuntime(directories: directories)
      let error = await #expect(throws: UserError.self) { try await runtime.bringUp(lab) { _ in } }
      #expect(error?.message.hasPrefix("port last.eth0: ") == true)
      expectNothingLeft(of: lab, directories)
      #expect(await runtime.lab() == nil)
      #expect(listener.raw >= 0)
      #expect((try? UnixSocket.connect(path: "\(directories.stateRoot)/taken.sock")) != nil)
    }
  }

  /// Names become paths: those that no lab file can have come from nobody who means well.
  @Test func namesThatNoLabFileCanHaveAreRefused() async throws {
    try await withTemporaryDirectories { directories in
      let runtime = LabRuntime(directories: directories, serving: "apl1")
      func refused(_ lab: CanonicalLab, _ code: ExitCode, _ message: String? = nil) async {
        let error = await #expect(throws: UserError.self) { try await runtime.bringUp(lab) { _ in } }
        #expect(error?.code == code)
        if let message { #expect(error?.message == message) }
      }
      for name in ["../x", "images", ".", "", "A"] { await refused(CanonicalLab(name: name), .badInput) }
      var lab = CanonicalLab(name: "apl1")
      lab.nodes = [node("../../x", "external")]
      await refused(lab, .badInput)
      lab.nodes = [node("x", "external", [nic("../y")])]
      await refused(lab, .badInput)
      // As the lab file has it: NICs of a node, and switches, nodes and links together, have one name each.
      lab.nodes = [node("x", "external", [nic("y"), nic("y", mac: "02:00:00:00:00:02")])]
      await refused(lab, .badInput, "NIC \"y\" of node x is defined twice (L002)")
      lab.nodes = [node("x", "external"), node("x", "external")]
      await refused(lab, .badInput, "node \"x\" is defined twice (L102)")
      lab.switches = [SwitchDefinition(name: "x")]
      lab.nodes.removeLast()
      await refused(lab, .badInput, "node \"x\" has the name of a switch (L102)")
      (lab.switches, lab.links) = ([], [LinkDefinition(name: "x", kind: .wire, ends: [])])
      await refused(lab, .badInput, "link \"x\" has the name of a node (L102)")
      // Those of links and switches become names of ports, which must not be another's.
      lab.nodes = []
      for name in ["t t", "x.eth0", "a:eth0--b:eth0", ""] {
        lab.links = [
          LinkDefinition(name: name, kind: .wire, ends: [.nic(node: "c", nic: "eth0"), .nic(node: "d", nic: "eth0")])
        ]
        await refused(lab, .badInput, "link name \"\(name)\" is not valid")
      }
      lab.links = []
      for name in ["s/1", "x.eth0", "all:", "a--b:\n"] {
        lab.switches = [SwitchDefinition(name: name)]
        await refused(lab, .badInput)
      }
      // Another lab than the daemon's.
      await refused(CanonicalLab(name: "apl2"), .failed)
      #expect(!Files.exists(directories.stateRoot) && !Files.exists(directories.dataRoot))
    }
  }

  @Test func testsAreReportedInOrder() async throws {
    try await withTemporaryDirectories { directories in
      var lab = lab()
      lab.nodes[1].nics[0].addresses = [AddressDefinition(address: "10.0.0.9/24")]
      var silence = TestDefinition(action: "ping", source: "p1", destination: "up")
      (silence.expect, silence.duration) = (.fail, 0)
      lab.nodes[1].nics[0].attachment = .switchPort(switch: "sw1", mode: .access(2))
      lab.tests = [
        silence, TestDefinition(action: "ping", source: "p1", destination: "ext"),
        TestDefinition(action: "ping", source: "nowhere", destination: "p1"),
      ]
      let runtime = LabRuntime(directories: directories)
      _ = try await runtime.bringUp(lab) { _ in }
      let reported = Mutex<[TestResult]>([])
      let results = await runtime.runTests { result in reported.withLock { $0.append(result) } }
      #expect(results == reported.withLock { $0 })
      #expect(results.map(\.test) == ["ping p1 -> up expect fail", "ping p1 -> ext", "ping nowhere -> p1"])
      #expect(results.map(\.passed) == [true, false, false])
      #expect(results[1].detail == "node ext has no address")
      try await runtime.takeDown { _ in }
    }
  }
}
