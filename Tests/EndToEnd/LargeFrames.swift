import Foundation
import Glibc
import LinuxHost
import TestSupport
import Testing

extension RealThings {
  /// TCP as Linux sends it where its device cuts: guests with and without segmentation, and a namespace that must not see
  /// a large frame.
  @Suite struct LargeFrames {
    private static let lab = "ape-large"
    private static let mebibytes = 32
    private static let file = """
      version: 1
      name: ape-large
      vlans: { blue: { id: 20, subnet: 10.0.20.0/24 } }
      switches: { sw1: {} }
      nodes:
        vm1: { kind: vm, image: builtin, nics: { eth0: { switch: sw1, vlan: blue } } }
        vm2: { kind: vm, image: builtin, nics: { eth0: { switch: sw1, vlan: blue } } }
        vm3: { kind: vm, image: builtin, nics: { eth0: { switch: sw1, vlan: blue, offload: checksum } } }
        ns: { kind: netns, nics: { eth0: { switch: sw1, vlan: blue } } }
        plain: { kind: netns, nics: { eth0: { switch: sw1, vlan: blue, offload: off, mtu: 1500 } } }

      """

    @Test(.timeLimit(.minutes(5))) func streamsBetweenUnequalNodes() async throws {
      try await Sandbox.use { sandbox in
        try await sandbox.apus("up", try sandbox.write(Self.file), expecting: 0)
        for (node, isLarge) in [("vm1", true), ("vm2", true), ("vm3", false)] {
          let features = try await sandbox.port("\(node).eth0", Self.lab).features ?? []
          #expect(features.contains("HOST_TSO4") == isLarge && features.contains("GUEST_TSO4") == isLarge, "\(node)")
          #expect(features.contains("CSUM") && features.contains("GUEST_CSUM"), "\(node)")
        }
        let sizes = try sandbox.start(
          [
            "ip", "netns", "exec", "apus-\(Self.lab)-plain", "tshark", "-l", "-i", "eth0", "-T", "fields", "-e",
            "frame.len",
          ],
          log: "sizes", errors: "tshark.log")
        try await eventually("tshark captures") {
          text(of: "\(sandbox.folder)/tshark.log")?.contains("Capturing on") == true
        }
        for (from, to, address) in [
          ("vm1", "vm2", "10.0.20.2"), ("vm2", "vm3", "10.0.20.3"), ("vm3", "vm1", "10.0.20.1"),
          ("vm1", "ns", "10.0.20.4"), ("ns", "vm2", "10.0.20.2"), ("ns", "vm3", "10.0.20.3"),
          ("vm1", "plain", "10.0.20.5"), ("ns", "plain", "10.0.20.5"), ("plain", "vm2", "10.0.20.2"),
        ] {
          let before = try await sandbox.port("\(to).eth0", Self.lab)
          try await Self.stream(sandbox, from, to, address)
          let after = try await sandbox.port("\(to).eth0", Self.lab)
          let (packets, bytes) = (
            after.transmit_packets - before.transmit_packets, after.transmit_bytes - before.transmit_bytes
          )
          if to == "vm3" || to == "plain" {
            #expect(bytes <= 1514 * packets, "\(from) to \(to): \(bytes) bytes in \(packets)")
          }
        }
        // How many of its frames a sender makes large is a matter of its speed and the receiver's; some are.
        for (node, isLarge) in [("vm1", true), ("vm2", true), ("vm3", false)] {
          let port = try await sandbox.port("\(node).eth0", Self.lab)
          let counts = (port.queue_status ?? []).map { $0.segmented ?? 0 }
          #expect(counts.count == 2 && (counts[1] > 0) == isLarge, "\(node): \(counts)")
          #expect(node != "vm2" || (counts.first ?? 0) > 0, "\(node): \(counts)")
        }
        for node in ["vm1", "vm2", "vm3", "ns", "plain"] {
          let tcp = try await Self.counters(sandbox, node)
          #expect(tcp["InCsumErrors"] == 0, "\(node): \(tcp)")
          #expect((tcp["RetransSegs"] ?? .max) * 50 < (tcp["OutSegs"] ?? 0), "\(node): \(tcp)")
        }
        _ = sizes.signal(SIGTERM)
        _ = await sizes.wait(timeoutSeconds: 60)
        let seen = (text(of: "\(sandbox.folder)/sizes") ?? "").split(separator: "\n").compactMap { Int($0) }
        #expect(seen.count > 1000 && (seen.max() ?? .max) <= 1514, "\(seen.count) frames, \(seen.max() ?? 0) at most")
      }
    }

    /// Sends by TCP; what comes is what was sent.
    private static func stream(
      _ sandbox: Sandbox, _ from: String, _ to: String, _ address: String
    ) async throws {
      let data = "\(from.hasPrefix("vm") ? "/tmp" : sandbox.folder)/\(lab).data"
      try await sandbox.shell(
        to,
        """
        busybox nc -l -p 5001 -e busybox sha256sum >/dev/null 2>&1 </dev/null &
        until cat /proc/net/tcp /proc/net/tcp6 2>/dev/null | grep -q ':1389 .* 0A '; do sleep 0.1; done
        """, lab: lab)
      let sent = try await sandbox.shell(
        from,
        """
        dd if=/dev/urandom of=\(data) bs=65536 count=16 2>/dev/null
        all() { for i in $(seq \(mebibytes)); do cat \(data); done; }
        all | busybox nc \(address) 5001
        echo; all | busybox sha256sum
        """, lab: lab, within: 120
      ).split(separator: "\n").map { $0.split(separator: " ")[0] }
      #expect(sent.count == 2 && sent[0] == sent[1], "\(from) to \(to): \(sent)")
    }

    /// Counters of TCP as /proc/net/snmp has them.
    private static func counters(_ sandbox: Sandbox, _ node: String) async throws -> [String: Int] {
      let table = try await sandbox.shell(node, "cat /proc/net/snmp", lab: lab)
      let lines = table.split(separator: "\n").filter { $0.hasPrefix("Tcp:") }.map { $0.split(separator: " ") }
      guard lines.count == 2 else { return [:] }
      return Dictionary(
        uniqueKeysWithValues: zip(lines[0].dropFirst().map(String.init), lines[1].dropFirst().map { Int($0) ?? -1 }))
    }
  }
}
