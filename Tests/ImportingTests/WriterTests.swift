import Testing
import Topology

@testable import Importing

/// The lab file that is written: it validates, whatever stands in other people's files.
struct WriterTests {
  private func written(_ lab: ForeignLab) throws -> LabFileWriter.Result {
    var writer = LabFileWriter(lab, path: "x")
    return try writer.write()
  }

  /// Paths of sockets have the names of lab and node, and no room for two of the longest.
  @Test func longNamesFitASocket() throws {
    var lab = ForeignLab(tool: "x", name: String(repeating: "l", count: 200))
    lab.nodes = [ForeignNode(id: "1", name: String(repeating: "n", count: 200), kind: .vm)]
    lab.nodes[0].nics = [ForeignNIC(name: "a")]
    let made = try written(lab).lab
    let path = "/run/apus/\(made.name)/\(made.nodes[0].name)/console.sock"
    #expect(path.utf8.count <= 107)
    #expect(path.utf8.count > 90)
  }

  /// What is written validates on this host too.
  @Test func moreMemoryThanThereIsIsLeftOut() throws {
    var lab = ForeignLab(tool: "x", name: "x")
    lab.nodes = [ForeignNode(id: "1", name: "a", kind: .vm), ForeignNode(id: "2", name: "b", kind: .vm)]
    lab.nodes[0].memory = 64 << 30
    lab.nodes[1].memory = 1 << 30
    var writer = LabFileWriter(lab, path: "x", hostMemory: 32 << 30)
    let made = try writer.write()
    #expect(made.lab.nodes.map(\.memory) == [128 << 20, 1 << 30])
    #expect(made.notes.filter { $0.outcome == .lost && $0.key == "a: memory" }.count == 1)
    #expect(try written(lab).lab.nodes.map(\.memory) == [64 << 30, 1 << 30])
  }

  /// Names, texts and comments that try to be something else.
  @Test(arguments: [
    "a: b", "a\nversion: 2", "# x", "\"", "'", "${HOME}", "$${x}", "{", "]", "*a", "&b", "!t", "%", "@", "\u{0}",
    "\u{7F}",
    "\u{2028}x: y", "\u{1B}[31m", "all", "null", "-", "é", "日本", "", " ", "\u{FEFF}", "a\tb", "\\", "~", "- x",
    "\u{85}",
    String(repeating: "x", count: 5000),
  ])
  func hostileTextStaysText(_ text: String) throws {
    var lab = ForeignLab(tool: text, name: text)
    for (number, kind) in [ForeignNode.Kind.vm, .netns, .container].enumerated() {
      var node = ForeignNode(id: "\(number)", name: text, kind: kind)
      node.comments = [text]
      node.exec = [("echo \(text)", 1)]
      node.env = [(text, text), ("KEY", text)]
      node.sysctl = [(text, text)]
      node.files = [(text, text), ("/x", text + "\n"), ("/y", text)]
      node.image = kind == .netns ? nil : kind == .vm ? "builtin" : "docker.io/library/alpine"
      node.after = [text]
      var nic = ForeignNIC(name: text)
      nic.segment = "s"
      nic.mac = text
      nic.addresses = [text, "10.0.0.\(number + 1)/24"]
      nic.gateways = [text]
      nic.routes = [(text, text)]
      nic.comments = [text]
      node.nics = [nic, nic]
      lab.nodes.append(node)
    }
    lab.segments = [ForeignSegment(id: "s", name: text)]
    lab.vlans = [(text, 7)]
    lab.comments = [text]
    let result = try written(lab)
    #expect(result.lab.nodes.count == 3)
    #expect(result.lab.nodes.map { $0.nics.count } == [2, 2, 2])
    let echoed = result.lab.nodes[0].setup?.exec ?? []
    if let line = echoed.first { #expect(line == "echo \(text)") }
    #expect(!result.text.unicodeScalars.contains { $0.value < 32 && $0 != "\n" && $0 != "\t" })
  }

  @Test func whatDoesNotValidateIsLeftOutAndTold() throws {
    var lab = ForeignLab(tool: "t", name: "n")
    for name in ["a", "b"] {
      var node = ForeignNode(id: name, name: name, kind: .netns, line: 3)
      var nic = ForeignNIC(name: "eth0", line: 4)
      nic.segment = "s"
      nic.addresses = ["10.0.0.1/24", "10.1.0.0/24", "nonsense"]
      nic.gateways = ["10.9.9.9", "10.0.0.2"]
      nic.mtu = 9
      node.nics = [nic]
      lab.nodes.append(node)
    }
    lab.segments = [ForeignSegment(id: "s")]
    let result = try written(lab)
    #expect(result.lab.nodes.map { $0.nics[0].addresses.map(\.address) } == [["10.0.0.1/24"], []])
    let told = result.notes.filter { $0.outcome == .lost }
    #expect(told.count == 11)
    #expect(told.allSatisfy { $0.line == 4 })
    #expect(result.text.contains("# not carried over: 10.1.0.0/24: 10.1.0.0/24 is the network address"))
  }

  /// A container has those of its engine and of Apus, a machine has them as any others.
  @Test func filesThatAreMountedOverAreLeftOut() throws {
    var lab = ForeignLab(tool: "t", name: "n")
    for (name, kind) in [("c", ForeignNode.Kind.container), ("m", .vm)] {
      var node = ForeignNode(id: name, name: name, kind: kind, line: 3)
      node.image = kind == .vm ? "builtin" : "docker.io/library/alpine"
      let paths = ["/etc/hosts", "/etc/motd", "/etc/resolv.conf", "/etc/hostname"]
      node.files = paths.map { ($0, "127.0.0.1 localhost\n") }
      lab.nodes.append(node)
    }
    let result = try written(lab)
    #expect(result.lab.nodes.map { $0.setup?.files.count } == [1, 4])
    #expect(result.lab.nodes[0].setup?.files.first?.path == "/etc/motd")
    let told = result.notes.filter { $0.outcome == .lost }
    #expect(Set(told.map(\.key)) == ["c: /etc/hosts", "c: /etc/resolv.conf", "c: /etc/hostname"])
    #expect(result.text.contains("# not carried over: /etc/hosts: \"/etc/hosts\" of a container is Apus's own"))
  }

  @Test func segmentsOfEveryForm() throws {
    var lab = ForeignLab(tool: "t", name: "n")
    var node = ForeignNode(id: "x", name: "x", kind: .vm)
    func nic(_ segment: String?, _ vlan: ForeignVLAN = .none) -> ForeignNIC {
      var nic = ForeignNIC(name: "n")
      nic.segment = segment
      nic.vlan = vlan
      return nic
    }
    node.nics = [
      nic("two"), nic("two"), nic(nil), nic("one"), nic("vlans", .access(7)), nic("vlans", .trunk([7, 9], native: 1)),
      nic("vlans", .trunk(nil, native: 3)), nic("bridge"), nic("bridge"),
    ]
    lab.nodes = [node]
    lab.segments = [
      ForeignSegment(id: "two", name: "x"), ForeignSegment(id: "one"), ForeignSegment(id: "none"),
      ForeignSegment(id: "vlans", kind: .vlanAware), ForeignSegment(id: "bridge", kind: .bridge),
    ]
    lab.segments[3].joined = [("vlans2", .trunk([7], native: nil))]
    lab.segments.append(ForeignSegment(id: "vlans2", kind: .vlanAware))
    let result = try written(lab)
    #expect(result.lab.nodes[0].nics.map(\.name) == (0...8).map { "eth\($0)" })
    #expect(result.lab.switches.map(\.name) == ["one", "vlans", "bridge", "vlans2"])
    #expect(result.lab.switches.map(\.isVLANAware) == [false, true, false, true])
    #expect(result.lab.links.map(\.name) == ["x-2", "vlans--vlans2"])
    #expect(result.notes.map(\.rendered) == ["x: without effect: none: nothing is on it"])
  }

  @Test func namesStayUniqueAtTheirLongest() {
    var map = NameMap()
    let long = String(repeating: "A", count: 70)
    let names = (0..<12).map { _ in map.add(long, fallback: "x") }
    #expect(Set(names).count == 12)
    #expect(names.allSatisfy { Names.valid($0) })
    #expect(map.add("...", fallback: "x") == "x")
    #expect(map.add("All", fallback: "x") == "all-x")
    #expect(NameMap.lab("Images") == "images-lab")
  }

  /// As many nodes as a large lab has, in a time that nobody waits for.
  @Test func fiveHundredNodes() throws {
    var conf = ""
    for number in 0..<500 { conf += "r\(number)[0]=\"L\(number)\"\nr\(number)[1]=\"L\((number + 1) % 500)\"\n" }
    let imported = try Imported(["lab.conf": conf])
    #expect(imported.lab.nodes.count == 500)
    #expect(imported.wires.count == 500)
  }
}
