import Foundation
import Glibc
import LinuxHost
import TestSupport
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

    /// What an option says wrongly, and its variable, is told in the same words, before a lab is looked for.
    @Test func optionsAndTheirVariables() async throws {
      try await Sandbox.use { sandbox in
        let file = try sandbox.write(Self.lab("{ kind: external, nics: { eth0: { switch: sw1 } } }"))
        let cases: [(command: [String], option: String, variable: String, value: String, words: String)] = [
          (["link", "flap", "x"], "--down", "DOWN", "soon", "a time such as 500ms is expected"),
          (["link", "flap", "x"], "--count", "COUNT", "0", "a number, 1 to 1000000, is expected"),
          (["graph", file], "--format", "FORMAT", "png", ""),
          (["capture", "all"], "--duration", "DURATION", "soon", "a time such as 30s is expected"),
          (["capture", "all"], "--direction", "DIRECTION", "up", "one of in, out, both is expected"),
          (["capture", "all"], "--ring", "RING", "4", "COUNTxSIZE as in 4x10M is expected"),
          (["capture", "all"], "--count", "COUNT", "0", "a number, 1 or more, is expected"),
          (["fdb", "flush"], "--vlan", "VLAN", "4095", "a number, 1 to 4094, is expected"),
          (["up", file], "--parallel", "PARALLEL", "0", "a number, 1 or more, is expected"),
          (["ps"], "--output", "OUTPUT", "xml", ""),
        ]
        for (command, option, variable, value, words) in cases {
          let said = try await execute([sandbox.binary] + command + [option, value], environment: sandbox.environment)
          #expect(said.status == 2 && (words.isEmpty || said.errors.contains(words)), "\(command) \(option): \(said)")
          var environment = sandbox.environment
          environment["APUS_\(variable)"] = value
          let set = try await execute([sandbox.binary] + command, environment: environment)
          #expect(set.status == 2, "\(command) \(variable): \(set)")
          let start = "APUS_\(variable) is \"\(value)\", but \(words.isEmpty ? "one of " : words)"
          #expect(set.errors.contains(start), "\(command) \(variable): \(set)")
        }
      }
    }

    private static let bootingFile = """
      version: 1
      name: ape-bad
      switches: { sw1: {} }
      nodes:
        vm1: { kind: vm, nics: { eth0: { switch: sw1, address: 10.0.0.1/24 } } }
        p1: { kind: netns, nics: { eth0: { switch: sw1, address: 10.0.0.2/24 } } }

      """

    @Test(.timeLimit(.minutes(2))) func interruptedUpLeavesNothingBehind() async throws {
      try await Sandbox.use { sandbox in
        let file = try sandbox.write(Self.bootingFile)
        let up = try sandbox.start([sandbox.binary, "up", file], log: "up.log")
        try await eventually("the machine boots") {
          text(of: "\(sandbox.data)/ape-bad/apus.log")?.contains("vm1: booting") == true
        }
        up.signal(SIGINT)
        #expect(await up.wait(timeoutSeconds: 20))
        try await eventually("nothing is left") {
          let left = [sandbox.state, sandbox.data].flatMap {
            (try? FileManager.default.contentsOfDirectory(atPath: $0)) ?? []
          }
          let namespaces = (try? FileManager.default.contentsOfDirectory(atPath: "/run/netns")) ?? []
          return left.isEmpty && !namespaces.contains("apus-ape-bad-p1")
        }
        #expect(try await sandbox.apus("ps", "-j", expecting: 0).output.filter { !$0.isWhitespace } == "[]")
      }
    }

    @Test(.timeLimit(.minutes(2))) func twoUpsAtOnceAreOneLab() async throws {
      try await Sandbox.use { sandbox in
        let file = try sandbox.write(Self.bootingFile)
        async let one = sandbox.apus("up", file)
        async let two = sandbox.apus("up", file)
        let outcomes = try await [one, two]
        #expect(outcomes.map(\.status) == [0, 0], "\(outcomes)")
        #expect(outcomes.filter { ($0.output + $0.errors).contains("no changes") }.count == 1, "\(outcomes)")
        #expect(outcomes.filter { $0.output.contains("create  node vm1") }.count == 1, "\(outcomes)")
        try await sandbox.pings("p1", "10.0.0.1", lab: "ape-bad")
        let other = try sandbox.write(Self.bootingFile, as: "other.lab.yaml")
        let refused = try await sandbox.apus("up", other, expecting: 1)
        #expect(refused.errors.contains("is running from another file"), "\(refused)")
        try await sandbox.apus("up", other, "--replace", expecting: 0)
        try await sandbox.apus("down", "ape-bad", expecting: 0)
      }
    }
  }
}
