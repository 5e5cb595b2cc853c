import Foundation
import LinuxHost
import Testing
import TestSupport

extension RealThings {
  /// `workers: { nice: N }` of a daemon that may do it, and of one that may not.
  @Suite struct WorkerPriority {
    private static let lab = "ape-nice"

    private static func file(nice: Int) -> String {
      """
      version: 1
      name: ape-nice
      workers: { nice: \(nice) }
      switches: { sw1: {} }
      nodes: { a: { kind: netns, nics: { eth0: { switch: sw1 } } } }

      """
    }

    /// Names of a process's threads with their nice values: fields 2 and 19 of /proc/PID/task/TID/stat (proc(5)).
    private static func priorities(_ pid: Int32) throws -> [String: Int] {
      var found: [String: Int] = [:]
      for thread in try FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/task") {
        guard let line = text(of: "/proc/\(pid)/task/\(thread)/stat"), let open = line.firstIndex(of: "("),
          let close = line.lastIndex(of: ")")
        else { continue }
        let fields = line[close...].split(separator: " ").dropFirst()
        found[String(line[line.index(after: open)..<close])] = fields.dropFirst(16).first.flatMap { Int($0) }
      }
      return found
    }

    @Test(.timeLimit(.minutes(2))) func itIsTheWorkersAloneOrTold() async throws {
      try await Sandbox.use { sandbox in
        // The threads that answer requests have 5, so that they give way to the workers.
        try await sandbox.apus("up", try sandbox.write(Self.file(nice: 7)), expecting: 0)
        let set = try Self.priorities(sandbox.daemon(Self.lab).pid)
        #expect(set["apus-worker0"] == 7 && set.values.filter { $0 == 7 }.count == 1, "\(set)")
        try await sandbox.apus("down", Self.lab, expecting: 0)

        let up = try await execute(
          [
            "setpriv", "--inh-caps=-sys_nice", "--bounding-set=-sys_nice", sandbox.binary, "up",
            try sandbox.write(Self.file(nice: -5)),
          ], environment: sandbox.environment)
        #expect(up.status == 0, "\(up)")
        let unset = try Self.priorities(sandbox.daemon(Self.lab).pid)
        #expect(unset["apus-worker0"] == 0, "\(unset)")
        let log = "\(sandbox.data)/\(Self.lab)/apus.log"
        let words = "worker 0: nice -5 needs CAP_SYS_NICE"
        try await eventually("it is logged") { text(of: log)?.contains(words) == true }
        #expect(text(of: log)?.ranges(of: words).count == 1)
        try await sandbox.apus("down", Self.lab, expecting: 0)
      }
    }
  }
}
