import Foundation
import LinuxHost
import TestSupport
import Testing

extension RealThings {
  /// The provider of tools/netlab, with netlab as PyPI has it and the FRR of Debian.
  @Suite struct Netlab {
    /// A folder with a topology, in which netlab runs as its user would call it.
    private struct Lab {
      let sandbox: Sandbox
      let name: String
      var folder: String { "\(sandbox.folder)/\(name)" }

      init(_ sandbox: Sandbox, _ name: String, _ topology: String) throws {
        (self.sandbox, self.name) = (sandbox, name)
        let bin = "\(sandbox.folder)/bin"
        for path in [folder, bin, "\(sandbox.folder)/home/.netlab"] {
          try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        }
        try topology.write(toFile: "\(folder)/topology.yml", atomically: true, encoding: .utf8)
        guard !FileManager.default.fileExists(atPath: "\(bin)/netlab") else { return }
        let python = "\(projectRoot)/.build/python/bin/python"
        guard FileManager.default.isExecutableFile(atPath: python) else {
          throw Failure("\(python) is missing: tools/setup --tests makes it")
        }
        // An environment that has moved since it was made has programs that do not start; its interpreter does.
        let program = """
          #!/bin/sh
          exec '\(python)' -c 'import sys; sys.argv[0] = "\(bin)/netlab"; from netsim.cli import main; main()' "$@"

          """
        try program.write(toFile: "\(bin)/netlab", atomically: true, encoding: .utf8)
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: "\(bin)/netlab")
        try FileManager.default.createSymbolicLink(atPath: "\(bin)/apus", withDestinationPath: sandbox.binary)
        try FileManager.default.createSymbolicLink(
          atPath: "\(sandbox.folder)/home/.netlab/apus", withDestinationPath: "\(projectRoot)/tools/netlab/apus")
      }

      /// Runs netlab in the folder, and demands a status.
      @discardableResult
      func netlab(_ line: String, expecting status: Int32? = 0) async throws -> String {
        var environment = sandbox.environment
        environment["HOME"] = "\(sandbox.folder)/home"
        environment["PATH"] = "\(sandbox.folder)/bin:/usr/sbin:/sbin:\(environment["PATH"] ?? "/usr/bin:/bin")"
        environment["PYTHONDONTWRITEBYTECODE"] = "1"
        environment["APUS_GUEST_DIR"] = sandbox.guestFolder
        let outcome = try await execute(
          ["/bin/sh", "-c", "cd '\(folder)' || exit; netlab \(line) </dev/null"], environment: environment, within: 200)
        if let status, outcome.status != status { throw Failure("netlab \(line): \(outcome)") }
        return outcome.output + outcome.errors
      }

      /// Makes the files, and starts what the snapshot says.
      func up(_ settings: String = "") async throws {
        try await netlab("create --plugin apus -p apus \(settings)")
        try await netlab("up --snapshot")
      }

      /// Ends the lab, and looks for what may be left of it.
      func down() async throws {
        try await netlab("down --cleanup")
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["topology.yml"])
        #expect(try await sandbox.apus("ps", "-j").output.filter { !$0.isWhitespace } == "[]")
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/run/netns")) ?? []
        #expect(names.filter { $0.hasPrefix("apus-\(name)-") }.isEmpty)
        #expect(try await execute(["/usr/sbin/ip", "link", "show", "netlab-mgmt"]).status != 0)
      }

      /// Status of one ping from a node, as `netlab connect` runs it.
      func answers(_ node: String, _ target: String) async throws -> Bool {
        try await netlab("connect \(node) ping -c 1 -W 1 \(target)", expecting: nil).contains(" 0% packet loss")
      }
    }

    private static func ping(_ node: String, _ target: String, _ more: String = "") -> String {
      """
        \(node)_\(target):
          nodes: [ \(node) ]
          devices: [ linux, frr ]
          wait: 60
          plugin: ping('\(target)'\(more))

      """
    }

    @Test(.timeLimit(.minutes(5))) func hostsAndRouter() async throws {
      try await Sandbox.use { sandbox in
        // Pinned nodes, and names that Apus has not.
        let topology =
          """
          provider: clab
          defaults.device: linux
          nodes:
            h1: { provider: libvirt }
            H2:
            r1: { role: router }
            x1: { device: none }
          links: [ h1-r1, H2-r1, r1-x1 ]
          validate:

          """ + Self.ping("h1", "H2") + Self.ping("r1", "h1")
        let lab = try Lab(sandbox, "apen1", topology)
        try await lab.up()
        #expect(try await lab.netlab("validate").contains("Tests passed: 2"))
        #expect(try await lab.netlab("status --format json").matches(of: #/"status": "running"/#).count == 4)
        #expect(try await lab.netlab("exec h1,H2 -- hostname").contains("Connecting to H2"))
        #expect(try await lab.netlab("connect h1 cat /etc/hosts").contains("172.16.1.2 H2"))
        #expect(try await lab.answers("r1", "10.1.0.2"))
        let captured = try await lab.netlab("capture h1 eth1 -c 1 -n & netlab connect h1 ping -c 20 -i 0.5 H2; wait")
        #expect(captured.contains("ICMP echo") || captured.contains("ARP, "), "\(captured)")
        try await lab.down()
      }
    }

    @Test(.timeLimit(.minutes(5))) func trunkOfTwoBridges() async throws {
      try await Sandbox.use { sandbox in
        let topology =
          """
          defaults.device: linux
          groups:
            bridges: { members: [ b1, b2 ], role: bridge, module: [ vlan ] }
          vlans:
            red: { mode: bridge, links: [ h1-b1, h2-b2 ] }
            blue: { mode: bridge, links: [ h3-b1, h4-b2 ] }
          nodes: [ h1, h2, h3, h4, b1, b2 ]
          links: [ { b1:, b2:, vlan.trunk: [ red, blue ] } ]
          validate:

          """ + Self.ping("h1", "h2") + Self.ping("h3", "h4")
        let lab = try Lab(sandbox, "apen2", topology)
        try await lab.up()
        #expect(try await lab.netlab("validate").contains("Tests passed: 2"))
        let ports = try await sandbox.ports("apen2").filter { $0.switch == "b1" && $0.name != "b2" }
        #expect(ports.contains { $0.name == "h1.eth1" } && ports.contains { $0.name == "h3.eth1" }, "\(ports)")
        // Another address of the same subnet, in the other VLAN.
        let red = try await lab.netlab("connect h1 ip -4 -o addr show eth1").firstMatch(of: #/172\.16\.(\d+)\.\d+\/24/#)
        let subnet = try #require(red).1
        try await lab.netlab("connect h3 ip addr add 172.16.\(subnet).99/24 dev eth1")
        #expect(!(try await lab.answers("h1", "172.16.\(subnet).99")))
        try await lab.down()
      }
    }

    @Test(.timeLimit(.minutes(5))) func networkOfThree() async throws {
      try await Sandbox.use { sandbox in
        let topology =
          """
          defaults.device: linux
          nodes: [ h1, h2, h3 ]
          links: [ h1-h2-h3 ]
          validate:

          """ + Self.ping("h1", "h2") + Self.ping("h3", "h1")
        let lab = try Lab(sandbox, "apen3", topology)
        try await lab.up()
        #expect(try await lab.netlab("validate").contains("Tests passed: 2"))
        // Tagged frames pass, as on a bridge of Linux.
        let trace = try await sandbox.apus("trace", "--lab", "apen3", "h1.eth1", "vlan=7", expecting: 0).output
        #expect(trace.contains("h2.eth1") && trace.contains("h3.eth1"), "\(trace)")
        try await lab.down()
      }
    }

    /// One router in a container, one in a namespace.
    @Test(.timeLimit(.minutes(5))) func routersOfFRR() async throws {
      try await Sandbox.use { sandbox in
        let image = try await execute(["\(projectRoot)/tools/netlab/frr-image"], environment: sandbox.environment)
        guard image.status == 0 else { throw Failure("\(image)") }
        let topology =
          """
          defaults.device: frr
          module: [ ospf ]
          nodes:
            r1: { apus.kind: container }
            r2: { apus.kind: netns }
            h1: { device: linux }
            h2: { device: linux }
          links: [ r1-r2, h1-r1, h2-r2 ]
          validate:
            full:
              nodes: [ r1, r2 ]
              wait: 60
              exec: { frr: vtysh -c 'show ip ospf neighbor' }
              valid: { frr: "'Full' in stdout" }

          """ + Self.ping("h1", "h2")
        let lab = try Lab(sandbox, "apen4", topology)
        try await lab.up("-s defaults.devices.frr.apus.image=localhost/apus-frr")
        #expect(try await lab.netlab("validate").contains("[SUCCESS]"))
        #expect(try await lab.netlab("connect r2 --show ip route ospf").contains("10.0.0.1/32"))
        // A dry run does nothing to them.
        try await lab.netlab("down --dry-run")
        #expect(try await lab.netlab("connect r1 hostname").contains("r1"))
        try await lab.down()
        #expect(try await sandbox.podman("ps", "--all", "--format", "{{.Names}}").output.isEmpty)
        #expect(!FileManager.default.fileExists(atPath: "/run/frr/zebra.vty"))
      }
    }

    @Test(.timeLimit(.minutes(5))) func impairedLink() async throws {
      try await Sandbox.use { sandbox in
        let topology =
          """
          defaults.device: linux
          nodes: [ h1, h2 ]
          links: [ { h1:, h2:, tc: { delay: 20, rate: 8000 } } ]
          """
        let lab = try Lab(sandbox, "apen5", topology)
        try await lab.up()
        // This host, by the management network.
        try await eventually("the management address answers") {
          try await execute(["/bin/ping", "-c", "1", "-W", "1", "192.168.121.101"]).status == 0
        }
        func roundTrip() async throws -> Double {
          let output = try await lab.netlab("connect h1 ping -c 3 h2")
          return try #require(output.firstMatch(of: #/rtt min\/avg\/max\/mdev = ([\d.]+)/#).flatMap { Double($0.1) })
        }
        #expect(try await roundTrip() >= 40)
        #expect(try await lab.netlab("tc show -n h1 -i eth1").contains("delay 20ms rate 8Mbit"))
        try await lab.netlab("tc set -n h1 -i eth1 --delay 50")
        #expect(try await roundTrip() >= 70)
        try await lab.netlab("tc disable")
        #expect(!(try await lab.netlab("tc show -n h1 -i eth1").contains("delay")))
        try await lab.netlab("tc enable")
        #expect(try await roundTrip() >= 40)
        try await lab.down()
      }
    }
  }
}
