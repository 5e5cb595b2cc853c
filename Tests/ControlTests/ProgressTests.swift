import Testing
import Topology

@testable import Control

/// How much is said while a lab comes up or goes.
@Suite struct ProgressTests {
  private static func lab(_ nodes: [(String, String)]) -> CanonicalLab {
    var lab = CanonicalLab(name: "few")
    lab.switches = [SwitchDefinition(name: "sw")]
    lab.nodes = nodes.map { NodeDefinition(name: $0.0, kind: $0.1) }
    return lab
  }

  private static func all(_ progress: inout LabProgress, _ lines: [String]) -> [String] {
    lines.flatMap { progress.take($0).lines } + progress.finish()
  }

  @Test func aNodeHasOneLine() {
    var progress = LabProgress(
      .up, lab: "few", definition: Self.lab([("vm1", "vm"), ("vm2", "vm"), ("n", "netns"), ("x", "external")]))
    let lines = Self.all(
      &progress,
      [
        "switch sw", "link core: trunk sw - sw2", "port vm1.eth0 listening", "port n.eth0 open",
        "n: namespace apus-few-n",
        "vm1: unpacking a.vmdk, vmdk", "vm1: unpacking a.vmdk: 50 %", "vm1: booting (pid 1)", "vm2: booting (pid 2)",
        "x.eth0: connected", "x.eth1: connected", "vm1: note: its image has changed", "vm1: ready in 2.3 s",
      ])
    #expect(
      lines == [
        "n: namespace apus-few-n", "vm1: unpacking a.vmdk, vmdk", "x.eth0: connected",
        "vm1: note: its image has changed", "vm1: ready in 2.3 s", "vm2: booting (pid 2)",
      ])
    #expect(progress.status == "few: 3 of 4 nodes; vm1: ready in 2.3 s")
  }

  /// Ten lines, whether there are a hundred nodes or ten thousand.
  @Test(arguments: [41, 100, 600, 5000]) func manyNodesAreCounted(_ count: Int) {
    let names = (1...count).map { "n\($0)" }
    let lab = Self.lab(names.map { ($0, $0.hasSuffix("7") ? "vm" : "netns") })
    var progress = LabProgress(.up, lab: "few", definition: lab)
    var said = names.map { "port \($0).eth0 open" } + names.map { "\($0): booting (pid 1)" }
    said += names.map { "\($0): ready in 0.1 s" }
    let lines = Self.all(&progress, said)
    #expect(lines.count == 10 && lines.last == "few: \(count) of \(count) nodes up", "\(lines)")
    var down = LabProgress(.down, lab: "few", definition: lab)
    let gone = Self.all(&down, names.map { "namespace apus-few-\($0) removed" })
    #expect(gone.count == 10 && gone.last == "few: \(count) of \(count) nodes down", "\(gone)")
  }

  @Test func whatGoesHasOneLineANode() {
    var progress = LabProgress(.down, lab: "few", definition: Self.lab([("vm1", "vm"), ("n", "netns"), ("web", "vm")]))
    let lines = Self.all(
      &progress,
      [
        "vm1: stopped", "process 17 (sleep) in apus-few-n removed", "namespace apus-few-n removed", "left: /a/b",
        "port x removed",
      ])
    #expect(
      lines == [
        "vm1: stopped", "process 17 (sleep) in apus-few-n removed", "namespace apus-few-n removed", "left: /a/b",
      ])
  }

  /// What a crash has left is listed.
  @Test func aLabThatNobodyKnowsIsListed() {
    var progress = LabProgress(.down, lab: "few", definition: nil)
    #expect(
      Self.all(&progress, ["namespace apus-few-n removed", "vm1: stopped"]) == [
        "namespace apus-few-n removed", "vm1: stopped",
      ])
    #expect(progress.status == "few: vm1: stopped")
  }

  @Test func aLongPlanIsFolded() {
    let steps =
      [PlanRow(action: "create", subject: "switch sw", detail: "")]
      + (1...600).map { PlanRow(action: "create", subject: "node n\($0)", detail: "netns") }
      + (1...3).map { PlanRow(action: "change", subject: "link l\($0)", detail: "") }
      + (1...4).map { PlanRow(action: "remove", subject: "switch s\($0)", detail: "") }
    #expect(
      PlanRow.description(PlanRow.folded(steps)) == [
        "create  switch sw", "create  600 nodes", "change  link l1", "change  link l2", "change  link l3",
        "remove  4 switches",
      ])
  }

  @Test func aLabsSizeIsCounted() {
    #expect(FixedLab.definition.sizeText == "2 nodes, 1 switch, 0 links")
  }
}
