import Foundation
import LinuxHost
import TestSupport
import Testing

extension RealThings {
  /// Machines that libvirt runs, as the user guide has them.
  @Suite struct LibvirtMachines {
    private static let lab = "ape-virt"

    /// One machine with a NIC of each role of the socket, and one that is plugged in while it runs.
    @Test(.timeLimit(.minutes(4))) func startPlugAndOutliveTheDaemon() async throws {
      try await Sandbox.use { sandbox in
        let folder = try Self.folder(in: sandbox)
        let file = try Self.lab(in: sandbox, folder)
        try await sandbox.apus("up", file, expecting: 0)
        let libvirt = try await LibvirtDaemon(sandbox, folder: "\(folder)/libvirt")
        let client = Self.interface(1, path: "\(folder)/vm.eth0.sock")
        let server = Self.interface(2, path: "\(folder)/sockets/vm.eth1.sock", isServer: true)
        let machine = try libvirt.write(Self.machine(client + server, in: folder), as: "vm.xml")
        try await libvirt.virsh("create", machine, expecting: 0)
        try await sandbox.pings("probe", "10.8.0.1", lab: Self.lab, within: 90)
        try await sandbox.pings("probe", "10.8.0.2", lab: Self.lab)

        let plugged = try libvirt.write(Self.interface(3, path: "\(folder)/vm.eth2.sock"), as: "eth2.xml")
        try await libvirt.virsh("attach-device", "vm", plugged, "--live", expecting: 0)
        try await Self.carriers(["up", "up", "up"], sandbox)

        // The machine goes on over the loss of the daemon; libvirt 9.0 has QEMU reconnect by those NICs alone that
        // the machine was started with.
        let daemon = try sandbox.daemon(Self.lab)
        daemon.signal(SIGKILL)
        #expect(await daemon.wait(timeoutSeconds: 10))
        try await sandbox.apus("up", file, expecting: 0)
        try await Self.carriers(["up", "up", "down"], sandbox)
        try await sandbox.pings("probe", "10.8.0.1", lab: Self.lab)
        try await sandbox.pings("probe", "10.8.0.2", lab: Self.lab)
        try await libvirt.virsh("detach-device", "vm", plugged, "--live", expecting: 0)
        try await eventually("eth2 is plugged in again") {
          try await libvirt.ask("attach-device", "vm", plugged, "--live").status == 0
        }
        try await Self.carriers(["up", "up", "up"], sandbox)
        try await libvirt.virsh("destroy", "vm", expecting: 0)
        try await Self.carriers(["down", "down", "down"], sandbox)
        try await sandbox.apus("down", Self.lab, expecting: 0)
      }
    }

    /// QEMU's question after a queue takes the ring away from the back-end; the carrier, taken and given, brings it back.
    @Test(.timeLimit(.minutes(3))) func aQueueThatQEMUWasAskedAboutIsSeenToStandStill() async throws {
      try await Sandbox.use { sandbox in
        let folder = try Self.folder(in: sandbox)
        try await sandbox.apus("up", try Self.lab(in: sandbox, folder), expecting: 0)
        let libvirt = try await LibvirtDaemon(sandbox, folder: "\(folder)/libvirt")
        let client = Self.interface(1, path: "\(folder)/vm.eth0.sock")
        try await libvirt.virsh(
          "create", try libvirt.write(Self.machine(client, in: folder), as: "vm.xml"), expecting: 0)
        try await sandbox.pings("probe", "10.8.0.1", lab: Self.lab, within: 90)
        let device = "/machine/peripheral/ua-net1/virtio-backend"
        let question = #"{"execute":"x-query-virtio-queue-status","arguments":{"path":"\#(device)","queue":0}}"#
        try await libvirt.virsh("qemu-monitor-command", "vm", question, expecting: 0)
        try await eventually("the ring is stopped by its front-end") {
          try await sandbox.port("vm.eth0", Self.lab).queue_status?.first?.stopped == "stopped by its front-end"
        }
        try await sandbox.apus("link", "set", "vm.eth0", "down", "--lab", Self.lab, expecting: 0)
        try await sandbox.apus("link", "set", "vm.eth0", "up", "--lab", Self.lab, expecting: 0)
        try await sandbox.pings("probe", "10.8.0.1", lab: Self.lab)
        try await sandbox.apus("down", Self.lab, expecting: 0)
      }
    }

    // MARK: - What it takes

    /// A folder that libvirt's user can enter, with the built-in guest and a place for QEMU's own sockets in it.
    private static func folder(in sandbox: Sandbox) throws -> String {
      let manager = FileManager.default
      for (name, mode) in [("", 0o755), ("/v", 0o755), ("/v/libvirt", 0o755), ("/v/sockets", 0o777)] {
        let path = sandbox.folder + name
        if !name.isEmpty { try manager.createDirectory(atPath: path, withIntermediateDirectories: false) }
        try manager.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
      }
      let folder = "\(sandbox.folder)/v"
      // libvirt makes files that its machines start from their own, so they are given copies.
      for name in ["vmlinuz", "initramfs.gz"] {
        try manager.copyItem(atPath: "\(sandbox.guestFolder)/\(name)", toPath: "\(folder)/\(name)")
      }
      return folder
    }

    private static func lab(in sandbox: Sandbox, _ folder: String) throws -> String {
      func nic(_ name: String) -> String {
        "\(name): { switch: sw1, socket: \(folder)/vm.\(name).sock, socket-owner: \"libvirt-qemu:kvm\" }"
      }
      return try sandbox.write(
        """
        version: 1
        name: \(lab)
        switches: { sw1: {} }
        nodes:
          vm:
            kind: external
            nics:
              \(nic("eth0"))
              eth1: { switch: sw1, role: connect, socket: \(folder)/sockets/vm.eth1.sock }
              \(nic("eth2"))
          probe: { kind: netns, nics: { eth0: { switch: sw1, address: 10.8.0.9/24 } } }

        """)
    }

    private static func interface(_ number: Int, path: String, isServer: Bool = false) -> String {
      let mode = isServer ? "server" : "client"
      return """
        <interface type='vhostuser'>
          <mac address='02:00:00:00:08:0\(number)'/>
          <source type='unix' path='\(path)' mode='\(mode)'>
            \(isServer ? "" : "<reconnect enabled='yes' timeout='1'/>")
          </source>
          <model type='virtio'/>
          <alias name='ua-net\(number)'/>
        </interface>

        """
    }

    /// What the built-in guest is told of a NIC.
    private static func guestNIC(_ number: Int) -> String {
      "apus.nic=eth\(number - 1),02:00:00:00:08:0\(number),10.8.0.\(number)/24"
    }

    private static func machine(_ interfaces: String, in folder: String) -> String {
      """
      <domain type='qemu' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>
        <name>vm</name>
        <memory unit='MiB'>128</memory>
        <memoryBacking><source type='memfd'/><access mode='shared'/></memoryBacking>
        <os>
          <type arch='x86_64' machine='pc'>hvm</type>
          <kernel>\(folder)/vmlinuz</kernel>
          <initrd>\(folder)/initramfs.gz</initrd>
          <cmdline>console=ttyS0 quiet no_timer_check tsc=reliable apus.name=vm \(guestNIC(1)) \(guestNIC(2))</cmdline>
        </os>
        <features><acpi/></features>
        <devices>
      \(interfaces)
        </devices>
        <qemu:commandline>
          <qemu:arg value='-global'/><qemu:arg value='virtio-net-pci.vectors=0'/>
        </qemu:commandline>
      </domain>

      """
    }

    private static func carriers(_ carriers: [String], _ sandbox: Sandbox) async throws {
      try await eventually("carriers are \(carriers)") {
        let ports = try await sandbox.ports(lab)
        return (0..<3).map { index in ports.first { $0.name == "vm.eth\(index)" }?.carrier } == carriers
      }
    }
  }
}
