import Foundation
import Testing

@testable import Topology

@Suite("Loading")
struct LoadingTests {
  @Test("every lab in topologies/ loads without an error or a warning")
  func topologies() throws {
    let folder = Repository.path("topologies")
    let names = try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.hasSuffix(".lab.yaml") }
    #expect(names.contains("two-guests.lab.yaml"))
    // The image that some of them name is in the folder of images.
    var facts = TestFacts()
    facts.contents["/images/debian-12.qcow2"] = Array("QFI".utf8) + [0xFB]
    facts.files = ["/labs/netboot/boot.ipxe"]
    for name in names {
      let text = try String(contentsOfFile: "\(folder)/\(name)", encoding: .utf8)
      #expect(rendered(text, facts: facts) == "", "\(name)")
    }
  }

  @Test("the demo lab")
  func demo() throws {
    let text = try String(contentsOfFile: Repository.path("topologies/two-guests.lab.yaml"), encoding: .utf8)
    let lab = try #require(load(text).lab)
    #expect(lab.name == "two-guests")
    #expect(lab.vlans == [.init(name: "red", id: 10), .init(name: "blue", id: 20, subnet: "10.0.20.0/24")])
    #expect(lab.nodes.map(\.name) == ["vm1", "vm2", "probe", "other"])
    #expect(lab.nodes.map(\.kind) == ["vm", "vm", "netns", "netns"])
    let addresses = lab.nodes.map { $0.nics[0].addresses.map(\.address) }
    #expect(addresses == [["10.0.20.1/24"], ["10.0.20.2/24"], ["10.0.20.3/24"], ["10.0.20.9/24"]])
    #expect(lab.nodes[3].nics[0].attachment == .switchPort(switch: "sw1", mode: .access(10)))
    #expect(lab.tests.map(\.expect) == [.pass, .pass, .fail])
    #expect(lab.tests[2].duration == 3)
  }

  @Test("a socket that somebody else uses offers as many queues as there can be, unless crosvm would take them all")
  func queues() throws {
    let lab = try #require(
      load(
        """
        version: 1
        name: test
        switches: { sw1: {} }
        nodes:
          a: { kind: external, nics: { eth0: { switch: sw1 } } }
          b: { kind: external, nics: { eth0: { switch: sw1, front-end: crosvm } } }
          c: { kind: external, nics: { eth0: { switch: sw1, front-end: cloud-hypervisor } } }
          d: { kind: external, nics: { eth0: { switch: sw1, queues: 3 } } }
          e: { kind: vm, nics: { eth0: { switch: sw1 } } }
          f: { kind: vm, nics: { eth0: { switch: sw1, queues: 16 } } }
        """
      ).lab)
    #expect(lab.nodes.map { $0.nics[0].queues } == [16, 1, 16, 3, 1, 16])
  }

  @Test("the labs of docs/lab-file.md load, and its presets are those there are")
  func documentation() throws {
    let page = try String(contentsOfFile: Repository.path("docs/lab-file.md"), encoding: .utf8)
    let blocks = page.matches(of: /```yaml\n([^`]+)```/).map { String($0.1) }
    let labs = blocks.filter { $0.hasPrefix("version: 1") }
    #expect(labs.count == 1)
    for text in labs { #expect(!load(text).hasErrors, "\(rendered(text))") }
    #expect(blocks.count > labs.count)
    for text in blocks where !labs.contains(text) {
      // A part of a lab: it names what stands elsewhere, but its keys and values are those that are read.
      let codes = load("version: 1\nname: part\n" + text).diagnostics.map(\.code)
      #expect(codes.filter { $0.hasPrefix("L0") } == [], "\(text)")
    }
    for (name, preset) in ImpairmentDefinition.presets {
      let row = try #require(page.split(separator: "\n").first { $0.hasPrefix("| `\(name)` |") })
      let cells = row.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
      var written = preset
      try written.set(.delay, to: cells[1])
      try written.set(.jitter, to: cells[2])
      try written.set(.loss, to: cells[3])
      try written.set(.rate, to: cells[4])
      #expect(written == preset, "\(name)")
    }
  }

  @Test("the lab of product.md")
  func campus() throws {
    let lab = try #require(load(Self.campus, facts: Self.campusFacts).lab)
    #expect(lab.directory == "/labs")
    #expect(lab.source == "/labs/test.lab.yaml")
    #expect(lab.workers.cpus == [0])
    let router = try #require(lab.nodes.first { $0.name == "router" })
    #expect(router.memory == 512 << 20)
    #expect(router.image == "/images/debian-12.qcow2")
    #expect(router.disk == DiskDefinition(format: .qcow2))
    #expect(router.cloudInit?.userData == .file("/labs/router/user-data.yaml"))
    #expect(router.ready?.tcp == 22)
    #expect(
      router.nics[0].attachment == .switchPort(switch: "sw1", mode: .trunk(allowed: [10...10, 20...20], native: 10)))
    #expect(router.nics[0].addresses == [.init(address: "10.0.10.254/24"), .init(address: "10.0.20.254/24", vlan: 20)])
    #expect("\(router.nics[1].mac)" == "02:00:00:00:00:99")
    #expect(router.nics[1].attachment == .wire(link: "wire1"))
    let probe = try #require(lab.nodes.first { $0.name == "probe" })
    #expect(probe.nics.map(\.name) == ["eth0", "eth1"])
    #expect(probe.nics[0].gateway == "10.0.10.254")
    var wire = LinkDefinition(
      name: "wire1", kind: .wire, ends: [.nic(node: "router", nic: "eth1"), .nic(node: "probe", nic: "eth1")])
    wire.impair = lab.links.last?.impair
    #expect(wire.impair?.fromSecond?.delay == 0.04)
    #expect(
      lab.links == [
        LinkDefinition(
          name: "trunk1", kind: .trunk(.trunk(allowed: [1...4094], native: nil)),
          ends: [.switchPort("sw1"), .switchPort("sw2")]),
        wire,
      ])
    #expect(load(Self.campus, facts: Self.campusFacts).diagnostics.map(\.code) == ["L212"])
  }

  @Test("the canonical lab survives JSON")
  func codable() throws {
    let lab = try #require(load(Self.campus, facts: Self.campusFacts).lab)
    let data = try JSONEncoder().encode(lab)
    #expect(try JSONDecoder().decode(CanonicalLab.self, from: data) == lab)
  }

  @Test("the same file gives the same lab")
  func deterministic() throws {
    #expect(load(Self.campus, facts: Self.campusFacts).lab == load(Self.campus, facts: Self.campusFacts).lab)
    #expect("\(Names.derivedMAC(lab: "campus", node: "vm1", nic: "eth0"))" == "02:a9:45:49:a3:aa")
  }

  @Test("scalars mean what was written, whatever YAML would make of them")
  func scalars() throws {
    let text = """
      version: 1
      name: 010
      workers: { count: 01, poll: busy }
      switches: { on: {}, 1e3: {} }
      nodes:
        yes:
          kind: external
          nics:
            eth0: { switch: on, vlan: 010, mac: 52:54:00:12:34:56, offload: off, socket: 2222:22, socket-mode: 0640, socket-owner: qemu:kvm, front-end: cloud-hypervisor }
      """
    let lab = try #require(load(text).lab)
    #expect(lab.name == "010")
    #expect(lab.workers.count == 1)
    #expect(lab.switches.map(\.name) == ["on", "1e3"])
    #expect(lab.nodes[0].name == "yes")
    let nic = lab.nodes[0].nics[0]
    #expect(nic.attachment == .switchPort(switch: "on", mode: .access(10)))
    #expect("\(nic.mac)" == "52:54:00:12:34:56")
    #expect(nic.offload == .off)
    #expect(nic.socket == "/labs/2222:22")
    #expect(nic.socketMode == 0o640)
    #expect(nic.socketOwner == "qemu:kvm")
    #expect(nic.frontEnd == .cloudHypervisor)
  }

  /// A lab that a version before wrote down has no such key, and one without other models is read by such a version.
  @Test func modelIsOnlyWrittenWhereItIsNotVirtio() throws {
    let text = """
      version: 1
      name: models
      nodes: { a: { kind: vm, nics: { eth0: {}, eth1: { model: vmxnet3 }, eth2: { model: virtio } } } }
      """
    let lab = try #require(load(text).lab)
    #expect(lab.nodes[0].nics.map(\.model) == [.virtio, .vmxnet3, .virtio])
    #expect(lab.nodes[0].models == [.virtio, .vmxnet3])
    #expect(lab.model(ofPort: "a.eth1") == .vmxnet3 && lab.model(ofPort: "a.eth9") == nil)
    let nics = lab.nodes[0].nics
    let written = try nics.map { String(decoding: try JSONEncoder().encode($0), as: UTF8.self) }
    #expect(written.map { $0.contains("model") } == [false, true, false])
    #expect(try written.map { try JSONDecoder().decode(NICDefinition.self, from: Data($0.utf8)) } == nics)
  }

  @Test(
    "offload is a boolean or a word",
    arguments: [
      ("on", NICDefinition.Offload.on), ("true", .on), ("Yes", .on), ("checksum", .checksum),
      ("\"checksum\"", .checksum),
      ("off", .off), ("False", .off), ("no", .off),
    ])
  func offload(text: String, level: NICDefinition.Offload) throws {
    let text = """
      version: 1
      name: test
      switches: { s: {} }
      nodes: { a: { kind: netns, nics: { e: { switch: s, offload: \(text) } } } }
      """
    #expect(try #require(load(text).lab).nodes[0].nics[0].offload == level)
  }

  @Test("anchors, aliases and merge keys")
  func anchors() throws {
    let text = """
      version: 1
      name: test
      switches: { sw1: {} }
      nodes:
        a: &host { kind: netns, nics: &nics { eth0: { switch: sw1 } } }
        b: *host
        c: { <<: *host, kind: vm }
      """
    let lab = try #require(load(text).lab)
    #expect(lab.nodes.map(\.kind) == ["netns", "netns", "vm"])
    #expect(lab.nodes.map { $0.nics.map(\.name) } == [["eth0"], ["eth0"], ["eth0"]])
    #expect(Set(lab.nodes.map { $0.nics[0].mac }).count == 3)
  }

  @Test("a byte-order mark and CRLF")
  func foreignText() throws {
    let text = "\u{FEFF}version: 1\r\nname: test\r\nswitches:\r\n  sw1:\r\n"
    #expect(try #require(load(text).lab).switches.map(\.name) == ["sw1"])
    #expect(rendered("\u{FEFF}version: 1\r\nname: a_b\r\n").contains("    2 | name: a_b\n      |       ^^^ "))
  }

  @Test("a running lab's own interface and memory are no surprise")
  func ownInterface() {
    var facts = TestFacts(interfaces: ["tap1"], ownInterfaces: ["tap1"])
    let text = "version: 1\nname: test\nnodes: { up: { kind: tap, nics: { tap1: {} } } }\n"
    #expect(rendered(text, facts: facts) == "")
    facts.ownInterfaces = []
    #expect(load(text, facts: facts).diagnostics.map(\.code) == ["L303"])
  }

  private static let campusFacts = TestFacts(
    files: ["/labs/router/user-data.yaml"], contents: ["/images/debian-12.qcow2": [0x51, 0x46, 0x49, 0xFB]])

  private static let campus = """
    version: 1
    name: campus
    workers: { count: 1, cpus: [0], poll: adaptive }
    defaults: { image: builtin, memory: 128M, cpus: 1 }
    vlans:
      red: 10
      blue: { id: 20, subnet: 10.0.20.0/24 }
    switches:
      sw1: { aging: 300s, link-local: standard }
      sw2: {}
    nodes:
      vm[1-2]: { kind: vm, nics: { eth0: { switch: sw1, vlan: blue } } }
      router:
        kind: vm
        image: debian-12.qcow2          # qcow2, raw or vmdk; `builtin` is the tiny Linux that ships with Apus
        memory: 512M
        cloud-init: { user-data: router/user-data.yaml }
        ready: { tcp: 22, timeout: 300s }
        nics:
          eth0:
            { switch: sw1, trunk: [red, blue], native: red, addresses: { red: 10.0.10.254/24, blue: 10.0.20.254/24 } }
          eth1: { mac: 02:00:00:00:00:99 }
      probe: { kind: netns, nics: { eth0: { switch: sw2, vlan: red, address: 10.0.10.9/24, gateway: 10.0.10.254 } } }
      mine: { kind: external, nics: { eth0: { switch: sw1, vlan: red, role: listen, queues: 2 } } }
      uplink: { kind: tap, nics: { tap-campus: { switch: sw1, vlan: red, address: 10.0.10.250/24 } } }
    links:
      - { name: trunk1, ends: [sw1, sw2], trunk: all }
      - { name: wire1, ends: [router:eth1, probe:eth1], impair: dsl }
    impairments:
      dsl: { delay: 40ms, jitter: 5ms, loss: 0.5%, rate: 8Mbit }
    tests:
      - { ping: vm1 -> vm2, expect: pass, within: 30s }
      - { ping: vm1 -> mine, expect: fail, for: 5s }
    """
}
