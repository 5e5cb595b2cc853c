import Foundation
import Glibc
import LinuxHost
import TestSupport
import Testing

extension RealThings {
  /// What somebody at a terminal sees: `top`, tables, progress.
  @Suite struct Terminals {
    private static let lab = "ape-top"
    private static let file = """
      version: 1
      name: ape-top
      switches: { sw: {} }
      nodes:
        a: { kind: netns, nics: { eth0: { switch: sw, address: 10.0.21.1/24 } } }
        b: { kind: netns, nics: { eth0: { switch: sw, address: 10.0.21.2/24 } } }
        a-node-with-a-long-name-that-nobody-types: { kind: netns, nics: { eth0: { switch: sw } } }
      """
    private static let enter = "\u{1B}[?1049h"
    private static let leave = "\u{1B}[?1049l"

    /// A shell at a terminal, whose settings it tells.
    private static func person(_ sandbox: Sandbox, rows: UInt16 = 24, columns: UInt16 = 80) async throws -> (
      shell: TerminalClient, settings: String
    ) {
      var environment = sandbox.environment
      environment["PS1"] = "outside> "
      environment["TERM"] = "xterm"
      let shell = try TerminalClient(["/bin/sh", "-i"], environment: environment, rows: rows, columns: columns)
      try await shell.expect("outside> ")
      return (shell, try await settings(shell))
    }

    private static func settings(_ shell: TerminalClient) async throws -> String {
      await shell.type("stty -g\r")
      try await shell.expect("stty -g\r\n")
      return try await shell.expect("\r\n")
    }

    /// The last whole screen, line by line.
    private static func screen(_ shell: TerminalClient) -> [String] {
      let frames = shell.text.components(separatedBy: "\u{1B}[H").filter { $0.contains("\u{1B}[J") }
      guard let frame = frames.last?.components(separatedBy: "\u{1B}[J").first else { return [] }
      return frame.replacing("\u{1B}[K", with: "").components(separatedBy: "\r\n")
    }

    private static func ping(_ sandbox: Sandbox) throws {
      _ = try sandbox.start(
        [sandbox.binary, "exec", "--lab", lab, "a", "--", "ping", "-q", "-i", "0.01", "-s", "1000", "10.0.21.2"],
        log: "ping.log")
    }

    @Test(.timeLimit(.minutes(5))) func topShowsRatesAndLeavesTheTerminalAsItWas() async throws {
      try await Sandbox.use { sandbox in
        try await sandbox.apus("up", try sandbox.write(Self.file), expecting: 0)
        try Self.ping(sandbox)
        let (shell, settings) = try await Self.person(sandbox)
        defer { shell.end() }
        await shell.type("\(sandbox.binary) top; echo =$?\r")
        try await shell.expect(Self.enter)
        try await eventually("top shows the rate of a ping") {
          let screen = Self.screen(shell)
          guard screen.count == 24, screen.allSatisfy({ $0.count <= 80 }) else { return false }
          let row = screen.first { $0.hasPrefix("a.eth0 ") }?.split(separator: " ") ?? []
          // About 100 frames of 1042 bytes a second; a busy machine sends fewer.
          return row.count >= 7 && (Double(row[2]) ?? 0) > 5 && row[3].hasSuffix("k") && row[1] == "up"
        }
        try await Self.keys(shell)
        await shell.type("q")
        try await shell.expect(Self.leave)
        try await shell.expect("=0\r\n")
        #expect(try await Self.settings(shell) == settings)
      }
    }

    /// Views, filter, sizes.
    private static func keys(_ shell: TerminalClient) async throws {
      await shell.type("n")
      try await eventually("nodes are shown") { screen(shell).contains { $0.hasPrefix("NODE ") } }
      await shell.type("/long")
      try await eventually("the filter is shown") { screen(shell).last == "filter: long_" }
      await shell.type("\r")
      try await eventually("one node is left") {
        screen(shell).dropFirst(3).filter { !$0.isEmpty }.count == 2 && screen(shell)[3].contains("…")
      }
      await shell.type("\u{1B}")
      shell.resize(rows: 12, columns: 44)
      try await eventually("the screen has the new size") {
        let screen = screen(shell)
        return screen.count == 12 && screen.allSatisfy { $0.count <= 44 }
          && screen.contains { $0.hasPrefix("b ") }
      }
    }

    /// However it ends.
    @Test(.timeLimit(.minutes(5))) func theTerminalIsRestoredWhateverHappens() async throws {
      try await Sandbox.use { sandbox in
        let file = try sandbox.write(Self.file)
        try await sandbox.apus("up", file, expecting: 0)
        let (shell, settings) = try await Self.person(sandbox)
        defer { shell.end() }
        func start() async throws {
          await shell.type("\(sandbox.binary) top; echo =$?\r")
          try await shell.expect(Self.enter)
          try await eventually("top shows ports") { Self.screen(shell).contains { $0.hasPrefix("PORT ") } }
        }
        func ended(_ status: String) async throws {
          try await shell.expect(Self.leave)
          try await shell.expect("=\(status)\r\n")
          #expect(try await Self.settings(shell) == settings)
        }
        try await start()
        await shell.type("\u{3}")
        try await ended("0")
        try await start()
        let pattern = "\(sandbox.binary) top"
        _ = try await execute(["/usr/bin/pkill", "-TERM", "-x", "-f", pattern], environment: sandbox.environment)
        try await ended("143")
        // Its daemon dies: it says so and goes on with the next one.
        try await start()
        try sandbox.daemon(Self.lab).signal(SIGKILL)
        try await eventually("it says that the daemon is away") {
          Self.screen(shell).last?.contains("waiting") ?? false
        }
        try await sandbox.apus("up", file, expecting: 0)
        try await eventually("it shows ports again") { Self.screen(shell).last?.hasPrefix("p l w n") ?? false }
        try await sandbox.apus("down", Self.lab, expecting: 0)
        try await shell.expect(Self.leave)
        try await shell.expect("lab ape-top is down")
        try await shell.expect("=0\r\n")
        #expect(try await Self.settings(shell) == settings)
      }
    }

    /// Ctrl-Z gives the shell its terminal back, as it was; `fg` has it draw again, and the keys are its own.
    @Test(.timeLimit(.minutes(5))) func topIsStoppedAndGoesOn() async throws {
      try await Sandbox.use { sandbox in
        try await sandbox.apus("up", try sandbox.write(Self.file), expecting: 0)
        try Self.ping(sandbox)
        let (shell, settings) = try await Self.person(sandbox)
        defer { shell.end() }
        await shell.type("\(sandbox.binary) top\r")
        try await shell.expect(Self.enter)
        try await eventually("top shows ports") { Self.screen(shell).contains { $0.hasPrefix("PORT ") } }
        for _ in 0..<2 {
          await shell.type("\u{1A}")
          try await shell.expect(Self.leave)
          try await shell.expect("outside> ")
          #expect(try await Self.settings(shell) == settings)
          try await shell.expect("outside> ")
          // It is stopped: nothing is drawn over what the shell says.
          await shell.type("jobs -l\r")
          let jobs = try await shell.expect("outside> ")
          #expect(jobs.contains("Stopped") && jobs.contains(" top"), "\(jobs)")
          let process = jobs.split(whereSeparator: \.isWhitespace).compactMap { Int32($0) }.first ?? -1
          #expect(text(of: "/proc/\(process)/stat")?.contains(") T ") == true, "\(jobs)")
          #expect(!shell.text.contains("\u{1B}[H"))

          await shell.type("fg\r")
          try await shell.expect(Self.enter)
          try await eventually("top draws again, with rates of now") {
            let row = Self.screen(shell).first { $0.hasPrefix("a.eth0 ") }?.split(separator: " ") ?? []
            return row.count >= 7 && (Double(row[2]) ?? 0) > 5
          }
        }
        await shell.type("n")
        try await eventually("nodes are shown") { Self.screen(shell).contains { $0.hasPrefix("NODE ") } }
        await shell.type("q")
        try await shell.expect(Self.leave)
        try await shell.expect("outside> ")
        #expect(try await Self.settings(shell) == settings)
      }
    }

    @Test(.timeLimit(.minutes(5))) func scriptsGetTables() async throws {
      try await Sandbox.use { sandbox in
        try await sandbox.apus("up", try sandbox.write(Self.file), expecting: 0)
        let batch = try await sandbox.apus("top", "--batch", "-n", "2", "--delay", "200ms", expecting: 0)
        #expect(batch.output.components(separatedBy: "PORT ").count == 3, "\(batch)")
        // A pipe gets every column and whole names.
        #expect(batch.output.contains("a-node-with-a-long-name-that-nobody-types.eth0"), "\(batch)")
        #expect(!batch.output.contains("\u{1B}"))
        for arguments in [["--sort", "nonsense"], ["--view", "nonsense"], ["-n", "2"], []] {
          let outcome = try await execute(
            [sandbox.binary, "top"] + arguments, environment: sandbox.environment, within: 60)
          #expect(outcome.status == 2, "\(arguments): \(outcome)")
        }
        // A terminal gets lines that fit it.
        let (shell, _) = try await Self.person(sandbox, columns: 60)
        defer { shell.end() }
        // What is typed before the shell asks stands before its prompt, too.
        try await shell.expect("outside> ")
        await shell.type("\(sandbox.binary) port list; echo =$?\r")
        try await shell.expect("echo =$?\r\n")
        let lines = try await shell.expect("=0\r\n").components(separatedBy: "\r\n")
        #expect(lines.count == 5 && lines.allSatisfy { $0.count <= 60 }, "\(lines)")
        #expect(lines[0].hasPrefix("NAME ") && lines.contains { $0.contains("…") }, "\(lines)")
      }
    }

    /// Neither groff nor mandoc complains, and man(1)'s formatter shows what the help says.
    @Test(.timeLimit(.minutes(4))) func manualPagesAreTaken() async throws {
      try await Sandbox.use { sandbox in
        let folder = "\(sandbox.folder)/man"
        let made = try await execute(
          ["\(projectRoot)/tools/man", folder, sandbox.binary], environment: sandbox.environment, within: 120)
        #expect(made.status == 0, "\(made)")
        let shown = try await execute(
          ["/usr/bin/mandoc", "-T", "ascii", "\(folder)/apus-top.1"], environment: sandbox.environment)
        #expect(shown.output.contains("apus top --batch -n 3") && shown.errors.isEmpty, "\(shown)")
        #expect(
          shown.output.contains("E\u{8}EX\u{8}XI\u{8}IT\u{8}T S\u{8}ST\u{8}TA\u{8}AT\u{8}TU\u{8}US\u{8}S"), "\(shown)")
      }
    }

    /// A hundred nodes, and no more to read than ten.
    @Test(.timeLimit(.minutes(5))) func aLargeLabSaysLittle() async throws {
      try await Sandbox.use { sandbox in
        let file = try sandbox.write(
          """
          version: 1
          name: ape-big
          switches: { sw: {} }
          nodes: { "n[1-100]": { kind: netns, nics: { eth0: { switch: sw } } } }
          """)
        let up = try await sandbox.apus("up", file, expecting: 0)
        let said = up.errors.split(separator: "\n")
        #expect(said.count <= 12, "\(up.errors)")
        #expect(said.last?.hasPrefix("lab ape-big: 100 nodes, 1 switch, 100 links up in ") ?? false, "\(up.errors)")
        // Data is whole.
        #expect(up.output.split(separator: "\n").count == 101)
        let down = try await sandbox.apus("down", "ape-big", expecting: 0)
        #expect(down.errors.split(separator: "\n").count <= 12, "\(down.errors)")
        #expect(down.errors.contains("lab ape-big is down: 100 nodes, 1 switch, 100 links in "), "\(down.errors)")
        // On a terminal it is one line that changes, and a plan in a few.
        let (shell, _) = try await Self.person(sandbox)
        defer { shell.end() }
        await shell.type("\(sandbox.binary) up \(file); echo =$?\r")
        try await shell.expect("echo =$?\r\n")
        // Both are one character in Swift.
        let shown = try await shell.expect("=0\r\n").replacing("\r\n", with: "\n")
        let lines = shown.components(separatedBy: "\n").filter { !$0.isEmpty }
        #expect(lines.count == 3, "\(lines)")
        let parts = shown.components(separatedBy: "\r").map { $0.replacing("\u{1B}[2K", with: "") }
        let statuses = parts.filter { $0.hasPrefix("ape-big: ") }
        #expect(statuses.count > 100 && statuses.allSatisfy { $0.count < 80 }, "\(statuses)")
        #expect(statuses.last?.hasPrefix("ape-big: 100 of 100 nodes; ") ?? false, "\(statuses)")
        #expect(lines.last == "create  100 nodes", "\(lines)")
      }
    }
  }
}
