import Foundation
import Glibc
import LinuxHost
import TestSupport
import Testing

extension RealThings {
  /// `exec`: what goes in and comes out, in a namespace and in a guest.
  @Suite struct Commands {
    private static let lab = "ape-exec"
    static let file = """
      version: 1
      name: ape-exec
      switches: { sw: {} }
      nodes:
        n: { kind: netns, nics: { eth0: { switch: sw, address: 10.0.20.1/24 } } }
        v: { kind: vm, nics: { eth0: { switch: sw, address: 10.0.20.2/24 } } }
      """

    /// Runs a line of a shell in which `apus` is the program, and `$T` the sandbox's folder.
    private static func shell(_ line: String, _ sandbox: Sandbox, within seconds: Double = 100) async throws -> Outcome
    {
      var environment = sandbox.environment
      environment["PATH"] = "\(sandbox.folder)/bin:" + (environment["PATH"] ?? "/usr/bin:/bin")
      environment["T"] = sandbox.folder
      environment["TERM"] = "xterm-ape"
      return try await execute(["/bin/sh", "-c", line], environment: environment, within: seconds)
    }

    @Test(.timeLimit(.minutes(6))) func inputOutputAndStatus() async throws {
      try await Sandbox.use { sandbox in
        try FileManager.default.createDirectory(atPath: "\(sandbox.folder)/bin", withIntermediateDirectories: true)
        symlink(sandbox.binary, "\(sandbox.folder)/bin/apus")
        try await sandbox.apus("up", try sandbox.write(Self.file), expecting: 0)
        for node in ["n", "v"] { try await Self.streams(of: node, sandbox) }
        try await Self.caller(sandbox)
        try await Self.endOfClient(sandbox)
        try await Self.terminals(sandbox)
        try await Self.endOfLab(sandbox)
      }
    }

    private static func streams(of node: String, _ sandbox: Sandbox) async throws {
      let size = node == "n" ? 104_857_600 : 1_048_576
      let cases: [(line: String, output: String, status: Int32)] = [
        ("printf x | apus exec \(node) -- wc -c", "1\n", 0),
        ("apus exec \(node) -- wc -c </dev/null", "0\n", 0),
        // A terminal's input ends within a line, too.
        ("printf x | apus exec -t \(node) -- wc -c", "x1\r\n", 0),
        ("apus exec \(node) -- wc -c <&-", "0\n", 0),
        ("printf 'a\\nb\\n' | while read -r x; do apus exec \(node) -- echo $x </dev/null; done", "a\nb\n", 0),
        ("yes | apus exec \(node) -- head -n 1", "y\n", 0),
        ("yes | apus exec \(node) -- sh -c 'exec <&-; exit 4'", "", 4),
        ("head -c \(size) /dev/zero | apus exec \(node) -- cat | wc -c", "\(size)\n", 0),
        ("apus exec \(node) -- head -c \(size) /dev/zero </dev/null | (sleep 1; wc -c)", "\(size)\n", 0),
        ("apus exec \(node) -- /etc/passwd", "", 126), ("apus exec \(node) -- /etc", "", 126),
        ("apus exec \(node) -- no-such-program", "", 127), ("apus exec \(node) -- /no/such", "", 127),
        ("apus exec \(node) -- sh -c 'kill -TERM $$'", "", 143),
        (
          "echo 'stty size; echo $TERM; exit 5' | apus exec -t \(node) -- sh | grep -c -e '24 80' -e ^xterm-ape", "2\n",
          0
        ),
      ]
      for (line, output, status) in cases {
        let outcome = try await shell(line, sandbox)
        #expect(outcome.output == output && outcome.status == status, "\(outcome)")
      }
    }

    /// A namespace shares the caller's folder, variables, programs and umask.
    private static func caller(_ sandbox: Sandbox) async throws {
      let outcome = try await shell(
        """
        cd "$T" && umask 027 && export A='b  c' && printf '#!/bin/sh\\necho mine\\n' >bin/mine && chmod +x bin/mine
        apus exec n -- sh -c 'pwd; umask; echo "$A"; ls /sys/class/net | tr "\\n" " "'
        apus exec n -- mine; apus exec n -- bin/mine
        chmod -x bin/mine; apus exec n -- mine; echo $?
        printf '#!/no/such\\n' >bin/script; chmod +x bin/script; apus exec n -- script; echo $?
        """, sandbox)
      // Closed is closed: nothing else of the program has its place, and is read in its stead.
      let closed = try await shell("apus exec n -- sleep 9 <&- & sleep 1; readlink /proc/$!/fd/0; kill $!", sandbox)
      #expect(closed.output == "/dev/null\n", "\(closed)")
      let gone = try await shell("mkdir $T/gone && cd $T/gone && rmdir $T/gone && apus exec n -- pwd", sandbox)
      #expect(gone.status == 125 && gone.errors.contains("is it still there?"), "\(gone)")
      #expect(outcome.output == "\(sandbox.folder)\n0027\nb  c\neth0 lo mine\nmine\n126\n127\n", "\(outcome)")
    }

    /// Who has gone ends the command.
    private static func endOfClient(_ sandbox: Sandbox) async throws {
      for (index, node) in ["n", "v"].enumerated() {
        let client = try sandbox.start(
          [sandbox.binary, "exec", "--lab", lab, node, "--", "sleep", "7654\(index)"], log: "exec.log")
        let search = "ps -o args 2>/dev/null | grep -c -E '^(/.*/)?[s]leep 7654\(index)' || true"
        func count() async throws -> String {
          try await sandbox.shell(node, node == "n" ? search.replacing("ps -o", with: "ps -eo") : search, lab: lab)
        }
        try await eventually("the command runs in \(node)") { try await count() == "1\n" }
        client.signal(SIGKILL)
        try await eventually("the command ends in \(node)") { try await count() == "0\n" }
      }
    }

    /// A lab that is taken down leaves no command behind.
    private static func endOfLab(_ sandbox: Sandbox) async throws {
      let written = "\(sandbox.folder)/command"
      _ = try sandbox.start(
        [sandbox.binary, "exec", "--lab", lab, "n", "--", "sh", "-c", "echo $$ >\(written); exec sleep 1000"],
        log: "exec.log")
      try await eventually("the command runs") { text(of: written)?.hasSuffix("\n") == true }
      let pid = try #require(Int32((text(of: written) ?? "").trimmingCharacters(in: .newlines)))
      let command = try #require(ProcessIdentity.of(pid: pid))
      try await sandbox.apus("down", lab, expecting: 0)
      #expect(await command.wait(timeoutSeconds: 20))
    }

    private static func terminals(_ sandbox: Sandbox) async throws {
      var environment = sandbox.environment
      environment["PS1"] = "outside> "
      let person = try TerminalClient(
        ["/bin/sh", "-i"], environment: environment, rows: 33, columns: 111)
      defer { person.end() }
      try await person.expect("outside> ")
      await person.type("stty -g\r")
      try await person.expect("stty -g\r\n")
      let settings = try await person.expect("\r\n")
      for node in ["n", "v"] { try await Self.shell(in: node, person, sandbox) }
      // The client is ended from outside.
      await person.type("\(sandbox.binary) exec -t n -- sleep 98765; echo =$?\r")
      try await person.expect("=$?\r\n")
      try await eventually("the client is there") {
        try await shell("pkill -TERM -f 'apus exec -t n -- sleep 9876[5]'", sandbox).status == 0
      }
      try await person.expect("=143\r\n")
      await person.type("stty -g\r")
      try await person.expect("stty -g\r\n")
      #expect(try await person.expect("\r\n") == settings)
    }

    /// A shell in a node, used by a person in a shell outside.
    private static func shell(in node: String, _ person: TerminalClient, _ sandbox: Sandbox) async throws {
      await person.type("\(sandbox.binary) exec -it \(node) -- sh; echo =$?\r")
      try await person.expect("=$?\r\n")
      await person.type("PS1=in'side> '\r")
      try await person.expect("inside> ")
      await person.type("stty size\r")
      try await person.expect("33 111")
      person.resize(rows: 40, columns: 120)
      try await eventually("the size changes in \(node)") {
        await person.type("stty size\r")
        try await Task.sleep(for: .milliseconds(300))
        return person.text.contains("40 120")
      }
      // Ctrl-C is the command's, not the client's.
      await person.type("sleep 1000\r")
      try await person.expect("sleep 1000")
      try await eventually("Ctrl-C ends it in \(node)") {
        await person.type("\u{3}")
        try await Task.sleep(for: .milliseconds(300))
        await person.type("echo fr''ee\r")
        try await Task.sleep(for: .milliseconds(300))
        return person.text.contains("free")
      }
      await person.type("exit 9\r")
      try await person.expect("=9\r\n")
      person.resize(rows: 33, columns: 111)
    }
  }
}
