import Foundation
import LinuxHost
import TestSupport
import Testing

extension RealThings {
  /// What the lab file says of a node's network is so, or `up` fails and says what is not.
  @Suite struct GuestNetworks {
    private static let lab = "ape-networks"

    /// A router between two networks, and a host in each; the router's own ways out are of every sort.
    /// - Parameter site: without it, `r` is not on sw3.
    private static func file(more: String = "", site: Bool = true) -> String {
      let uplink = """
        uplink-of-site1: { switch: sw3, trunk: [4094], addresses: { 4094: [10.3.0.5/24, "fd03::5/64"] }, \
        routes: [{ to: "fd05::/16", via: fe80::9 }] }
        """
      return """
        version: 1
        name: ape-networks
        switches: { sw1: {}, sw2: {}, sw3: {} }
        nodes:
          r:
            kind: vm
            nics:
              eth0: { switch: sw1, address: [10.0.0.5/24, "fd00::5/64"] }
              eth1:
                switch: sw2
                address: [10.1.0.5/24, "fd01::5/64"]
                gateway: fe80::1
                routes:
                  - { to: default, via: 192.0.2.1, onlink: on, metric: 50 }
                  - { to: default, via: 10.1.0.1 }
                  - { to: "fd09::/16", via: "fd77::1", onlink: on, metric: 7 }
              \(site ? uplink : "")
              \(more)
          n:
            kind: netns
            nics:
              eth0:
                switch: sw1
                address: [10.0.0.1/24, "fd00::1/64"]
                gateway: 10.0.0.5
                routes: [{ to: default, via: "fd00::5" }]
          m: { kind: netns, nics: { eth0: { switch: sw2, address: [10.1.0.1/24, "fd01::1/64", "fe80::1/64"] } } }
          h:
            kind: netns
            nics:
              eth0:
                switch: sw2
                address: 10.9.9.9/32
                gateway: fe80::1
                routes: [{ to: default, via: 10.1.0.5, onlink: on, metric: 5 }]

        """
    }

    /// Lines of a listing, words a blank apart.
    private static func lines(_ text: String) -> [String] {
      text.split(separator: "\n").map { $0.split(separator: " ").joined(separator: " ") }
    }

    @Test(.timeLimit(.minutes(6))) func everyWayOutIsThereAndForwardsBothVersions() async throws {
      try await Sandbox.use { sandbox in
        let file = try sandbox.write(Self.file())
        try await sandbox.apus("up", file, expecting: 0)
        let four = Self.lines(try await sandbox.shell("r", "ip -4 route", lab: Self.lab))
        #expect(four.contains("default via 10.1.0.1 dev eth1"), "\(four)")
        #expect(four.contains("default via 192.0.2.1 dev eth1 metric 50 onlink"), "\(four)")
        let six = Self.lines(try await sandbox.shell("r", "ip -6 route", lab: Self.lab))
        #expect(six.contains { $0.hasPrefix("default via fe80::1 dev eth1 metric 1024") }, "\(six)")
        #expect(six.contains { $0.hasPrefix("fd09::/16 via fd77::1 dev eth1 metric 7 onlink") }, "\(six)")
        // Its name is too long for a VLAN behind it, so the subinterface has another one.
        #expect(six.contains { $0.hasPrefix("fd05::/16 via fe80::9 dev uplink-o-") }, "\(six)")
        let host = Self.lines(try await sandbox.shell("h", "ip route; ip -6 route", lab: Self.lab))
        #expect(host.contains { $0.hasPrefix("default via 10.1.0.5 dev eth0 ") && $0.contains("metric 5 onlink") })
        #expect(host.contains { $0.hasPrefix("default via fe80::1 dev eth0 ") }, "\(host)")

        // m knows the way back to IPv4's other network only with help.
        try await sandbox.shell("m", "ip route add default via 10.1.0.5", lab: Self.lab)
        try await sandbox.shell("m", "ip -6 route add default via fd01::5", lab: Self.lab)
        try await sandbox.pings("n", "10.1.0.1", lab: Self.lab)
        try await sandbox.pings("n", "fd01::1", lab: Self.lab)
        // Who forwards listens to routers all the same.
        let settings = try await sandbox.shell(
          "r", "cat /proc/sys/net/ipv6/conf/eth0/forwarding /proc/sys/net/ipv6/conf/eth0/accept_ra", lab: Self.lab)
        #expect(settings == "1\n2\n")

        // A NIC whose setup fails in the guest.
        try await sandbox.shell("r", Self.breakRoutes("/etc/setup-network"), lab: Self.lab)
        _ = try sandbox.write(
          Self.file(more: "eth3: { switch: sw1, address: 10.4.0.5/24, routes: [{ to: 10.5.0.0/16, via: 10.4.0.1 }] }"))
        let outcome = try await sandbox.apus("up", file, expecting: 1)
        let words =
          "its guest cannot set up the new NICs: route to 10.5.0.0/16 via 10.4.0.1 on eth3: ip: no roads today"
        #expect(outcome.errors.contains(words), "\(outcome)")
        try await Self.hasOnly(["eth0", "eth1", "uplink-of-site1"], sandbox)
        #expect(try await sandbox.nodes(Self.lab).first { $0.node == "r" }?.addresses.contains("10.4.0.5/24") == false)
        // Once its cause is gone it goes well.
        try await sandbox.shell("r", "sed -i 2d /etc/setup-network", lab: Self.lab)
        try await sandbox.apus("up", file, expecting: 0)
        try await Self.hasOnly(["eth0", "eth1", "eth3", "uplink-of-site1"], sandbox)

        // A guest that boots again is told of a NIC that was unplugged; that it is not there is no fault of the setup.
        _ = try sandbox.write(Self.file(site: false))
        try await sandbox.apus("up", file, expecting: 0)
        try await Self.hasOnly(["eth0", "eth1"], sandbox)
        _ = try await sandbox.apus("exec", "--lab", Self.lab, "r", "--", "reboot")
        try await eventually("r boots", within: 60) {
          try await sandbox.nodes(Self.lab).first { $0.node == "r" }?.ready == false
        }
        try await eventually("r is ready again", within: 180) {
          try await sandbox.nodes(Self.lab).first { $0.node == "r" }?.ready == true
        }
      }
    }

    /// The router has these NICs, in the order of their names.
    private static func hasOnly(_ nics: [String], _ sandbox: Sandbox) async throws {
      let list = try await sandbox.shell("r", "cd /sys/class/net; ls -d *", lab: lab)
      let found = list.split(whereSeparator: \.isWhitespace).map { String($0) }
      #expect(found.filter { $0 != "lo" && !$0.contains("-o-") } == nics)
    }

    /// A line for the head of the guest's script: its `ip`, an applet of the shell, refuses routes.
    private static let brokenRoutes =
      "ip() { case $2 in route) echo \"ip: no roads today\" >\\&2; return 2;; esac; busybox ip \"$@\"; }"

    /// Puts that line there.
    private static func breakRoutes(_ script: String) -> String { "sed -i '2i \(brokenRoutes)' \(script)" }

    @Test(.timeLimit(.minutes(5))) func whatTheGuestCannotSetUpIsAnErrorOfUp() async throws {
      try await Sandbox.use { sandbox in
        // The guest with another script: a second archive behind the first.
        let guest = "\(sandbox.folder)/guest"
        let script = """
          set -e
          mkdir -p "$1/root"
          cd "$1/root"
          gzip -dc "$2/initramfs.gz" | busybox cpio -id etc/setup-network
          \(Self.breakRoutes("etc/setup-network"))
          cp "$2/vmlinuz" "$1/vmlinuz"
          (cat "$2/initramfs.gz"; find . | busybox cpio -o -H newc | gzip -n -1) >"$1/initramfs.gz"
          """
        let made = try await execute(
          ["/bin/sh", "-c", script, "sh", guest, sandbox.guestFolder], environment: sandbox.environment, within: 60)
        try #require(made.status == 0, "\(made)")
        let file = try sandbox.write(
          """
          version: 1
          name: ape-networks
          switches: { sw1: {} }
          nodes:
            v: { kind: vm, nics: { eth0: { switch: sw1, address: "fd00::5/64", gateway: fe80::1 } } }

          """)
        var environment = sandbox.environment
        environment["APUS_GUEST_DIR"] = guest
        let outcome = try await execute([sandbox.binary, "up", file], environment: environment, within: 150)
        #expect(outcome.status == 1, "\(outcome)")
        let words = "node v: its guest could not set up its network: route to default via fe80::1 on eth0: "
        #expect(outcome.errors.contains(words + "ip: no roads today"), "\(outcome)")
        #expect(FileManager.default.fileExists(atPath: "\(sandbox.state)/\(Self.lab)") == false)
      }
    }
  }
}
