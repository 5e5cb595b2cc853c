import Foundation
import TestSupport
import Testing

extension RealThings {
  /// An appliance of the test's own making: the built-in guest's kernel on a disk with a boot loader, exported as VMware
  /// does it; what would open files of this host is refused by Apus before QEMU sees it.
  @Suite struct Appliances {
    private static let lab = "ape-ova"

    private static let descriptor = """
      <?xml version="1.0" encoding="UTF-8"?>
      <Envelope xmlns="http://schemas.dmtf.org/ovf/envelope/1" xmlns:ovf="http://schemas.dmtf.org/ovf/envelope/1"
        xmlns:rasd="http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_ResourceAllocationSettingData">
      <References><File ovf:href="disk1.vmdk" ovf:id="f1"/></References>
      <DiskSection><Disk ovf:capacity="24" ovf:capacityAllocationUnits="byte * 2^20" ovf:diskId="d1" ovf:fileRef="f1"/>
      <Disk ovf:capacity="8" ovf:capacityAllocationUnits="byte * 2^20" ovf:diskId="d2"/></DiskSection>
      <NetworkSection><Network ovf:name="VM Network"/><Network ovf:name="Other"/></NetworkSection>
      <VirtualSystem ovf:id="small one">
      <ProductSection><Property ovf:key="hostname" ovf:userConfigurable="true" ovf:value="x"/></ProductSection>
      <VirtualHardwareSection ovf:transport="iso">
      <Item><rasd:InstanceID>1</rasd:InstanceID><rasd:ResourceType>3</rasd:ResourceType>
        <rasd:VirtualQuantity>1</rasd:VirtualQuantity></Item>
      <Item><rasd:AllocationUnits>byte * 2^20</rasd:AllocationUnits><rasd:InstanceID>2</rasd:InstanceID>
        <rasd:ResourceType>4</rasd:ResourceType><rasd:VirtualQuantity>160</rasd:VirtualQuantity></Item>
      <Item><rasd:InstanceID>3</rasd:InstanceID><rasd:ResourceSubType>lsilogic</rasd:ResourceSubType>
        <rasd:ResourceType>6</rasd:ResourceType></Item>
      <Item><rasd:HostResource>ovf:/disk/d1</rasd:HostResource><rasd:InstanceID>4</rasd:InstanceID>
        <rasd:Parent>3</rasd:Parent><rasd:ResourceType>17</rasd:ResourceType></Item>
      <Item><rasd:HostResource>ovf:/disk/d2</rasd:HostResource><rasd:InstanceID>5</rasd:InstanceID>
        <rasd:Parent>3</rasd:Parent><rasd:ResourceType>17</rasd:ResourceType></Item>
      <Item><rasd:AddressOnParent>7</rasd:AddressOnParent><rasd:Connection>VM Network</rasd:Connection>
        <rasd:InstanceID>6</rasd:InstanceID><rasd:ResourceSubType>VmxNet3</rasd:ResourceSubType>
        <rasd:ResourceType>10</rasd:ResourceType></Item>
      <Item><rasd:AddressOnParent>8</rasd:AddressOnParent><rasd:Connection>Other</rasd:Connection>
        <rasd:InstanceID>7</rasd:InstanceID><rasd:ResourceSubType>virtio</rasd:ResourceSubType>
        <rasd:ResourceType>10</rasd:ResourceType></Item>
      </VirtualHardwareSection></VirtualSystem></Envelope>
      """

    /// Runs a line of shell in the sandbox's folder.
    private func shell(_ line: String, _ sandbox: Sandbox) async throws {
      let outcome = try await execute(["/bin/sh", "-ec", "cd \(sandbox.folder); \(line)"])
      guard outcome.status == 0 else { throw Failure("\(outcome)") }
    }

    /// A disk that boots, with all drivers, as a stream-optimized VMDK, with descriptor and manifest around it.
    private func makeAppliance(_ sandbox: Sandbox) async throws {
      let words = "apus.name=app apus.nic=eth0,02:00:00:00:00:01,10.0.0.1/24"
      let menu = "SERIAL 0 115200\nDEFAULT a\nLABEL a\n  KERNEL vmlinuz\n  INITRD initrd.gz\n"
      _ = try sandbox.write("\(menu)  APPEND console=ttyS0 quiet \(words)\n", as: "syslinux.cfg")
      _ = try sandbox.write(Self.descriptor, as: "a.ovf")
      try await shell(
        """
        truncate -s 24M disk.raw; mkfs.vfat disk.raw >/dev/null
        mcopy -i disk.raw syslinux.cfg ::/syslinux.cfg; syslinux --install disk.raw
        mcopy -i disk.raw \(sandbox.guestFolder)/vmlinuz-full ::/vmlinuz
        mcopy -i disk.raw \(sandbox.guestFolder)/initramfs-full.gz ::/initrd.gz
        qemu-img convert -f raw -O vmdk -o subformat=streamOptimized disk.raw disk1.vmdk; rm disk.raw
        for f in a.ovf disk1.vmdk; do echo "SHA256 ($f) = $(sha256sum $f | cut -d' ' -f1)"; done >a.mf
        tar --format=ustar -cf a.ova a.ovf a.mf disk1.vmdk
        """, sandbox)
    }

    private func file(_ image: String, _ sandbox: Sandbox) throws -> String {
      try sandbox.write(
        """
        version: 1
        name: ape-ova
        switches: { sw1: {} }
        nodes:
          app:
            kind: vm
            image: \(image)
            networks: { "VM Network": { switch: sw1, mac: "02:00:00:00:00:01", address: 10.0.0.1/24 } }
          h: { kind: netns, nics: { eth0: { switch: sw1, address: 10.0.0.2/24 } } }

        """)
    }

    @Test(.timeLimit(.minutes(8))) func anArchiveBootsAndPings() async throws {
      try await Sandbox.use { sandbox in
        try await makeAppliance(sandbox)
        let path = try file("{ file: a.ova, properties: { hostname: y } }", sandbox)
        let outcome = try await sandbox.apus("up", path, expecting: 0)
        #expect(outcome.errors.contains("app: unpacking disk1.vmdk, vmdk (streamOptimized)"), "\(outcome)")
        #expect(
          outcome.errors.contains("note[L320]") && outcome.errors.contains("\"Other\", leads nowhere"), "\(outcome)")
        try await sandbox.pings("h", "10.0.0.1", lab: Self.lab, within: 180)
        let list = try await sandbox.apus("image", "list", expecting: 0)
        let name = try #require(list.output.split(separator: "\n").last?.split(separator: " ").first.map(String.init))
        #expect(name.hasPrefix("sha256:"), "\(list)")
        let refusal = try await sandbox.apus("image", "remove", name, expecting: 1)
        #expect(refusal.errors.contains("is in use"), "\(refusal)")
        try await sandbox.apus("down", Self.lab, expecting: 0)
        #expect(FileManager.default.fileExists(atPath: "\(sandbox.data)/\(Self.lab)") == false)

        // By its name in the catalogue, which has it at once; the file is not needed any more.
        let added = try await sandbox.apus("image", "add", "\(sandbox.folder)/a.ova", "--name", "web", expecting: 0)
        #expect(!added.errors.contains("unpacking"), "\(added)")
        try FileManager.default.removeItem(atPath: "\(sandbox.folder)/a.ova")
        let shown = try await sandbox.apus("image", "show", "web", expecting: 0)
        for text in [
          "small one", "cpus 1, memory 160 MiB, bios", "vmxnet3, network \"VM Network\"", "8 MiB, sata, empty",
        ] {
          #expect(shown.output.contains(text), "\(text): \(shown)")
        }
        let again = try await sandbox.apus("up", try file("web", sandbox), expecting: 0)
        #expect(!again.errors.contains("unpacking"), "\(again)")
        try await sandbox.pings("h", "10.0.0.1", lab: Self.lab, within: 180)
        try await sandbox.apus("down", Self.lab, expecting: 0)
        try await sandbox.apus("image", "remove", "web", expecting: 0)
        let store = try FileManager.default.contentsOfDirectory(atPath: "\(sandbox.data)/images/.store")
        #expect(store == [])
      }
    }

    /// Whatever is wrong is said, and nothing is left of it.
    @Test(.timeLimit(.minutes(4))) func whatIsNotTaken() async throws {
      try await Sandbox.use { sandbox in
        _ = try sandbox.write(Self.descriptor, as: "a.ovf")
        try await shell(
          """
          truncate -s 1M disk.raw; qemu-img convert -f raw -O vmdk -o subformat=streamOptimized disk.raw disk1.vmdk
          echo "SHA1(disk1.vmdk)= 0000000000000000000000000000000000000000" >a.mf; tar -cf sums.ova a.ovf a.mf disk1.vmdk
          tar -cf missing.ova a.ovf; tar -Pcf out.ova a.ovf ../$(basename $PWD)/disk1.vmdk
          ln -s /etc/hostname disk2.vmdk; tar -cf link.ova a.ovf disk1.vmdk disk2.vmdk; rm disk2.vmdk
          truncate -s 1G hole; tar -Scf sparse.ova a.ovf disk1.vmdk hole; rm hole
          qemu-img create -q -u -f qcow2 -F raw -b /etc/hostname host.qcow2 1M
          qemu-img create -q -u -f qcow2 -F raw -b nbd:localhost:1 net.qcow2 1M
          printf '# Disk DescriptorFile\\nversion=1\\nparentCID=ffffffff\\ncreateType="monolithicFlat"\\n' >host.vmdk
          printf 'RW 1 FLAT "/etc/hostname" 0\\n' >>host.vmdk
          """, sandbox)
        for (name, wanted) in [
          ("sums.ova", "its manifest says 000000000000"), ("missing.ova", "lacks its disk disk1.vmdk"),
          ("out.ova", "which leads out of it"), ("link.ova", "disk2.vmdk that is a symbolic link"),
          ("sparse.ova", "a sparse file"), ("host.qcow2", "names /etc/hostname as its backing file"),
          ("net.qcow2", "names nbd:localhost:1 as its backing file"),
          ("host.vmdk", "names /etc/hostname as its extent"),
        ] {
          let outcome = try await sandbox.apus("image", "add", "\(sandbox.folder)/\(name)", expecting: 2)
          #expect(outcome.errors.contains(wanted), "\(name): \(outcome)")
          let path = try sandbox.write("version: 1\nname: ape-ova\nnodes: { app: { kind: vm, image: \(name) } }\n")
          let up = try await sandbox.apus("up", path, expecting: 2)
          #expect(up.errors.contains(wanted), "\(name): \(up)")
        }
        #expect(try await sandbox.apus("image", "list", expecting: 0).output.split(separator: "\n").count <= 1)
        #expect(FileManager.default.fileExists(atPath: "\(sandbox.data)/\(Self.lab)") == false)
        let images = (try? FileManager.default.subpathsOfDirectory(atPath: "\(sandbox.data)/images")) ?? []
        #expect(images.filter { $0 != ".store" } == [], "\(images)")
      }
    }
  }
}
