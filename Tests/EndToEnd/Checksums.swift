import Foundation
import Glibc
import LinuxHost
import Testing

extension RealThings {
  /// Checksums that a guest leaves to its device reach a namespace as ones that its kernel accepts.
  @Suite struct Checksums {
    private static let lab = "ape-sum"
    private static let file = """
      version: 1
      name: ape-sum
      vlans: { blue: { id: 20, subnet: 10.0.20.0/24 } }
      switches: { sw1: {} }
      nodes:
        vm1: { kind: vm, image: builtin, nics: { eth0: { switch: sw1, vlan: blue } } }
        with: { kind: netns, nics: { eth0: { switch: sw1, vlan: blue } } }
        without: { kind: netns, nics: { eth0: { switch: sw1, vlan: blue, offload: false } } }

      """

    @Test(.timeLimit(.minutes(3))) func guestToNamespace() async throws {
      try await Sandbox.use { sandbox in
        try await sandbox.apus("up", try sandbox.write(Self.file), expecting: 0)
        let features = try await sandbox.port("vm1.eth0", Self.lab).features ?? []
        #expect(features.contains("CSUM") && features.contains("GUEST_CSUM"), "\(features)")
        for (node, address) in [("with", "10.0.20.2"), ("without", "10.0.20.3")] {
          try await sandbox.pings("vm1", address, lab: Self.lab)
          try await Self.tcp(sandbox, node, address)
          try await Self.udp(sandbox, node, address)
          let errors = try await Self.errors(sandbox, node)
          #expect(errors == ["Icmp": 0, "Tcp": 0, "Udp": 0], "\(node)")
        }
        try await Self.offloadsChange(sandbox)
      }
    }

    /// What a node leaves to its device is told, and changes where nobody has to start again for it.
    private static func offloadsChange(_ sandbox: Sandbox) async throws {
      for (node, isLarge) in [("vm1", true), ("with", true), ("without", false)] {
        let offloads = try #require(try await sandbox.port("\(node).eth0", lab).offloads)
        #expect(
          offloads.to_node.contains("tso4") == isLarge && offloads.from_node.contains("tso6") == isLarge, "\(node)")
      }
      let text = file.replacing("offload: false", with: "offload: checksum")
      let change = try await sandbox.apus("up", try sandbox.write(text), expecting: 0)
      #expect(change.output == "change  node without  offload of eth0\n", "\(change)")
      #expect(try await sandbox.port("without.eth0", lab).offloads?.from_node == ["checksum"])
      try await sandbox.pings("vm1", "10.0.20.3", lab: lab)
      let guest = text.replacing(
        "image: builtin, nics: { eth0: { ", with: "image: builtin, nics: { eth0: { offload: off, ")
      let refused = try await sandbox.apus("up", try sandbox.write(guest), expecting: 1)
      #expect(
        refused.errors.contains("node vm1 would have to start again: vm, image builtin, offload of eth0"), "\(refused)")
      #expect(try await sandbox.port("vm1.eth0", lab).offloads?.to_node.contains("tso4") == true)
    }

    /// A mebibyte by TCP; what comes is what was sent.
    private static func tcp(_ sandbox: Sandbox, _ node: String, _ address: String) async throws {
      let listener = try NamespaceSocket(in: "apus-\(lab)-\(node)", type: SOCK_STREAM, port: 4000)
      let sent = try await sandbox.shell(
        "vm1", "dd if=/dev/urandom of=/tmp/data bs=1024 count=1024 2>/dev/null; sha256sum </tmp/data", lab: lab)
      async let sending = sandbox.shell("vm1", "nc \(address) 4000 </tmp/data", lab: lab)
      let received = "\(sandbox.folder)/\(node).tcp"
      let bytes = try #require(listener.connection(timeout: 30_000), "\(node)")
      _ = try await sending
      #expect(bytes.count == 1 << 20)
      try Data(bytes).write(to: URL(filePath: received))
      let digest = try await execute(["busybox", "sha256sum", received])
      #expect(digest.output.split(separator: " ").first == sent.split(separator: " ").first, "\(node)")
    }

    /// Datagrams of several sizes: write requests of TFTP (RFC 1350), which hold the name of the file.
    private static func udp(_ sandbox: Sandbox, _ node: String, _ address: String) async throws {
      let listener = try NamespaceSocket(in: "apus-\(lab)-\(node)", type: SOCK_DGRAM, port: 69)
      for count in [1, 2, 31, 100, 255, 400] {
        let name = String(repeating: "n", count: count)
        var came: [UInt8]?
        // A guest that is slow may not get to sending in its second.
        for _ in 0..<5 where came == nil {
          _ = try await sandbox.apus(
            "exec", "--lab", lab, "vm1", "--", "timeout", "1", "tftp", "-p", "-l", "/tmp/data", "-r", name, address)
          came = listener.datagram(timeout: 2000)
        }
        let datagram = try #require(came, "\(node), \(count)")
        #expect(datagram.starts(with: [0, 2] + Array("\(name)\0octet\0".utf8)), "\(node), \(count)")
        while listener.datagram(timeout: 0) != nil {}
      }
    }

    /// `InCsumErrors` by protocol, as nstat shows them.
    private static func errors(_ sandbox: Sandbox, _ node: String) async throws -> [String: Int] {
      let table = try await sandbox.shell(node, "cat /proc/net/snmp", lab: lab)
      var errors: [String: Int] = [:]
      let lines = table.split(separator: "\n").map { $0.split(separator: " ") }
      for (names, values) in zip(lines, lines.dropFirst()) where names.first == values.first {
        guard let column = names.firstIndex(of: "InCsumErrors") else { continue }
        let name = String(names[0].dropLast())
        if ["Icmp", "Tcp", "Udp"].contains(name) { errors[name] = Int(values[column]) }
      }
      return errors
    }
  }
}
