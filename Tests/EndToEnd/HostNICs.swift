import Foundation
import Glibc
import GuestKit
import LinuxHost
import TestSupport
import Testing

extension RealThings {
  /// Interfaces of this host as ports: a veth whose far end is in a namespace plays the NIC and the network behind it.
  @Suite struct HostNICs {
    private static let lab = "ape-nics"

    /// A veth of this host, and its far end in a namespace of its own.
    private final class Cable: Sendable {
      /// On this host.
      let name: String
      /// Of the far end, called eth0.
      let namespace: String

      init(addresses: [String] = ["10.9.0.9/24"]) async throws {
        name = UniqueName.next()
        namespace = UniqueName.next()
        try NetworkNamespace.create(namespace)
        try await plug()
        for address in addresses {
          try await Self.ip("-n", namespace, "address", "add", address, "dev", "eth0", "nodad")
        }
      }

      /// Makes the interfaces.
      func plug() async throws {
        try await Self.ip("link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", namespace)
        try await Self.ip("-n", namespace, "link", "set", "eth0", "up")
      }

      deinit {
        try? Netlink.remove(link: name, namespace: nil)
        try? NetworkNamespace.delete(namespace)
      }

      static func ip(_ arguments: String...) async throws {
        let outcome = try await execute(["ip"] + arguments)
        guard outcome.status == 0 else { throw Failure("\(outcome)") }
      }

      /// All that is to be as it was: the interface, its addresses, the place of its filters.
      ///
      /// Not its state of operation and its plain qdisc, which it has since it was first up, nor whether an address is or was
      /// looked for on the link.
      func state() async throws -> String {
        let text = try await execute(["ip", "-d", "address", "show", name]).output
        let filters = try await execute(["tc", "qdisc", "show", "dev", name]).output
        return text.replacing(#/(state|qdisc) [A-Za-z]+| (nodad|tentative)/#, with: "")
          + (filters.contains("clsact") ? "clsact" : "")
      }

      /// Runs a line in the far namespace and demands success.
      @discardableResult
      func far(_ line: String, within seconds: Double = 60) async throws -> String {
        let outcome = try await execute(["sh", "-c", line], namespace: namespace, within: seconds)
        guard outcome.status == 0 else { throw Failure("\(outcome)") }
        return outcome.output
      }

      func pings(_ address: String) async throws {
        try await eventually("the far end reaches \(address)") {
          try await execute(["ping", "-c", "1", "-W", "1", address], namespace: namespace).status == 0
        }
      }
    }

    private static func file(_ interface: String, _ keys: String = "", of lab: String = lab) -> String {
      """
      version: 1
      name: \(lab)
      switches: { sw1: {} }
      nodes:
        up: { kind: nic, \(keys) nics: { \(interface): { switch: sw1 } } }
        ns: { kind: netns, nics: { eth0: { switch: sw1, address: 10.9.0.1/24 } } }

      """
    }

    /// Ping and TCP both ways, with checksums and large frames that each side leaves to the other.
    @Test(.timeLimit(.minutes(4))) func carriesTraffic() async throws {
      let cable = try await Cable()
      let before = try await cable.state()
      try await Sandbox.use { sandbox in
        try await sandbox.apus("up", try sandbox.write(Self.file(cable.name)), expecting: 0)
        let port = try await sandbox.port("up.\(cable.name)", Self.lab)
        #expect(port.kind == "nic" && port.carrier == "up" && port.mtu == 1500, "\(port)")
        try await cable.pings("10.9.0.1")
        try await sandbox.pings("ns", "10.9.0.9", lab: Self.lab)
        let taken = try await cable.state()
        #expect(taken.contains("promiscuity 1") && !taken.contains("inet6"), "\(taken)")
        #expect(taken.contains("altname apus:\(Self.lab):up.\(cable.name)"), "\(taken)")

        let netns = "apus-\(Self.lab)-ns"
        for (from, to, address) in [(cable.namespace, netns, "10.9.0.1"), (netns, cable.namespace, "10.9.0.9")] {
          try await Self.stream(sandbox, from, to, address)
        }
        for name in [netns, cable.namespace] {
          let tcp = try await Self.counters(name)
          #expect(tcp["InCsumErrors"] == 0 && tcp["RetransSegs"] ?? .max < 2000, "\(name): \(tcp)")
        }
        // Left whole, or there would be more of them; socat writes as much at a time.
        let after = try await sandbox.port("up.\(cable.name)", Self.lab)
        #expect(after.transmit_bytes > 4000 * after.transmit_packets, "\(after)")
        try await sandbox.apus("down", Self.lab, expecting: 0)
        #expect(try await cable.state() == before)
      }
    }

    private static func stream(_ sandbox: Sandbox, _ from: String, _ to: String, _ address: String) async throws {
      let data = "\(sandbox.folder)/data"
      let got = "\(sandbox.folder)/got"
      let server = try await execute(
        [
          "sh", "-c",
          """
          busybox nc -l -p 5001 -e busybox sha256sum >\(got) 2>&1 </dev/null &
          until grep -q ':1389 .* 0A ' /proc/net/tcp /proc/net/tcp6; do sleep 0.1; done
          """,
        ], namespace: to)
      guard server.status == 0 else { throw Failure("\(server)") }
      let sent = try await execute(
        [
          "sh", "-c",
          """
          dd if=/dev/urandom of=\(data) bs=65536 count=16 2>/dev/null
          all() { for i in $(seq 32); do cat \(data); done; }
          all | socat -t 30 -b 65536 - TCP:\(address):5001
          echo; all | busybox sha256sum
          """,
        ], namespace: from, within: 120)
      let sums = sent.output.split(separator: "\n").map { $0.split(separator: " ")[0] }
      #expect(sums.count == 2 && sums[0] == sums[1], "\(from) to \(to): \(sent)")
    }

    private static func counters(_ namespace: String) async throws -> [String: Int] {
      let table = try await execute(["cat", "/proc/net/snmp"], namespace: namespace).output
      let lines = table.split(separator: "\n").filter { $0.hasPrefix("Tcp:") }.map { $0.split(separator: " ") }
      guard lines.count == 2 else { return [:] }
      return Dictionary(
        uniqueKeysWithValues: zip(lines[0].dropFirst().map(String.init), lines[1].dropFirst().map { Int($0) ?? -1 }))
    }

    /// Tags come and go in their places, and what is short is padded.
    @Test(.timeLimit(.minutes(2))) func carriesTags() async throws {
      let cable = try await Cable(addresses: [])
      try await Sandbox.use { sandbox in
        let file = """
          version: 1
          name: \(Self.lab)
          switches: { sw1: {} }
          nodes:
            up: { kind: nic, nics: { \(cable.name): { switch: sw1, trunk: all, native: 1 } } }
            ns: { kind: netns, nics: { eth0: { switch: sw1, vlan: 20 } } }

          """
        try await sandbox.apus("up", try sandbox.write(file), expecting: 0)
        let (far, near) = (
          try RawSocket("eth0", in: cable.namespace), try RawSocket("eth0", in: "apus-\(Self.lab)-ns")
        )
        let station: [UInt8] = [2, 0, 0, 0, 0, 7]
        let head = [UInt8](repeating: 0xFF, count: 6) + station
        let body: [UInt8] = [0x88, 0xB5, 1, 2, 3, 4] + [UInt8](repeating: 9, count: 80)
        let tagged = head + [0x81, 0x00, 0x60, 20] + body
        try await eventually("a tagged frame comes to VLAN 20") {
          try far.send(tagged)
          return near.receive { $0.starts(with: head) } == head + body
        }
        // Nobody else has it, and what goes back has its tag.
        let answer = station + [2, 0, 0, 0, 0, 8] + [0x88, 0xB5, 5, 6]
        try near.send(answer)
        let got = far.receive { $0.starts(with: answer[..<12]) }
        #expect(got == answer[..<12] + [0x81, 0x00, 0x00, 20] + answer[12...] + [UInt8](repeating: 0, count: 40))
      }
    }

    /// A daemon that died is followed by one that takes the interface back, or by somebody who gives it back.
    @Test(.timeLimit(.minutes(4)), arguments: ["doctor", "down"]) func outlivesItsDaemon(_ last: String) async throws {
      let cable = try await Cable()
      let before = try await cable.state()
      try await Sandbox.use { sandbox in
        let file = try sandbox.write(Self.file(cable.name))
        try await sandbox.apus("up", file, expecting: 0)
        for isLast in [false, true] {
          let daemon = try sandbox.daemon(Self.lab)
          daemon.signal(SIGKILL)
          _ = await daemon.wait(timeoutSeconds: 20)
          #expect(try await cable.state().contains("altname apus:\(Self.lab):"))
          guard !isLast else { break }
          try await sandbox.apus("up", file, expecting: 0)
          try await cable.pings("10.9.0.1")
        }
        if last == "down" {
          try await sandbox.apus("down", Self.lab, expecting: 0)
        } else {
          let doctor = try await sandbox.apus("doctor", "--clean", expecting: 0)
          #expect(doctor.output.contains("hold on interface \(cable.name)"), "\(doctor)")
        }
        #expect(try await cable.state() == before)
      }
    }

    /// What cannot be taken stays as it is.
    @Test(.timeLimit(.minutes(4))) func isRefused() async throws {
      let (used, ported, free) = (try await Cable(), try await Cable(), try await Cable())
      let bridge = UniqueName.next()
      try await Cable.ip("link", "add", bridge, "type", "bridge")
      defer { try? Netlink.remove(link: bridge, namespace: nil) }
      try await Cable.ip("link", "set", ported.name, "master", bridge)
      try await Cable.ip("link", "set", used.name, "up")
      try await Cable.ip("address", "add", "10.9.8.1/24", "dev", used.name)
      try await Sandbox.use { sandbox in
        for (name, words) in [
          (used.name, "has the address 10.9.8.1/24: taking it would cut this host off there"),
          (ported.name, "is a port of \(bridge)"), ("apenone0", "this host has no interface \"apenone0\""),
        ] {
          let before = name == "apenone0" ? "" : try await execute(["ip", "-d", "address", "show", name]).output
          let up = try await sandbox.apus("up", try sandbox.write(Self.file(name)))
          #expect(up.status != 0 && up.errors.contains(words) && up.errors.contains("L303"), "\(up)")
          guard name != "apenone0" else { continue }
          #expect(try await execute(["ip", "-d", "address", "show", name]).output == before)
        }
        // Said with force, it is taken, its addresses stay, and the host's stack is deaf there.
        let before = try await used.state()
        try await sandbox.apus("up", try sandbox.write(Self.file(used.name, "force: on,")), expecting: 0)
        try await used.pings("10.9.0.1")
        #expect(try await used.state().contains("inet 10.9.8.1/24"))
        try await used.far("ip address add 10.9.8.2/24 dev eth0")
        #expect(try await execute(["ping", "-c", "1", "-W", "1", "10.9.8.1"], namespace: used.namespace).status != 0)
        try await sandbox.apus("down", Self.lab, expecting: 0)
        let after = try await used.state()
        #expect(after == before, "\(after)\n\(before)")

        try await sandbox.apus("up", try sandbox.write(Self.file(free.name)), expecting: 0)
        let other = try sandbox.write(Self.file(free.name, of: "ape-nics2"), as: "other.lab.yaml")
        let second = try await sandbox.apus("up", other)
        let words = "is taken by lab \(Self.lab) (port up.\(free.name))"
        #expect(second.status != 0 && second.errors.contains(words), "\(second)")
        try await free.pings("10.9.0.1")
      }
    }

    /// An interface that goes away takes its port's carrier with it; one that comes back is taken by `up`.
    @Test(.timeLimit(.minutes(3))) func comesBack() async throws {
      let cable = try await Cable()
      try await Sandbox.use { sandbox in
        let file = try sandbox.write(Self.file(cable.name))
        try await sandbox.apus("up", file, expecting: 0)
        try await cable.far("ip link set eth0 down")
        try await eventually("its cable is out") {
          try await sandbox.port("up.\(cable.name)", Self.lab).carrier == "down"
        }
        try await cable.far("ip link set eth0 up")
        try await cable.pings("10.9.0.1")
        try Netlink.remove(link: cable.name, namespace: nil)
        try await eventually("its port is down") {
          try await sandbox.port("up.\(cable.name)", Self.lab).carrier == "down"
        }
        let node = try await sandbox.nodes(Self.lab).first { $0.node == "up" }
        #expect(node?.state == "failed", "\(String(describing: node))")
        try await cable.plug()
        try await cable.far("ip address add 10.9.0.9/24 dev eth0")
        try await sandbox.apus("up", file, expecting: 0)
        try await cable.pings("10.9.0.1")
      }
    }
  }
}
