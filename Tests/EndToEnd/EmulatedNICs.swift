import Foundation
import LinuxHost
import TestSupport
import Testing

extension RealThings {
  /// Machines whose NICs QEMU emulates: everything that a virtio NIC does, over QEMU's stream socket.
  @Suite struct EmulatedNICs {
    private static let lab = "ape-nics"
    /// Node, its NIC that is on the trunk, its number in red and blue.
    private static let guests = [
      ("e1000", "eth1", 1), ("e1000e", "eth0", 2), ("vmxnet3", "eth0", 3), ("rtl8139", "eth0", 4),
    ]
    /// Blocks of a mebibyte.
    private static let mebibytes = 20

    /// The project's own file under a name that no other run of it has.
    private static func text(_ change: (String) -> String = { $0 }) throws -> String {
      let path = "\(projectRoot)/topologies/emulated-nics.lab.yaml"
      guard let original = EndToEnd.text(of: path), original.contains("name: emulated-nics\n") else {
        throw Failure("\(path) has no line `name: emulated-nics`")
      }
      let changed = change(original)
      return changed.replacing("name: emulated-nics\n", with: "name: \(lab)\n")
    }

    private static func pids(_ sandbox: Sandbox) async throws -> [Int32?] {
      try await sandbox.nodes(lab).filter { $0.kind == "vm" }.map(\.pid)
    }

    @Test(.timeLimit(.minutes(12))) func eachModelDoesWhatACardDoes() async throws {
      try await Sandbox.use { sandbox in
        let file = try sandbox.write(try Self.text())
        try await sandbox.apus("up", file, "--parallel", "4", expecting: 0, within: 300)
        let outcome = try await sandbox.apus("test", file, within: 200)
        #expect(outcome.status == 0, "\(outcome)")
        try await Self.checkModels(sandbox)
        try await Self.checkTags(sandbox)
        for (node, _, number) in Self.guests { try await Self.stream(sandbox, node, number) }
        try await Self.checkFragments(sandbox)
        try await Self.checkCarriers(sandbox)
        try await Self.checkLostDaemon(sandbox, file)
        try await Self.checkPlugging(sandbox, file)
        try await sandbox.apus("down", Self.lab, expecting: 0)
        #expect(try FileManager.default.contentsOfDirectory(atPath: sandbox.state) == [])
      }
    }

    // MARK: - Steps

    /// Drivers in the guests, models in the tables; NICs have their names in the order of the file.
    private static func checkModels(_ sandbox: Sandbox) async throws {
      let drivers = ["e1000": "e1000", "e1000e": "e1000e", "vmxnet3": "vmxnet3", "rtl8139": "8139cp"]
      for (node, nic, _) in guests {
        let driver = try await sandbox.shell(node, "basename $(readlink /sys/class/net/\(nic)/device/driver)", lab: lab)
        #expect(driver == "\(drivers[node] ?? "")\n", "\(node)")
        let port = try await sandbox.apus("port", "show", "\(node).\(nic)", "--lab", lab, expecting: 0).output
        #expect(port.split(separator: "\n").contains { $0.hasPrefix("model") && $0.hasSuffix(" \(node)") }, "\(port)")
        #expect(port.split(separator: "\n").contains { $0.hasPrefix("kind") && $0.hasSuffix(" stream") }, "\(port)")
      }
      let places = try await sandbox.shell(
        "e1000", "for nic in eth0 eth1; do readlink -f /sys/class/net/$nic/device; done", lab: lab)
      #expect(places.contains("0000:00:07.0") && places.contains("0000:00:08.0"), "\(places)")
      let table = try await sandbox.apus("ps", "--lab", lab, expecting: 0).output
      #expect(table.contains("vm, virtio, e1000") && table.contains("vm, rtl8139"), "\(table)")
      #expect(try await sandbox.nodes(lab).allSatisfy(\.ready))
      // What cuts segments into fragments is off, where it would.
      for (node, nic, isOff) in [("e1000", "eth1", false), ("e1000e", "eth0", true), ("vmxnet3", "eth0", true)] {
        let features = try await sandbox.shell(node, "ethtool -k \(nic)", lab: lab)
        #expect(features.contains("tcp-segmentation-offload: \(isOff ? "off" : "on")"), "\(node): \(features)")
      }
    }

    /// Frames of blue are tagged between card and switch, also full ones, both ways.
    private static func checkTags(_ sandbox: Sandbox) async throws {
      for (node, nic, number) in guests {
        let size = "ping -c 2 -W 2 -s 1472 -M do"
        try await eventually("\(node) answers full frames", within: 30) {
          try await sandbox.apus(
            "exec", "--lab", lab, "probe", "--", "sh", "-c", "\(size) 10.0.20.\(number) && \(size) 10.0.10.\(number)"
          ).status == 0
        }
        let entries: [FDBRow] = try await sandbox.apus("fdb", "list", "--lab", lab, "-j", expecting: 0).rows()
        let vlans = Set(entries.filter { $0.port == "\(node).\(nic)" }.map(\.vlan))
        #expect(vlans == [10, 20], "\(node): \(vlans)")
      }
    }

    /// Sends by TCP both ways, by IPv4 and tagged one way, untagged the other; what comes is what was sent.
    private static func stream(_ sandbox: Sandbox, _ node: String, _ number: Int) async throws {
      for (from, to, address) in [(node, "probe", "10.0.20.9"), ("probe", node, "10.0.10.\(number)")] {
        let data = from == "probe" ? "\(sandbox.folder)/data" : "/tmp/data"
        try await sandbox.shell(
          to,
          """
          busybox nc -l -p 5001 -e busybox md5sum >/dev/null 2>&1 </dev/null &
          until cat /proc/net/tcp /proc/net/tcp6 2>/dev/null | grep -q ':1389 .* 0A '; do sleep 0.1; done
          """, lab: lab)
        let sent = try await sandbox.shell(
          from,
          """
          dd if=/dev/urandom of=\(data) bs=65536 count=16 2>/dev/null
          all() { for i in $(seq \(mebibytes)); do cat \(data); done; }
          all | busybox nc \(address) 5001
          echo; all | busybox md5sum
          """, lab: lab, within: 180
        ).split(separator: "\n").map { $0.split(separator: " ")[0] }
        #expect(sent.count == 2 && sent[0] == sent[1], "\(from) to \(to): \(sent)")
      }
    }

    /// Nobody was sent an IP fragment by any of them.
    private static func checkFragments(_ sandbox: Sandbox) async throws {
      let table = try await sandbox.shell("probe", "cat /proc/net/snmp", lab: lab)
      let lines = table.split(separator: "\n").filter { $0.hasPrefix("Ip:") }.map { $0.split(separator: " ") }
      let counts = Dictionary(uniqueKeysWithValues: zip(lines[0], lines[1]))
      #expect(counts["ReasmReqds"] == "0", "\(table)")
    }

    /// A carrier that is taken away stops the frames of all, and is seen in the guest.
    private static func checkCarriers(_ sandbox: Sandbox) async throws {
      for (node, nic, number) in guests {
        let carrier = "cat /sys/class/net/\(nic)/carrier"
        try await sandbox.apus("link", "set", "\(node).\(nic)", "down", "--lab", lab, expecting: 0)
        try await eventually("\(node) sees no carrier", within: 60) {
          try await sandbox.shell(node, carrier, lab: lab) == "0\n"
        }
        let silent = try await sandbox.apus(
          "exec", "--lab", lab, "probe", "--", "ping", "-c", "1", "-W", "1", "10.0.10.\(number)")
        #expect(silent.status == 1, "\(silent)")
        try await sandbox.apus("link", "set", "\(node).\(nic)", "up", "--lab", lab, expecting: 0)
        try await sandbox.pings("probe", "10.0.10.\(number)", lab: lab, within: 60)
        #expect(try await sandbox.shell(node, carrier, lab: lab) == "1\n", "\(node)")
      }
    }

    /// Guests outlive their daemon, are not held up without one, and go on with the next.
    private static func checkLostDaemon(_ sandbox: Sandbox, _ file: String) async throws {
      let before = try await pids(sandbox)
      let guest = "\(sandbox.state)/\(lab)/rtl8139/qmp.sock"
      let daemon = try sandbox.daemon(lab)
      daemon.signal(SIGKILL)
      _ = await daemon.wait(timeoutSeconds: 10)
      // Its machine answers, while its card sends to nobody.
      let status = try await execute(
        [
          "sh", "-c",
          #"{ echo '{"execute":"qmp_capabilities"}'; echo '{"execute":"query-status"}'; sleep 1; } | "#
            + "nc.openbsd -N -w 5 -U \(guest)",
        ], within: 30)
      #expect(status.output.contains(#""status": "running""#), "\(status)")
      try await sandbox.apus("up", file, expecting: 0, within: 200)
      for (_, _, number) in guests { try await sandbox.pings("probe", "10.0.20.\(number)", lab: lab, within: 60) }
      #expect(try await pids(sandbox) == before)
      let again = try await sandbox.apus("up", file, expecting: 0)
      #expect((again.output + again.errors).contains("no changes"), "\(again)")
    }

    /// A card is plugged into a guest that has drivers for it and taken out again; another model is another machine.
    private static func checkPlugging(_ sandbox: Sandbox, _ file: String) async throws {
      let before = try await pids(sandbox)
      let last = "eth0: { profile: both, model: rtl8139, addresses: { red: 10.0.10.4/24, blue: 10.0.20.4/24 } }"
      let more = last + "\n      eth1: { switch: sw1, vlan: green, model: e1000, address: 10.0.30.4/24 }"
      _ = try sandbox.write(try text { $0.replacing(last, with: more) })
      try await sandbox.apus("up", file, expecting: 0, within: 200)
      try await sandbox.pings("probe", "10.0.30.4", lab: lab, within: 60)
      _ = try sandbox.write(try text())
      try await sandbox.apus("up", file, expecting: 0, within: 200)
      let names = try await sandbox.shell("rtl8139", "ls /sys/class/net", lab: lab)
      #expect(!names.contains("eth1"), "\(names)")
      try await sandbox.pings("probe", "10.0.20.4", lab: lab, within: 60)
      #expect(try await pids(sandbox) == before)
      _ = try sandbox.write(try text { $0.replacing("model: rtl8139", with: "model: virtio") })
      let refused = try await sandbox.apus("up", file, expecting: 1)
      #expect(refused.errors.contains("--allow-restart"), "\(refused)")
      let plan = try await sandbox.apus("up", file, "--dry-run", expecting: 3)
      #expect(plan.output.contains("eth0 rtl8139 -> virtio"), "\(plan)")
    }
  }
}
