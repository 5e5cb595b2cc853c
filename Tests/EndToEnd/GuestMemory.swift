import Foundation
import LinuxHost
import TestSupport
import Testing

extension RealThings {
  /// The memory that the built-in guest needs, and when it counts as ready.
  @Suite struct GuestMemory {
    private static let step = 8

    private static func file(_ memory: Int, _ model: String) -> String {
      """
      version: 1
      name: ape-memory
      switches: { sw1: {} }
      nodes:
        v: { kind: vm, memory: \(memory)M, nics: { eth0: { switch: sw1, address: 10.0.0.1/24, model: \(model) } } }

      """
    }

    /// MiB: `MachineLimits.builtinMemory` and `fullBuiltinMemory`, which `validate` refuses less than.
    @Test(.timeLimit(.minutes(8)), arguments: [(80, "virtio"), (96, "e1000")])
    func bootsWithWhatTheRuleDemandsAndNotWithLess(least: Int, model: String) async throws {
      try await Sandbox.use { sandbox in
        let refused = try await sandbox.apus(
          "validate", try sandbox.write(Self.file(least - Self.step, model)), expecting: 2)
        #expect(refused.errors.contains("error[L006]") && refused.errors.contains("it needs \(least) MiB"))
        try await sandbox.apus("up", try sandbox.write(Self.file(least, model)), expecting: 0, within: 200)
        let node = try await sandbox.nodes("ape-memory").first
        guard let pid = node?.pid else { throw Failure("no process: \(String(describing: node))") }
        if model == "virtio" { try await Self.checkReadiness(sandbox) }
        try await Self.checkLess(sandbox, than: pid, least)
      }
    }

    /// A machine whose first NIC has no driver is not ready, however well it runs.
    private static func checkReadiness(_ sandbox: Sandbox) async throws {
      func isReady() async throws -> Bool { try await sandbox.nodes("ape-memory").allSatisfy(\.ready) }
      try await eventually("it is ready", within: 60) { try await isReady() }
      let device = "$(basename $(readlink -f /sys/class/net/eth0/device))"
      let drivers = "/sys/bus/virtio/drivers/virtio_net"
      try await sandbox.shell(
        "v", "echo \(device) | tee /tmp/nic >\(drivers)/unbind", lab: "ape-memory")
      try await eventually("it is not ready without its NIC", within: 60) { try await !isReady() }
      try await sandbox.shell("v", "cat /tmp/nic >\(drivers)/bind", lab: "ape-memory")
      try await eventually("it is ready again", within: 60) { try await isReady() }
    }

    /// Starts the same machine with less memory beside it, without the NIC that somebody would have to serve.
    private static func checkLess(_ sandbox: Sandbox, than pid: Int32, _ least: Int) async throws {
      let line = FileManager.default.contents(atPath: "/proc/\(pid)/cmdline") ?? Data()
      var words = line.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
      guard let first = words.first, first.contains("qemu") else { throw Failure("no QEMU: \(words)") }
      words.removeFirst()
      let folder = "\(sandbox.folder)/less"
      for part in ["s", "d"] {
        try FileManager.default.createDirectory(
          atPath: "\(folder)/\(part)/ape-memory/v", withIntermediateDirectories: true)
      }
      // Not the first one's.
      for (index, word) in words.enumerated() where word.hasPrefix("memory-backend-file,") {
        words[index] = "memory-backend-memfd,id=ram,size=\(least << 20),share=on"
      }
      let (usual, less) = (least << 20, (least - step) << 20)
      var arguments: [String] = []
      var index = 0
      while index < words.count {
        defer { index += 1 }
        let isNIC = words.indices.contains(index + 1) && words[index + 1].contains("eth0")
        if isNIC, ["-chardev", "-netdev", "-device"].contains(words[index]) {
          index += 1
          continue
        }
        arguments.append(
          words[index].replacingOccurrences(of: "size=\(usual / 1024)K", with: "size=\(less / 1024)K")
            .replacingOccurrences(of: "size=\(usual)", with: "size=\(less)")
            .replacingOccurrences(of: "\(sandbox.folder)/", with: "\(folder)/"))
      }
      let process = try sandbox.start(
        ["/usr/bin/env", "qemu-system-x86_64"] + arguments, log: "less.log")
      // It says so after the second in which the other one was ready; or is silent for ever, which it is not.
      try await eventually("the kernel of a machine with \(least - step) MiB gives up", within: 240) {
        guard process.isAlive else { throw Failure("QEMU ended: \(text(of: "\(sandbox.folder)/less.log") ?? "")") }
        return text(of: "\(folder)/d/ape-memory/v/console.log")?.contains("Kernel panic") ?? false
      }
    }
  }
}
