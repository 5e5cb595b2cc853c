import Foundation
import Glibc
import LinuxHost
import Testing

extension RealThings {
  /// What the host refuses: a clear error with what to do, and nothing left behind.
  @Suite struct BadInput {
    private static func lab(_ nodes: String) -> String {
      "version: 1\nname: ape-bad\nswitches: { sw1: {} }\nnodes:\n  a: \(nodes)\n"
    }

    /// Nothing of a lab that did not come up is there.
    private static func checkNothingLeft(_ sandbox: Sandbox) async throws {
      for folder in [sandbox.state, sandbox.data] {
        // The daemon answers first and ends then.
        try await eventually("\(folder) is empty", within: 10) {
          ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).isEmpty
        }
      }
      #expect(NetworkNamespace.names().filter { $0.hasPrefix("apus-ape-bad-") } == [])
      let outcome = try await sandbox.apus("ps", "-j", expecting: 0)
      #expect(outcome.output.filter { !$0.isWhitespace } == "[]")
    }

    @Test func socketOfALiveListener() async throws {
      try await Sandbox.use { sandbox in
        let path = "\(sandbox.folder)/taken.sock"
        let listener = try UnixSocket.listen(path: path, mode: 0o600, owner: nil)
        let file = try sandbox.write(
          Self.lab("{ kind: external, nics: { eth0: { switch: sw1, socket: \(path) } } }"))
        let outcome = try await sandbox.apus("up", file, expecting: 1)
        #expect(outcome.errors.contains(path) && outcome.errors.contains("EADDRINUSE"), "\(outcome)")
        #expect(outcome.errors.contains("another program listens there"))
        // The other program is still reached.
        _ = try UnixSocket.connect(path: path)
        #expect(try UnixSocket.accept(listener) != nil)
        try await Self.checkNothingLeft(sandbox)
      }
    }

    @Test func interfaceThatExists() async throws {
      try await Sandbox.use { sandbox in
        let name = "ape-bad0"
        let made = try await execute(["ip", "tuntap", "add", "dev", name, "mode", "tun"])
        guard made.status == 0 else { throw Failure("\(made)") }
        let file = try sandbox.write(Self.lab("{ kind: tap, nics: { \(name): { switch: sw1 } } }"))
        let outcome = try await sandbox.apus("up", file)
        let shown = try await execute(["ip", "link", "show", name])
        _ = try await execute(["ip", "link", "delete", name])
        #expect(outcome.status == 2 && outcome.errors.contains("ip link delete \(name)"), "\(outcome)")
        #expect(outcome.errors.contains("the host has an interface \"\(name)\" already"), "\(outcome)")
        #expect(shown.status == 0)
        try await Self.checkNothingLeft(sandbox)
      }
    }

    @Test func noTunnelDevice() async throws {
      try await Sandbox.use { sandbox in
        let file = try sandbox.write(
          Self.lab("{ kind: netns, nics: { eth0: { switch: sw1, address: 10.7.0.1/24 } } }"))
        let outcome = try await execute(
          [
            "unshare", "--mount", "--propagation", "private", "sh", "-c",
            "mount -t tmpfs none /dev/net && exec \"$0\" up \"$1\"", sandbox.binary, file,
          ], environment: sandbox.environment)
        #expect(outcome.status == 1, "\(outcome)")
        #expect(outcome.errors.contains("/dev/net/tun") && outcome.errors.contains("modprobe tun"), "\(outcome)")
        try await Self.checkNothingLeft(sandbox)
      }
    }

    @Test func notRoot() async throws {
      try await Sandbox.use { sandbox in
        let file = try sandbox.write(Self.lab("{ kind: tap, nics: { ape-tap0: { switch: sw1 } } }"))
        // Another user can neither enter a folder of root's nor run a program there.
        let program = "\(sandbox.folder)/apus"
        try FileManager.default.copyItem(atPath: sandbox.binary, toPath: program)
        guard chown(sandbox.folder, 65534, 65534) == 0 else { throw Failure("chown: \(errno)") }
        let outcome = try await execute(
          ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", program, "up", file],
          environment: sandbox.environment)
        #expect(outcome.status == 1, "\(outcome)")
        #expect(outcome.errors.contains("root"), "\(outcome)")
        #expect(!TAPDevice.exists(name: "ape-tap0", namespace: nil))
        try await Self.checkNothingLeft(sandbox)
      }
    }
  }
}
