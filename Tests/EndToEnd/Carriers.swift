import Foundation
import LinuxHost
import TestSupport
import Testing

extension RealThings {
  /// A wire is a cable: what takes one end away is seen at the other, by machines and by namespaces.
  @Suite struct Carriers {
    private static let lab = "ape-carriers"

    private static let file = """
      version: 1
      name: ape-carriers
      switches: { sw1: {} }
      nodes:
        vm1: { kind: vm, nics: { eth0: { address: 10.0.1.1/24 }, eth1: { address: 10.0.2.1/24 }, eth2: {} } }
        vm2: { kind: vm, nics: { eth0: { address: 10.0.1.2/24 } } }
        p1: { kind: netns, nics: { eth0: { address: 10.0.2.2/24 }, eth1: { switch: sw1 } } }
        x: { kind: external, nics: { eth0: {} } }
      links:
        - { name: machines, ends: ["vm1:eth0", "vm2:eth0"] }
        - { name: mixed, ends: ["vm1:eth1", "p1:eth0"] }
        - { name: loose, ends: ["vm1:eth2", "x:eth0"] }

      """

    private struct LinkRow: Decodable {
      var name: String
      var carrier: String
    }

    /// The links that are up, and carriers as the nodes see them: of vm1's three NICs, of p1's eth0.
    private static func seen(_ sandbox: Sandbox) async throws -> String {
      let links: [LinkRow] = try await sandbox.apus("link", "list", "--lab", lab, "-j", expecting: 0).rows()
      var words = links.filter { $0.carrier == "up" }.map(\.name)
      for nodes in [("vm1", "eth0 eth1 eth2"), ("p1", "eth0")] {
        let line = "for n in \(nodes.1); do cat /sys/class/net/$n/carrier || echo x; done 2>&1 | grep -o '^[01x]'"
        words.append(try await sandbox.shell(nodes.0, line, lab: lab).filter { !$0.isWhitespace })
      }
      return words.joined(separator: " ")
    }

    private static func expect(_ wanted: String, _ sandbox: Sandbox, within seconds: Double = 60) async throws {
      var last = ""
      do {
        try await eventually("\(wanted)", within: seconds) {
          last = try await seen(sandbox)
          return last == wanted
        }
      } catch {
        throw Failure("\(wanted) expected, last seen \(last)")
      }
    }

    @Test(.timeLimit(.minutes(6))) func bothEndsFollow() async throws {
      try await Sandbox.use { sandbox in
        let file = try sandbox.write(Self.file)
        // Two machines that boot at different times do not wait for each other.
        try await sandbox.apus("up", file, "--parallel", "1", expecting: 0, within: 200)
        let all = "machines mixed p1.eth1 110 1"
        try await Self.expect(all, sandbox)
        try await sandbox.pings("vm1", "10.0.1.2", lab: Self.lab)
        #expect(try await sandbox.nodes(Self.lab).filter(\.ready).map(\.node) == ["vm1", "vm2", "p1"])

        try await sandbox.shell("p1", "ip link set eth0 down", lab: Self.lab)
        try await Self.expect("machines p1.eth1 100 x", sandbox)
        #expect(try await sandbox.port("vm1.eth1", Self.lab).carrier == "down")
        try await sandbox.shell("p1", "ip link set eth0 up", lab: Self.lab)
        try await Self.expect(all, sandbox)

        try await sandbox.apus("link", "set", "mixed", "down", "--from", "vm1", "--lab", Self.lab, expecting: 0)
        try await Self.expect("machines p1.eth1 100 0", sandbox)
        try await sandbox.apus("link", "set", "mixed", "up", "--lab", Self.lab, expecting: 0)
        try await Self.expect(all, sandbox)

        try await sandbox.apus("stop", "vm2", "--lab", Self.lab, expecting: 0)
        try await Self.expect("mixed p1.eth1 010 1", sandbox)
        let daemon = try sandbox.daemon(Self.lab)
        daemon.signal(SIGKILL)
        _ = await daemon.wait(timeoutSeconds: 10)
        try await sandbox.apus("up", file, expecting: 0, within: 200)
        // The other machine is started again by it, and both meet.
        try await Self.expect(all, sandbox)
        try await sandbox.pings("vm1", "10.0.1.2", lab: Self.lab)
        try await sandbox.apus(
          "link", "flap", "machines", "--down", "1s", "--count", "1", "--lab", Self.lab, expecting: 0)
        try await Self.expect(all, sandbox)
        try await sandbox.pings("vm1", "10.0.1.2", lab: Self.lab)
      }
    }
  }
}
