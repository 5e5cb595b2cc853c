import Dataplane
import Testing
import Topology

@testable import Lab

/// Rules of the ports of a lab that is up: at run time, by another file, and after the daemon.
@Suite(.serialized) struct PortRuleLifeTests {
  private static func lab(_ directories: LabDirectories) -> CanonicalLab {
    var lab = CanonicalLab(name: "apl-rules")
    lab.switches = [SwitchDefinition(name: "sw1"), SwitchDefinition(name: "sw2")]
    lab.nodes = [
      node("x1", "external", [nic(addresses: ["10.0.0.1/24"])]),
      node("x2", "external", [nic(mac: "02:00:00:00:00:02")]),
    ]
    lab.links = [
      LinkDefinition(
        name: "core", kind: .trunk(.trunk(allowed: [1...4094], native: nil)),
        ends: [.switchPort("sw1"), .switchPort("sw2")])
    ]
    var web = AccessDefinition(name: "web")
    web.toNode = [AccessRuleDefinition(.allow, .tcp)]
    lab.access = [web]
    lab.nodes[0].nics[0].rules.isIsolated = true
    return lab
  }

  private func change(_ settings: String...) throws -> PortChange {
    var change = PortChange()
    for setting in settings { try change.read(setting) }
    return change
  }

  private func rules(_ runtime: LabRuntime, _ port: String = "x1.eth0") async -> PortRules {
    await runtime.ruleStatus(port: port)?.rules ?? PortRules()
  }

  @Test func portsAreMadeWithTheRulesOfTheFile() async throws {
    try await withRunningLab(Self.lab) { runtime, _, _ in
      #expect(await rules(runtime) == PortRules(isIsolated: true))
      #expect(await rules(runtime, "x2.eth0") == PortRules())
    }
  }

  @Test func whatIsSaidAtRunTimeIsUndoneByReset() async throws {
    try await withRunningLab(Self.lab) { runtime, lab, directories in
      _ = try await runtime.setPort("x1:eth0", try change("access=web", "isolated=off", "ip-lock=on"))
      let said = await rules(runtime)
      #expect(said.access?.name == "web" && !said.isIsolated && said.ipLock?.count == 1)
      let kept = RunTimeState.read(lab.name, in: directories).settings["x1.eth0"]
      #expect(kept?.rules == ["access": "web", "isolated": "off", "ip-lock": "on"])
      // What the file says is not kept.
      _ = try await runtime.setPort("x1.eth0", try change("isolated=on"))
      #expect(RunTimeState.read(lab.name, in: directories).settings["x1.eth0"]?.rules?["isolated"] == nil)
      #expect(try await runtime.bringUp(lab) { _ in } == [])
      #expect(await rules(runtime).access?.name == "web")
      var options = BringUpOptions()
      options.isReset = true
      let steps = try await runtime.bringUp(lab, options: options) { _ in }
      #expect(steps == [PlanStep(.change, "port x1.eth0", "back to the file")])
      #expect(await rules(runtime) == PortRules(isIsolated: true))
    }
  }

  @Test func whatCannotBeLeavesAllAsItWas() async throws {
    try await withRunningLab(Self.lab) { runtime, lab, directories in
      for (port, settings) in [
        ("x1.eth0", ["access=wab"]), ("x2.eth0", ["ip-lock=on"]), ("sw1:core", ["isolated=on"]),
        ("x1.eth0", ["access=web", "vlan=5000"]),
      ] {
        var change = PortChange()
        for setting in settings { try change.read(setting) }
        let wanted = change
        let error = await #expect(throws: UserError.self) { try await runtime.setPort(port, wanted) }
        #expect(error?.code == .badInput, "\(settings)")
      }
      #expect(await rules(runtime) == PortRules(isIsolated: true))
      #expect(RunTimeState.read(lab.name, in: directories) == RunTimeState())
    }
  }

  @Test func anotherFileChangesRulesOfPortsThatStay() async throws {
    try await withRunningLab(Self.lab) { runtime, lab, _ in
      var request = AddedPortRequest(
        switchName: "sw1", name: "p9", kind: "vhost-user", target: "/tmp/\(lab.name)-p9.sock")
      request.rules = [.access: "web"]
      _ = try await runtime.addPort(request)
      _ = try await runtime.setPort("x2.eth0", try change("access=web"))
      var other = lab
      other.access?[0].isStateful = true
      other.nodes[0].nics[0].rules = RulesDefinition()
      let steps = try await runtime.bringUp(other) { _ in }
      #expect(
        steps == [
          PlanStep(.change, "access web", "1 rule, stateful"), PlanStep(.change, "port x1.eth0", "no rules"),
        ])
      #expect(await rules(runtime) == PortRules())
      for port in ["p9", "x2.eth0"] { #expect(await rules(runtime, port).access?.isStateful == true, "\(port)") }
      // A node that runs on has the rules of the new file, when something else of its port is said.
      _ = try await runtime.setPort("x1.eth0", try change("learn-limit=3"))
      #expect(await rules(runtime) == PortRules(learnLimit: 3))
      other.access = nil
      let gone = other
      let error = await #expect(throws: UserError.self) { try await runtime.bringUp(gone) { _ in } }
      #expect(error?.message.contains("unknown access list \"web\"") == true, "\(error?.message ?? "")")
      #expect(await rules(runtime, "p9").access?.name == "web")
    }
  }

  @Test func anotherDaemonHasThem() async throws {
    try await withTemporaryDirectories { directories in
      let lab = Self.lab(directories)
      let first = LabRuntime(directories: directories)
      _ = try await first.bringUp(lab) { _ in }
      _ = try await first.setPort("x2.eth0", try change("storm.broadcast=5/s", "rate.to-node=1Mbit"))
      await first.detach()
      let second = LabRuntime(directories: directories)
      _ = try await second.bringUp(lab) { _ in }
      #expect(await rules(second) == PortRules(isIsolated: true))
      #expect(await rules(second, "x2.eth0") == PortRules(broadcastStorm: 5, rateToNode: 1_000_000))
      try await second.takeDown { _ in }
    }
  }
}
