import FoundationEssentials
import Frames
import Testing
import Topology

@testable import Lab

/// `runtime.json`: what was said of ports, beside labs that come later.
@Suite struct RunTimeStateTests {
  private static let lab: CanonicalLab = {
    var lab = CanonicalLab(name: "apl1")
    lab.switches = [SwitchDefinition(name: "sw1"), SwitchDefinition(name: "sw2")]
    lab.nodes = [node("p1", "netns", [nic()]), node("x1", "external", [nic(mac: "02:00:00:00:00:02")])]
    lab.links = [
      LinkDefinition(
        name: "core", kind: .trunk(.trunk(allowed: [1...4094], native: nil)),
        ends: [.switchPort("sw1"), .switchPort("sw2")])
    ]
    return lab
  }()

  private static func state(_ name: String = "p9", kind: String = "tap", _ target: String = "tap9") throws
    -> RunTimeState
  {
    var state = RunTimeState()
    let request = AddedPortRequest(switchName: "sw1", name: name, kind: kind, target: target)
    state.ports = [try AddedPort(request, in: lab)]
    return state
  }

  /// What a version wrote down that knew links and stopped nodes alone.
  @Test func whatWasWrittenDownBeforeIsRead() throws {
    try withTemporaryDirectories { directories in
      try LabFolders.make("apl1", in: directories)
      let text = #"{"links": {"w": {"down": ["a.eth0"]}}, "stopped": ["b"]}"#
      try Files.write(Array(text.utf8), to: directories.runTimeFile("apl1"))
      var state = RunTimeState.read("apl1", in: directories)
      #expect(state.links["w"]?.down == ["a.eth0"])
      #expect(state.stopped == ["b"])
      #expect(state.ports.isEmpty && state.settings.isEmpty && state.stations.isEmpty)
      state.ports = try Self.state().ports
      state.ports[0].isMade = true
      state.settings["p1.eth0"] = RunTimeState.Port(mode: .trunk(allowed: [1...9], native: 2), mtu: 1400, offload: .off)
      state.stations = [StaticStation(switchName: "sw1", vlan: 1, mac: .init(bits: 2), port: "p9")]
      try state.write("apl1", in: directories)
      #expect(RunTimeState.read("apl1", in: directories) == state)
    }
  }

  @Test func aLabThatTakesWhatAPortHasIsRefused() throws {
    let folder = "/run/apus/apl1"
    #expect(try Self.state().conflict(with: Self.lab, folder: folder) == nil)
    func complaint(_ state: RunTimeState, _ change: (inout CanonicalLab) -> Void) -> String {
      var lab = Self.lab
      change(&lab)
      return state.conflict(with: lab, folder: folder)?.message ?? ""
    }
    #expect(complaint(try Self.state()) { $0.nodes.append(node("p9", "netns")) }.contains("node \"p9\""))
    #expect(complaint(try Self.state()) { $0.switches.append(SwitchDefinition(name: "p9")) }.contains("(L102)"))
    #expect(complaint(try Self.state()) { $0.links[0].name = "p9" }.contains("name of link \"p9\""))
    #expect(complaint(try Self.state()) { $0.switches.removeFirst() }.contains("switch sw1 cannot go"))
    #expect(complaint(try Self.state("x1.eth9")) { $0.nodes[1].nics[0].name = "eth9" }.contains("(L102)"))
    let tap = complaint(try Self.state()) { $0.nodes.append(node("t", "tap", [nic("tap9")])) }
    #expect(tap.contains("interface \"tap9\" of t.tap9 is that of port p9") && tap.contains("(L303)"), "\(tap)")
    // A namespace's own names are no matter of the host's.
    #expect(complaint(try Self.state()) { $0.nodes[0].nics[0].name = "tap9" }.isEmpty)
    let given = try Self.state(kind: "vhost-user", "/tmp/a.sock")
    #expect(complaint(given) { $0.nodes[1].nics[0].socket = "/tmp/a.sock" }.contains("(L202)"))
    let usual = try Self.state(kind: "vhost-user", "\(folder)/x1.eth0.sock")
    #expect(usual.conflict(with: Self.lab, folder: folder)?.message.contains("socket") == true)
  }

  @Test func whatIsSaidOfPortsThatWentIsForgotten() throws {
    var state = try Self.state()
    func station(_ port: String, _ name: String = "sw1") -> StaticStation {
      StaticStation(switchName: name, vlan: 1, mac: .init(bits: 2), port: port)
    }
    state.stations = ["p9", "p1.eth0", "sw1:core", "gone.eth0"].map { station($0) } + [station("p9", "sw2")]
    state.settings = ["p1.eth0": RunTimeState.Port(mode: .access(5)), "gone.eth0": RunTimeState.Port(mtu: 100)]
    #expect(state.hasStrayWords(Self.lab))
    state.dropStrayWords(Self.lab)
    #expect(state.stations.map(\.port) == ["p9", "p1.eth0", "sw1:core"])
    #expect(Array(state.settings.keys) == ["p1.eth0"])
    #expect(!state.hasStrayWords(Self.lab))
    // On a wire there are no VLANs to be set.
    var lab = Self.lab
    lab.nodes[0].nics[0].attachment = .wire(link: "w")
    state.settings["p1.eth0"]?.mtu = 1400
    state.dropStrayWords(lab)
    #expect(state.settings == ["p1.eth0": RunTimeState.Port(mtu: 1400)])
    #expect(state.stations.map(\.port) == ["p9", "sw1:core"])
    state.forget(port: "p9")
    #expect(state.ports.isEmpty)
    #expect(state.stations.map(\.port) == ["sw1:core"])
  }

  /// What an `up` has taken from an added port comes back if it fails, and is forgotten once it has succeeded.
  @Test func whatASwitchCannotHaveIsVoidAtFirst() throws {
    var state = try Self.state()
    state.ports[0].mode = .access(20)
    var unaware = Self.lab
    unaware.switches[0].isVLANAware = false
    #expect(state.misfits(in: Self.lab).isEmpty)
    let void = try #require(state.misfits(in: unaware).first)
    #expect(void.mode == .transparent && void.voidMode == .access(20))
    state.replace(void)
    #expect(state.misfits(in: unaware).isEmpty)
    #expect(state.misfits(in: Self.lab).first?.mode == .access(20))
    #expect(state.misfits(in: Self.lab).first?.voidMode == nil)
    #expect(state.hasStrayWords(unaware))
    state.dropStrayWords(unaware)
    #expect(state.misfits(in: Self.lab).first?.mode == .access(1))
  }
}
