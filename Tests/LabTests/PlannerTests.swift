import Testing
import Topology

@testable import Lab

@Suite struct PlannerTests {
  private let lab: CanonicalLab = {
    var lab = CanonicalLab(name: "l")
    lab.source = "/labs/l.lab.yaml"
    lab.switches = [SwitchDefinition(name: "sw1"), SwitchDefinition(name: "sw2")]
    var vm = node("vm1", "vm", [nic()])
    vm.image = "builtin"
    lab.nodes = [vm, node("p1", "netns", [nic()])]
    lab.links = [
      LinkDefinition(
        name: "t1", kind: .trunk(.trunk(allowed: [1...4094], native: nil)),
        ends: [.switchPort("sw1"), .switchPort("sw2")])
    ]
    return lab
  }()

  private func observed(
    isServing: Bool, _ vm: NodePresence, _ netns: NodePresence
  ) -> LabObservation {
    LabObservation(recorded: lab, isServing: isServing, nodes: ["vm1": vm, "p1": netns])
  }

  @Test func newLabIsCreated() throws {
    let plan = try Planner.plan(lab, observed: LabObservation())
    #expect(
      plan.steps == [
        PlanStep(.create, "switch sw1"), PlanStep(.create, "switch sw2"),
        PlanStep(.create, "node vm1", "vm, image builtin"), PlanStep(.create, "node p1", "netns"),
        PlanStep(.create, "link t1", "trunk"),
      ])
    #expect(plan.nodes == ["vm1": .create, "p1": .create])
  }

  @Test func runningLabNeedsNothing() throws {
    let plan = try Planner.plan(lab, observed: observed(isServing: true, .running("pid 7"), .running("")))
    #expect(plan.steps == [])
    #expect(plan.nodes == ["vm1": .keep, "p1": .keep])
  }

  @Test func endedNodeIsStartedAgain() throws {
    let plan = try Planner.plan(lab, observed: observed(isServing: true, .ended, .running("")))
    #expect(plan.steps == [PlanStep(.restart, "node vm1", "vm, image builtin, had ended")])
    #expect(plan.nodes == ["vm1": .restart, "p1": .keep])
  }

  @Test func nodesAreTakenBackAfterACrash() throws {
    let plan = try Planner.plan(lab, observed: observed(isServing: false, .running("pid 7"), .ended))
    #expect(
      plan.steps == [
        PlanStep(.adopt, "switch sw1"), PlanStep(.adopt, "switch sw2"),
        PlanStep(.adopt, "node vm1", "vm, image builtin, pid 7"),
        PlanStep(.restart, "node p1", "netns, had ended"),
        PlanStep(.adopt, "link t1", "trunk"),
      ])
    #expect(plan.nodes == ["vm1": .adopt, "p1": .restart])
  }

  @Test func nodeThatACrashLeftUnmadeIsCreated() throws {
    let plan = try Planner.plan(lab, observed: observed(isServing: false, .running("pid 7"), .absent))
    #expect(plan.nodes == ["vm1": .adopt, "p1": .create])
  }

  @Test func anotherFileIsRefused() {
    var other = lab
    other.source = "/else/l.lab.yaml"
    let error = #expect(throws: UserError.self) {
      try Planner.plan(other, observed: observed(isServing: false, .running("pid 7"), .ended))
    }
    #expect(error?.message == "lab l is running from another file: /labs/l.lab.yaml")
    #expect(error?.code == .failed)
  }

  @Test func folderOfTheFileDoesNotCount() throws {
    var other = lab
    other.directory = "/moved"
    #expect(try Planner.plan(other, observed: observed(isServing: true, .running(""), .running(""))).steps == [])
  }
}
