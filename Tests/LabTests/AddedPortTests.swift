import Dataplane
import Frames
import LinuxHost
import Testing
import Topology

@testable import Lab

/// Ports, their settings and static entries at run time, on labs that are up.
@Suite struct AddedPortTests {
  private static func lab(_ directories: LabDirectories) -> CanonicalLab {
    var lab = CanonicalLab(name: "apl-\(String(UInt32.random(in: 0..<46656 * 36), radix: 36))")
    lab.source = "/labs/x.lab.yaml"
    lab.vlans = [VLANDefinition(name: "red", id: 10)]
    lab.switches = [SwitchDefinition(name: "sw1"), SwitchDefinition(name: "sw2")]
    lab.nodes = [
      node("p1", "netns", [nic(mac: "02:00:00:00:00:01", addresses: ["10.0.0.1/24"])]),
      node("x1", "external", [nic(mac: "02:00:00:00:00:02")]),
    ]
    lab.links = [
      LinkDefinition(
        name: "core", kind: .trunk(.trunk(allowed: [1...4094], native: nil)),
        ends: [.switchPort("sw1"), .switchPort("sw2")])
    ]
    return lab
  }

  private func tapName() -> String { "apt\(String(UInt32.random(in: 0..<46656 * 36), radix: 36))" }

  private func request(_ name: String, kind: String, _ target: String, vlan: String? = nil) -> AddedPortRequest {
    var request = AddedPortRequest(switchName: "sw1", name: name, kind: kind, target: target)
    request.vlan = vlan
    return request
  }

  private func ports(_ runtime: LabRuntime) async -> [String: PortStatus] {
    let ports = await runtime.withPlane { await $0.ports() } ?? []
    return Dictionary(ports.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
  }

  private func stations(_ runtime: LabRuntime) async -> [String] {
    let entries = await runtime.withPlane { await $0.fdb(switchName: nil) } ?? []
    return entries.filter(\.isStatic).map { "\($0.address) \($0.vlan) \($0.port)" }.sorted()
  }

  private func change(_ settings: String...) throws -> PortChange {
    var change = PortChange()
    for setting in settings { try change.read(setting) }
    return change
  }

  @Test func aTAPIsMadeAndGoesWithItsPort() async throws {
    let tap = tapName()
    try await withRunningLab(Self.lab) { runtime, lab, directories in
      let port = try await runtime.addPort(request("p9", kind: "tap", tap, vlan: "red"))
      #expect(port.mode == .access(vlan: 10))
      #expect(port.interface == tap && port.isAdded)
      #expect(await ports(runtime)["p1.eth0"]?.isAdded == false)
      #expect(try Netlink.links(namespace: nil).first { $0.name == tap }?.isUp == true)
      #expect(RunTimeState.read(lab.name, in: directories).ports.map(\.isMade) == [true])
      _ = try await runtime.addStation(StationRequest(switchName: "sw1", mac: "02:00:00:00:00:77", port: "p9"))
      #expect(await stations(runtime) == ["02:00:00:00:00:77 10 p9"])
      #expect(await runtime.links().map(\.name).contains("p9"))
      var down = LinkChange()
      down.carrier = false
      _ = try await runtime.setLink("p9", down)
      #expect(await ports(runtime)["p9"]?.carrier == false)
      // A static entry stays while its port is down.
      #expect(await stations(runtime) == ["02:00:00:00:00:77 10 p9"])
      try await runtime.removePort("p9")
      #expect(!TAPDevice.exists(name: tap, namespace: nil))
      #expect(await ports(runtime)["p9"] == nil)
      #expect(await stations(runtime) == [])
      #expect(RunTimeState.read(lab.name, in: directories) == RunTimeState())
      let error = await #expect(throws: UserError.self) { try await runtime.removePort("p9") }
      #expect(error?.code == .notFound)
      let own = await #expect(throws: UserError.self) { try await runtime.removePort("p1:eth0") }
      #expect(own?.code == .badInput)
      _ = try await runtime.addPort(request("p9", kind: "tap", tap))
    }
    // And with the lab.
    #expect(!TAPDevice.exists(name: tap, namespace: nil))
  }

  @Test func aTAPThatIsThereIsUsedAndStays() async throws {
    let tap = tapName()
    // Persistent: it stays though nobody has it open.
    _ = try TAPDevice.open(TAPRequest(name: tap, namespace: nil, hasHeader: false, offloads: [], isPersistent: true))
    defer { try? TAPDevice.remove(name: tap, namespace: nil) }
    try Netlink.configure(link: tap, namespace: nil, mtu: nil, address: "02:00:00:00:00:99", up: true)
    try await withRunningLab(Self.lab) { runtime, _, _ in
      let port = try await runtime.addPort(request("p9", kind: "tap", tap))
      #expect(port.address.map { "\($0)" } == "02:00:00:00:00:99")
      #expect(port.carrier)
      _ = try await runtime.setPort("p9", change("mtu=1300", "trunk=red,20", "offload=off"))
      let now = await ports(runtime)["p9"]
      #expect(now?.mtu == 1300 && now?.mode == .trunk(allowed: VLANSet([10...10, 20...20]), native: nil))
      #expect(now?.offloads?.toNode == [])
      #expect(try Netlink.links(namespace: nil).first { $0.name == tap }?.mtu == 1300)
      try await runtime.removePort("p9")
      #expect(TAPDevice.exists(name: tap, namespace: nil))
      _ = try await runtime.addPort(request("p9", kind: "tap", tap))
    }
    #expect(TAPDevice.exists(name: tap, namespace: nil))
  }

  /// With all that was said of its VLANs, and back again.
  @Test func aSwitchLosesItsVLANsWhileItIsUp() async throws {
    try await withRunningLab(Self.lab) { runtime, lab, directories in
      _ = try await runtime.addPort(request("p9", kind: "tap", tapName(), vlan: "red"))
      _ = try await runtime.addStation(StationRequest(switchName: "sw1", mac: "02:00:00:00:00:77", port: "p9"))
      _ = try await runtime.setPort("p1.eth0", change("vlan=red"))
      _ = try await runtime.setPort("sw1:core", change("trunk=10"))
      var other = lab
      other.switches[0].isVLANAware = false
      for node in other.nodes.indices {
        other.nodes[node].nics[0].attachment = .switchPort(switch: "sw1", mode: .transparent)
      }
      other.links[0].kind = .trunk(.access(1))
      let steps = try await runtime.bringUp(other) { _ in }
      #expect(steps.contains(PlanStep(.change, "switch sw1", "vlan-aware on -> off")), "\(steps)")
      var now = await ports(runtime)
      for name in ["p1.eth0", "x1.eth0", "p9", "sw1:core"] { #expect(now[name]?.mode == .transparent, "\(name)") }
      #expect(now["sw2:core"]?.mode == .access(vlan: 1))
      #expect(await stations(runtime) == [])
      let said = RunTimeState.read(lab.name, in: directories)
      #expect(said.settings.isEmpty && said.stations.isEmpty && said.ports.map(\.mode) == [.transparent])
      let refused = await #expect(throws: UserError.self) {
        try await runtime.addStation(
          StationRequest(switchName: "sw1", mac: "02:00:00:00:00:77", port: "p9", vlan: "red"))
      }
      #expect(refused?.message.contains("not VLAN-aware") == true)
      _ = try await runtime.addStation(StationRequest(switchName: "sw1", mac: "02:00:00:00:00:77", port: "p9"))
      #expect(await stations(runtime) == ["02:00:00:00:00:77 0 p9"])
      // The end at the switch with VLANs is as any port there.
      _ = try await runtime.setPort("sw2:core", change("vlan=red"))
      await #expect(throws: UserError.self) { try await runtime.setPort("sw1:core", change("vlan=red")) }

      _ = try await runtime.bringUp(lab) { _ in }
      now = await ports(runtime)
      for name in ["p1.eth0", "x1.eth0", "p9"] { #expect(now[name]?.mode == .access(vlan: 1), "\(name)") }
      #expect(now["sw1:core"]?.mode == .trunk(allowed: .all, native: nil))
      #expect(await stations(runtime) == [])
    }
  }

  @Test func whatCannotBeMadeLeavesNothing() async throws {
    let (tap, tun) = (tapName(), tapName())
    let holder = try TAPDevice.open(
      TAPRequest(name: tap, namespace: nil, hasHeader: false, offloads: [], isPersistent: false))
    let made = try await run(
      SpawnRequest(executable: "ip", arguments: ["tuntap", "add", tun, "mode", "tun"]), onOutput: { _, _ in })
    #expect(made == 0)
    defer { try? TAPDevice.remove(name: tun, namespace: nil) }
    try await withRunningLab(Self.lab) { runtime, lab, directories in
      let before = Set(await ports(runtime).keys)
      let folder = directories.state(lab.name)
      for (kind, target, part) in [
        ("tap", tap, "another process"), ("tap", tun, "another kind"),
        ("vhost-user", "\(folder)/no/x.sock", "no folder"), ("vhost-user", "\(folder)/lab.json", "something else"),
        ("vhost-user", "\(folder)/x1.eth0.sock", "x1.eth0"),
      ] {
        let error = await #expect(throws: UserError.self) {
          try await runtime.addPort(request("p9", kind: kind, target))
        }
        #expect(error?.message.contains(part) == true, "\(error?.message ?? "")")
      }
      for name in ["p1", "sw2", "core", "x1.eth0"] {
        await #expect(throws: UserError.self) { try await runtime.addPort(request(name, kind: "tap", tapName())) }
      }
      #expect(Set(await ports(runtime).keys) == before)
      #expect(RunTimeState.read(lab.name, in: directories) == RunTimeState())
      #expect(Files.exists("\(folder)/lab.json"))
    }
    withExtendedLifetime(holder) {}
  }

  @Test func portsOfTheFileAreSetAndGoBack() async throws {
    try await withRunningLab(Self.lab) { runtime, lab, directories in
      let before = await ports(runtime)
      _ = try await runtime.addStation(StationRequest(switchName: "sw1", mac: "02:00:00:00:00:77", port: "p1:eth0"))
      _ = try await runtime.setPort("p1:eth0", change("vlan=red", "mtu=1400", "offload=checksum"))
      _ = try await runtime.setPort("x1.eth0", change("trunk=all", "native=red", "mtu=9000"))
      _ = try await runtime.setPort("sw1:core", change("trunk=red,20-29"))
      var now = await ports(runtime)
      #expect(now["p1.eth0"]?.mode == .access(vlan: 10) && now["p1.eth0"]?.mtu == 1400)
      #expect(now["p1.eth0"]?.offloads?.toNode == ["checksum"])
      #expect(now["x1.eth0"]?.mode == .trunk(allowed: .all, native: 10) && now["x1.eth0"]?.mtu == 9000)
      #expect(now["sw1:core"]?.mode == .trunk(allowed: VLANSet([10...10, 20...29]), native: nil))
      let namespace = "apus-\(lab.name)-p1"
      #expect(try Netlink.links(namespace: namespace).first { $0.name == "eth0" }?.mtu == 1400)
      #expect(await stations(runtime) == ["02:00:00:00:00:77 1 p1.eth0"])
      for (name, setting) in [
        ("x1.eth0", "offload=off"), ("sw1:core", "vlan=1"), ("sw1:core", "mtu=1400"), ("p1.eth0", "mtu=60"),
        ("p1.eth0", "native=1"), ("nobody", "vlan=1"),
      ] {
        await #expect(throws: UserError.self, "\(name) \(setting)") {
          try await runtime.setPort(name, change(setting))
        }
      }
      // Another `up` changes none of it; nor does one whose file has other VLANs for the port.
      #expect(try await runtime.bringUp(lab) { _ in } == [])
      var other = lab
      other.nodes[0].nics[0].attachment = .switchPort(switch: "sw1", mode: .access(7))
      _ = try await runtime.bringUp(other) { _ in }
      #expect(await ports(runtime)["p1.eth0"]?.mode == .access(vlan: 10))
      let drift = try LabPreview.steps(other, directories: directories, isServing: true)
      #expect(drift.map(\.action) == [.drift, .drift, .drift, .drift])
      #expect(drift.map(\.subject) == ["port p1.eth0", "port sw1:core", "port x1.eth0", "fdb sw1"])
      var options = BringUpOptions()
      options.isReset = true
      let steps = try await runtime.bringUp(lab, options: options) { _ in }
      #expect(steps.filter { $0.subject.hasPrefix("port") }.map(\.action) == [.change, .change, .change])
      now = await ports(runtime)
      for name in ["p1.eth0", "x1.eth0", "sw1:core"] {
        #expect(now[name]?.mode == before[name]?.mode && now[name]?.mtu == before[name]?.mtu, "\(name)")
      }
      #expect(now["p1.eth0"]?.offloads == before["p1.eth0"]?.offloads)
      #expect(try Netlink.links(namespace: namespace).first { $0.name == "eth0" }?.mtu == 1500)
      #expect(await stations(runtime) == [])
      #expect(try LabPreview.steps(lab, directories: directories, isServing: true) == [])
    }
  }

  @Test func anotherDaemonBringsAllBack() async throws {
    let tap = tapName()
    try await withTemporaryDirectories { directories in
      let lab = Self.lab(directories)
      let first = LabRuntime(directories: directories)
      _ = try await first.bringUp(lab) { _ in }
      let folder = directories.state(lab.name)
      _ = try await first.addPort(request("p9", kind: "tap", tap, vlan: "red"))
      _ = try await first.addPort(request("s9", kind: "vhost-user", "\(folder)/s9.sock"))
      for port in ["p9", "x1.eth0", "sw1:core"] {
        let vlan = port == "sw1:core" ? "red" : nil
        _ = try await first.addStation(
          StationRequest(switchName: "sw1", mac: "02:00:00:00:0\(port.count):77", port: port, vlan: vlan))
      }
      let known = await stations(first)
      #expect(known.count == 3)
      _ = try await first.setPort("p1.eth0", change("vlan=red", "mtu=1400"))
      await first.detach()
      #expect(TAPDevice.exists(name: tap, namespace: nil))
      let second = LabRuntime(directories: directories)
      let steps = try await second.bringUp(lab) { _ in }
      #expect(
        steps.suffix(2) == [
          PlanStep(.adopt, "port p9", "tap \(tap)"), PlanStep(.adopt, "port s9", "vhost-user \(folder)/s9.sock"),
        ])
      let now = await ports(second)
      #expect(now["p9"]?.mode == .access(vlan: 10) && now["p9"]?.carrier == true)
      #expect(now["s9"]?.isAdded == true && Files.isSocket("\(folder)/s9.sock"))
      #expect(now["p1.eth0"]?.mode == .access(vlan: 10) && now["p1.eth0"]?.mtu == 1400)
      #expect(try Netlink.links(namespace: "apus-\(lab.name)-p1").first { $0.name == "eth0" }?.mtu == 1400)
      #expect(await stations(second) == known)
      await second.detach()
      // Nobody serves it: what is written down is enough to remove it.
      let report = try await LabCleanup.remove(lab: lab.name, directories: directories)
      #expect(report.removed.contains("interface \(tap) removed"))
      #expect(report.left == [])
      #expect(!TAPDevice.exists(name: tap, namespace: nil))
      #expect(!Files.exists(directories.state(lab.name)))
    }
  }

  @Test func anotherFileMeetsWhatWasAdded() async throws {
    let tap = tapName()
    try await withRunningLab(Self.lab) { runtime, lab, directories in
      _ = try await runtime.addPort(request("p9", kind: "tap", tap))
      for port in ["p9", "p1.eth0", "x1.eth0"] {
        _ = try await runtime.addStation(
          StationRequest(
            switchName: "sw1", mac: "02:00:00:00:0\(port.count):\(port.prefix(1) == "x" ? 11 : 22)", port: port))
      }
      var taking = lab
      taking.nodes.append(node("t", "tap", [nic(tap)]))
      var without = lab
      without.switches.removeFirst()
      without.links = []
      for index in without.nodes.indices {
        without.nodes[index].nics[0].attachment = .switchPort(switch: "sw2", mode: .access(1))
      }
      for file in [taking, without] {
        let error = await #expect(throws: UserError.self) { try await runtime.bringUp(file) { _ in } }
        #expect(error?.message.contains("port p9, which was added at run time") == true, "\(error?.message ?? "")")
        #expect(throws: UserError.self) { try LabPreview.steps(file, directories: directories, isServing: true) }
      }
      #expect(await runtime.nodes().map(\.node) == ["p1", "x1"])
      #expect(await ports(runtime)["p9"]?.carrier == true)
      // A node that is made anew gets its entry back; that of one that goes is forgotten.
      var other = lab
      other.nodes[0].nics[0].addresses = [AddressDefinition(address: "10.0.0.9/24")]
      other.nodes.removeLast()
      _ = try await runtime.bringUp(other) { _ in }
      #expect(await stations(runtime) == ["02:00:00:00:02:22 1 p9", "02:00:00:00:07:22 1 p1.eth0"])
      #expect(RunTimeState.read(lab.name, in: directories).stations.map(\.port) == ["p9", "p1.eth0"])
      var options = BringUpOptions()
      options.isReset = true
      _ = try await runtime.bringUp(taking, options: options) { _ in }
      #expect(await ports(runtime)["p9"] == nil)
      #expect(await ports(runtime)["t.\(tap)"]?.isAdded == false)
    }
    #expect(!TAPDevice.exists(name: tap, namespace: nil))
  }

  @Test func staticEntriesAreJudged() async throws {
    try await withRunningLab(Self.lab) { runtime, _, _ in
      func add(_ mac: String, _ port: String, _ vlan: String? = nil, on name: String = "sw1") async throws {
        _ = try await runtime.addStation(StationRequest(switchName: name, mac: mac, port: port, vlan: vlan))
      }
      for (mac, port, vlan, name) in [
        ("02:00:00:00:00:01", "x1.eth0", "2", "sw1"), ("01:00:00:00:00:01", "x1.eth0", nil, "sw1"),
        ("00:00:00:00:00:00", "x1.eth0", nil, "sw1"), ("zz", "x1.eth0", nil, "sw1"),
        ("02:00:00:00:00:01", "nobody", nil, "sw1"), ("02:00:00:00:00:01", "x1.eth0", nil, "sw2"),
        ("02:00:00:00:00:01", "x1.eth0", nil, "sw9"), ("02:00:00:00:00:01", "sw1:core", nil, "sw1"),
        ("02:00:00:00:00:01", "x1.eth0", "rod", "sw1"),
      ] as [(String, String, String?, String)] {
        await #expect(throws: UserError.self, "\(mac) \(port)") { try await add(mac, port, vlan, on: name) }
      }
      try await add("02:00:00:00:00:01", "x1.eth0")
      try await add("02-00-00-00-00-01", "sw1:core", "red")
      #expect(await stations(runtime) == ["02:00:00:00:00:01 1 x1.eth0", "02:00:00:00:00:01 10 sw1:core"])
      // Said once more, it is where it was said last.
      try await add("02:00:00:00:00:01", "p1.eth0")
      #expect(await stations(runtime) == ["02:00:00:00:00:01 1 p1.eth0", "02:00:00:00:00:01 10 sw1:core"])
      try await runtime.removeStation("02:00:00:00:00:01", switchName: "sw1", vlan: "red")
      #expect(await stations(runtime) == ["02:00:00:00:00:01 1 p1.eth0"])
      await #expect(throws: UserError.self) {
        try await runtime.removeStation("02:00:00:00:00:01", switchName: "sw2", vlan: nil)
      }
      try await runtime.removeStation("02:00:00:00:00:01", switchName: nil, vlan: nil)
      #expect(await stations(runtime) == [])
    }
  }
}
