import Dataplane
import LinuxHost
import Testing
import Topology

@testable import Lab

/// Carriers of namespaces' interfaces, as their kernel sees them.
@Suite struct CarrierTests {
  /// `p1` and `p2` on a switch and on a wire `w`; `p1.eth2` leads nowhere.
  private func lab() -> CanonicalLab {
    var lab = CanonicalLab(name: "aplc-\(String(UInt32.random(in: 0..<46656 * 36), radix: 36))")
    lab.source = "/labs/x.lab.yaml"
    lab.switches = [SwitchDefinition(name: "sw1")]
    var nodes: [NodeDefinition] = []
    for number in 1...2 {
      var second = nic(
        "eth1", mac: "02:00:00:00:01:0\(number)", addresses: ["10.0.1.\(number)/24", "fd01::\(number)/64"])
      second.attachment = .wire(link: "w")
      let first = nic("eth0", mac: "02:00:00:00:00:0\(number)", addresses: ["10.0.0.\(number)/24"])
      nodes.append(node("p\(number)", "netns", [first, second]))
    }
    var loose = nic("eth2", mac: "02:00:00:00:02:01")
    loose.attachment = .none
    nodes[0].nics.append(loose)
    lab.nodes = nodes
    lab.links = [
      LinkDefinition(name: "w", kind: .wire, ends: [.nic(node: "p1", nic: "eth1"), .nic(node: "p2", nic: "eth1")])
    ]
    return lab
  }

  private struct Seen: Equatable {
    /// Of p1: eth0, eth1, eth2; of p2: eth0, eth1.
    var kernel: String
    /// Of the links w, p1.eth0, p2.eth0.
    var links: String
  }

  /// What the kernel and `link list` say, `1` for each carrier that is up.
  private func seen(_ runtime: LabRuntime, _ lab: CanonicalLab) async throws -> Seen {
    var kernel = ""
    for node in lab.nodes {
      let links = try Netlink.links(namespace: "apus-\(lab.name)-\(node.name)")
      for nic in node.nics { kernel += links.first { $0.name == nic.name }?.hasCarrier == true ? "1" : "0" }
    }
    return Seen(kernel: kernel, links: await runtime.links().map { $0.carrier ? "1" : "0" }.joined())
  }

  private func expect(
    _ kernel: String, _ links: String, _ runtime: LabRuntime, _ lab: CanonicalLab,
    _ place: SourceLocation = #_sourceLocation
  ) async throws {
    let deadline = ContinuousClock.now + .seconds(30)
    let wanted = Seen(kernel: kernel, links: links)
    while try await seen(runtime, lab) != wanted, ContinuousClock.now < deadline {
      try await Task.sleep(for: .milliseconds(5))
    }
    #expect(try await seen(runtime, lab) == wanted, sourceLocation: place)
  }

  private func set(_ link: String, _ isUp: Bool, from end: String? = nil, _ runtime: LabRuntime) async throws {
    var change = LinkChange()
    change.carrier = isUp
    change.from = end
    _ = try await runtime.setLink(link, change)
  }

  private func withLab(_ body: (LabRuntime, CanonicalLab, LabDirectories) async throws -> Void) async throws {
    try await withRunningLab({ _ in lab() }, body)
  }

  @Test func interfacesFollowWhatIsSet() async throws {
    try await withLab { runtime, lab, _ in
      // At once, without a wait: this is what `up` has said.
      #expect(await runtime.links().map(\.carrier) == [true, true, true])
      try await expect("11011", "111", runtime, lab)
      try await set("p1.eth0", false, runtime)
      try await expect("01011", "101", runtime, lab)
      // A cable has one carrier, at the switch as at the NIC.
      try await set("p1.eth0", true, runtime)
      try await set("p1.eth0", false, from: "sw1", runtime)
      try await expect("01011", "101", runtime, lab)
      try await set("p1.eth0", true, from: "p1", runtime)
      try await expect("01011", "101", runtime, lab)
      try await set("p1.eth0", true, from: "sw1", runtime)
      try await expect("11011", "111", runtime, lab)

      try await set("w", false, from: "p1", runtime)
      try await expect("10010", "011", runtime, lab)
      try await set("w", true, runtime)
      try await expect("11011", "111", runtime, lab)

      try await runtime.stop(node: "p2") { _ in }
      try await expect("10000", "010", runtime, lab)
      // A link that is set up does not start what was stopped.
      try await set("w", true, runtime)
      try await set("p2.eth0", true, runtime)
      try await expect("10000", "010", runtime, lab)
      try await runtime.start(node: "p2") { _ in }
      try await expect("11011", "111", runtime, lab)
    }
  }

  /// Whatever is done to an interface inside its node is known here, and at the other end.
  @Test func interfacesThatAreSetDownInside() async throws {
    try await withLab { runtime, lab, _ in
      func configure(_ link: String, _ isUp: Bool) throws {
        try Netlink.configure(link: link, namespace: "apus-\(lab.name)-p1", mtu: nil, address: nil, up: isUp)
      }
      try configure("eth0", false)
      try await expect("01011", "101", runtime, lab)
      try configure("eth1", false)
      try await expect("00010", "001", runtime, lab)
      try configure("eth0", true)
      try configure("eth1", true)
      try await expect("11011", "111", runtime, lab)
      #expect(try Netlink.addresses(link: "eth1", namespace: "apus-\(lab.name)-p2").contains("fd01::2/64"))
      try Netlink.remove(link: "eth1", namespace: "apus-\(lab.name)-p1")
      try await expect("10010", "011", runtime, lab)
      // `up` makes it again.
      _ = try await runtime.bringUp(lab) { _ in }
      try await expect("11011", "111", runtime, lab)
    }
  }

  /// What was set is so from the start when another daemon takes the lab back.
  @Test func anotherDaemonKeepsThem() async throws {
    try await withLab { runtime, lab, directories in
      try await set("p1.eth0", false, runtime)
      try await runtime.stop(node: "p2") { _ in }
      try await expect("00000", "000", runtime, lab)
      await runtime.detach()
      let second = LabRuntime(directories: directories)
      _ = try await second.bringUp(lab) { _ in }
      #expect(try await seen(second, lab) == Seen(kernel: "00000", links: "000"))
      #expect(await second.dataplane()?.ports().allSatisfy { !$0.carrier && $0.hasEnd } == true)
      try await second.start(node: "p2") { _ in }
      try await expect("01011", "101", second, lab)
      try await second.takeDown { _ in }
    }
  }

  /// Whatever comes in together, what is said and what is so end the same.
  @Test func changesSideBySide() async throws {
    try await withLab { runtime, lab, directories in
      for round in 0..<8 {
        await withTaskGroup(of: Void.self) { group in
          for number in 0..<12 {
            group.addTask { try? await set("w", number % 2 == round % 2, runtime) }
            group.addTask { try? await set("p1.eth0", number % 3 == 0, runtime) }
          }
          group.addTask { try? await runtime.stop(node: "p2") { _ in } }
        }
        let said = RunTimeState.read(lab.name, in: directories)
        #expect(said.stopped == ["p2"])
        let isDown = said.links["p1.eth0"] != nil
        try await expect(isDown ? "00000" : "10000", isDown ? "000" : "010", runtime, lab)
        try await runtime.start(node: "p2") { _ in }
        try await set("p1.eth0", true, runtime)
        let isCut = said.links["w"] != nil
        try await expect(isCut ? "10010" : "11011", isCut ? "011" : "111", runtime, lab)
      }
    }
  }

  /// A change that fails half way is not there afterwards, neither its carrier nor its faults.
  @Test func aChangeThatFailsLeavesNothing() async throws {
    try await withLab { runtime, lab, directories in
      try await runtime.dataplane()?.removePort("p2.eth1")
      var change = LinkChange()
      change.impair = ["delay": "5ms"]
      await #expect(throws: UserError.self) { try await runtime.setLink("w", change) }
      change.carrier = false
      await #expect(throws: UserError.self) { try await runtime.setLink("w", change) }
      #expect(await runtime.links().first?.impair == nil)
      #expect(RunTimeState.read(lab.name, in: directories) == RunTimeState())
      #expect(await runtime.dataplane()?.ports().first { $0.name == "p1.eth0" }?.carrier == true)
    }
  }

  /// `up --reset` takes back what was said to a daemon that has died, and leaves what `stop` has stopped.
  @Test func anotherDaemonTakesThemBackWhenAsked() async throws {
    try await withLab { runtime, lab, directories in
      try await set("w", false, runtime)
      try await set("p1.eth0", false, runtime)
      try await runtime.stop(node: "p2") { _ in }
      await runtime.detach()
      let second = LabRuntime(directories: directories)
      var options = BringUpOptions()
      options.isReset = true
      let steps = try await second.bringUp(lab, options: options) { _ in }
      #expect(steps.prefix(2).map(\.subject) == ["link p1.eth0", "link w"])
      try await expect("10000", "010", second, lab)
      try await second.start(node: "p2") { _ in }
      try await expect("11011", "111", second, lab)
      try await second.takeDown { _ in }
    }
  }
}
