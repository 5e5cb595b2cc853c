import Testing
import Topology

@testable import Importing

/// EVE-NG's labs, read, and what the lab file says of them.
@Suite struct EVETests {
  static func lab(_ nodes: String, _ networks: String, _ rest: String = "") -> String {
    """
    <?xml version="1.0" encoding="UTF-8" standalone="yes"?>
    <lab name="Some &quot;lab&quot;" id="x" version="1"><topology><nodes>
    \(nodes)
    </nodes><networks>
    \(networks)
    </networks></topology>\(rest)</lab>
    """
  }

  static func qemu(_ id: Int, _ interfaces: [(id: Int, network: Int)], _ more: String = "") -> String {
    let lines = interfaces.map {
      "<interface id=\"\($0.id)\" name=\"Gi0/\($0.id)\" type=\"ethernet\" network_id=\"\($0.network)\"/>"
    }
    return """
      <node id="\(id)" name="R\(id)" type="qemu" template="vios" image="vios-15" cpu="1" ram="512" ethernet="4" \(more)>
      \(lines.joined(separator: "\n"))
      </node>
      """
  }

  static let hidden = """
    <network id="1" type="bridge" name="Net-R1iface_0" visibility="0"/>
    <network id="2" type="bridge" name="Net-R2iface_1" visibility="0"/>
    <network id="3" type="bridge" name="LAN A" visibility="1"/>
    """

  /// Test 15 of the formats' facts: two lines, one LAN on which a node is twice, four NICs each.
  @Test func lines() throws {
    let nodes = [
      Self.qemu(1, [(0, 1), (2, 3), (3, 3)], "firstmac=\"50:00:00:01:00:00\" delay=\"30\" qemu_nic=\"e1000\""),
      Self.qemu(2, [(0, 1), (1, 2)], "firstmac=\"50:00:00:02:00:00\""), Self.qemu(3, [(3, 2), (1, 3)]),
    ]
    let objects = "<objects><configs><config id=\"2\">aG9zdG5hbWU=</config></configs></objects>"
    let result = try OneFile.made("a.unl", Self.lab(nodes.joined(separator: "\n"), Self.hidden, objects))
    let (lab, text) = (result.lab, result.text)
    #expect(lab.name == "some-lab" && lab.nodes.map(\.name) == ["r1", "r2", "r3"], "\(text)")
    #expect(lab.nodes.allSatisfy { $0.nics.count == 4 && $0.memory == 512 << 20 }, "\(text)")
    #expect(lab.switches.map(\.name) == ["lan-a"] && !lab.switches[0].isVLANAware, "\(text)")
    #expect(lab.links.map { $0.ends.map(\.text) } == [["r1:eth0", "r2:eth0"], ["r2:eth1", "r3:eth3"]], "\(text)")
    let onLAN = lab.nodes.map { node in
      node.nics.filter { $0.attachment == .switchPort(switch: "lan-a", mode: .transparent) }.map(\.name)
    }
    #expect(onLAN == [["eth2", "eth3"], [], ["eth1"]], "\(text)")
    #expect("\(lab.nodes[0].nics[3].mac)" == "50:00:00:01:00:03" && lab.nodes[0].nics[0].model == .e1000)
    #expect(text.contains("vios-15.qcow2") && text.contains("30 s") && !text.contains("aG9zdG5hbWU"), "\(text)")
    #expect(result.notes.contains { $0.key == "nodes.R2.config" && $0.outcome == .lost }, "\(result.notes)")
  }

  /// Test 16 of the formats' facts: IOL's interface 16 is e0/1 and comes before 1, which is e1/0; serial lines are lost.
  @Test func numbersOfIOL() throws {
    let node = """
      <node id="1" name="SW" type="iol" template="iol" image="l2.bin" ethernet="2" serial="1" ram="256">
      <interface id="1" name="e1/0" type="ethernet" network_id="3"/>
      <interface id="0" name="e0/0" type="ethernet" network_id="1"/>
      <interface id="2" name="s2/0" type="serial" remote_id="2" remote_if="2"/>
      <interface id="16" name="e0/1" type="ethernet" network_id="2"/>
      </node>
      <node id="2" name="PC" type="vpcs" template="vpcs" ethernet="1"/>
      <node id="3" name="Old" type="dynamips" template="c3725" image="c3725.bin" slot1="NM-1FE-TX" ram="128">
      <interface id="16" name="fa1/0" type="ethernet" network_id="1"/>
      </node>
      """
    let networks = """
      <network id="1" type="bridge" name="one"/><network id="2" type="pnet0" name="Cloud"/>
      <network id="3" type="bridge" name="three"/>
      """
    let result = try OneFile.made("iol.unl", Self.lab(node, networks))
    let (lab, text) = (result.lab, result.text)
    #expect(lab.nodes.map(\.nics.count) == [8, 1, 3] && lab.nodes.map(\.kind) == ["vm", "netns", "vm"], "\(text)")
    #expect(lab.links.map { $0.ends.map(\.text) } == [["sw:eth0", "old:eth2"]], "\(text)")
    #expect(lab.nodes[0].nics[1].attachment == .switchPort(switch: "cloud", mode: .transparent), "\(text)")
    #expect(lab.nodes[0].nics[4].attachment == .switchPort(switch: "three", mode: .transparent), "\(text)")
    #expect(text.contains("eth1:  # e0/1") && text.contains("eth4:  # e1/0") && text.contains("pnet0"), "\(text)")
    #expect(result.notes.contains { $0.key == "nodes.SW.s2/0" }, "\(result.notes)")
  }

  /// Small declarations that larger ones would be bombs of, and what is cut off or leads nowhere.
  @Test func faults() throws {
    let good = Self.qemu(1, [(0, 1)])
    for (text, line) in [
      ("<!DOCTYPE lab [<!ENTITY a 'b'>]>\n<lab name='&a;'/>", 1), ("<lab name='x'>\n<topology>", 2), ("<domain/>", 1),
      (String(repeating: "<lab>", count: 200), 1), (Self.lab(good, ""), 4),
      (Self.lab("\(good)\n\(good)", Self.hidden), 6),
      (Self.lab(Self.qemu(1, [(0, 1), (0, 2)]), Self.hidden), 5),
      (Self.lab(good.replacing("ethernet=\"4\"", with: "ethernet=\"99999999999\""), Self.hidden), 3),
      (Self.lab(good, Self.hidden + "\n<network id=\"3\" type=\"bridge\"/>"), 10),
    ] {
      let faults = #expect(throws: ImportFaults.self) { try OneFile.made("bad.unl", text) }
      #expect(
        faults?.faults.first?.line == line && faults?.faults.first?.path == "bad.unl", "\(faults as Any)\n\(text)")
    }
    let many = (1...200).map { "<node id=\"\($0)\" name=\"a\" type=\"qemu\" ethernet=\"1024\"/>" }
    let faults = #expect(throws: ImportFaults.self) {
      try OneFile.made("many.unl", Self.lab(many.joined(separator: "\n"), ""))
    }
    #expect(faults?.faults.map(\.line) == [100], "\(faults as Any)")
  }
}
