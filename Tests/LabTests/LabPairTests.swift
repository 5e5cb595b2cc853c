import Capture
import LinuxHost
import Testing
import TestSupport
import Topology

@testable import Dataplane
@testable import Lab

/// Every change of a lab and of its captures beside every other: clients of the API do not wait for each other.
///
/// A new operation is one line of `operations`.
@Suite struct LabPairTests {
  /// A lab that is up: `a` and `b` on a wire `w` and, with `c`, on a switch, a declared capture, and a client's, `y`.
  private struct Running: Sendable {
    let runtime: LabRuntime
    let directories: LabDirectories
    let lab: CanonicalLab

    var captureFolder: String { directories.dataRoot }

    /// The lab with a change.
    func with(_ change: (inout CanonicalLab) -> Void) -> CanonicalLab {
      var lab = lab
      change(&lab)
      return lab
    }

    func up(_ lab: CanonicalLab, isReset: Bool = false) async throws {
      var options = BringUpOptions()
      options.isReset = isReset
      _ = try await runtime.bringUp(lab, options: options) { _ in }
    }

    func set(_ link: String, carrier: Bool? = nil, delay: String? = nil, isReset: Bool = false) async throws {
      var change = LinkChange()
      change.carrier = carrier
      change.impair = delay.map { ["delay": $0] } ?? [:]
      change.isReset = isReset
      _ = try await runtime.setLink(link, change)
    }

    func addPort(_ name: String, kind: String = "stream", vlan: String? = nil) async throws {
      var request = AddedPortRequest(
        switchName: "sw1", name: name, kind: kind, target: "\(directories.dataRoot)/\(name).sock")
      request.vlan = vlan
      _ = try await runtime.addPort(request)
    }

    func setPort(_ name: String, _ settings: String...) async throws {
      var change = PortChange()
      for setting in settings { try change.read(setting) }
      _ = try await runtime.setPort(name, change)
    }

    func capture(_ id: String, _ targets: [String]) async throws {
      var request = CaptureRequest(targets)
      request.id = id
      try await runtime.startCapture(request, to: ClosureSink { _ in })
    }
  }

  private static func external(_ name: String, _ number: Int, isWired: Bool = false) -> NodeDefinition {
    var nics = [nic(mac: "02:00:00:00:00:0\(number)")]
    if isWired {
      var second = nic("eth1", mac: "02:00:00:00:01:0\(number)")
      second.attachment = .wire(link: "w")
      nics.append(second)
    }
    return node(name, "external", nics)
  }

  private static func lab(_ folder: String) -> CanonicalLab {
    var lab = CanonicalLab(name: "aplp")
    lab.source = "/labs/x.lab.yaml"
    lab.recorderSize = 0
    lab.switches = [SwitchDefinition(name: "sw1")]
    lab.nodes = [external("a", 1, isWired: true), external("b", 2, isWired: true), external("c", 3)]
    lab.links = [
      LinkDefinition(name: "w", kind: .wire, ends: [.nic(node: "a", nic: "eth1"), .nic(node: "b", nic: "eth1")])
    ]
    lab.captures = [CaptureDefinition(targets: [.switch("sw1")], file: "\(folder)/one.pcapng")]
    return lab
  }

  /// Ports, settings and static entries at run time, and saved labs.
  private static let later: [Operation<Running>] = [
    Operation("add port p") { try await $0.addPort("p") },
    Operation("add port p of datagrams") { try await $0.addPort("p", kind: "dgram", vlan: "2") },
    Operation("remove port p") { try await $0.runtime.removePort("p") },
    Operation("c into VLAN 3") { try await $0.setPort("c.eth0", "vlan=3") },
    Operation("MTU of c") { try await $0.setPort("c.eth0", "mtu=1400") },
    Operation("station behind b") {
      _ = try await $0.runtime.addStation(
        StationRequest(switchName: "sw1", mac: "02:00:00:00:00:77", port: "b.eth0"))
    },
    Operation("that station no more") {
      try await $0.runtime.removeStation("02:00:00:00:00:77", switchName: "sw1", vlan: nil)
    },
    Operation("save") { _ = try await $0.runtime.save(SaveRequest(path: "\($0.directories.dataRoot)/one")) { _ in } },
    Operation("save and stop") {
      _ = try await $0.runtime.save(SaveRequest(path: "\($0.directories.dataRoot)/two", stops: true)) { _ in }
    },
  ]

  private static let earlier: [Operation<Running>] = [
    Operation("up") { try await $0.up($0.lab) },
    Operation("up with d") { run in try await run.up(run.with { $0.nodes.append(external("d", 4)) }) },
    Operation("up without c") { run in try await run.up(run.with { $0.nodes.removeLast() }) },
    Operation("up with c in VLAN 2") { run in
      try await run.up(run.with { $0.nodes[2].nics[0].attachment = .switchPort(switch: "sw1", mode: .access(2)) })
    },
    Operation("up with another capture") { run in
      try await run.up(
        run.with { $0.captures = [CaptureDefinition(targets: [.link("w")], file: "\(run.captureFolder)/two.pcapng")] })
    },
    Operation("up --reset") { try await $0.up($0.lab, isReset: true) },
    Operation("down") { try await $0.runtime.takeDown { _ in } },
    Operation("letting go") { await $0.runtime.detach() },
    Operation("stop a") { try await $0.runtime.stop(node: "a") { _ in } },
    Operation("start a") { try await $0.runtime.start(node: "a") { _ in } },
    Operation("cut w") { try await $0.set("w", carrier: false) },
    Operation("slow w") { try await $0.set("w", delay: "40ms") },
    Operation("w as in the file") { try await $0.set("w", isReset: true) },
    Operation("cut c") { try await $0.set("c:eth0", carrier: false) },
    Operation("capture x of all") { try await $0.capture("x", ["all"]) },
    Operation("capture x of w") { try await $0.capture("x", ["w"]) },
    Operation("end of y") { try await $0.runtime.captures.stop("y") },
    Operation("filter of y") { try await $0.runtime.captures.changeFilter("y", to: "icmp") },
    Operation("end of the declared one") { run in
      try await run.runtime.captures.stop("file:\(run.captureFolder)/one.pcapng")
    },
  ]

  private static let operations = earlier + later

  /// All that can be seen of it, a line each.
  private static func state(_ run: Running) async -> [String] {
    var lines: [String] = []
    let lab = await run.runtime.lab()
    lines += (lab?.nodes ?? []).map { "node \($0.name) \($0.nics.map(\.attachment))" }
    lines.append("captures \((lab?.captures ?? []).map(\.file))")
    lines.append("written down \(((try? LabState.read("aplp", in: run.directories)) ?? nil) == lab)")
    let said = RunTimeState.read("aplp", in: run.directories)
    lines.append("stopped \(said.stopped.sorted())")
    lines += said.ports.map { "added \($0)" }
    lines += said.settings.map { "set \($0.key) \($0.value)" }
    lines += said.stations.map { "fixed \($0)" }
    for (name, link) in said.links {
      lines.append("said of \(name) \(link.down.sorted()) \(link.impair?.fromFirst?.delay ?? 0)")
    }
    lines += await run.runtime.nodes().map { "\($0.node) \($0.state) \($0.ready)" }
    lines += await run.runtime.links().map { "\($0.name) \($0.ends) \($0.impair?.fromFirst?.delay ?? 0)" }
    for capture in await run.runtime.captures.running() {
      // A port that is added is taken in soon, not at once.
      let ports = Set(capture.status.ports).subtracting(["p"]).sorted()
      lines.append("capture \(capture.id) \(capture.targets) \(ports) \(capture.status.filter)")
    }
    if let plane = await run.runtime.dataplane() {
      let records = await plane.records.map { (index: $0.index, name: $0.name) }
      let wanted = await plane.worker.run { core in records.map { core.state.ports[$0.index].isWanted } }
      for (port, isWanted) in zip(await plane.ports(), wanted) {
        lines.append("port \(port.name) \(port.kind) \(port.mode) \(port.mtu) \(port.peer ?? "-") \(isWanted)")
      }
      lines += await plane.fdb(switchName: nil).map { "entry \($0.vlan) \($0.address) \($0.port)" }
    }
    return lines.map { $0.replacing(run.directories.dataRoot, with: "") }.sorted()
  }

  private static func fresh(
    _ body: @Sendable (Running) async throws -> PairCheck<Running, [String]>.End
  ) async throws -> PairCheck<Running, [String]>.End {
    try await withTemporaryDirectories { directories in
      try Files.makeDirectory(directories.dataRoot)
      let run = Running(
        runtime: LabRuntime(directories: directories), directories: directories, lab: lab(directories.dataRoot))
      try await run.up(run.lab)
      try await run.capture("y", ["sw1"])
      let end = try await body(run)
      try await run.runtime.takeDown { _ in }
      return end
    }
  }

  @Test(.timeLimit(.minutes(5))) func everyPairAtOnceEndsAsOneAfterTheOther() async throws {
    let check = PairCheck<Running, [String]>(
      Self.operations, rounds: 2, comparesOutcomes: false, fresh: { try await Self.fresh($0) },
      state: { await Self.state($0) })
    let failures = try await check.run(sideBySide: 8)
    #expect(failures.isEmpty, "\(failures.count) pairs:\n\(failures.joined(separator: "\n"))")
  }
}
