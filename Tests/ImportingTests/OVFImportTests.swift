import Testing
import Topology

@testable import Importing

/// OVF descriptors, read, and what the lab file says of them.
@Suite struct OVFImportTests {
  static func item(_ type: Int, _ id: Int, _ rest: String, _ attributes: String = "") -> String {
    "<Item \(attributes)><rasd:InstanceID>\(id)</rasd:InstanceID><rasd:ResourceType>\(type)</rasd:ResourceType>"
      + "\(rest)</Item>\n"
  }

  static func nic(_ id: Int, _ network: String, _ model: String = "E1000", _ attributes: String = "") -> String {
    item(
      10, id,
      "<rasd:Connection>\(network)</rasd:Connection><rasd:ResourceSubType>\(model)</rasd:ResourceSubType>", attributes)
  }

  static func envelope(_ body: String) -> String {
    """
    <?xml version="1.0" encoding="UTF-8"?>
    <Envelope xmlns="http://schemas.dmtf.org/ovf/envelope/1" xmlns:ovf="x" xmlns:rasd="y">
    <References><File ovf:id="f" ovf:href="disk.vmdk"/></References>
    <DiskSection><Disk ovf:diskId="d" ovf:fileRef="f" ovf:capacity="1"/></DiskSection>
    \(body)
    </Envelope>
    """
  }

  static let configured = envelope(
    """
    <DeploymentOptionSection><Configuration ovf:id="one"/><Configuration ovf:id="two"/>
    <Configuration ovf:id="three" ovf:default="true"/></DeploymentOptionSection>
    <VirtualSystem ovf:id="fire wall"><VirtualHardwareSection>
    \(item(3, 1, "<rasd:VirtualQuantity>2</rasd:VirtualQuantity>"))
    \(item(4, 2, "<rasd:AllocationUnits>MegaBytes</rasd:AllocationUnits><rasd:VirtualQuantity>512</rasd:VirtualQuantity>"))
    \(item(
      4, 2, "<rasd:AllocationUnits>byte * 2^20</rasd:AllocationUnits><rasd:VirtualQuantity>1024</rasd:VirtualQuantity>",
      "ovf:configuration='three'"))
    \(nic(11, "VM Network", "VMXNET3 virtio"))
    \(nic(12, "Inside", "PCNet32", "ovf:configuration='two three'"))
    \(nic(13, "Outside", "E1000", "ovf:configuration='three'"))
    \(item(17, 20, "<rasd:HostResource>ovf:/disk/d</rasd:HostResource>"))
    </VirtualHardwareSection></VirtualSystem>
    """)

  /// Test 19 of the formats' facts: the configuration decides how many NICs there are, and the memory.
  @Test func configurations() throws {
    let files = Foreign.files(["wall.ovf": Self.configured])
    func run(_ configuration: String?) throws -> LabFileWriter.Result {
      let options = ImportOptions(configuration: configuration)
      return try Importer.run(files, from: nil, options: options, hasImage: { _ in true }).file
    }
    for (name, nics, memory) in [(nil, 3, 1024), ("one", 1, 512), ("two", 2, 512), ("three", 3, 1024)] {
      let result = try run(name)
      let node = try #require(result.lab.nodes.first)
      #expect(result.lab.nodes.count == 1 && node.nics.count == nics, "\(result.text)")
      #expect(node.memory == memory << 20 && node.cpus == 2, "\(result.text)")
      #expect(node.nics[0].model == .virtio, "\(result.text)")
      #expect(result.text.contains("configuration: \(name ?? "three")"), "\(result.text)")
    }
    let notes = try run(nil).notes
    #expect(notes.contains { $0.outcome == .changed && $0.key == "fire wall.NIC 2.ResourceSubType" }, "\(notes)")
    let faults = #expect(throws: ImportFaults.self) { try run("four") }
    #expect(faults?.faults.first?.hint == "it has: one, two, three")
  }

  static let pair = envelope(
    """
    <VirtualSystemCollection ovf:id="all">
    <StartupSection><Item ovf:id="db" ovf:order="1"/><Item ovf:id="web" ovf:order="2"/></StartupSection>
    <VirtualSystem ovf:id="web"><VirtualHardwareSection>\(nic(1, "the LAN"))</VirtualHardwareSection></VirtualSystem>
    <VirtualSystem ovf:id="db"><VirtualHardwareSection>
    \(item(
      10, 1, "<rasd:Address>00-50-56-00-00-01</rasd:Address><rasd:Connection>the LAN</rasd:Connection>"
      + "<rasd:ResourceSubType>virtio</rasd:ResourceSubType>"))
    </VirtualHardwareSection></VirtualSystem>
    </VirtualSystemCollection>
    """)

  static let old = """
    <Envelope xmlns="http://www.vmware.com/schema/ovf/1/envelope" xmlns:ovf="http://www.vmware.com/schema/ovf/1/envelope"
      xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:rasd="y">
    <References/>
    <Content ovf:id="old" xsi:type="ovf:VirtualSystem_Type"><Section xsi:type="ovf:VirtualHardwareSection_Type">
    <Item><rasd:InstanceId>5</rasd:InstanceId><rasd:ResourceType>10</rasd:ResourceType>
    <rasd:Connection>the LAN</rasd:Connection></Item></Section></Content>
    </Envelope>
    """

  /// Test 20: two machines on one network whose name has a blank are on a wire, and one starts after the other; a
  /// network of the same name of another descriptor is another one.
  @Test func collections() throws {
    let pair = try Importer.run(
      Foreign.files(["pair.ovf": Self.pair]), from: nil, options: ImportOptions(), hasImage: { _ in false }
    ).file
    #expect(pair.lab.nodes.count == 2 && pair.lab.links.count == 1 && pair.lab.switches.isEmpty, "\(pair.text)")
    #expect(pair.text.contains("after: db\n"), "\(pair.text)")
    #expect(pair.text.contains("00:50:56:00:00:01"), "\(pair.text)")
    #expect(pair.notes.contains { $0.key == "web.disks" && $0.outcome == .lost }, "\(pair.notes)")
    let both = try Importer.run(
      Foreign.files(["a.ovf": Self.pair, "b.ovf": Self.old]), from: nil, options: ImportOptions(),
      hasImage: { _ in false }
    ).file
    #expect(both.lab.nodes.count == 3 && both.lab.links.count == 1 && both.lab.switches.count == 1, "\(both.text)")
  }

  @Test func archivesAndBrokenDescriptors() throws {
    let archive = Foreign.files([:], descriptors: ["x.ova": Self.old])
    #expect(try OVFFormat().read(archive, ImportOptions()).nodes.map(\.name) == ["old"])
    for (text, words) in [
      ("<!DOCTYPE Envelope><Envelope/>", "document type"), ("<domain/>", "not <Envelope>"),
      ("<Envelope>", "not closed"),
      (Self.envelope(""), "no virtual system"),
    ] {
      let faults = #expect(throws: ImportFaults.self) {
        try OVFFormat().read(Foreign.files(["a.ovf": text]), ImportOptions())
      }
      #expect(faults?.faults.first?.message.contains(words) == true, "\(text): \(faults as Any)")
    }
    #expect(throws: ImportFaults.self) { try OVFFormat().read(Foreign.files([:]), ImportOptions()) }
    // Files that are not followed are none of the wiring's business, but no machine can start from such an appliance.
    let far = Self.configured.replacing("disk.vmdk", with: "../disk.vmdk")
    let lab = try OVFFormat().read(Foreign.files(["a.ovf": far]), ImportOptions())
    #expect(lab.nodes.map(\.nics.count) == [3] && lab.nodes[0].image == "none" && lab.appliances.isEmpty)
    #expect(lab.notes.contains { $0.outcome == .lost && $0.reason.contains("../disk.vmdk") }, "\(lab.notes)")
  }
}
