import Foundation
import Testing

extension RealThings {
  /// Tests that fail once, and those that fail twice, as `tools/test` and `.ci/run` take them.
  ///
  /// A stand-in for `swift` says which tests ended how; the scripts are the real ones.
  @Suite struct SecondChance {
    /// Answers as `swift test` does: the tests named in FAILING fail in the run of all, those in BROKEN also alone; with
    /// DIES no run comes to its end.
    private static let standIn = #"""
      #!/bin/sh
      [ "$1" = test ] || exit 0
      while [ $# -gt 0 ]; do
        case $1 in
          --event-stream-output-path) events=$2; shift ;;
          --filter) filter=$2; shift ;;
        esac
        shift
      done
      case $filter in
        ^*) run=alone tests=$(printf '%s' "$filter" | sed 's/\\//g;s/^^//;s/(.|.)$//') bad=$BROKEN ;;
        EndToEnd*) run=all tests="EndToEnd.RealThings/Life/good() EndToEnd.RealThings/Life/once(text:) EndToEnd.RealThings/Life/twice()" bad=$FAILING ;;
        *) exit 0 ;;
      esac
      [ -z "$NOTHING" ] || [ $run = all ] || exit 0
      status=0
      for test in $tests; do
        symbol=pass
        case " $bad " in *" $test "*) symbol=fail; status=1; echo "✘ Test $test recorded an issue" ;; esac
        test=$(printf '%s' "$test" | sed 's,/,\\/,g')
        printf '{"kind":"event","payload":{"kind":"testEnded","messages":[{"symbol":"%s","text":""}],"testID":"%s\\/Life.swift:1:2"}}\n' \
          $symbol "$test" >>"$events"
      done
      if [ -n "$DIES" ]; then exit 1; fi
      printf '{"kind":"event","payload":{"kind":"runEnded","messages":[]}}\n' >>"$events"
      exit $status
      """#

    /// A copy of the project's scripts whose `swift` is the stand-in and whose set-up does nothing.
    private static func project() throws -> String {
      let folder = "\(NSTemporaryDirectory())/ape-second-\(UUID().uuidString)"
      let files = FileManager.default
      try files.createDirectory(atPath: "\(folder)/bin", withIntermediateDirectories: true)
      try files.copyItem(atPath: "\(projectRoot)/tools", toPath: "\(folder)/tools")
      try files.copyItem(atPath: "\(projectRoot)/.ci", toPath: "\(folder)/.ci")
      var scripts = ["bin/swift": standIn]
      let others = [
        "setup", "lint", "check-hot-path", "bench", "demo", "check-races", "fuzz", "soak", "package",
        "systemd/try",
      ]
      for name in others {
        scripts["tools/\(name)"] = "#!/bin/sh\n"
      }
      for (name, text) in scripts {
        try text.write(toFile: "\(folder)/\(name)", atomically: true, encoding: .utf8)
        try files.setAttributes([.posixPermissions: 0o755], ofItemAtPath: "\(folder)/\(name)")
      }
      return folder
    }

    private static let once = "EndToEnd.RealThings/Life/once(text:)"
    private static let twice = "EndToEnd.RealThings/Life/twice()"

    private static func run(
      _ command: [String], in folder: String, _ variables: [String: String]
    ) async throws -> (outcome: Outcome, flaky: String, failures: String) {
      var environment = ProcessInfo.processInfo.environment.merging(variables) { $1 }
      environment["PATH"] = "\(folder)/bin:\(environment["PATH"] ?? "/usr/bin:/bin")"
      let outcome = try await execute(command, environment: environment)
      let logs = "\(folder)/.build/test-logs"
      return (outcome, text(of: "\(logs)/flaky") ?? "none", text(of: "\(logs)/failures") ?? "none")
    }

    @Test(.timeLimit(.minutes(2))) func oneFailureIsListedAndTwoAreRed() async throws {
      let folder = try Self.project()
      defer { try? FileManager.default.removeItem(atPath: folder) }
      let tests = ["bash", "\(folder)/tools/test", "--end-to-end"]

      let good = try await Self.run(tests, in: folder, [:])
      #expect(good.outcome.status == 0 && good.flaky == "" && good.failures == "", "\(good)")

      let flaky = try await Self.run(tests, in: folder, ["FAILING": Self.once])
      #expect(flaky.outcome.status == 0 && flaky.failures == "", "\(flaky)")
      #expect(flaky.flaky.hasPrefix("flaky: \(Self.once)\n    ✘ Test"), "\(flaky)")

      let broken = try await Self.run(
        tests, in: folder, ["FAILING": "\(Self.once) \(Self.twice)", "BROKEN": Self.twice])
      #expect(broken.outcome.status == 1 && broken.flaky == "", "\(broken)")
      #expect(broken.failures.contains("✘ Test \(Self.twice)"), "\(broken)")

      // Nobody knows what a run that died would have found; and a test that is not run again has not passed.
      let died = try await Self.run(tests, in: folder, ["FAILING": Self.once, "DIES": "yes"])
      #expect(died.outcome.status == 1 && died.flaky == "", "\(died)")
      let gone = try await Self.run(tests, in: folder, ["FAILING": Self.once, "NOTHING": "yes"])
      #expect(gone.outcome.status == 1 && gone.flaky == "", "\(gone)")
    }

    /// The whole run is green, and its last words name the test.
    @Test(.timeLimit(.minutes(2))) func theRunEndsWithTheList() async throws {
      let folder = try Self.project()
      defer { try? FileManager.default.removeItem(atPath: folder) }
      let flaky = try await Self.run(["bash", "\(folder)/.ci/run"], in: folder, ["FAILING": Self.once])
      #expect(flaky.outcome.status == 0, "\(flaky)")
      #expect(flaky.outcome.errors.contains("\nflaky: \(Self.once)\n"), "\(flaky)")
      let red = try await Self.run(
        ["bash", "\(folder)/.ci/run"], in: folder, ["FAILING": Self.once, "BROKEN": Self.once])
      #expect(red.outcome.status == 1 && !red.outcome.errors.contains("flaky: "), "\(red)")
    }

    /// Each stage of the long run is there, and one that fails makes it fail.
    @Test(.timeLimit(.minutes(2))) func theLongRunGoesThroughItsStages() async throws {
      let folder = try Self.project()
      defer { try? FileManager.default.removeItem(atPath: folder) }
      let long = ["bash", "\(folder)/tools/test", "--long"]
      let good = try await Self.run(long, in: folder, [:])
      #expect(good.outcome.status == 0, "\(good)")
      for stage in [
        "data plane tests on a busy machine, round 3", "end-to-end tests, round 2", "the unit under systemd",
        "shared tables under the thread sanitizer", "bench restart",
      ] {
        #expect(good.outcome.errors.contains("==> \(stage): done"), "\(good)")
      }
      // No second chance here: this run is to find what is flaky.
      let bad = try await Self.run(long, in: folder, ["FAILING": Self.once])
      #expect(bad.outcome.status == 1 && bad.failures.contains(Self.once), "\(bad)")
    }

    /// The first command from nothing installs no peers of tests: what builds and runs is one list, the rest another.
    @Test func setUpInstallsNoPeersOfTests() throws {
      let packages = { (name: String) throws -> Set<String> in
        let lines = try #require(text(of: "\(projectRoot)/tools/\(name)")).split(separator: "\n")
        return Set(lines.filter { !$0.hasPrefix("#") }.compactMap { $0.split(separator: " ").first.map(String.init) })
      }
      let (needed, tests) = (try packages("packages.txt"), try packages("packages-tests.txt"))
      #expect(needed.isDisjoint(with: tests))
      #expect(tests.isSuperset(of: ["dpdk-dev", "tshark", "valgrind"]))
      #expect(needed.isSuperset(of: ["qemu-system-x86", "libnl-3-dev", "busybox-static"]))
    }
  }
}
