import Testing
import Topology

@testable import Importing

/// libvirt's files, read, and what the lab file says of them.
@Suite struct LibvirtTests {
  static let network = """
    <network>
      <name>ovs-net</name>
      <forward mode='bridge'/>
      <bridge name='ovsbr0'/>
      <virtualport type='openvswitch'/>
      <portgroup name='plain' default='yes'><vlan trunk='yes'><tag id='42'/></vlan></portgroup>
      <portgroup name='mixed'><vlan><tag id='10' nativeMode='untagged'/><tag id='20'/></vlan></portgroup>
    </network>
    """
  static let domain = """
    <domain type='kvm'>
      <name>Web 1</name>
      <memory>524288</memory>
      <vcpu>2</vcpu>
      <devices>
        <interface type='network'>
          <mac address='52:54:00:00:00:02'/>
          <source network='ovs-net'/>
          <model type='ViRtIo'/>
          <link state='down'/>
          <address type='pci' domain='0x0000' bus='0x00' slot='0x05' function='0x0'/>
        </interface>
        <interface type='network'>
          <mac address='52:54:00:00:00:01'/>
          <source network='ovs-net' portgroup='mixed'/>
          <vlan><tag id='7'/></vlan>
          <model type='e1000'/>
          <bandwidth><inbound average='1000' peak='5000'/></bandwidth>
          <mtu size='1400'/>
          <address type='pci' domain='0x0000' bus='0x00' slot='0x03' function='0x0'/>
        </interface>
        <disk type='file' device='disk'><source file='/images/web.qcow2'/></disk>
        <hostdev mode='subsystem' type='pci'/>
      </devices>
    </domain>
    """
  static let outside = """
    <domain type='kvm'>
      <name>dpdk</name>
      <memory unit='GiB'>1</memory>
      <memoryBacking><source type='memfd'/><access mode='shared'/></memoryBacking>
      <devices>
        <interface type='vhostuser'>
          <mac address='52:54:00:00:01:01'/>
          <source type='unix' path='/run/vm.sock' mode='server'/>
          <model type='virtio'/><driver queues='4'/>
        </interface>
        <interface type='vhostuser'>
          <source type='unix' path='/run/other.sock' mode='client'/><model type='virtio'/>
        </interface>
      </devices>
    </domain>
    """

  /// Test 18 of the formats' facts: port groups, a NIC's own VLAN, memory without a unit, both roles.
  @Test func openVSwitchAndVhostUser() throws {
    let files = Foreign.files(["net.xml": Self.network, "web.xml": Self.domain, "dpdk.xml": Self.outside])
    let outcome = try Importer.run(files, from: nil, options: ImportOptions(), hasImage: { _ in false })
    let lab = outcome.file.lab
    #expect(outcome.tool == "libvirt" && lab.nodes.count == 2 && lab.switches.count == 2)
    let web = try #require(lab.nodes.first { $0.kind == "vm" })
    #expect(web.name == "web-1" && outcome.file.text.contains("# Web 1"))
    #expect(web.memory == 512 << 20 && web.cpus == 2)
    // By their places on PCI.
    #expect(web.nics.map { "\($0.mac)" } == ["52:54:00:00:00:01", "52:54:00:00:00:02"])
    #expect(web.nics.map(\.model) == [.e1000, .virtio] && web.nics[0].mtu == 1400)
    let text = outcome.file.text
    #expect(text.contains("vlan: 7\n") && text.contains("trunk: [42]\n"), "\(text)")
    #expect(text.contains("impair: { from-b: { rate: 8000kbit } }") || text.contains("rate: 8000kbit"), "\(text)")
    #expect(text.contains("# its carrier is down there"), "\(text)")
    let dpdk = try #require(lab.nodes.first { $0.kind == "external" })
    #expect(dpdk.nics.map(\.role) == [.connect, .listen] && dpdk.nics[0].queues == 4)
    #expect(dpdk.nics.map(\.socket) == ["/run/vm.sock", "/run/other.sock"])
    let lost = outcome.file.notes.filter { $0.outcome == .lost }.map(\.key)
    for key in ["network ovs-net.forward", "Web 1.devices.hostdev", "Web 1.interface 1.bandwidth"] {
      #expect(lost.contains(key), "\(key): \(lost)")
    }
    #expect(outcome.file.notes.contains { $0.path == "web.xml" && $0.line == 23 }, "\(outcome.file.notes)")
  }

  @Test func vlanWords() throws {
    func vlan(_ text: String) throws -> (ForeignVLAN?, Int) {
      let (vlan, changes) = LibvirtWords.vlan(try XMLReader.read(Array(text.utf8)))
      return (vlan, changes.count)
    }
    #expect(try vlan("<vlan><tag id='5'/></vlan>") == (.access(5), 0))
    #expect(try vlan("<vlan trunk='yes'><tag id='5'/></vlan>") == (.trunk([5], native: nil), 0))
    #expect(
      try vlan("<vlan><tag id='5' nativeMode='untagged'/><tag id='6'/></vlan>") == (.trunk([5, 6], native: 5), 0))
    #expect(try vlan("<vlan trunk='yes'><tag id='5' nativeMode='tagged'/></vlan>") == (.trunk([5], native: nil), 1))
    #expect(try vlan("<vlan><tag id='4095'/></vlan>") == (nil, 1))
  }

  @Test func memoryUnits() throws {
    for (text, bytes) in [
      ("<memory>1048576</memory>", UInt64(1) << 30), ("<memory unit='KB'>10</memory>", 10_000),
      ("<memory unit='gib'> 2 </memory>", 2 << 30), ("<memory unit='B'>7</memory>", 7),
    ] {
      #expect(LibvirtWords.memory(try XMLReader.read(Array(text.utf8))) == bytes, "\(text)")
    }
    for text in ["<memory unit='TiB'>99999999999999</memory>", "<memory unit='x'>1</memory>", "<memory>-1</memory>"] {
      #expect(LibvirtWords.memory(try XMLReader.read(Array(text.utf8))) == nil, "\(text)")
    }
  }

  /// Addresses that the network hands out are of the NIC with that MAC; what is on the network's bridge is on it.
  @Test func reservationsAndBridges() throws {
    let network = """
      <network><name>default</name><forward/><bridge name='virbr0'/>
        <ip address='192.168.122.1' netmask='255.255.255.0'>
          <dhcp><host mac='52:54:00:00:00:0A' ip='192.168.122.10'/></dhcp>
        </ip>
      </network>
      """
    func domain(_ name: String, _ interface: String) -> String {
      "<domain type='qemu'><name>\(name)</name><memory unit='MiB'>256</memory><devices>\(interface)</devices></domain>"
    }
    let files = Foreign.files([
      "a.xml": domain(
        "a", "<interface type='network'><mac address='52:54:00:00:00:0a'/><source network='default'/></interface>"),
      "b.xml": domain("b", "<interface type='bridge'><source bridge='virbr0'/></interface>"),
      "c.xml": domain("c", "<interface type='server'><source address='127.0.0.1' port='5558'/></interface>"),
      "d.xml": domain("d", "<interface type='client'><source address='127.0.0.1' port='5558'/></interface>"),
      "n.xml": network,
    ])
    let lab = try LibvirtFormat().read(files, ImportOptions())
    #expect(lab.nodes[0].nics[0].addresses == ["192.168.122.10/24"])
    #expect(lab.nodes[0].nics[0].segment == lab.nodes[1].nics[0].segment)
    let result = try Importer.run(files, from: "libvirt", options: ImportOptions(), hasImage: { _ in false }).file
    #expect(result.lab.switches.map(\.name) == ["default"] && result.lab.links.count == 1, "\(result.text)")
  }

  /// Small declarations that larger ones would be bombs of, an entity from elsewhere, and broken documents.
  @Test func hostileDocumentsAreRefused() throws {
    for (text, line) in [
      ("<!DOCTYPE domain [<!ENTITY a 'b'>]>\n<domain ><name>&a;</name></domain>", 1),
      ("<domain >\n<!ENTITY x SYSTEM 'file:///etc/hostname'>\n</domain>", 2),
      ("<domain >\n\n<name>&x;</name></domain>", 3), ("<domain >\n<name>\n</domain>", 3), ("<domain >", 1),
      ("<domain><name>a</name></domain><domain/>", 1),
    ] {
      let files = Foreign.files(["a.xml": text])
      let faults = #expect(throws: ImportFaults.self) { try LibvirtFormat().read(files, ImportOptions()) }
      #expect(faults?.faults.first?.line == line && faults?.faults.first?.path == "a.xml", "\(text): \(faults as Any)")
    }
    let other = Foreign.files(["a.xml": "<pool type='dir'><name>x</name></pool>"])
    #expect(throws: ImportFaults.self) { try LibvirtFormat().read(other, ImportOptions()) }
    #expect(!LibvirtFormat().recognises(other))
  }
}

/// Files of a folder, as the command hands them in.
enum Foreign {
  static func files(_ texts: [String: String], descriptors: [String: String] = [:]) -> ForeignFiles {
    let names = (Array(texts.keys) + Array(descriptors.keys)).sorted()
    var files = ForeignFiles(
      roots: names, folderName: "lab", environment: [:], paths: names, named: names
    ) { (path: String) throws(ImportFault) in texts[path] }
    files.descriptor = { (path: String) throws(ImportFault) in descriptors[path] }
    return files
  }
}
