import Foundation
import TestSupport
import Testing

extension RealThings {
  /// What `apus port show --qemu` and `--libvirt` print, pasted as it is into what it is for.
  @Suite struct MachineWords {
    private static let lab = "ape-words"

    /// One machine of QEMU with a NIC of each kind of socket.
    @Test(.timeLimit(.minutes(5))) func areTakenByQEMU() async throws {
      try await Sandbox.use { sandbox in
        let nics = [
          "queues: 2, mtu: 9000", "role: connect, socket: \(sandbox.folder)/own.sock", "transport: stream",
          "transport: dgram",
        ]
        let file = try Self.lab(in: sandbox, nics)
        try await sandbox.apus("up", file, expecting: 0)
        var words = try await Self.words("vm.eth0", ["--qemu", "--packed"], sandbox)
        #expect(
          words.contains(",queues=2") && words.contains("host_mtu=9000") && words.contains("packed=on"), "\(words)")
        for number in 1..<4 {
          // The memory is there already.
          let lines = try await Self.words("vm.eth\(number)", ["--qemu"], sandbox).split(separator: "\n")
          words += try #require(lines.last) + "\n"
        }
        let guest = sandbox.guestFolder
        let told = try await (0..<4).asyncMap { try await Self.guestNIC($0, sandbox) }.joined(separator: " ")
        let accelerator = words.contains("vectors=0") ? "-accel tcg" : "-accel kvm -cpu host"
        let command =
          "exec qemu-system-x86_64 -nodefaults -no-user-config -display none -machine q35 \(accelerator) -smp 2 "
          + "-kernel \(guest)/vmlinuz-full -initrd \(guest)/initramfs-full.gz "
          + "-append 'console=ttyS0 quiet apus.name=vm \(told)' -serial file:\(sandbox.folder)/vm.console.log "
          + words.split(separator: "\n").joined(separator: " ")
        _ = try sandbox.start(["sh", "-c", command], log: "vm.qemu.log")
        for number in 0..<4 { try await sandbox.pings("probe", "10.8.\(number).1", lab: Self.lab, within: 120) }
        let port = try await sandbox.port("vm.eth0", Self.lab)
        #expect(port.queue_status?.filter(\.enabled).count == 4, "\(port)")
        #expect(port.queue_status?.allSatisfy { $0.ring == "packed" } == true, "\(port)")
        try await sandbox.apus("down", Self.lab, expecting: 0)
      }
    }

    /// A domain of libvirt with the elements of two ports, one of each role.
    @Test(.timeLimit(.minutes(5))) func areTakenByLibvirt() async throws {
      try await Sandbox.use { sandbox in
        let folder = try Self.folder(in: sandbox)
        let nics = [
          "queues: 2, mtu: 9000, socket: \(folder)/vm.eth0.sock, socket-owner: \"libvirt-qemu:kvm\"",
          "role: connect, socket: \(folder)/sockets/vm.eth1.sock",
        ]
        try await sandbox.apus("up", try Self.lab(in: sandbox, nics), expecting: 0)
        let libvirt = try await LibvirtDaemon(sandbox, folder: "\(folder)/libvirt")
        let parts = try await [
          Self.parts("vm.eth0", ["--packed"], sandbox), Self.parts("vm.eth1", [], sandbox),
        ]
        let told = try await (0..<2).asyncMap { try await Self.guestNIC($0, sandbox) }.joined(separator: " ")
        let machine = try libvirt.write(Self.domain(parts, told, folder), as: "vm.xml")
        let checked = try await execute(["virt-xml-validate", machine, "domain"])
        #expect(checked.status == 0, "\(checked)")
        try await libvirt.virsh("create", machine, expecting: 0)
        for number in 0..<2 { try await sandbox.pings("probe", "10.8.\(number).1", lab: Self.lab, within: 120) }
        let port = try await sandbox.port("vm.eth0", Self.lab)
        #expect(port.queue_status?.filter(\.enabled).count == 4, "\(port)")
        #expect(port.queue_status?.allSatisfy { $0.ring == "packed" } == true, "\(port)")
        try await libvirt.virsh("destroy", "vm", expecting: 0)
        try await sandbox.apus("down", Self.lab, expecting: 0)
      }
    }

    /// What no machine of others can be at says so.
    @Test(.timeLimit(.minutes(2))) func areRefusedOfOtherPorts() async throws {
      try await Sandbox.use { sandbox in
        try await sandbox.apus("up", try Self.lab(in: sandbox, ["queues: 2"]), expecting: 0)
        for (port, words, reason) in [
          ("probe.eth0", ["--qemu"], "has no socket that a machine could be at"),
          ("vm.eth0", ["--libvirt", "--queues", "3"], "offers 2 pairs of queues, not 3"),
          ("vm.eth9", ["--qemu"], "no port"), ("vm.eth0", ["--qemu", "--libvirt"], "ask one of them"),
        ] {
          let outcome = try await execute(
            [sandbox.binary, "port", "show", port, "--lab", Self.lab] + words, environment: sandbox.environment)
          #expect(outcome.status != 0 && outcome.errors.contains(reason) && outcome.output.isEmpty, "\(outcome)")
        }
        try await sandbox.apus("down", Self.lab, expecting: 0)
      }
    }

    // MARK: - What it takes

    /// A machine that others run with these NICs, each on a switch of its own that `probe` is on, too.
    private static func lab(in sandbox: Sandbox, _ nics: [String]) throws -> String {
      let numbers = Array(nics.indices)
      return try sandbox.write(
        """
        version: 1
        name: \(lab)
        switches: { \(numbers.map { "sw\($0): {}" }.joined(separator: ", ")) }
        nodes:
          vm:
            kind: external
            nics:
        \(numbers.map { "      eth\($0): { switch: sw\($0), \(nics[$0]) }" }.joined(separator: "\n"))
          probe:
            kind: netns
            nics:
        \(numbers.map { "      eth\($0): { switch: sw\($0), address: 10.8.\($0).9/24 }" }.joined(separator: "\n"))

        """)
    }

    private static func words(_ port: String, _ words: [String], _ sandbox: Sandbox) async throws -> String {
      let outcome = try await execute(
        [sandbox.binary, "port", "show", port, "--lab", lab] + words, environment: sandbox.environment)
      guard outcome.status == 0 else { throw Failure("\(outcome)") }
      return outcome.output
    }

    /// What is printed for libvirt, by the comments before it.
    private static func parts(_ port: String, _ words: [String], _ sandbox: Sandbox) async throws -> [String: String] {
      var parts: [String: String] = [:]
      var key = ""
      for line in try await Self.words(port, ["--libvirt"] + words, sandbox).split(separator: "\n") {
        if line.hasPrefix("<!--") {
          key = ["<devices>": "devices", "once": "domain"].first { line.contains($0.key) }?.value ?? "qemu"
        } else {
          parts[key, default: ""] += line + "\n"
        }
      }
      return parts
    }

    /// What the built-in guest is told of a NIC, whose address is the port's.
    private static func guestNIC(_ number: Int, _ sandbox: Sandbox) async throws -> String {
      let mac = try #require(try await sandbox.port("vm.eth\(number)", lab).mac)
      return "apus.nic=eth\(number),\(mac),10.8.\(number).1/24"
    }

    /// One that libvirt's user can enter, with the built-in guest and a place for QEMU's own sockets in it.
    private static func folder(in sandbox: Sandbox) throws -> String {
      let manager = FileManager.default
      for (name, mode) in [("", 0o755), ("/v", 0o755), ("/v/libvirt", 0o755), ("/v/sockets", 0o777)] {
        let path = sandbox.folder + name
        if !name.isEmpty { try manager.createDirectory(atPath: path, withIntermediateDirectories: false) }
        try manager.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
      }
      let folder = "\(sandbox.folder)/v"
      for name in ["vmlinuz", "initramfs.gz"] {
        try manager.copyItem(atPath: "\(sandbox.guestFolder)/\(name)", toPath: "\(folder)/\(name)")
      }
      return folder
    }

    private static func domain(_ parts: [[String: String]], _ told: String, _ folder: String) -> String {
      // All devices are in one element.
      let qemu = parts.compactMap { $0["qemu"] }.joined().replacing("</qemu:override>\n<qemu:override>\n", with: "")
      return """
        <domain type='\(qemu.contains("name='vectors'") ? "qemu" : "kvm")' \
        xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>
          <name>vm</name>
          <memory unit='MiB'>256</memory>
          <vcpu>2</vcpu>
        \(parts[0]["domain"] ?? "")
          <os>
            <type arch='x86_64' machine='pc'>hvm</type>
            <kernel>\(folder)/vmlinuz</kernel>
            <initrd>\(folder)/initramfs.gz</initrd>
            <cmdline>console=ttyS0 quiet apus.name=vm \(told)</cmdline>
          </os>
          <features><acpi/></features>
          <devices>
        \(parts.compactMap { $0["devices"] }.joined())
          </devices>
        \(qemu)
        </domain>

        """
    }
  }
}

extension Sequence {
  /// One after the other.
  fileprivate func asyncMap<Value>(_ transform: (Element) async throws -> Value) async rethrows -> [Value] {
    var values: [Value] = []
    for element in self { values.append(try await transform(element)) }
    return values
  }
}
