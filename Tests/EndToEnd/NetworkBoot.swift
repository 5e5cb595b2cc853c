import Foundation
import Glibc
import LinuxHost
import TestSupport
import Testing

extension RealThings {
  /// Machines that start from the network, and the servers of VLANs that they start from.
  @Suite struct NetworkBoot {
    private static let lab = "ape-netboot"
    /// What a kernel of the built-in guest is told that comes over the network.
    private static let words = "console=ttyS0 mitigations=off nokaslr cryptomgr.notests no_timer_check tsc=reliable"

    private static func file(_ dhcp: String, _ nodes: String) -> String {
      """
      version: 1
      name: ape-netboot
      vlans: { blue: { id: 20, subnet: 10.0.20.0/24, dhcp: \(dhcp) } }
      switches: { sw1: {}, sw2: {} }
      links: [{ ends: [sw1, sw2], trunk: all }]
      nodes:
        probe: { kind: netns, nics: { eth0: { switch: sw1, vlan: blue, address: 10.0.20.2/24 } } }
        \(nodes)

      """
    }

    /// A machine that has what `keys` say, on the other switch.
    private static func machine(_ keys: String) -> String {
      "bare: { kind: vm, image: none, memory: 384M, \(keys), ready: { console: built-in shell, timeout: 300s }, "
        + "nics: { eth0: { switch: sw2, vlan: blue, address: 10.0.20.1/24 } } }"
    }

    private static func console(_ sandbox: Sandbox) -> String {
      text(of: "\(sandbox.data)/\(lab)/bare/console.log") ?? ""
    }

    private static func serverLog(_ sandbox: Sandbox) -> String {
      text(of: "\(sandbox.data)/\(lab)/dhcp-blue/dnsmasq.log") ?? ""
    }

    /// Seconds from the machine's start to the first line of its kernel, for the log of the run.
    private static func watchFirstLine(_ sandbox: Sandbox, _ what: String) -> Task<Void, any Error> {
      Task {
        while !FileManager.default.fileExists(atPath: "\(sandbox.data)/\(lab)/bare/console.log") {
          try await Task.sleep(for: .milliseconds(50))
        }
        let begin = ContinuousClock.now
        while !console(sandbox).contains("Linux version") { try await Task.sleep(for: .milliseconds(100)) }
        print("\(what): first line of the kernel after \(ContinuousClock.now - begin)")
      }
    }

    @Test(.timeLimit(.minutes(10))) func biosLoadsAKernelByiPXE() async throws {
      try await Sandbox.use { sandbox in
        let root = "\(sandbox.folder)/tftp"
        try FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: true)
        for name in ["vmlinuz", "initramfs.gz"] {
          try FileManager.default.copyItem(atPath: "\(sandbox.guestFolder)/\(name)", toPath: "\(root)/\(name)")
        }
        let script = """
          #!ipxe
          kernel http://${next-server}/vmlinuz \(Self.words) apus.name=${hostname} apus.nic=eth0,${net0/mac},${net0/ip}/24
          initrd http://${next-server}/initramfs.gz
          boot

          """
        _ = try sandbox.write(script, as: "tftp/boot.ipxe")
        let file = try sandbox.write(
          Self.file("{ boot: { root: tftp, bios: boot.ipxe } }", Self.machine("disk: 1G, boot: [network, disk]")))
        let watch = Self.watchFirstLine(sandbox, "iPXE")
        defer { watch.cancel() }
        try await sandbox.apus("up", file, expecting: 0, within: 300)
        // It has the address and the name of the file, by its MAC address.
        try await sandbox.pings("probe", "10.0.20.1", lab: Self.lab)
        #expect(Self.console(sandbox).contains("bare:/root#"), "\(Self.console(sandbox).suffix(500))")
        let port = try await sandbox.port("bare.eth0", Self.lab)
        #expect(port.carrier == "up")
        try await Self.restart(sandbox)
        try await sandbox.apus("down", Self.lab, expecting: 0)
      }
    }

    /// Its disk is there, and the next start finds nothing on it and goes to the network again.
    private static func restart(_ sandbox: Sandbox) async throws {
      #expect(FileManager.default.fileExists(atPath: "\(sandbox.data)/\(lab)/bare/disk.qcow2"))
      let before = serverLog(sandbox).components(separatedBy: "sent ").count
      // Its system does not know the button by which it would be asked to shut down, and a minute is its time for that.
      let pid = try await sandbox.nodes(lab).first { $0.node == "bare" }?.pid
      guard let machine = pid.flatMap({ ProcessIdentity.of(pid: $0) }) else { throw Failure("bare has no process") }
      machine.signal(SIGKILL)
      try await eventually("its end is noticed") {
        try await sandbox.nodes(lab).first { $0.node == "bare" }?.state != "running"
      }
      try await sandbox.apus("start", "bare", "--lab", lab, expecting: 0, within: 300)
      #expect(serverLog(sandbox).components(separatedBy: "sent ").count > before)
    }

    @Test(.timeLimit(.minutes(10))) func uefiLoadsAKernelByItsOwnDriver() async throws {
      try await Sandbox.use { sandbox in
        let root = "\(sandbox.folder)/tftp"
        try FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: true)
        let mac = try await Self.macAddress(sandbox)
        try await Self.makeProgram("\(root)/guest.efi", sandbox, "eth0,\(mac),10.0.20.1/24")
        let file = try sandbox.write(
          Self.file("{ boot: { root: tftp, uefi: guest.efi } }", Self.machine("firmware: uefi, disk: 1G")))
        let watch = Self.watchFirstLine(sandbox, "OVMF")
        defer { watch.cancel() }
        try await sandbox.apus("up", file, expecting: 0, within: 300)
        try await sandbox.pings("probe", "10.0.20.1", lab: Self.lab)
        #expect(Self.serverLog(sandbox).contains("guest.efi to 10.0.20.1"))
        let variables = "\(sandbox.data)/\(Self.lab)/bare/uefi-vars.fd"
        #expect(FileManager.default.fileExists(atPath: variables))
        try await sandbox.apus("down", Self.lab, expecting: 0)
        #expect(!FileManager.default.fileExists(atPath: variables))
      }
    }

    /// On the root bus OVMF takes the interface from before the specification's version 1, where a NIC offers it.
    ///
    /// Ours do not; those of whoever starts QEMU by hand do.
    @Test(.timeLimit(.minutes(10))) func uefiLoadsAKernelByTheLegacyInterface() async throws {
      try await Sandbox.use { sandbox in
        let mac = "02:00:00:00:77:10"
        let root = "\(sandbox.folder)/tftp"
        try FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: true)
        try await Self.makeProgram("\(root)/guest.efi", sandbox, "eth0,\(mac),10.0.20.7/24")
        let nic = "{ switch: sw2, vlan: blue, address: 10.0.20.7/24, mac: \(mac), socket: \(sandbox.folder)/ext.sock }"
        let file = try sandbox.write(
          Self.file("{ boot: { root: tftp, uefi: guest.efi } }", "ext: { kind: external, nics: { eth0: \(nic) } }"))
        try await sandbox.apus("up", file, expecting: 0)
        let machine = try Self.startByHand(mac, sandbox)
        defer { machine.signal(SIGKILL) }
        try await eventually("the firmware asks by the legacy interface", within: 120) {
          let port = try await sandbox.port("ext.eth0", Self.lab)
          return port.receive_packets > 0 && port.features?.contains("VERSION_1") == false
        }
        try await sandbox.pings("probe", "10.0.20.7", lab: Self.lab, within: 240)
        let port = try await sandbox.port("ext.eth0", Self.lab)
        #expect(port.features?.contains("VERSION_1") == true && port.error == nil, "\(port)")
        #expect(Self.serverLog(sandbox).contains("guest.efi to 10.0.20.7"))
        try await sandbox.apus("down", Self.lab, expecting: 0)
      }
    }

    private static func startByHand(_ mac: String, _ sandbox: Sandbox) throws -> ProcessIdentity {
      let variables = "\(sandbox.folder)/vars.fd"
      try FileManager.default.copyItem(atPath: "/usr/share/OVMF/OVMF_VARS.fd", toPath: variables)
      let command = [
        "qemu-system-x86_64", "-nodefaults", "-no-user-config", "-display", "none", "-accel", "tcg", "-m", "384M",
        "-object", "memory-backend-memfd,share=on,id=m,size=384M", "-machine", "q35,memory-backend=m",
        "-drive", "if=pflash,format=raw,readonly=on,file=/usr/share/OVMF/OVMF_CODE.fd",
        "-drive", "if=pflash,format=raw,file=\(variables)", "-serial", "file:\(sandbox.folder)/ext.console.log",
        "-chardev", "socket,id=c,path=\(sandbox.folder)/ext.sock,reconnect=1", "-netdev", "vhost-user,id=n,chardev=c",
        "-device", "virtio-net-pci,netdev=n,mac=\(mac),bus=pcie.0,vectors=0,romfile=,bootindex=1",
      ]
      return try sandbox.start(command, log: "ext.qemu.log")
    }

    /// A kernel with its command line and initramfs as one program for UEFI.
    /// - Parameter nic: its name, MAC and IP address in the guest.
    private static func makeProgram(_ path: String, _ sandbox: Sandbox, _ nic: String) async throws {
      let stub = "/usr/lib/systemd/boot/efi/linuxx64.efi.stub"
      guard FileManager.default.fileExists(atPath: stub) else {
        throw Failure("no \(stub): systemd-boot-efi is missing")
      }
      let line = try sandbox.write("\(words) apus.name=bare apus.nic=\(nic)", as: "cmdline")
      let parts = [
        ("cmdline", line, "0x30000"), ("linux", "\(sandbox.guestFolder)/vmlinuz", "0x2000000"),
        ("initrd", "\(sandbox.guestFolder)/initramfs.gz", "0x4000000"),
      ]
      let arguments = parts.flatMap { name, file, place in
        ["--add-section", ".\(name)=\(file)", "--change-section-vma", ".\(name)=\(place)"]
      }
      let outcome = try await execute(["/usr/bin/objcopy"] + arguments + [stub, path], within: 60)
      guard outcome.status == 0 else { throw Failure("\(outcome)") }
    }

    /// The address that the machine's NIC will have.
    private static func macAddress(_ sandbox: Sandbox) async throws -> String {
      let file = try sandbox.write(file("on", machine("firmware: uefi")))
      let outcome = try await sandbox.apus("validate", "--canonical", "-o", "json", file, expecting: 0)
      let lab = try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any]
      let nodes = lab?["nodes"] as? [[String: Any]] ?? []
      let nics = nodes.first { $0["name"] as? String == "bare" }?["nics"] as? [[String: Any]]
      guard let mac = nics?.first?["mac"] as? String else { throw Failure("\(outcome)") }
      return mac
    }

    // MARK: - Servers

    @Test(.timeLimit(.minutes(5))) func serverLivesWithTheLab() async throws {
      try await Sandbox.use { sandbox in
        let guest = "vm1: { kind: vm, nics: { eth0: { switch: sw2, vlan: blue } } }"
        let other =
          "ext: { kind: external, nics: { eth0: { switch: sw2, vlan: blue, address: 10.0.20.7/24, mac: 02:00:00:00:77:07 } } }"
        var file = try sandbox.write(Self.file("on", "\(guest)\n  \(other)"))
        try await sandbox.apus("up", file, expecting: 0)
        let pid = try #require(try await sandbox.nodes(Self.lab).first { $0.node == "vm1" }?.pid)
        try await Self.askForLeases(sandbox)
        try await Self.askForNames(sandbox)
        try await Self.killServer(sandbox)
        // A change of it touches no guest.
        file = try sandbox.write(Self.file("{ range: [10.0.20.100, 10.0.20.100] }", "\(guest)\n  \(other)"))
        let change = try await sandbox.apus("up", file, expecting: 0)
        #expect(change.output.contains("change  node dhcp-blue"), "\(change)")
        #expect(!change.output.contains("vm1"), "\(change)")
        #expect(try await sandbox.nodes(Self.lab).first { $0.node == "vm1" }?.pid == pid)
        #expect(try await Self.lease("02:00:00:00:77:01", sandbox).contains("lease of 10.0.20.100 obtained"))
        try await Self.outlivesTheDaemon(sandbox, file)
        try await Self.ends(sandbox)
      }
    }

    /// Asks for an address as a station, in the probe's namespace.
    private static func lease(_ station: String, _ sandbox: Sandbox) async throws -> String {
      let setup = "ip link add link eth0 name mv0 address \(station) type macvlan && ip link set mv0 up"
      let ask = "busybox udhcpc -i mv0 -n -q -f -t 10 -T 1 -s /bin/true 2>&1"
      return try await shell(sandbox, "\(setup) && \(ask); ip link delete mv0")
    }

    private static func shell(_ sandbox: Sandbox, _ line: String) async throws -> String {
      let outcome = try await sandbox.apus("exec", "--lab", lab, "probe", "--", "sh", "-c", line)
      return outcome.output + outcome.errors
    }

    private static func askForLeases(_ sandbox: Sandbox) async throws {
      let free = try await lease("02:00:00:00:77:01", sandbox)
      #expect(free.contains(/lease of 10\.0\.20\.[0-9]+ obtained from 10\.0\.20\.254/), "\(free)")
      #expect(!free.contains("lease of 10.0.20.7 ") && !free.contains("lease of 10.0.20.1 "), "\(free)")
      // Whoever has a NIC's address of the file gets that NIC's.
      let known = try await lease("02:00:00:00:77:07", sandbox)
      #expect(known.contains("lease of 10.0.20.7 obtained"), "\(known)")
    }

    private static func askForNames(_ sandbox: Sandbox) async throws {
      for name in ["vm1", "vm1.\(lab)"] {
        let answer = try await shell(sandbox, "busybox nslookup \(name) 10.0.20.254")
        #expect(answer.contains("Address: 10.0.20.1") && !answer.contains("REFUSED"), "\(answer)")
      }
      let answer = try await shell(sandbox, "busybox nslookup nobody.\(lab) 10.0.20.254")
      #expect(answer.contains("NXDOMAIN"), "\(answer)")
    }

    private static func server(_ sandbox: Sandbox) async throws -> ProcessIdentity? {
      let pid = try await sandbox.nodes(lab).first { $0.node == "dhcp-blue" }?.pid
      return pid.flatMap { ProcessIdentity.of(pid: $0) }
    }

    private static func killServer(_ sandbox: Sandbox) async throws {
      let first = try #require(try await server(sandbox))
      first.signal(SIGKILL)
      try await eventually("another server is there") {
        guard let now = try await server(sandbox) else { return false }
        return now != first && now.isAlive
      }
      let answer = try await shell(sandbox, "busybox nslookup vm1 10.0.20.254")
      #expect(answer.contains("Address: 10.0.20.1"), "\(answer)")
    }

    private static func outlivesTheDaemon(_ sandbox: Sandbox, _ file: String) async throws {
      let before = try #require(try await server(sandbox))
      let daemon = try sandbox.daemon(lab)
      daemon.signal(SIGKILL)
      #expect(await daemon.wait(timeoutSeconds: 10))
      let doctor = try await sandbox.apus("doctor")
      #expect(doctor.output.contains("dnsmasq in namespace apus-\(lab)-dhcp-blue"), "\(doctor)")
      try await sandbox.apus("up", file, expecting: 0)
      #expect(try await server(sandbox) == before)
    }

    /// `down` ends what runs in namespaces, also what somebody has left there.
    private static func ends(_ sandbox: Sandbox) async throws {
      _ = try await shell(
        sandbox, "setsid sleep 1000 </dev/null >/dev/null 2>&1 & setsid sleep 1000 </dev/null >/dev/null 2>&1 &")
      let names = ["apus-\(lab)-probe", "apus-\(lab)-dhcp-blue"]
      try await eventually("what was started runs") { NetworkNamespace.processes(in: names[0]).count == 2 }
      let processes = names.flatMap { NetworkNamespace.processes(in: $0) }
      #expect(processes.contains { $0.program == "dnsmasq" })
      let down = try await sandbox.apus("down", lab, expecting: 0)
      #expect(processes.filter(\.identity.isAlive) == [], "\(down)")
      #expect(down.errors.contains("(sleep) in apus-\(lab)-probe removed"), "\(down)")
    }
  }
}
