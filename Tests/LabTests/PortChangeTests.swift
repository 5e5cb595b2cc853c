import Dataplane
import Frames
import Testing
import Topology

@testable import Lab

/// What `port add` and `port set` are told in words.
@Suite struct PortChangeTests {
  private static let lab: CanonicalLab = {
    var lab = CanonicalLab(name: "apl1")
    lab.vlans = [VLANDefinition(name: "red", id: 10), VLANDefinition(name: "b-2", id: 20)]
    lab.switches = [SwitchDefinition(name: "sw1")]
    return lab
  }()

  private func mode(_ settings: [String], from old: VLANMode = .access(1)) throws -> VLANMode {
    var change = PortChange()
    for setting in settings { try change.read(setting) }
    return try change.mode(from: old, in: Self.lab, of: "p", on: "sw1")
  }

  @Test func wordsBecomeModes() throws {
    #expect(try mode([]) == .access(1))
    #expect(try mode(["vlan=red"]) == .access(10))
    #expect(try mode(["vlan=4094"], from: .trunk(allowed: [1...3], native: 1)) == .access(4094))
    #expect(try mode(["trunk=b-2,5-7,red,6-8"]) == .trunk(allowed: [5...8, 10...10, 20...20], native: nil))
    #expect(try mode(["trunk=all", "native=red"]) == .trunk(allowed: [1...4094], native: 10))
    // What is not named stays.
    let trunk = VLANMode.trunk(allowed: [10...20], native: 10)
    #expect(try mode(["native=b-2"], from: trunk) == .trunk(allowed: [10...20], native: 20))
    #expect(try mode(["native=none"], from: trunk) == .trunk(allowed: [10...20], native: nil))
    #expect(try mode(["trunk=1-10"], from: trunk) == .trunk(allowed: [1...10], native: 10))
    #expect(try mode(["mtu=1400", "offload=off"], from: trunk) == trunk)
  }

  @Test(
    arguments: [
      (["vlan=5000"], "VLAN id must be 1..4094"), (["vlan="], "unknown VLAN"), (["vlan=rad"], "unknown VLAN \"rad\""),
      (["vlan=0"], "1..4094"), (["trunk="], "unknown VLAN"), (["trunk=5-3"], "ascend"), (["trunk=1,5000"], "1..4094"),
      (["vlan=1", "trunk=2"], "access port"), (["vlan=1", "native=2"], "access port"), (["native=1"], "access port"),
      (["trunk=2", "native=3"], "native 3 is not in trunk 2"), (["vlan"], "no setting"), (["mtu=x"], "whole number"),
      (["queues=2"], "cannot be set"), (["carrier=up"], "cannot be set"), (["delay=5ms"], "setting of a link"),
      (["color=red"], "unknown setting"), (["=1"], "unknown setting"), (["storm=1/s"], "cannot be set"),
      (["rate=1Mbit"], "cannot be set"), (["access="], "the name of an access list"), (["access=A"], "access list"),
      (["mac-lock=maybe"], "on or off"), (["ip-lock=10.0.0.1/8"], "addresses and prefixes"),
      (["ip-lock="], "addresses"),
      (["learn-limit=0"], "1..1048576"), (["learn-limit=x"], "a number of stations"), (["isolated=2"], "on or off"),
      (["storm.broadcast=100"], "100/s"), (["storm.unknown=0/s"], "1/s..10000000/s"),
      (["rate.to-node=0"], "1kbit..1Tbit"), (["rate.from-node=fast"], "a rate such as 10Mbit"),
    ] as [([String], String)])
  func whatIsWrongIsSaid(settings: [String], part: String) throws {
    let error = #expect(throws: UserError.self) { try mode(settings) }
    #expect(error?.code == .badInput)
    #expect(error?.message.contains(part) == true, "\(settings): \(error?.message ?? "")")
  }

  private func request(
    _ name: String = "p9", kind: String = "tap", _ target: String = "tap9",
    _ change: (inout AddedPortRequest) -> Void = { _ in }
  ) throws -> AddedPort {
    var request = AddedPortRequest(switchName: "sw1", name: name, kind: kind, target: target)
    change(&request)
    return try AddedPort(request, in: Self.lab)
  }

  @Test func portsAreReadAsTheyAreAskedFor() throws {
    let tap = try request { $0.vlan = "red" }
    #expect((tap.name, tap.switchName, tap.kind, tap.target) == ("p9", "sw1", "tap", "tap9"))
    #expect(tap.mode == .access(10))
    #expect(!tap.mac.isGroup && !tap.mac.isZero)
    #expect(try request("vif1.0").name == "vif1.0")
    let socket = try request(kind: "vhost-user", "/run/x.sock") {
      ($0.role, $0.queues, $0.mtu, $0.trunk) = ("connect", 4, 9000, ["all"])
    }
    #expect((socket.role, socket.queues, socket.mtu) == (.connect, 4, 9000))
    #expect(socket.wholeWords == "vhost-user /run/x.sock on sw1, trunk all, mtu 9000")
    guard case .vhostUser(let end) = try socket.configuration(in: Self.lab).backend else {
      throw UserError(.failed, "no socket")
    }
    #expect((end.path, end.role, end.queuePairs) == ("/run/x.sock", .connect, 4))
    #expect(try socket.configuration(in: Self.lab).isAdded)
  }

  @Test(arguments: ["vlan=red", "trunk=all", "native=none"])
  func aSwitchWithoutVLANsHasNoneToSet(setting: String) throws {
    let key = setting.prefix { $0 != "=" }
    let words =
      "\"\(key)\" means nothing on switch sw1, which is not VLAN-aware: every frame passes as it is, tagged or not"
    let error = #expect(throws: UserError.self) { try mode([setting], from: .transparent) }
    #expect(error?.message == "port p: \(words)")
    #expect(try mode(["mtu=1400"], from: .transparent) == .transparent)
    var lab = Self.lab
    lab.switches[0].isVLANAware = false
    var request = AddedPortRequest(switchName: "sw1", name: "p9", kind: "tap", target: "tap9")
    let port = try AddedPort(request, in: lab)
    #expect(port.wholeWords == "tap tap9 on sw1, transparent")
    request.vlan = "red"
    let refusal = #expect(throws: UserError.self) { try AddedPort(request, in: lab) }
    #expect(refusal?.message.contains("\"vlan\" means nothing on switch sw1") == true)
  }

  @Test func portsThatCannotBeAreRefused() throws {
    for name in ["", "A", "-a", "a-", "a:b", "a/b", "..", "all", String(repeating: "a", count: 64)] {
      #expect(throws: UserError.self, "\(name)") { try request(name) }
    }
    for target in ["", "a b", "a/b", "tap%d", "..", "lo", "sixteen-letters-"] {
      #expect(throws: UserError.self, "\(target)") { try request("p9", target) }
    }
    for path in ["", "x.sock", "/", "/run/", "/" + String(repeating: "x", count: 107), "/a\0b"] {
      #expect(throws: UserError.self, "\(path)") { try request(kind: "vhost-user", path) }
    }
    #expect(throws: UserError.self) { try request(kind: "ring") }
    #expect(throws: UserError.self) { try request { $0.queues = 2 } }
    #expect(throws: UserError.self) { try request { $0.role = "listen" } }
    #expect(throws: UserError.self) { try request { $0.mtu = 67 } }
    #expect(throws: UserError.self) { try request(kind: "vhost-user", "/x") { $0.queues = 17 } }
    #expect(throws: UserError.self) { try request(kind: "vhost-user", "/x") { $0.role = "both" } }
    let error = #expect(throws: UserError.self) { try request { $0.switchName = "sw9" } }
    #expect(error?.code == .notFound)
  }
}
