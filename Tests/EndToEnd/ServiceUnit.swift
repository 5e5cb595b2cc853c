import Foundation
import Glibc
import LinuxHost
import TestSupport
import Testing

extension RealThings {
  /// `tools/systemd/apus@.service` against what the program really ends with.
  @Suite struct ServiceUnit {
    private static let lab = "ape-unit"
    private static let file = """
      version: 1
      name: ape-unit
      switches: { sw: {} }
      nodes:
        n: { kind: netns, nics: { eth0: { switch: sw } } }
      """

    /// The unit's settings by name.
    private static func settings() -> [String: String] {
      let unit = text(of: "\(projectRoot)/tools/systemd/apus@.service") ?? ""
      let pairs = unit.split(separator: "\n").filter { !$0.hasPrefix("#") && $0.contains("=") }.map { line in
        let parts = line.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        return (String(parts[0]), String(parts[1]))
      }
      return Dictionary(pairs) { $1 }
    }

    /// Whether systemd would start the service again after this status (systemd.service(5), `Restart=on-failure`).
    private static func isStartedAgain(after status: Int32) -> Bool {
      let settings = settings()
      #expect(settings["Restart"] == "on-failure")
      let prevented = settings["RestartPreventExitStatus"]?.split(separator: " ").compactMap { Int32($0) } ?? []
      let clean = [0] + [SIGHUP, SIGINT, SIGTERM, SIGPIPE].map { 128 + $0 }
      return !clean.contains(status) && !prevented.contains(status)
    }

    /// Waits for the end of a service that was started with a shell which writes its status down.
    private static func status(_ sandbox: Sandbox, _ name: String) async throws -> Int32 {
      var status: Int32?
      try await eventually("the service \(name) ends", within: 60) {
        status = text(of: "\(sandbox.folder)/\(name).status").flatMap { Int32($0.trimmingCharacters(in: .newlines)) }
        return status != nil
      }
      return status ?? -1
    }

    private static func start(_ sandbox: Sandbox, _ file: String, _ name: String) throws {
      let line = "\(sandbox.binary) up --foreground \(file); echo $? >\(sandbox.folder)/\(name).status"
      _ = try sandbox.start(["/bin/sh", "-c", line], log: "\(name).log")
    }

    private static func isUp(_ sandbox: Sandbox) async throws {
      try await eventually("the lab is up") {
        try await sandbox.apus("exec", "--lab", lab, "n", "--", "true").status == 0
      }
    }

    @Test(.timeLimit(.minutes(3))) func startsAgainWhatDiedAndNothingElse() async throws {
      try await Sandbox.use { sandbox in
        let settings = Self.settings()
        // Without both, a service that fails at once is started for ever.
        #expect(Int(settings["StartLimitBurst"] ?? "") ?? 0 > 0)
        #expect(Int(settings["StartLimitIntervalSec"] ?? "") ?? 0 > 0)
        #expect(settings["ExecStart"] == "/usr/bin/apus up --foreground /etc/apus/%i.lab.yaml")
        #expect(settings["ExecReload"] == "/usr/bin/apus upgrade %i --to /usr/bin/apus")
        #expect(settings["Type"] == "notify" && settings["NotifyAccess"] == "all")
        #expect(settings["TimeoutStartSec"] == "infinity")
        let file = try sandbox.write(Self.file)

        try Self.start(sandbox, try sandbox.write("version: 1\nnames: typo\n", as: "typo.lab.yaml"), "typo")
        #expect(try await !Self.isStartedAgain(after: Self.status(sandbox, "typo")))

        try Self.start(sandbox, file, "killed")
        try await Self.isUp(sandbox)
        try sandbox.daemon(Self.lab).signal(SIGKILL)
        #expect(try await Self.isStartedAgain(after: Self.status(sandbox, "killed")))

        try Self.start(sandbox, file, "stopped")
        try await Self.isUp(sandbox)
        try sandbox.daemon(Self.lab).signal(SIGTERM)
        #expect(try await !Self.isStartedAgain(after: Self.status(sandbox, "stopped")))

        try Self.start(sandbox, file, "removed")
        try await Self.isUp(sandbox)
        try await sandbox.apus("down", Self.lab, expecting: 0)
        #expect(try await !Self.isStartedAgain(after: Self.status(sandbox, "removed")))
      }
    }
  }
}
