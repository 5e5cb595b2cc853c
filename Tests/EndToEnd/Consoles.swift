import Foundation
import Glibc
import LinuxHost
import Testing

extension RealThings {
  /// `console`: a guest never waits for who looks at it.
  @Suite struct Consoles {
    private static let lab = "ape-console"
    private static let file = """
      version: 1
      name: ape-console
      switches: { sw: {} }
      nodes:
        v: { kind: vm, nics: { eth0: { switch: sw } } }
      """
    /// Ten times what the client's terminal, the sockets and the daemon hold.
    private static let lineCount = 60000

    private static func client(_ sandbox: Sandbox, _ options: String...) throws -> TerminalClient {
      try TerminalClient([sandbox.binary, "console"] + options + ["v"], environment: sandbox.environment)
    }

    @Test(.timeLimit(.minutes(6))) func guestsDoNotWaitForClients() async throws {
      try await Sandbox.use { sandbox in
        let file = try sandbox.write(Self.file)
        try await sandbox.apus("up", file, expecting: 0)
        let first = try Self.client(sandbox)
        defer { first.end() }
        try await first.expect("Ctrl-] leaves")
        await first.type("echo al''ive\r")
        try await first.expect("alive")
        try await Self.stopped(first, sandbox)
        let second = try await Self.stolen(first, sandbox)
        defer { second.end() }
        try await Self.restarted(second, sandbox, file)
        await second.type("\u{1D}")
        #expect(try await second.status() == 0)
        let third = try Self.client(sandbox)
        defer { third.end() }
        try await third.expect("Ctrl-] leaves")
        try await sandbox.apus("stop", "v", "--lab", Self.lab, expecting: 0)
        try await third.expect("the machine has ended")
        #expect(try await third.status() == 0)
      }
    }

    /// A client that is stopped: a lost ssh connection, a pager.
    private static func stopped(_ client: TerminalClient, _ sandbox: Sandbox) async throws {
      client.signal(SIGSTOP)
      let used = try await sandbox.apus("console", "v", "--lab", lab, expecting: 1)
      #expect(used.errors.contains("in use") && used.errors.contains("--steal"), "\(used)")
      let load = "yes 0123456789012345678901234567890123456789 | head -n \(lineCount) >/dev/ttyS0; echo done"
      #expect(try await sandbox.shell("v", load, lab: lab, within: 200) == "done\n")
      client.signal(SIGCONT)
      let before = try await client.expect(" bytes of the console were not read in time and are lost]", within: 60)
      #expect((before.split(separator: "[").last.flatMap { Int($0) } ?? 0) > 0, "\(before.suffix(100))")
      await client.type("\recho ag''ain\r")
      try await client.expect("again")
    }

    private static func stolen(_ client: TerminalClient, _ sandbox: Sandbox) async throws -> TerminalClient {
      let thief = try Self.client(sandbox, "--steal")
      try await thief.expect("Ctrl-] leaves")
      try await client.expect("another client has taken over the console of node v")
      #expect(try await client.status() == 1)
      await thief.type("\recho mi''ne\r")
      try await thief.expect("mine")
      return thief
    }

    /// The daemon dies, and another one comes; the machine writes meanwhile.
    private static func restarted(_ client: TerminalClient, _ sandbox: Sandbox, _ file: String) async throws {
      try sandbox.daemon(lab).signal(SIGKILL)
      try await client.expect("the daemon is gone")
      try await sandbox.apus("up", file, expecting: 0)
      try await client.expect("Ctrl-] leaves")
      await client.type("\recho ba''ck\r")
      try await client.expect("back")
    }
  }
}
