import Testing
import Topology

@testable import Lab

@Suite struct LabDifferenceTests {
  private let lab: CanonicalLab = {
    var lab = CanonicalLab(name: "l")
    lab.switches = [SwitchDefinition(name: "sw1"), SwitchDefinition(name: "sw2")]
    var vm = node("vm1", "vm", [nic(), nic("eth1", mac: "02:00:00:00:00:11")])
    vm.image = "builtin"
    vm.nics[1].attachment = .wire(link: "w1")
    var probe = node("p1", "netns", [nic(mac: "02:00:00:00:00:02"), nic("eth1", mac: "02:00:00:00:00:12")])
    probe.nics[1].attachment = .wire(link: "w1")
    lab.nodes = [vm, probe, node("x1", "external", [nic(mac: "02:00:00:00:00:03")])]
    lab.links = [
      LinkDefinition(
        name: "t1", kind: .trunk(.trunk(allowed: [1...4094], native: nil)),
        ends: [.switchPort("sw1"), .switchPort("sw2")]),
      LinkDefinition(
        name: "w1", kind: .wire, ends: [.nic(node: "vm1", nic: "eth1"), .nic(node: "p1", nic: "eth1")]),
    ]
    return lab
  }()

  private func difference(_ change: (inout CanonicalLab) -> Void) throws -> LabDifference {
    var other = lab
    change(&other)
    return try LabDifference(from: lab, to: other)
  }

  @Test func nothingChanged() throws {
    let difference = try difference {
      $0.directory = "/moved"
      $0.vlans = [VLANDefinition(name: "unused", id: 9)]
    }
    #expect(difference.isEmpty)
    #expect(difference.changedNodes == [:])
  }

  @Test func aSwitchLosesItsVLANsWithItsPortsAndLinks() throws {
    let difference = try difference {
      $0.switches[0].isVLANAware = false
      $0.nodes[2].nics[0].attachment = .switchPort(switch: "sw1", mode: .transparent)
    }
    #expect(difference.changedSwitches == ["sw1"])
    #expect(difference.removedTrunks == ["t1"] && difference.addedTrunks == ["t1"])
    #expect(difference.changedNodes == ["x1": .modes])
    #expect(
      difference.steps == [
        PlanStep(.change, "link t1", "trunk"), PlanStep(.change, "switch sw1", "vlan-aware on -> off"),
        PlanStep(.change, "node x1", "VLANs of its ports"),
      ])
  }

  @Test func nodesComeAndGo() throws {
    let difference = try difference {
      $0.nodes.remove(at: 2)
      $0.nodes.append(node("p2", "netns", [nic(mac: "02:00:00:00:00:04")]))
    }
    #expect(difference.steps == [PlanStep(.remove, "node x1", "external"), PlanStep(.create, "node p2", "netns")])
    #expect(lab.without(difference).nodes.map(\.name) == ["vm1", "p1"])
  }

  @Test func machineGetsAndLosesNICsWhileItRuns() throws {
    let difference = try difference {
      $0.nodes[0].nics.removeLast()
      $0.nodes[0].nics.append(nic("eth2", mac: "02:00:00:00:00:21"))
      $0.nodes[0].nics.append(nic("eth3", mac: "02:00:00:00:00:22"))
      $0.links.removeLast()
      $0.nodes[1].nics.removeLast()
    }
    #expect(difference.changedNodes["vm1"] == .nics(added: ["eth2", "eth3"], removed: ["eth1"], ports: []))
    #expect(
      difference.steps.contains(PlanStep(.change, "node vm1", "eth2, eth3 plugged in, eth1 unplugged")))
    #expect(lab.without(difference).nodes[0].nics.map(\.name) == ["eth0"])
  }

  @Test func newNICBeforeOthersNeedsARestart() throws {
    let difference = try difference {
      $0.nodes[0].nics.insert(nic("eth9", mac: "02:00:00:00:00:29"), at: 0)
    }
    #expect(difference.changedNodes == ["vm1": .restart])
    #expect(difference.steps == [PlanStep(.restart, "node vm1", "vm, image builtin, other NICs")])
  }

  @Test func whatAMachineIsWaitedForChangesInPlace() throws {
    let difference = try difference {
      var ready = ReadyDefinition()
      ready.timeout = 10
      $0.nodes[0].ready = ready
      $0.nodes[0].after = [StartCondition(node: "p1")]
    }
    #expect(difference.changedNodes == ["vm1": .modes])
    #expect(difference.steps == [PlanStep(.change, "node vm1", "when it is ready")])
  }

  @Test func orderAloneIsNoChange() throws {
    #expect(try difference { $0.nodes.reverse() }.isEmpty)
  }

  @Test func vlansOfPortsChangeInPlace() throws {
    let difference = try difference {
      $0.nodes[0].nics[0].attachment = .switchPort(switch: "sw1", mode: .access(20))
    }
    #expect(difference.changedNodes == ["vm1": .modes])
    #expect(difference.steps == [PlanStep(.change, "node vm1", "VLANs of its ports")])
    #expect(lab.without(difference) == lab)
  }

  @Test func machineThatMovesToAnotherSwitchRunsOn() throws {
    let difference = try difference {
      $0.nodes[0].nics[0].attachment = .switchPort(switch: "sw2", mode: .access(1))
    }
    #expect(difference.changedNodes == ["vm1": .ports(["eth0"])])
    #expect(difference.restarts == [])
    #expect(lab.without(difference).nodes[0].nics[0].attachment == .none)
    #expect(lab.without(difference).links == lab.links)
  }

  @Test func namespaceThatMovesIsMadeAnew() throws {
    let difference = try difference {
      $0.nodes[1].nics[0].attachment = .switchPort(switch: "sw2", mode: .access(1))
    }
    #expect(difference.changedNodes == ["p1": .anew])
    // The wire has lost an end until the node is there again.
    #expect(lab.without(difference).links.map(\.name) == ["t1"])
  }

  @Test func machineWithOtherMemoryStartsAgain() throws {
    let difference = try difference { $0.nodes[0].memory = 256 << 20 }
    #expect(difference.changedNodes == ["vm1": .restart])
    #expect(difference.restarts == [PlanStep(.restart, "node vm1", "vm, image builtin, memory 128M -> 256M")])
  }

  /// Room for frames while a machine moves is the switch's: no machine notices.
  @Test func anotherMigrationBufferTouchesNothing() throws {
    let difference = try difference { lab in
      for node in lab.nodes.indices { lab.nodes[node].nics[0].migrationBuffer = 1 << 20 }
    }
    #expect(difference.changedNodes == ["vm1": .modes, "p1": .modes, "x1": .modes])
    #expect(difference.restarts.isEmpty && difference.otherOffers.isEmpty)
    #expect(difference.steps.map(\.detail) == Array(repeating: "migration-buffer of eth0", count: 3))
  }

  /// A guest takes up features when it starts; an interface of ours is opened anew under whoever uses it.
  @Test func anotherOffloadDoesWhatEachKindNeeds() throws {
    let difference = try difference { lab in
      for node in lab.nodes.indices { lab.nodes[node].nics[0].offload = .checksum }
    }
    #expect(difference.changedNodes == ["vm1": .restart, "p1": .ports(["eth0"]), "x1": .anew])
    #expect(
      difference.steps == [
        PlanStep(.restart, "node vm1", "vm, image builtin, offload of eth0"),
        PlanStep(.change, "node p1", "offload of eth0"),
        PlanStep(.change, "node x1", "external, made anew"),
      ])
    #expect(difference.otherOffers == ["x1.eth0"])
    #expect(lab.without(difference).nodes.map(\.name) == ["p1"])
  }

  /// What a change has left that failed half-way: its ports are gone, the namespaces and what runs in them are not.
  @Test func anotherOffloadThatFailedIsNoNewNamespace() throws {
    var lab = lab
    lab.nodes[0] = node("p2", "netns", [nic("eth1", mac: "02:00:00:00:00:11")])
    lab.nodes[0].nics[0].attachment = .wire(link: "w1")
    lab.links[1].ends[0] = .nic(node: "p2", nic: "eth1")
    var other = lab
    for index in other.nodes[1].nics.indices { other.nodes[1].nics[index].offload = .checksum }
    let first = try LabDifference(from: lab, to: other)
    #expect(first.changedNodes == ["p1": .ports(["eth0", "eth1"])])
    let rest = lab.without(first)
    #expect(rest.nodes[1].nics.map(\.attachment) == [.none, .none])
    // The far end of the wire has nothing to lose by it either.
    let again = try LabDifference(from: rest, to: other)
    #expect(again.changedNodes == ["p1": .ports(["eth0", "eth1"]), "p2": .ports(["eth1"])])
    #expect(
      again.steps.suffix(2) == [
        PlanStep(.change, "node p2", "eth1 attached elsewhere"),
        PlanStep(.change, "node p1", "eth0, eth1 attached elsewhere, offload of eth0, eth1"),
      ])
    #expect(try LabDifference(from: rest, to: lab).changedNodes == again.changedNodes, "taken back")
    // Only what led nowhere: the switch of another NIC makes the namespace anew.
    other.nodes[1].nics[0].attachment = .switchPort(switch: "sw2", mode: .access(1))
    #expect(try LabDifference(from: lab, to: other).changedNodes == ["p1": .anew])
  }

  @Test func allThatChangesOfANodeIsSaid() throws {
    let difference = try difference {
      $0.nodes[0].nics[0].attachment = .switchPort(switch: "sw1", mode: .access(20))
      $0.nodes[0].after = [StartCondition(node: "p1")]
      $0.nodes[1].nics[0].attachment = .switchPort(switch: "sw1", mode: .access(20))
      $0.nodes[1].nics[0].offload = .off
    }
    #expect(difference.changedNodes == ["vm1": .modes, "p1": .ports(["eth0"])])
    #expect(
      difference.steps == [
        PlanStep(.change, "node vm1", "VLANs of its ports, when it is ready"),
        PlanStep(.change, "node p1", "offload of eth0, VLANs of its ports"),
      ])
  }

  @Test func anotherModelStartsTheMachineAgain() throws {
    let difference = try difference { $0.nodes[0].nics[0].model = .e1000 }
    #expect(difference.changedNodes == ["vm1": .restart])
    #expect(
      difference.steps == [PlanStep(.restart, "node vm1", "vm, image builtin, eth0 virtio -> e1000")])
  }

  /// The built-in guest has the drivers of emulated NICs only if it was started with one.
  @Test func emulatedNICIsPluggedWhereThereAreDrivers() throws {
    var card = nic("eth9", mac: "02:00:00:00:00:99")
    card.model = .vmxnet3
    #expect(try difference { $0.nodes[0].nics.append(card) }.changedNodes == ["vm1": .restart])
    var before = lab
    before.nodes[0].nics[0].model = .e1000
    var after = before
    after.nodes[0].nics.append(card)
    let plugged = LabDifference.NodeChange.nics(added: ["eth9"], removed: [], ports: [])
    #expect(try LabDifference(from: before, to: after).changedNodes == ["vm1": plugged])
    before = lab
    before.nodes[0].disk = DiskDefinition(format: .qcow2)
    after = before
    after.nodes[0].nics.append(card)
    #expect(try LabDifference(from: before, to: after).changedNodes == ["vm1": plugged])
  }

  /// With more than that it is as without it.
  @Test func anotherOffloadAmongOtherChanges() throws {
    let difference = try difference { lab in
      lab.nodes[1].nics[0].offload = .off
      lab.nodes[1].nics[0].mtu = 9000
      lab.nodes[2].nics[0] = nic("eth1", mac: "02:00:00:00:00:03")
      lab.nodes[2].nics[0].offload = .off
    }
    #expect(difference.changedNodes == ["p1": .anew, "x1": .anew])
    #expect(difference.otherOffers == [])
  }

  @Test func wireWithAnotherEndRewiresBoth() throws {
    let difference = try difference {
      $0.nodes[1].nics[1].attachment = .none
      $0.nodes[2].nics[0].attachment = .wire(link: "w1")
      $0.links[1].ends[1] = .nic(node: "x1", nic: "eth0")
    }
    #expect(difference.changedNodes == ["vm1": .ports(["eth1"]), "p1": .anew, "x1": .ports(["eth0"])])
    #expect(difference.steps.first == PlanStep(.change, "link w1", "wire"))
  }

  @Test func trunksAndSwitches() throws {
    let difference = try difference {
      $0.links.removeFirst()
      $0.switches[0].aging = 60
      $0.switches[1] = SwitchDefinition(name: "sw3")
    }
    #expect(difference.removedTrunks == ["t1"])
    #expect(difference.removedSwitches == ["sw2"])
    #expect(difference.addedSwitches == ["sw3"])
    #expect(difference.changedSwitches == ["sw1"])
  }

  @Test func tablesOfSwitchesChangeInPlace() throws {
    let difference = try difference {
      $0.switches[0].fdbSize = 65_536
      $0.switches[1].fdbPerPort = 100
    }
    #expect(difference.changedSwitches == ["sw1", "sw2"])
    #expect(
      difference.steps == [
        PlanStep(.change, "switch sw1", "fdb-size 8192 -> 65536, fdb-per-port 4096 -> 32768"),
        PlanStep(.change, "switch sw2", "fdb-per-port 4096 -> 100"),
      ])
    #expect(try self.difference { $0.switches[0].fdbPerPort = 4096 }.isEmpty)
  }

  @Test func faultsAloneTouchNoNode() throws {
    let difference = try difference {
      var slow = ImpairmentDefinition()
      slow.delay = 0.01
      $0.links[1].impair = ImpairmentPair(fromFirst: slow)
      $0.nodes[0].nics[0].impair = ImpairmentPair(fromSecond: slow)
    }
    #expect(difference.changedNodes == [:])
    #expect(
      difference.steps == [
        PlanStep(.change, "link vm1.eth0", "impairments"), PlanStep(.change, "link w1", "impairments"),
      ])
  }

  @Test func testsMayChange() throws {
    let difference = try difference {
      $0.tests = [TestDefinition(action: "ping", source: "vm1", destination: "p1")]
    }
    #expect(difference.steps == [PlanStep(.change, "tests", "0 -> 1")])
  }

  @Test func workersCannotChange() {
    #expect(throws: UserError.self) { try difference { $0.workers.cpus = [1] } }
    for count in [WorkerCount.exactly(2), .auto] {
      #expect(throws: UserError.self) { try difference { $0.workers.count = count } }
    }
  }
}
