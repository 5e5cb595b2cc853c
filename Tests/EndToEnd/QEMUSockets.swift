import Foundation
import LinuxHost
import TestSupport
import Testing

extension RealThings {
  /// QEMU's `-netdev stream` and `-netdev dgram` at ports of kind `stream` and `dgram`.
  @Suite struct QEMUSockets {
    private static let lab = "ape-sock"

    enum Variant: String, Sendable, CaseIterable, CustomTestStringConvertible {
      /// QEMU connects, QEMU listens, and both bind a socket of their own.
      case client, server, datagrams

      var testDescription: String { rawValue }

      /// Keys of the NIC.
      var keys: String {
        switch self {
        case .client: "transport: stream"
        case .server: "transport: stream, role: connect"
        case .datagrams: "transport: dgram"
        }
      }

      /// QEMU's words for a socket.
      func netdev(_ path: String) -> String {
        switch self {
        case .client: "stream,id=n,server=off,addr.type=unix,addr.path=\(path).sock"
        case .server: "stream,id=n,server=on,addr.type=unix,addr.path=\(path).sock"
        case .datagrams:
          "dgram,id=n,local.type=unix,local.path=\(path).peer.sock,remote.type=unix,remote.path=\(path).sock"
        }
      }

      /// QEMU 7.2 that has connected never does so again.
      var survivesTheDaemon: Bool { self != .client }
    }

    @Test(.timeLimit(.minutes(4)), arguments: Variant.allCases)
    func aGuestIsReachedAlsoAfterEitherSideHasGone(_ variant: Variant) async throws {
      try await Sandbox.use { sandbox in
        let file = try sandbox.write(
          """
          version: 1
          name: ape-sock
          switches: { sw1: {} }
          nodes:
            a: { kind: external, nics: { eth0: { switch: sw1, \(variant.keys), socket: \(sandbox.folder)/a.sock } } }
            probe: { kind: netns, nics: { eth0: { switch: sw1, address: 10.8.0.9/24 } } }

          """)
        try await sandbox.apus("up", file, expecting: 0)
        var machine = try Self.boot(variant, sandbox)
        try await sandbox.pings("probe", "10.8.0.1", lab: Self.lab, within: 90)
        let agent = Agent(path: "\(sandbox.folder)/a.agent")
        #expect(try agent.status(of: "ping -c 3 10.8.0.9", within: 60) == 0)
        // Larger than a segment, and with checksums that the namespace leaves to others.
        #expect(try agent.status(of: "ping -c 1 -s 20000 10.8.0.9", within: 60) == 0)
        let port = try await sandbox.port("a.eth0", Self.lab)
        #expect(port.kind == (variant == .datagrams ? "dgram" : "stream") && port.carrier == "up" && port.error == nil)
        let shown = try await sandbox.apus("port", "show", "a.eth0", "--lab", Self.lab, expecting: 0).output
        #expect(shown.contains("connected    yes") && shown.contains("faults       0"), "\(shown)")

        // The daemon dies; its successor finds the guest again.
        if variant.survivesTheDaemon {
          let daemon = try sandbox.daemon(Self.lab)
          daemon.signal(SIGKILL)
          _ = await daemon.wait(timeoutSeconds: 20)
          try await sandbox.apus("up", file, expecting: 0)
          try await sandbox.pings("probe", "10.8.0.1", lab: Self.lab, within: 60)
          #expect(machine.isAlive)
        }

        // The peer goes, and another one comes.
        machine.signal(SIGKILL)
        _ = await machine.wait(timeoutSeconds: 20)
        try await eventually("the port has no carrier") {
          try await sandbox.port("a.eth0", Self.lab).carrier == "down"
        }
        machine = try Self.boot(variant, sandbox)
        try await sandbox.pings("probe", "10.8.0.1", lab: Self.lab, within: 90)
        #expect(machine.isAlive)
        try await sandbox.apus("down", Self.lab, expecting: 0)
        if variant != .server { #expect(!FileManager.default.fileExists(atPath: "\(sandbox.folder)/a.sock")) }
      }
    }

    /// A peer that breaks the rules, at a port beside others.
    @Test(.timeLimit(.minutes(2))) func aPeerThatBreaksTheRulesIsToldOf() async throws {
      try await Sandbox.use { sandbox in
        let file = try sandbox.write(
          """
          version: 1
          name: ape-sock
          switches: { sw1: {} }
          nodes:
            a: { kind: external, nics: { eth0: { switch: sw1, transport: stream } } }
            b: { kind: netns, nics: { eth0: { switch: sw1, address: 10.8.0.8/24 } } }
            c: { kind: netns, nics: { eth0: { switch: sw1, address: 10.8.0.9/24 } } }

          """)
        try await sandbox.apus("up", file, expecting: 0)
        for size: [UInt8] in [[0, 0, 0, 0], [0, 0, 0, 13], [0, 1, 16, 1], [255, 255, 255, 255]] {
          let peer = try UnixSocket.connect(path: "\(sandbox.state)/ape-sock/a.eth0.sock")
          _ = try UnixSocket.send(peer, size + [UInt8](repeating: 0, count: 100))
          try await eventually("the connection is closed") {
            guard case .end? = try? UnixSocket.receive(peer, size: 4096, maximumDescriptors: 0) else { return false }
            return true
          }
        }
        let shown = try await sandbox.apus("port", "show", "a.eth0", "--lab", Self.lab, expecting: 0).output
        #expect(shown.contains("faults       4") && shown.contains("announced a frame of 4294967295 bytes"), "\(shown)")
        try await sandbox.pings("b", "10.8.0.9", lab: Self.lab)
        try await sandbox.apus("down", Self.lab, expecting: 0)
      }
    }

    /// Starts QEMU with the built-in guest's kernel; the address is 10.8.0.1.
    private static func boot(_ variant: Variant, _ sandbox: Sandbox) throws -> ProcessIdentity {
      let mac = "02:00:00:00:08:01"
      let guest = sandbox.guestFolder
      return try sandbox.start(
        [
          "qemu-system-x86_64", "-nodefaults", "-no-user-config", "-display", "none", "-accel", "tcg", "-m", "128M",
          "-machine", "q35", "-kernel", "\(guest)/vmlinuz", "-initrd", "\(guest)/initramfs.gz",
          "-append", "console=ttyS0 quiet apus.name=a apus.nic=eth0,\(mac),10.8.0.1/24",
          "-serial", "file:\(sandbox.folder)/a.console.log", "-device", "virtio-serial-pci",
          "-chardev", "socket,id=agent,path=\(sandbox.folder)/a.agent,server=on,wait=off",
          "-device", "virtserialport,chardev=agent,name=apus.exec",
          "-netdev", variant.netdev("\(sandbox.folder)/a"), "-device", "virtio-net-pci,netdev=n,mac=\(mac),romfile=",
        ], log: "a.qemu.log")
    }
  }
}
