import Foundation
import GuestKit
import TestSupport
import Testing

extension RealThings {
  /// Switches without VLANs, and links with more than two ends, which are such: the kernel's own tags pass.
  @Suite struct Unaware {
    private static let lab = "ape-unaware"

    /// Two machines, whose kernel has VLANs whatever this host's has, and two namespaces.
    private static func file(_ hub: String, nic: String = "switch: hub, ", links: String = "") -> String {
      """
      version: 1
      name: ape-unaware
      vlans: { red: 10 }
      switches: { \(hub) }
      nodes:
        a: { kind: vm, nics: { eth0: { \(nic)address: 10.9.0.1/24 } } }
        b: { kind: vm, nics: { eth0: { \(nic)address: 10.9.0.2/24 } } }
        c: { kind: netns, nics: { eth0: { \(nic)address: 10.9.0.3/24 } } }
        d: { kind: netns, nics: { eth0: { \(nic)address: 10.9.0.4/24 } } }
      \(links)
      """
    }

    /// The kernel's VLANs of the built-in guest, which are loaded when its own configuration needs them.
    private static let loading =
      "while read -r module; do insmod /lib/modules/$module.ko; done </lib/modules/order-vlan"

    private struct Entry: Decodable {
      var mac: String
      var port: String
      var vlan: Int
    }

    /// VLAN subinterfaces in a and b, and in these one of a second tag.
    private static func addSubinterfaces(_ sandbox: Sandbox) async throws {
      for (node, number) in [("a", 1), ("b", 2)] {
        try await sandbox.shell(node, loading, lab: lab)
        for vlan in [1, 10] {
          try await sandbox.shell(
            node, "ip link add link eth0 name eth0.\(vlan) type vlan id \(vlan) && ip link set eth0.\(vlan) up",
            lab: lab)
          try await sandbox.shell(node, "ip address add 10.9.\(100 + vlan).\(number)/24 dev eth0.\(vlan)", lab: lab)
        }
        try await sandbox.shell(
          node, "ip link add link eth0.10 name inner type vlan id 20 && ip link set inner up", lab: lab)
        try await sandbox.shell(node, "ip address add 10.9.200.\(number)/24 dev inner", lab: lab)
      }
    }

    /// Untagged, in VLANs 1 and 10, and with two tags; large segments too.
    private static func checkPings(_ sandbox: Sandbox) async throws {
      for address in ["10.9.0.2", "10.9.101.2", "10.9.110.2", "10.9.200.2"] {
        try await sandbox.pings("a", address, lab: lab)
      }
      try await sandbox.pings("c", "10.9.0.1", lab: lab)
    }

    /// What c sends comes out at d byte by byte.
    private static func checkFrames(_ sandbox: Sandbox) throws {
      let sender = try RawSocket("eth0", in: "apus-\(lab)-c")
      let receiver = try RawSocket("eth0", in: "apus-\(lab)-d")
      var lldp = frame(0x55, to: nil, size: 90)
      lldp.replaceSubrange(0..<6, with: [1, 0x80, 0xC2, 0, 0, 0x0E])
      let tags: [[FrameBuilder.Tag]] = [
        [], [.init(1)], [.init(0, priority: 5)], [.init(10), .init(20)], [.init(100, type: 0x88A8), .init(7)],
      ]
      for sent in tags.map({ frame(0x55, to: nil, tags: $0, size: 100) }) + [lldp] {
        try sender.send(sent)
        #expect(receiver.receive { $0[6..<12] == sent[6..<12] } == sent)
      }
    }

    @Test(
      .timeLimit(.minutes(4)),
      arguments: [
        RealThings.Unaware.file("hub: { vlan-aware: off }"),
        RealThings.Unaware.file(
          "", nic: "", links: "links: [{ name: hub, ends: [\"a:eth0\", \"b:eth0\", \"c:eth0\", \"d:eth0\"] }]"),
      ])
    func everythingPasses(text: String) async throws {
      try await Sandbox.use { sandbox in
        try await sandbox.apus("up", try sandbox.write(text), expecting: 0)
        try await Self.addSubinterfaces(sandbox)
        try await Self.checkPings(sandbox)
        try Self.checkFrames(sandbox)
        let port = try await sandbox.port("a.eth0", Self.lab)
        #expect(port.mode == "transparent" && port.pvid == nil, "\(port)")
        let entries: [Entry] = try await sandbox.apus("fdb", "list", "--lab", Self.lab, "-j", expecting: 0).rows()
        #expect(Set(entries.map(\.vlan)) == [0] && Set(entries.map(\.mac)).count == entries.count, "\(entries)")
        let trace = try await sandbox.apus("trace", "a.eth0", "vlan=10", "dst=b.eth0", expecting: 0)
        #expect(trace.output.contains("hub: VLAN-unaware, so the frame passes as it is"), "\(trace)")
        #expect(trace.output.hasSuffix("goes to b.eth0\n"), "\(trace)")
        let refused = try await sandbox.apus("port", "add", "hub", "p9", "--tap", "ape-una0", "--vlan", "red")
        #expect(refused.status != 0 && refused.errors.contains("\"vlan\" means nothing on switch hub"), "\(refused)")
      }
    }

    /// Hosts on a hub that hangs on a switch's port, and the change of a switch that is up.
    @Test(.timeLimit(.minutes(4))) func hubAndSwitchJoinAndChange() async throws {
      try await Sandbox.use { sandbox in
        let text = """
          version: 1
          name: ape-unaware
          switches: { sw1: {}, hub: { vlan-aware: off } }
          nodes:
            a: { kind: netns, nics: { eth0: { switch: sw1, vlan: 10, address: 10.9.0.1/24 } } }
            b: { kind: vm, nics: { eth0: { switch: hub, address: 10.9.0.2/24 } } }
            c: { kind: netns, nics: { eth0: { switch: hub, address: 10.9.0.3/24 } } }
          links: [{ ends: [sw1, hub], name: up, LINK }]
          """
        let access = text.replacingOccurrences(of: "LINK", with: "vlan: 10")
        try await sandbox.apus("up", try sandbox.write(access), expecting: 0)
        try await sandbox.pings("a", "10.9.0.2", lab: Self.lab)
        try await sandbox.pings("b", "10.9.0.3", lab: Self.lab)
        // Tagged on the link now: b has to take the tag off itself.
        let trunk = text.replacingOccurrences(of: "LINK", with: "trunk: [10]")
        try await sandbox.apus("up", try sandbox.write(trunk), expecting: 0)
        try await sandbox.shell("b", Self.loading, lab: Self.lab)
        try await sandbox.shell(
          "b",
          "ip link add link eth0 name eth0.10 type vlan id 10 && ip link set eth0.10 up && "
            + "ip address del 10.9.0.2/24 dev eth0 && ip address add 10.9.0.2/24 dev eth0.10", lab: Self.lab)
        try await sandbox.pings("a", "10.9.0.2", lab: Self.lab)
        // And a hub everywhere.
        let hubs = text.replacingOccurrences(of: "LINK", with: "").replacingOccurrences(
          of: "sw1: {}", with: "sw1: { vlan-aware: off }"
        ).replacingOccurrences(of: ", vlan: 10", with: "")
        let changed = try await sandbox.apus("up", try sandbox.write(hubs), "--dry-run", expecting: 3)
        #expect(changed.output.contains("vlan-aware on -> off"), "\(changed)")
        try await sandbox.apus("up", try sandbox.write(hubs), expecting: 0)
        try await sandbox.pings("a", "10.9.0.3", lab: Self.lab)
        #expect(try await sandbox.port("sw1:up", Self.lab).mode == "transparent")
      }
    }
  }
}
