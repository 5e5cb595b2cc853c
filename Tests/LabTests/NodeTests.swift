import Dataplane
import Testing
import Topology

@testable import Lab

@Suite struct NodeTests {
  private let environment = NodeEnvironment(
    lab: "l", directories: LabDirectories(stateRoot: "/s", dataRoot: "/d"), variables: [:])

  @Test func unknownKindNamesTheKnownOnes() {
    let error = #expect(throws: UserError.self) { try NodeRegistry.make(node("x", "qemuu"), environment) }
    let kinds = (NodeKind.all + NodeKind.implied).map(\.word).sorted()
    #expect(
      error?.message == "node x: unknown node kind \"qemuu\"; known kinds: \(kinds.joined(separator: ", "))"
        && error?.code == .badInput)
    #expect(kinds.starts(with: ["container", "dhcp", "external"]))
    #expect(NodeRegistry.kinds == kinds, "a row without a type, or the reverse")
  }

  @Test func socketOfAVM() throws {
    var nic = nic()
    nic.queues = 3
    guard case .vhostUser(let socket) = try VMNode(node("vm1", "vm", [nic]), environment).backend(of: nic) else {
      Issue.record("not a vhost-user port")
      return
    }
    #expect(socket.path == "/s/l/vm1.eth0.sock")
    #expect(socket.role == .listen)
    #expect(socket.queuePairs == 3)
    #expect(socket.mode == 0o660)
  }

  @Test func socketOfAnExternalNode() throws {
    var nic = nic()
    nic.socket = "/run/x.sock"
    nic.role = .connect
    nic.socketMode = 0o600
    nic.socketOwner = "0:0"
    nic.offload = .off
    nic.frontEnd = .crosvm
    guard case .vhostUser(let socket) = try ExternalNode(node("e", "external"), environment).backend(of: nic) else {
      Issue.record("not a vhost-user port")
      return
    }
    #expect(socket.path == "/run/x.sock")
    #expect(socket.role == .connect)
    #expect(socket.mode == 0o600)
    #expect(socket.owner?.user == 0 && socket.owner?.group == 0)
    #expect(socket.offload == .off)
    #expect(socket.countsRings)
    nic.frontEnd = nil
    guard case .vhostUser(let other) = try ExternalNode(node("e", "external"), environment).backend(of: nic) else {
      Issue.record("not a vhost-user port")
      return
    }
    #expect(!other.countsRings)
  }

  @Test func otherTransportsOfAnExternalNode() throws {
    var nic = nic()
    nic.transport = .stream
    nic.role = .connect
    nic.socketMode = 0o600
    let node = ExternalNode(node("e", "external"), environment)
    guard case .stream(let stream) = try node.backend(of: nic) else {
      Issue.record("not a stream")
      return
    }
    #expect(stream.path == "/s/l/e.eth0.sock" && stream.role == .connect && stream.mode == 0o600)
    #expect(stream.peerPath == nil)
    nic.transport = .dgram
    guard case .dgram(let datagrams) = try node.backend(of: nic) else {
      Issue.record("not a socket for datagrams")
      return
    }
    #expect(datagrams.path == "/s/l/e.eth0.sock" && datagrams.peerPath == "/s/l/e.eth0.peer.sock")
    nic.socket = "/" + String(repeating: "x", count: 101) + ".sock"
    #expect(throws: UserError.self) { try node.backend(of: nic) }
  }

  @Test func longSocketPathIsRefusedWithAdvice() throws {
    let path = "/" + String(repeating: "x", count: 107)
    let error = #expect(throws: UserError.self) { try SocketPath.check(path) }
    #expect(error?.message == "socket path of 108 bytes, at most 107 are possible: \(path)")
    #expect(error?.hint?.contains("APUS_STATE_DIR") == true)
    try SocketPath.check(String(path.dropLast()))
    // The kernel would listen at /tmp/a.
    let cut = #expect(throws: UserError.self) { try SocketPath.check("/tmp/a\0b") }
    #expect(cut?.message == "socket path \"/tmp/a...\" has a zero byte")
  }

  @Test func portsOfTheDataPlane() throws {
    var first = nic()
    first.attachment = .switchPort(switch: "sw1", mode: .trunk(allowed: [10...20], native: 10))
    first.mtu = 9000
    var second = nic("eth1", mac: "02:a9:00:00:00:ff")
    second.attachment = .wire(link: "w")
    let vm = VMNode(node("vm1", "vm", [first, second]), environment)
    let port = try PortConfiguration(first, of: vm)
    #expect(port.name == "vm1.eth0")
    #expect(port.switchName == "sw1")
    #expect(port.mode == .trunk(allowed: VLANSet([10...20]), native: 10))
    #expect(port.mtu == 9000)
    let wire = try PortConfiguration(second, of: vm)
    #expect(wire.switchName == nil)
    #expect(wire.mode == .wire)
    #expect(wire.mtu == nil, "nothing was said: no limit, and nothing for the guest")
    #expect("\(wire.address)" == "02:a9:00:00:00:ff")
  }

  @Test func ownersOfSockets() throws {
    let users = [["root", "x", "0", "0"], ["libvirt-qemu", "x", "64055", "108"]]
    let groups = [["kvm", "x", "108"]]
    func owner(_ text: String) throws -> [UInt32] {
      let owner = try HostAccounts.owner(text, of: "e.eth0", users: users, groups: groups)
      return [owner.user, owner.group]
    }
    #expect(try owner("libvirt-qemu") == [64055, 108])
    #expect(try owner("libvirt-qemu:kvm") == [64055, 108])
    #expect(try owner("root:7") == [0, 7])
    #expect(try owner("1234:kvm") == [1234, 108])
    #expect(try owner("1234") == [1234, 1234])
    #expect(throws: UserError(.badInput, "e.eth0: socket-owner \"nobody\": this host has no user nobody")) {
      try owner("nobody")
    }
    #expect(throws: UserError(.badInput, "e.eth0: socket-owner \"root:x\": this host has no group x")) {
      try owner("root:x")
    }
  }

  @Test func pingFromAHostsTAPGoesOutThere() throws {
    let variables = ["PATH": "/nowhere:/bin:/usr/bin"]
    let command = try Executables.ping("10.0.0.1", interface: "tap0", variables)
    #expect(command.suffix(7) == ["-c", "1", "-W", "1", "-I", "tap0", "10.0.0.1"])
    let error = #expect(throws: UserError.self) {
      try Executables.ping("10.0.0.1", interface: nil, ["PATH": "/nowhere"])
    }
    #expect(error?.hint?.contains("iputils-ping") == true)
  }

  @Test func vmWithTooManyNICsOrAnotherImageIsRefused() async {
    let nics = (0...QEMUCommandLine.nicLimit).map { nic("eth\($0)") }
    await #expect(throws: UserError(.badInput, "node vm1 has 61 NICs; at most 60 fit")) {
      try await VMNode(node("vm1", "vm", nics), environment).check(isNew: true, starts: true)
    }
    var other = node("vm1", "vm")
    other.image = "/x.qcow2"
    await #expect(throws: UserError(.badInput, "node vm1: the format of image /x.qcow2 is not known")) {
      try await VMNode(other, environment).check(isNew: true, starts: true)
    }
  }
}

@Suite struct JournalTests {
  @Test func rollsBackLastFirstAndGoesOnAfterErrors() async {
    let journal = Journal()
    let (undone, told) = AsyncStream.makeStream(of: String.self)
    for name in ["a", "b", "c"] {
      journal.note(name) {
        told.yield(name)
        if name == "b" { throw UserError(.failed, "stuck") }
      }
    }
    #expect(await journal.rollBack() == ["b: stuck"])
    #expect(await journal.rollBack() == [])
    told.finish()
    var order: [String] = []
    for await name in undone { order.append(name) }
    #expect(order == ["c", "b", "a"])
  }
}
