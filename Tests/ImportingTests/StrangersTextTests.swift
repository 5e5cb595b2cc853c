import Testing
import Topology

@testable import Importing

/// Files of strangers that ask for much with little, name what is not theirs, or come from Windows.
@Suite struct StrangersTextTests {
  private static func clab(_ nodes: String, _ more: String = "") -> [String: String] {
    ["x.clab.yml": "name: x\ntopology:\n  nodes:\n\(nodes)\n\(more)"]
  }

  // MARK: - variables

  @Test func bracesAreMatchedOnce() {
    let open = String(repeating: "${a", count: 20_000)
    #expect(ContainerlabVariables.expanded(open, [:]).text == open)
    let nested = String(repeating: "${a:-", count: 6) + "x" + String(repeating: "}", count: 6)
    #expect(ContainerlabVariables.expanded("1 \(nested) ${b} }", ["b": "2"]).text == "1 x 2 }")
    #expect(ContainerlabVariables.expanded("${a:-\n}${a:-{x}}", [:]).text == "${a:-\n}{x}")
    #expect(ContainerlabVariables.expanded("$b${b:-x}", ["b": "2"]).names == ["b"])
  }

  @Test func valuesOfVariablesAreLimited() {
    let value = String(repeating: "x", count: 1 << 20)
    #expect(ContainerlabVariables.expanded(String(repeating: "$A ", count: 11), ["A": value]).text == nil)
    #expect(ContainerlabVariables.expanded("$A", ["A": value]).text == value)
  }

  @Test func longNamesStandForNothing() {
    let long = String(repeating: "n", count: 300)
    #expect(ContainerlabVariables.magic("a __clabNodeName__", node: long, lab: "l") == "a __clabNodeName__")
    #expect(ContainerlabVariables.magic("a __clabDir__", node: "n", lab: "l") == "a clab-l")
  }

  @Test func takenVariablesAndFilesAreTold() throws {
    let node = "{ kind: linux, image: \"alpine:${V}\", env-files: [a.env] }"
    var files = Self.clab("    n1: \(node)\n    n2: \(node)")
    files["a.env"] = "A=1\r\nB=\"2\"\r\n"
    let imported = try Imported(files, named: "x.clab.yml", kind: .container, environment: ["V": "3"])
    #expect(imported.notes.filter { $0.outcome == .changed }.map(\.key) == ["${V}", "env-files"])
    #expect(imported.text.contains("A: ") && imported.text.contains("B: ") && !imported.text.contains("\r"))
  }

  @Test(arguments: [".env", "sub/a.env", ".aws/credentials", "./.env"])
  func aFileAloneNamesNothingHidden(path: String) throws {
    var files = Self.clab("    n1: { kind: linux, image: alpine, env-files: [\(path)] }")
    files[path] = "A=secret"
    let faults = Imported.faults(files, named: "x.clab.yml")
    #expect(faults.count == 1 && faults[0].hasPrefix("4 env-files: "), "\(faults)")
    let imported = try Imported(files, kind: .container)
    #expect(imported.text.contains("secret"))
  }

  // MARK: - what is shared

  @Test func defaultsAreLimited() {
    let nodes = (0..<600).map { "    n\($0): { kind: linux }" }.joined(separator: "\n")
    let text = String(repeating: "x", count: 64 << 10)
    for shared in ["env: { A: \(text) }", "sysctls: { net.a: \(text) }", "cmdx: \(text)"] {
      let faults = Imported.faults(Self.clab(nodes, "  defaults: { \(shared) }\n"), named: "x.clab.yml")
      #expect(faults.count == 1 && faults[0].contains("the nodes have more than"), "\(faults.map { $0.prefix(200) })")
    }
  }

  @Test func filesOfDevicesAreLimited() throws {
    let text = String(repeating: "x", count: 64 << 10)
    var files = ["lab.conf": "a[0]=\"A\"\n"]
    for number in 0..<600 { files["a/f\(number)"] = text }
    let faults = #expect(throws: ImportFaults.self) { try Imported(files, kind: .vm) }
    #expect(faults?.faults.count == 1 && faults?.faults[0].message.contains("the devices have more than") == true)
  }

  @Test func sharedScriptsAreLimited() {
    let devices = (0..<600).map { "d\($0)[0]=\"A\"\n" }.joined()
    let faults = Imported.faults(["lab.conf": devices, "shared.startup": String(repeating: "#", count: 64 << 10)])
    #expect(faults.count == 1 && faults[0].contains("the devices have more than"), "\(faults.map { $0.prefix(200) })")
  }

  @Test func chainsOfNamespacesEnd() {
    let nodes = (0..<200).map { "    n\($0): { kind: linux, network-mode: \"container:n\($0 + 1)\" }" }
    let faults = Imported.faults(Self.clab(nodes.joined(separator: "\n")), named: "x.clab.yml")
    #expect(faults.count == 50 && faults[0].contains("too many in a row"), "\(faults.prefix(2))")
  }

  @Test func machinesOfContainerlabHaveRoom() throws {
    let link = "  links: [{ endpoints: [\"n1:eth100\", \"n2:eth1\"] }]"
    let imported = try Imported(Self.clab("    n1: { kind: vr-x }\n    n2: { kind: linux }", link), named: "x.clab.yml")
    #expect(imported.nics("n1").count == 60 && imported.wires == ["n1:eth100 n2:eth1"], "\(imported.nics("n1"))")
    let wires = (1...70).map { "{ endpoints: [\"n1:eth\($0)\", \"n2:eth\($0)\"] }" }.joined(separator: ", ")
    let many = try Imported(
      Self.clab("    n1: { kind: vr-x }\n    n2: { kind: linux }", "  links: [\(wires)]"), named: "x.clab.yml")
    #expect(many.lab.nodes.map(\.kind) == ["external", "netns"])
  }

  @Test func portGroupsAreUnderstoodOnce() throws {
    let tags = String(repeating: "<tag id='5000'/>", count: 100)
    let hosts = (0..<100).map { "<host mac='52:54:00:00:00:01' ip='10.0.0.\($0 + 1)'/>" }.joined()
    let network = """
      <network><name>n</name><portgroup name='a' default='yes'><vlan>\(tags)</vlan></portgroup>
      <ip address='10.0.0.254' prefix='24'><dhcp>\(hosts)</dhcp></ip></network>
      """
    let nic = "<interface type='network'><mac address='52:54:00:00:00:01'/><source network='n'/></interface>"
    let domain = "<domain type='kvm'><name>d</name><devices>\(nic)</devices></domain>"
    let imported = try Imported(["d.xml": domain, "n.xml": network])
    let reasons = imported.notes.map(\.reason)
    #expect(imported.notes.filter { $0.key == "d.interface 1.vlan" }.count <= 9)
    #expect(reasons.contains { $0.hasPrefix("92 more of its tags") })
    #expect(reasons.contains { $0.hasPrefix("36 addresses of NICs") })
  }

  @Test func faultsOfDependenciesAreLimited() {
    var files = ["lab.conf": "a[0]=\"A\"\nb[0]=\"A\"\n", "lab.dep": String(repeating: "x\n", count: 200)]
    #expect(Imported.faults(files).count == 50)
    files["lab.dep"] = "# order\na: b\nb: a\n"
    #expect(Imported.faults(files) == ["2 devices wait for each other: a -> b -> a"])
    files["lab.dep"] = nil
    files["lab.ext"] = String(repeating: "x\n", count: 200)
    #expect(Imported.faults(files).count == 50)
  }

  // MARK: - images, and settings that are said twice

  @Test func imagesLeadNowhere() throws {
    let lab = """
      lab: { title: T, version: 0.0.4 }
      nodes:
        - { id: n0, label: R1, node_definition: iosv, image_definition: ../../x, interfaces: [] }
      links: []
      """
    let asked = Asked()
    for files in [
      ["x.yaml": lab],
      [
        "x.unl": """
        <lab name='l'><topology><nodes><node id='1' name='n' type='qemu' image='../../x' ethernet='1'/></nodes>
        </topology></lab>
        """
      ],
      Self.clab("    n1: { kind: \"vr-../../x\" }"),
    ] {
      let named = files.keys.first
      _ = try Importer.run(
        ForeignFiles.folder(files, named: named), from: nil, options: ImportOptions(),
        hasImage: { asked.add($0) })
    }
    #expect(asked.names == ["x.qcow2"])
  }

  @Test func theLastSettingCounts() throws {
    let files = ["lab.conf": "a[0]=\"A\"\na[env]=\"X=1\"\na[env]=\"Z=2\"\na[env]=\"X=3\"\n"]
    let text = try Imported(files, kind: .container).text
    #expect(text.contains("X: \"3\"") && !text.contains("X: \"1\"") && text.contains("Z: \"2\""), "\(text)")
    let project = """
      {"revision": 9, "name": "p", "topology": {"nodes": [{"node_id": "a", "name": "c", "node_type": "docker",
       "properties": {"image": "alpine", "environment": "X=1\\r\\nX=3\\r\\n"}}], "links": []}}
      """
    let container = try OneFile.made("p.gns3", project, options: ImportOptions(hostKind: .container)).text
    #expect(container.contains("X: \"3\"") && !container.contains("X: \"1\""), "\(container)")
  }

  // MARK: - lines that end as on Windows

  @Test func windowsLines() throws {
    let script = VPCSScript("set pcname PC1\r\nip 10.0.0.1/24 10.0.0.254\r\nping x\r\n")
    #expect(script.addresses == ["10.0.0.1/24"] && script.gateways == ["10.0.0.254"])
    #expect(script.lost.map(\.line) == [3] && script.lost.map(\.text) == ["ping x"])

    let kathara = try Imported([
      "lab.conf": "a[0]=\"A\"\r\nb[0]=\"A\"\r\n",
      "a.startup": "ip addr add 10.0.0.1/24 dev eth0\r\nip route add default via 10.0.0.2\r\n",
      "lab.dep": "# none\r\na: b\r\n",
    ])
    #expect(kathara.addresses == ["a:eth0 10.0.0.1/24"] && kathara.wires == ["a:eth0 b:eth0"])
    #expect(kathara.text.contains("gateway: 10.0.0.2") && !kathara.text.contains("\r"))

    let clab = """
      name: x
      topology:
        nodes:
          n1:
            kind: linux
            exec:
              - |
                ip addr add 10.0.0.1/24 dev eth1
                ip route add default via 10.0.0.2
          n2: { kind: linux }
        links:
          - endpoints: [n1:eth1, n2:eth1]
      """
    let imported = try Imported(["x.clab.yml": clab.replacing("\n", with: "\r\n")], named: "x.clab.yml")
    #expect(imported.addresses == ["n1:eth1 10.0.0.1/24"] && imported.wires == ["n1:eth1 n2:eth1"])
    #expect(imported.text.contains("gateway: 10.0.0.2"))
  }

  @Test func windowsLinesOfCML() throws {
    let lab = """
      lab: {title: T, version: 0.0.4}
      nodes:
        - {id: n0, label: H, node_definition: alpine,
           configuration: "# host\\r\\nhostname h\\r\\nip addr add 10.0.0.1/24 dev eth0\\r\\n", interfaces: [
            {id: i1, label: eth0, slot: 0, type: physical}]}
        - {id: n1, label: R, node_definition: iosv, configuration: "# a\\r\\nhostname r\\r\\n", interfaces: []}
        - {id: n2, label: out, node_definition: external_connector, configuration: "NAT\\r\\nx", interfaces: []}
      links: []
      """
    let result = try OneFile.made("x.yaml", lab)
    #expect(result.lab.nodes[0].nics[0].addresses.map(\.address) == ["10.0.0.1/24"], "\(result.text)")
    #expect(result.text.contains("it has a start-up configuration"), "\(result.text)")
    #expect(result.text.contains("external connector (NAT)"), "\(result.text)")
  }
}

/// Names of images that a writer asked for.
private final class Asked {
  private(set) var names: Set<String> = []

  func add(_ name: String) -> Bool {
    names.insert(name)
    return false
  }
}
