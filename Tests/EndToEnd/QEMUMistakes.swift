import Foundation
import GuestKit
import LinuxHost
import TestSupport
import Testing

extension RealThings {
  /// What people do wrong with a QEMU of their own, and what they are told of it; and memory in an ordinary file.
  @Suite struct QEMUMistakes {
    private static let lab = "ape-wrong"

    @Test(.timeLimit(.minutes(4))) func areTold() async throws {
      try await Sandbox.use { sandbox in
        let file = try sandbox.write(
          """
          version: 1
          name: ape-wrong
          switches: { sw1: {} }
          nodes:
            a: { kind: external, nics: { eth0: { switch: sw1, queues: 1, socket: \(sandbox.folder)/a.sock } } }
            b: { kind: external, nics: { eth0: { switch: sw1, socket: \(sandbox.folder)/b.sock } } }
            probe: { kind: netns, nics: { eth0: { switch: sw1, address: 10.8.0.9/24 } } }

          """)
        try await sandbox.apus("up", file, expecting: 0)
        let first = try bootFromFile(sandbox)
        try await moreQueuesThanThereAre(sandbox)
        try await memoryThatIsNotShared(sandbox)
        try await memoryThatIsPrivate(sandbox)
        try await sandbox.pings("probe", "10.8.0.2", lab: Self.lab, within: 90)
        try await aFileIsMemory(sandbox)
        try await twoAtOneSocket(sandbox)
        #expect(first.isAlive)
        try await sandbox.apus("down", Self.lab, expecting: 0)
      }
    }

    /// A guest whose memory is an ordinary file, with a longer MTU than anybody told the port.
    private func bootFromFile(_ sandbox: Sandbox) throws -> ProcessIdentity {
      let folder = TemporaryFile.isMemory ? sandbox.folder : "/dev/shm"
      return try QEMUFrontEnds.boot(
        2, "b", .init(isServer: false, queues: 1), sandbox,
        backend: "memory-backend-file,share=on,discard-data=on,mem-path=\(folder)", device: ",host_mtu=9000")
    }

    private func aFileIsMemory(_ sandbox: Sandbox) async throws {
      let port = try await sandbox.port("b.eth0", Self.lab)
      #expect(port.error == nil && port.refusals == 0 && port.advice == nil, "\(port)")
      #expect(port.memory_regions?.isEmpty == false)
      #expect(port.mtu == 9000 && port.features?.contains("MTU") == false, "QEMU keeps that feature to itself")
    }

    /// Without `reconnect` QEMU 7.2 tries again at once, for ever, as long as somebody listens.
    private func moreQueuesThanThereAre(_ sandbox: Sandbox) async throws {
      let machine = try start(sandbox, "a", "queues", netdev: ",queues=2")
      #expect(await machine.wait(timeoutSeconds: 60), "QEMU ends")
      let said = text(of: "\(sandbox.folder)/queues.qemu.log") ?? ""
      #expect(said.contains("you are asking more queues than supported: 1"))
      let port = try await sandbox.port("a.eth0", Self.lab)
      #expect(port.advice?.contains("this port offers 1 queue pair)") == true, "\(port)")
      #expect(log(sandbox).contains("port a.eth0: front-ends come and leave again"))
    }

    private func memoryThatIsNotShared(_ sandbox: Sandbox) async throws {
      let machine = try QEMUFrontEnds.boot(1, "a", .init(isServer: false, queues: 1), sandbox, backend: nil)
      try await advice(of: sandbox, contains: "-object memory-backend-memfd,id=ram,size=SIZE,share=on")
      try await end(machine, sandbox)
    }

    private func memoryThatIsPrivate(_ sandbox: Sandbox) async throws {
      let machine = try QEMUFrontEnds.boot(
        1, "a", .init(isServer: false, queues: 1), sandbox, backend: "memory-backend-file,mem-path=/dev/shm")
      try await advice(of: sandbox, contains: "memory-backend-file needs share=on")
      try await end(machine, sandbox)
    }

    private func twoAtOneSocket(_ sandbox: Sandbox) async throws {
      let second = try start(sandbox, "b", "second")
      #expect(await second.wait(timeoutSeconds: 60), "QEMU ends")
      let port = try await sandbox.port("b.eth0", Self.lab)
      let reason =
        "a second front-end (qemu-system-x86, process \(second.pid)) was turned away, as one (qemu-system-x86"
      #expect(port.last_refusal?.hasPrefix(reason) == true && port.refusals ?? 0 > 0, "\(port)")
      #expect(port.carrier == "up" && port.error == nil && port.advice == nil)
      #expect(log(sandbox).contains("port b.eth0: refused: \(reason)"))
      try await sandbox.pings("probe", "10.8.0.2", lab: Self.lab)
    }

    private func advice(of sandbox: Sandbox, contains words: String) async throws {
      try await eventually("port show advises", within: 90) {
        try await sandbox.port("a.eth0", Self.lab).advice?.contains(words) == true
      }
      #expect(log(sandbox).contains(words))
    }

    private func end(_ machine: ProcessIdentity, _ sandbox: Sandbox) async throws {
      machine.signal(SIGKILL)
      #expect(await machine.wait(timeoutSeconds: 30))
      try await eventually("the front-end is gone, and what was wrong with it") {
        let port = try await sandbox.port("a.eth0", Self.lab)
        return port.connected == false && port.advice?.contains("share=on") != true
      }
    }

    /// A machine without a system, connected once.
    private func start(
      _ sandbox: Sandbox, _ port: String, _ name: String, netdev: String = ""
    ) throws -> ProcessIdentity {
      try sandbox.start(
        [
          "qemu-system-x86_64", "-nodefaults", "-no-user-config", "-display", "none", "-accel", "tcg", "-m", "64M",
          "-object", "memory-backend-memfd,id=m,size=64M,share=on", "-machine", "q35,memory-backend=m",
          "-chardev", "socket,id=c,path=\(sandbox.folder)/\(port).sock",
          "-netdev", "vhost-user,id=n,chardev=c\(netdev)",
          "-device", "virtio-net-pci,netdev=n,romfile=,vectors=0",
        ], log: "\(name).qemu.log")
    }

    private func log(_ sandbox: Sandbox) -> String { text(of: "\(sandbox.data)/\(Self.lab)/apus.log") ?? "" }
  }
}
