import Foundation
import LinuxHost
import TestSupport
import Testing

extension RealThings {
  /// QEMU that somebody else starts, on `external` ports, in both roles of the socket and with one and two queue pairs.
  @Suite struct QEMUFrontEnds {
    private static let lab = "ape-ext"

    struct Variant: Sendable, CustomTestStringConvertible {
      /// QEMU listens and the switch connects.
      var isServer: Bool
      var queues: Int

      var testDescription: String { "\(isServer ? "server" : "client"), \(queues) queue pairs" }
    }

    @Test(
      .timeLimit(.minutes(3)),
      arguments: [false, true].flatMap { isServer in [1, 2].map { Variant(isServer: isServer, queues: $0) } })
    func pingEachOther(_ variant: Variant) async throws {
      try await Sandbox.use { sandbox in
        let role = variant.isServer ? "connect" : "listen"
        func nic(_ name: String) -> String {
          "{ switch: sw1, role: \(role), queues: \(variant.queues), socket: \(sandbox.folder)/\(name).sock }"
        }
        let file = try sandbox.write(
          """
          version: 1
          name: ape-ext
          switches: { sw1: {} }
          nodes:
            a: { kind: external, nics: { eth0: \(nic("a")) } }
            b: { kind: external, nics: { eth0: \(nic("b")) } }
            probe: { kind: netns, nics: { eth0: { switch: sw1, address: 10.8.0.9/24 } } }

          """)
        try await sandbox.apus("up", file, expecting: 0)
        _ = try Self.boot(1, "a", variant, sandbox)
        _ = try Self.boot(2, "b", variant, sandbox)
        try await sandbox.pings("probe", "10.8.0.1", lab: Self.lab, within: 60)
        try await sandbox.pings("probe", "10.8.0.2", lab: Self.lab, within: 60)
        let agent = Agent(path: "\(sandbox.folder)/a.agent")
        #expect(try agent.status(of: "ping -c 3 10.8.0.2", within: 60) == 0)
        let port = try await sandbox.port("a.eth0", Self.lab)
        #expect(port.carrier == "up" && port.error == nil)
        #expect(port.queue_status?.filter { $0.enabled }.count == 2 * variant.queues, "\(port)")
        try await sandbox.apus("down", Self.lab, expecting: 0)
        if !variant.isServer { #expect(!FileManager.default.fileExists(atPath: "\(sandbox.folder)/a.sock")) }
      }
    }

    @Test(.timeLimit(.minutes(3))) func memoryGrowsUnderTraffic() async throws {
      try await Sandbox.use { sandbox in
        let file = try sandbox.write(
          """
          version: 1
          name: ape-ext
          switches: { sw1: {} }
          nodes:
            a: { kind: external, nics: { eth0: { switch: sw1, socket: \(sandbox.folder)/a.sock } } }
            probe: { kind: netns, nics: { eth0: { switch: sw1, address: 10.8.0.9/24 } } }

          """)
        try await sandbox.apus("up", file, expecting: 0)
        let monitor = "\(sandbox.folder)/a.monitor"
        let machine = try Self.boot(
          1, "a", Variant(isServer: false, queues: 1), sandbox,
          // A kernel that expects more memory sets some aside for bounce buffers, which 128M have no room for.
          memory: "256M", hotplug: ",slots=2,maxmem=512M", extra: ["-monitor", "unix:\(monitor),server=on,wait=off"])
        try await sandbox.pings("probe", "10.8.0.1", lab: Self.lab, within: 60)
        let before = try await sandbox.port("a.eth0", Self.lab)
        let daemon = try sandbox.daemon(Self.lab)
        let descriptors = try FileManager.default.contentsOfDirectory(atPath: "/proc/\(daemon.pid)/fd").count
        let connection = try UnixSocket.connect(path: monitor)
        for line in [
          "object_add memory-backend-memfd,id=more,size=64M,share=on", "device_add pc-dimm,id=dimm1,memdev=more",
        ] {
          _ = try UnixSocket.send(connection, Array("\(line)\n".utf8))
        }
        try await eventually("the port sees 64 MiB more") {
          let regions = try await sandbox.port("a.eth0", Self.lab).memory_regions ?? []
          return regions.contains { $0.size == 64 << 20 } && regions.count == (before.memory_regions?.count ?? 0) + 1
        }
        try await sandbox.pings("probe", "10.8.0.1", lab: Self.lab)
        let after = try await sandbox.port("a.eth0", Self.lab)
        #expect(after.error == nil && after.receive_packets > before.receive_packets, "\(after)")
        // Some are of requests that have just been answered.
        try await eventually("the daemon has one descriptor more") {
          try FileManager.default.contentsOfDirectory(atPath: "/proc/\(daemon.pid)/fd").count <= descriptors + 1
        }
        #expect(machine.isAlive)
        try await sandbox.apus("down", Self.lab, expecting: 0)
      }
    }

    /// Starts QEMU with the built-in guest's kernel; the address is 10.8.0.`number`.
    ///
    /// - Parameters:
    ///   - backend: where the guest's memory lies; nil = nowhere that it could be shared.
    ///   - device: more words for the device.
    static func boot(
      _ number: Int, _ name: String, _ variant: Variant, _ sandbox: Sandbox, memory: String = "128M",
      hotplug: String = "", backend: String? = "memory-backend-memfd,share=on", device: String = "",
      extra: [String] = []
    ) throws -> ProcessIdentity {
      let mac = "02:00:00:00:08:0\(number)"
      let guest = sandbox.guestFolder
      // A busy machine is not to be taken for one without a timer.
      let words = "console=ttyS0 quiet no_timer_check tsc=reliable mitigations=off nokaslr cryptomgr.notests"
      let socket = "\(sandbox.folder)/\(name).sock"
      let role = variant.isServer ? "server=on,wait=off" : "reconnect=1"
      let isMultiqueue = variant.queues > 1
      let ram =
        backend.map { ["-object", "\($0),id=m,size=\(memory)", "-machine", "q35,memory-backend=m"] }
        ?? ["-machine", "q35"]
      let command = [
        "qemu-system-x86_64", "-nodefaults", "-no-user-config", "-display", "none", "-accel", "tcg", "-m",
        memory + hotplug,
        "-smp", "\(variant.queues)", "-kernel", "\(guest)/vmlinuz", "-initrd", "\(guest)/initramfs.gz",
        "-append", "\(words) apus.name=\(name) apus.nic=eth0,\(mac),10.8.0.\(number)/24",
        "-serial", "file:\(sandbox.folder)/\(name).console.log", "-device", "virtio-serial-pci",
        "-chardev", "socket,id=agent,path=\(sandbox.folder)/\(name).agent,server=on,wait=off",
        "-device", "virtserialport,chardev=agent,name=apus.exec",
        "-chardev", "socket,id=c,path=\(socket),\(role)",
        "-netdev", "vhost-user,id=n,chardev=c\(isMultiqueue ? ",queues=\(variant.queues)" : "")",
        "-device", "virtio-net-pci,netdev=n,mac=\(mac),vectors=0,romfile=\(isMultiqueue ? ",mq=on" : "")\(device)",
      ]
      return try sandbox.start(command + ram + extra, log: "\(name).qemu.log")
    }
  }
}
