import Foundation
import LinuxHost
import TestSupport
import Testing

extension RealThings {
  /// A machine of libvirt's that goes to another host, and one that is saved to a file, as the user guide has them.
  @Suite struct LibvirtMigrations {
    /// One daemon of libvirt's and one of ours on each of two hosts.
    @Test(.timeLimit(.minutes(4))) func moveLiveSaveAndRestore() async throws {
      try await HostPair.use(nic: ", socket-owner: \"libvirt-qemu:kvm\"") { pair in
        let left = try await Self.libvirt(on: pair.left, "left", "6f1a9c52-4c1b-4f0e-9d52-0e8f3a5b7c01")
        let right = try await Self.libvirt(on: pair.right, "right", "6f1a9c52-4c1b-4f0e-9d52-0e8f3a5b7c02")
        try await left.virsh("create", try left.write(Self.machine(), as: "vm.xml"), expecting: 0)
        try await pair.pings(MovingMachine.address, within: 90)
        let keeps = "head -c 30000000 /dev/urandom >/tmp/kept; md5sum </tmp/kept >/tmp/kept.sum; : >/run/was-here"
        #expect(try Self.agent(on: pair.left).status(of: keeps, within: 60) == 0)

        let moving = "unix://\(pair.right.folder)/sockets/moving"
        try await left.virsh("migrate", "--live", "vm", right.uri, "--migrateuri", moving, expecting: 0)
        try await pair.pings(MovingMachine.address)
        #expect(try await pair.place(of: MovingMachine.mac, seenBy: pair.left) == "wire.wire0")
        #expect(try await left.virsh("list", "--name", expecting: 0).output.contains("vm") == false)
        let same = "[ -e /run/was-here ] && md5sum </tmp/kept | cmp - /tmp/kept.sum"
        #expect(try Self.agent(on: pair.right).status(of: same, within: 60) == 0)

        let file = "\(pair.right.folder)/libvirt/vm.saved"
        try await right.virsh("save", "vm", file, expecting: 0)
        try await eventually("the machine is off") {
          try await pair.right.port("vm.eth0", "ape-right").carrier == "down"
        }
        try await right.virsh("restore", file, expecting: 0)
        try await pair.pings(MovingMachine.address)
        #expect(try Self.agent(on: pair.right).status(of: same, within: 60) == 0)
        try await right.virsh("destroy", "vm", expecting: 0)
      }
    }

    private static func agent(on host: Sandbox) -> Agent { Agent(path: "\(host.folder)/sockets/vm.agent") }

    /// A daemon of a host, with the built-in guest and a place for QEMU's sockets where its machines look for them.
    private static func libvirt(on host: Sandbox, _ name: String, _ uuid: String) async throws -> LibvirtDaemon {
      let manager = FileManager.default
      try manager.setAttributes([.posixPermissions: 0o755], ofItemAtPath: host.folder)
      for (folder, mode) in [("libvirt", 0o755), ("sockets", 0o777)] {
        try manager.createDirectory(atPath: "\(host.folder)/\(folder)", withIntermediateDirectories: false)
        try manager.setAttributes([.posixPermissions: mode], ofItemAtPath: "\(host.folder)/\(folder)")
      }
      for file in ["vmlinuz", "initramfs.gz"] {
        try manager.copyItem(atPath: "\(host.guestFolder)/\(file)", toPath: "\(host.folder)/\(file)")
      }
      return try await LibvirtDaemon(
        host, folder: "\(host.folder)/libvirt",
        host: LibvirtDaemon.Host(name: "ape-\(name)", uuid: uuid, folder: host.folder))
    }

    private static func machine() -> String {
      let folder = LibvirtDaemon.sharedFolder
      let nic = "apus.nic=eth0,\(MovingMachine.mac),\(MovingMachine.address)/24"
      return """
        <domain type='qemu' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>
          <name>vm</name>
          <memory unit='MiB'>128</memory>
          <memoryBacking><source type='memfd'/><access mode='shared'/></memoryBacking>
          <os>
            <type arch='x86_64' machine='pc'>hvm</type>
            <kernel>\(folder)/vmlinuz</kernel>
            <initrd>\(folder)/initramfs.gz</initrd>
            <cmdline>console=ttyS0 quiet no_timer_check tsc=reliable apus.name=vm \(nic)</cmdline>
          </os>
          <features><acpi/></features>
          <devices>
            <interface type='vhostuser'>
              <mac address='\(MovingMachine.mac)'/>
              <source type='unix' path='\(folder)/vm.sock' mode='client'>
                <reconnect enabled='yes' timeout='1'/>
              </source>
              <model type='virtio'/>
            </interface>
            <channel type='unix'>
              <source mode='bind' path='\(folder)/sockets/vm.agent'/>
              <target type='virtio' name='apus.exec'/>
            </channel>
          </devices>
          <qemu:commandline>
            <qemu:arg value='-global'/><qemu:arg value='virtio-net-pci.vectors=0'/>
          </qemu:commandline>
        </domain>

        """
    }
  }
}
