import Foundation
import Glibc
import LinuxHost
import TestSupport
import Testing

extension RealThings {
  /// Keys in real shells: what `apus completion` prints is read by bash, zsh and fish, which complete names of a lab.
  @Suite struct Completion {
    private static let lab = "ape-comp"
    private static let file = """
      version: 1
      name: ape-comp
      vlans: { blue: 20 }
      switches: { left: {}, right: {} }
      links: [ { name: core, ends: [left, right] } ]
      nodes:
        alpha: { kind: netns, nics: { eth0: { switch: left, vlan: blue } } }
        beta: { kind: netns, nics: { eth0: { switch: right } } }
      """

    /// A line that is typed, and what it is then.
    private static let lines: [(typed: String, completed: String)] = [
      ("apus port sho", "apus port show "),
      ("apus port show al", "apus port show alpha.eth0 "),
      // A colon ends a word in bash.
      ("apus port show left:", "apus port show left:core "),
      ("apus port get", "apus port get"),
      ("apus link set co", "apus link set core "),
      ("apus link set core del", "apus link set core delay="),
      ("apus link set core --fr", "apus link set core --from "),
      ("apus exec be", "apus exec beta "),
      ("apus ps --lab ape-", "apus ps --lab ape-comp "),
      ("apus port list -o jsonl --lab=ape-", "apus port list -o jsonl --lab=ape-comp "),
      ("apus fdb list --switch ri", "apus fdb list --switch right "),
      ("apus fdb ls --switch ri", "apus fdb ls --switch right "),
      ("apus fdb flush --vlan bl", "apus fdb flush --vlan blue "),
      ("apus capture cor", "apus capture core "),
      ("apus top --view no", "apus top --view nodes "),
      ("apus up ./ape.", "apus up ./ape.lab.yaml "),
      ("apus grap", "apus graph "),
    ]

    /// A sandbox with the lab, the program in `PATH`, and a folder of its own as home.
    private static func use(_ body: (Sandbox, [String: String]) async throws -> Void) async throws {
      try await Sandbox.use { sandbox in
        try FileManager.default.createDirectory(atPath: "\(sandbox.folder)/bin", withIntermediateDirectories: true)
        try FileManager.default.createSymbolicLink(
          atPath: "\(sandbox.folder)/bin/apus", withDestinationPath: sandbox.binary)
        try await sandbox.apus("up", try sandbox.write(file), expecting: 0)
        var environment = sandbox.environment
        environment["PATH"] = "\(sandbox.folder)/bin:" + (environment["PATH"] ?? "/usr/bin:/bin")
        environment["HOME"] = sandbox.folder
        environment["ZDOTDIR"] = sandbox.folder
        environment["TERM"] = "dumb"
        try await body(sandbox, environment)
      }
    }

    /// Types each line, presses the tab key, and has the shell print what stands in its editor then.
    private static func complete(_ shell: TerminalClient, showing key: String) async throws {
      var line = ""
      for (typed, completed) in lines {
        line = try await answer(of: shell, to: typed, showing: key, after: line)
        #expect(line == completed, "\(typed): \(line.debugDescription)")
        await shell.type("\u{15}")
      }
    }

    /// What the line is once the tab key was pressed.
    ///
    /// Until the shell is ready keys may be lost: a line that stays unanswered is typed again, up to three times.
    /// - Parameter former: the answer to the line before, which may come twice if that was typed again.
    private static func answer(
      of shell: TerminalClient, to typed: String, showing key: String, after former: String
    ) async throws -> String {
      var tries = 0
      while true {
        // The key prints the line between brackets.
        await shell.type("\(typed)\t")
        await shell.type(key)
        do {
          var line = former
          while line == former {
            try await shell.expect("<<", within: 20)
            line = try await shell.expect(">>", within: 20)
          }
          return line
        } catch let error as NotInTime {
          tries += 1
          guard tries <= 3 else { throw error }
          await shell.type("\u{15}")
        }
      }
    }

    @Test(.timeLimit(.minutes(4))) func bashCompletes() async throws {
      try await Self.use { sandbox, environment in
        _ = try sandbox.write(
          """
          PS1='ready> '
          source <(apus completion bash)
          show() { printf '\\n<<%s>>\\n' "$READLINE_LINE"; }
          bind 'set bell-style none' 'set enable-bracketed-paste off'
          bind -x '"\\C-x\\C-v": show'
          cd \(sandbox.folder)
          """, as: "bashrc")
        let shell = try TerminalClient(
          ["/bin/bash", "--noprofile", "--rcfile", "\(sandbox.folder)/bashrc", "-i"], environment: environment,
          columns: 200)
        defer { shell.end() }
        try await shell.expect("ready> ")
        try await Self.complete(shell, showing: "\u{18}\u{16}")
      }
    }

    @Test(.timeLimit(.minutes(4))) func zshCompletes() async throws {
      try await Self.use { sandbox, environment in
        _ = try sandbox.write(
          """
          PS1='ready> '
          unsetopt zle_bracketed_paste prompt_sp beep
          autoload -U compinit; compinit -u -d \(sandbox.folder)/dump
          source <(apus completion zsh)
          show() { printf '\\n<<%s>>\\n' "$BUFFER"; zle -I; }
          zle -N show
          bindkey '^X^V' show
          cd \(sandbox.folder)
          """, as: ".zshrc")
        let shell = try TerminalClient(["/usr/bin/zsh", "-i"], environment: environment, columns: 200)
        defer { shell.end() }
        try await shell.expect("ready> ")
        try await Self.complete(shell, showing: "\u{18}\u{16}")
      }
    }

    @Test(.timeLimit(.minutes(4))) func fishCompletes() async throws {
      try await Self.use { sandbox, environment in
        try await sandbox.apus("completion", "fish", expecting: 0).output
          .write(toFile: "\(sandbox.folder)/apus.fish", atomically: true, encoding: .utf8)
        for (typed, completed) in Self.lines {
          let script = "source \(sandbox.folder)/apus.fish; cd \(sandbox.folder); complete -C '\(typed)'"
          let outcome = try await execute(
            ["/usr/bin/fish", "--no-config", "-c", script], environment: environment, within: 60)
          let words = outcome.output.split(separator: "\n").map { $0.split(separator: "\t")[0] }
          let wanted = completed.split(separator: " ").last ?? ""
          let isNothing = typed == completed
          #expect(isNothing ? words.isEmpty : words == [wanted], "\(typed): \(outcome)")
        }
      }
    }

    /// Scripts are told names, and never of a mistake.
    @Test(.timeLimit(.minutes(4))) func namesAreListedInSilence() async throws {
      try await Self.use { sandbox, _ in
        let kinds = [
          ("labs", ["ape-comp"]), ("nodes", ["alpha", "beta"]), ("links", ["core", "alpha.eth0", "beta.eth0"]),
          ("ports", ["left:core", "right:core", "alpha.eth0", "beta.eth0"]), ("switches", ["left", "right"]),
          ("images", []), ("captures", []), ("presets", ["dsl", "satellite", "lossy-wifi", "3g", "wan"]),
          ("nonsense", []),
        ]
        for (kind, names) in kinds {
          let outcome = try await sandbox.apus("complete", kind, expecting: 0)
          let lines = outcome.output.split(separator: "\n").map { String($0) }
          #expect(Set(lines) == Set(names) && outcome.errors.isEmpty, "\(kind): \(outcome)")
        }
        for arguments in [["nodes", "--lab", "gone"], ["ports", "--lab", "../x", "a"]] {
          let outcome = try await execute(
            [sandbox.binary, "complete"] + arguments, environment: sandbox.environment, within: 60)
          #expect(outcome.output.isEmpty && outcome.errors.isEmpty && outcome.status == 0, "\(outcome)")
        }
        let daemon = try sandbox.daemon(Self.lab)
        daemon.signal(SIGSTOP)
        defer { daemon.signal(SIGCONT) }
        let outcome = try await sandbox.apus("complete-line", "bash", "port", "show", "", expecting: 0, within: 30)
        #expect(outcome.output == "words\n" && outcome.errors.isEmpty, "\(outcome)")
      }
    }
  }
}
