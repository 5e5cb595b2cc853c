import Testing

@testable import Topology

/// Descriptors for tests.
enum OVFTexts {
  static func item(_ type: Int, _ instance: Int, _ rest: String = "", _ attributes: String = "") -> String {
    "<Item \(attributes)><rasd:InstanceID>\(instance)</rasd:InstanceID><rasd:ResourceType>\(type)</rasd:ResourceType>"
      + "\(rest)</Item>"
  }

  static func nic(_ instance: Int, _ network: String?, _ model: String, _ attributes: String = "") -> String {
    let connection = network.map { "<rasd:Connection>\($0)</rasd:Connection>" } ?? ""
    return item(10, instance, "\(connection)<rasd:ResourceSubType>\(model)</rasd:ResourceSubType>", attributes)
  }

  static func processors(_ count: Int) -> String {
    item(3, 1, "<rasd:VirtualQuantity>\(count)</rasd:VirtualQuantity>")
  }

  static let disk = item(17, 50, "<rasd:HostResource>ovf:/disk/d1</rasd:HostResource>")

  static func system(_ name: String, _ items: String, _ rest: String = "") -> String {
    "<VirtualSystem ovf:id='\(name)'>\(rest)<VirtualHardwareSection>\(items)</VirtualHardwareSection></VirtualSystem>"
  }

  static func text(_ systems: String, _ sections: String = "") -> String {
    """
    <?xml version="1.0" encoding="UTF-8"?>
    <!-- a comment -->
    <Envelope xmlns="http://schemas.dmtf.org/ovf/envelope/1" xmlns:ovf="x" xmlns:rasd="y">
      <References><File ovf:id="f1" ovf:href="one.vmdk"/><File ovf:id="f2" ovf:href="two.vmdk"/></References>
      <DiskSection>
        <Disk ovf:diskId="d1" ovf:fileRef="f1" ovf:capacity="1"/><Disk ovf:diskId="d2" ovf:fileRef="f2"/>
        <Disk ovf:diskId="d3" ovf:capacity="2" ovf:capacityAllocationUnits="byte * 2^30"/>
        <Disk ovf:diskId="d4" ovf:fileRef="f1" ovf:parentRef="d1"/>
      </DiskSection>\(sections)\(systems)
    </Envelope>
    """
  }

  static func descriptor(_ systems: String, _ sections: String = "") -> OVFDescriptor {
    do {
      return try OVFReader.read(Array(text(systems, sections).utf8))
    } catch {
      Issue.record("\(error)")
      return OVFDescriptor()
    }
  }

  static let product = """
    <ProductSection><Product>One &amp; only</Product>
    <Property ovf:key="hostname" ovf:userConfigurable="true" ovf:value="a"/><Property ovf:key="build" ovf:value="1"/>
    </ProductSection>
    """

  static let one = descriptor(
    system(
      "router",
      processors(2)
        + item(
          4, 2,
          "<rasd:AllocationUnits>MegaBytes</rasd:AllocationUnits><rasd:VirtualQuantity>512"
            + "</rasd:VirtualQuantity>") + disk + nic(7, "VM Network", "VmxNet3") + nic(11, nil, "E1000"), product))

  static let two = descriptor(system("web", disk) + system("db", disk))
}

/// OVF descriptors, and what machines they are.
@Suite struct OVFTests {
  private func machine(_ items: String, _ sections: String = "", in configuration: String? = nil) throws
    -> ApplianceMachine
  {
    let descriptor = OVFTexts.descriptor(OVFTexts.system("a", items), sections)
    let system = try #require(descriptor.systems.first)
    return try descriptor.machine(system, configuration: configuration ?? descriptor.usualConfiguration)
  }

  private func fault(_ text: String) -> String? {
    do throws(ImageFault) {
      let descriptor = try OVFReader.read(Array(text.utf8))
      for system in descriptor.systems { _ = try descriptor.machine(system, configuration: nil) }
      return nil
    } catch {
      return error.message
    }
  }

  @Test func hardware() throws {
    let descriptor = OVFTexts.one
    let machine = try descriptor.machine(try #require(descriptor.systems.first), configuration: nil)
    #expect(machine.cpus == 2 && machine.memory == 512 << 20 && machine.firmware == .bios)
    #expect(machine.product == "One & only" && machine.networks == ["VM Network"])
    #expect(machine.nics.map(\.model) == [.vmxnet3, .e1000])
    #expect(machine.disks == [ApplianceDisk(file: "one.vmdk", size: 0, bus: .sata)])
    #expect(machine.properties.map(\.key) == ["hostname", "build"])
    #expect(descriptor.diskFiles.map(\.name) == ["one.vmdk", "two.vmdk"])
  }

  @Test(arguments: [
    ("E1000", NICModel.e1000), ("E1000e", .e1000e), ("VmxNet3", .vmxnet3), ("Vmxnet", .vmxnet3),
    ("virtio E1000", .virtio),
    ("VMXNET3 VIRTIO", .virtio), ("PCNet32", .e1000), ("Flexible", .e1000), ("", .e1000), ("RTL8139", .rtl8139),
    ("foo,e1000e", .e1000e),
  ])
  func models(_ words: String, _ model: NICModel) { #expect(OVFDescriptor.model(words) == model) }

  @Test(
    arguments: [
      ("byte * 2^20", 1 << 20), ("byte*2^30", 1 << 30), ("byte * 2 ^ 20", 1 << 20), ("MegaBytes", 1 << 20),
      ("byte * 10^6", 1_000_000), ("byte * 1024", 1024), ("byte", 1), ("", 7), ("hertz * 10^6", nil),
      ("byte * 2^99", nil),
      ("byte * 99999999999^9", nil), ("byte *", nil), ("byte * -1", nil),
    ] as [(String, Int?)])
  func units(_ text: String, _ bytes: Int?) { #expect(OVFUnits.bytes(text, standard: 7) == bytes) }

  /// NICs by their places where all have one, else in the order of the document; OVF 2.0's own items are NICs too.
  @Test func ordersOfNICs() throws {
    func place(_ number: Int, _ network: String) -> String {
      "<EthernetPortItem><epasd:AddressOnParent>\(number)</epasd:AddressOnParent><epasd:Connection>\(network)"
        + "</epasd:Connection><epasd:InstanceID>\(number)</epasd:InstanceID></EthernetPortItem>"
    }
    #expect(try machine(OVFTexts.disk + place(11, "b") + place(7, "a")).networks == ["a", "b"])
    #expect(try machine(OVFTexts.disk + OVFTexts.nic(2, "c", "") + place(1, "a")).networks == ["c", "a"])
  }

  @Test func configurations() throws {
    let sections = """
      <DeploymentOptionSection><Configuration ovf:id="small"/><Configuration ovf:id="big" ovf:default="true"/>
      </DeploymentOptionSection>
      """
    let items =
      OVFTexts.processors(1) + OVFTexts.disk + OVFTexts.nic(9, "lan", "E1000")
      + OVFTexts.item(3, 1, "<rasd:VirtualQuantity>8</rasd:VirtualQuantity>", "ovf:configuration='big huge'")
      + OVFTexts.nic(10, "dmz", "E1000", "ovf:configuration='big'")
    let big = try machine(items, sections)
    #expect(big.configuration == "big" && big.cpus == 8 && big.networks == ["lan", "dmz"])
    let small = try machine(items, sections, in: "small")
    #expect(small.cpus == 1 && small.networks == ["lan"])
  }

  /// Disks in the order of their controllers, those without a file empty.
  @Test func severalDisks() throws {
    func disk(_ id: String, _ parent: Int, _ place: Int) -> String {
      OVFTexts.item(
        17, 20 + place,
        "<rasd:HostResource>ovf:/disk/\(id)</rasd:HostResource><rasd:Parent>\(parent)</rasd:Parent>"
          + "<rasd:AddressOnParent>\(place)</rasd:AddressOnParent>")
    }
    let items =
      OVFTexts.item(6, 3, "<rasd:ResourceSubType>VirtualSCSI</rasd:ResourceSubType>") + OVFTexts.item(5, 4)
      + disk("d3", 4, 0) + disk("d2", 3, 1) + disk("d1", 3, 0)
    #expect(
      try machine(items).disks == [
        ApplianceDisk(file: "one.vmdk", size: 0, bus: .pvscsi), ApplianceDisk(file: "two.vmdk", size: 0, bus: .pvscsi),
        ApplianceDisk(file: nil, size: 2 << 30, bus: .ide),
      ])
  }

  @Test func firmware() throws {
    #expect(try machine(OVFTexts.disk + "<vmw:Config vmw:key='firmware' vmw:value='efi'/>").firmware == .uefi)
    let box = "<vbox:Machine><Hardware><Firmware type='EFI'/></Hardware></vbox:Machine>"
    #expect(OVFTexts.descriptor(OVFTexts.system("a", "", box)).systems.first?.firmware == .uefi)
  }

  /// VMware's 0.9 names its sections by types; collections nest.
  @Test func oldFormsAndCollections() throws {
    let old = """
      <Content ovf:id="old" xsi:type="ovf:VirtualSystem_Type"><Section xsi:type="ovf:VirtualHardwareSection_Type">
      <Item><rasd:InstanceId>1</rasd:InstanceId><rasd:ResourceType>17</rasd:ResourceType>
      <rasd:HostResource>disk/d1</rasd:HostResource></Item></Section></Content>
      """
    let all = OVFTexts.descriptor(
      "<VirtualSystemCollection>\(OVFTexts.system("a b", ""))</VirtualSystemCollection>\(old)")
    #expect(all.systems.map(\.name) == ["a b", "old"])
    #expect(try all.machine(all.systems[1], configuration: nil).disks.map(\.file) == ["one.vmdk"])
  }

  @Test func whatIsNotTaken() {
    let system = OVFTexts.system("a", OVFTexts.disk)
    func disk(_ resource: String) -> String {
      OVFTexts.text(
        OVFTexts.system("a", OVFTexts.item(17, 1, "<rasd:HostResource>\(resource)</rasd:HostResource>")))
    }
    #expect(fault(disk("ovf:/disk/nowhere"))?.contains("which its OVF descriptor does not describe") == true)
    #expect(fault(disk("ovf:/file/nowhere"))?.contains("that its OVF descriptor does not name") == true)
    #expect(fault(disk("ovf:/disk/d4"))?.contains("only what was written over another one") == true)
    #expect(fault(disk("x"))?.contains("has no rasd:HostResource") == true)
    for name in ["/etc/passwd", "../a.vmdk", "nbd:a", "json:{}", "http://a/b", "a/b.vmdk", "a\\b", ".hidden", ""] {
      let text = OVFTexts.text(system).replacing("one.vmdk", with: name)
      #expect(fault(text)?.hasPrefix("its OVF descriptor refers to \"\(name)\"") == true, "\(name)")
    }
    let gzip = OVFTexts.text(system).replacing("href=\"one.vmdk\"", with: "href=\"one.vmdk\" ovf:compression=\"gzip\"")
    #expect(fault(gzip) == "its file \"one.vmdk\" is compressed by \"gzip\"")
    #expect(fault(OVFTexts.text("")) == "its OVF descriptor has no virtual system")
    #expect(fault(OVFTexts.text(system + system))?.contains("two virtual systems \"a\"") == true)
  }

  /// Nothing of XML that could do more than describe.
  @Test func hostileXML() {
    let line = "its OVF descriptor cannot be read: line"
    let cases = [
      ("<!DOCTYPE a [<!ENTITY b \"c\">]><Envelope>&b;</Envelope>", "1: it has a document type, which is not taken"),
      ("<Envelope>&b;</Envelope>", "1: &b; is not known"),
      ("<Envelope>\n<a></Envelope>", "2: </Envelope> closes nothing"),
      ("<Envelope>", "1: <Envelope> of line 1 is not closed"), ("", "1: there is no element"),
      ("<Envelope a=b/>", "1: the value of attribute a is not in quotes"), ("<Envelope/>x", "1: there is text outside"),
      ("<?xml version=\"1.0\" encoding=\"UTF-16\"?><Envelope/>", "1: its encoding is not UTF-8"),
      ("<Envelope/><Envelope/>", "1: there is a second element"), ("<Envelope>&#0;</Envelope>", "1: &#0; is not known"),
      ("<Envelope>&#xD800;</Envelope>", "1: &#xD800; is not known"),
      ("<Envelope><!-- </Envelope>", "1: \"-->\" is missing"),
      (String(repeating: "<a>", count: 65), "1: its elements are nested more than 64 deep"),
      ("<", "1: there is no name"),
    ]
    for (text, wanted) in cases { #expect(fault(text)?.hasPrefix("\(line) \(wanted)") == true, "\(text.prefix(80))") }
    #expect(fault("<html/>") == "its OVF descriptor is none: line 1 has <html>, not <Envelope>")
    #expect(throws: XMLFault.self) { try XMLReader.read([0x3C, 0xFF]) }
    #expect(throws: XMLFault.self) { try XMLReader.read([UInt8](repeating: 0x20, count: XMLReader.largest + 1)) }
  }

  /// No text makes it do anything but answer.
  @Test func anyBytesAreAnswered() {
    let text = Array(OVFTexts.text(OVFTexts.system("a", OVFTexts.disk), OVFTexts.product).utf8)
    for cut in stride(from: 0, to: text.count, by: 7) { _ = try? OVFReader.read(Array(text[..<cut])) }
    for place in stride(from: 0, to: text.count, by: 5) {
      var changed = text
      changed[place] = [0x3C, 0x3E, 0x26, 0x22, 0x39][place % 5]
      _ = try? OVFReader.read(changed)
    }
  }
}

/// Machines of lab files that are from appliances.
@Suite struct ApplianceLabTests {
  private func node(_ text: String) throws -> NodeDefinition {
    let head = "version: 1\nname: test\nswitches: { sw1: }\nvlans: { blue: 20 }\nnodes:\n"
    let result = load(head + text + "\n", facts: .appliances)
    return try #require(result.lab?.nodes.first, "\(result.diagnostics)")
  }

  @Test func takesWhatTheFileDoesNotSay() throws {
    let node = try node("  a: { kind: vm, image: one.ova, networks: { VM Network: { switch: sw1, vlan: blue } } }")
    #expect(node.cpus == 2 && node.memory == 512 << 20 && node.firmware == .bios)
    #expect(node.image == "/labs/one.ova" && node.disk == DiskDefinition(format: .qcow2))
    #expect(node.nics.map(\.name) == ["eth0", "eth1"] && node.nics.map(\.model) == [.vmxnet3, .e1000])
    #expect(node.nics.map(\.attachment) == [.switchPort(switch: "sw1", mode: .access(20)), .none])
    let properties = [ApplianceProperty(key: "hostname", value: "a"), ApplianceProperty(key: "build", value: "1")]
    let disks = [ApplianceDisk(file: "one.vmdk", size: 0, bus: .sata)]
    #expect(
      node.appliance
        == ApplianceDefinition(system: "router", configuration: nil, disks: disks, properties: properties))
  }

  @Test func theFileWins() throws {
    let node = try node(
      """
        a:
          kind: vm
          image: { file: one.ova, system: router, properties: { hostname: b c } }
          cpus: 1
          memory: 256M
          nics: { eth1: { switch: sw1 }, lan: { switch: sw1 } }
          networks: { VM Network: }
      """)
    #expect(node.cpus == 1 && node.memory == 256 << 20)
    #expect(node.nics.map(\.name) == ["eth0", "eth1", "lan"])
    #expect(
      node.nics.map(\.attachment) == [.none] + Array(repeating: .switchPort(switch: "sw1", mode: .access(1)), count: 2))
    #expect(node.nics.map(\.model) == [.vmxnet3, .e1000, .virtio])
    #expect(node.appliance?.properties?.first?.value == "b c")
  }

  /// What no machine has is no fault where the file says something else.
  @Test func theFileWinsOverWhatNoMachineHas() throws {
    #expect(try node("  a: { kind: vm, image: many.ova, cpus: 1 }").cpus == 1)
  }

  /// Links find the NICs of an appliance, and each of a range of nodes has its own.
  @Test func linksAndRanges() throws {
    let text = """
      version: 1
      name: test
      switches: { sw1: }
      nodes: { "a[1-2]": { kind: vm, image: { file: two.ova, system: web } }, b: { kind: vm, image: one.ova } }
      links: [ { ends: [b:eth0, b:eth1] } ]
      """
    let lab = try #require(load(text, facts: .appliances).lab)
    #expect(lab.nodes.map(\.appliance?.system) == ["web", "web", "router"])
    #expect(lab.nodes[2].nics.allSatisfy { $0.attachment == .wire(link: "b:eth0--b:eth1") })
  }

  /// An entry of the catalogue is called by its name, after files of that name.
  @Test func entriesOfTheCatalogue() throws {
    let node = try node("  a: { kind: vm, image: kept }")
    #expect(node.image == "/images/kept.image" && node.disk?.format == .qcow2 && node.appliance == nil)
    #expect(
      load("version: 1\nname: test\nnodes: { a: { kind: vm, image: ../images/kept } }", facts: .appliances).hasErrors)
  }
}
