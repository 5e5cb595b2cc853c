import Foundation
import Glibc
import LinuxHost
import Testing

extension RealThings {
  /// What is said before anything is made, and what is left when it goes wrong later.
  @Suite struct EarlyChecks {
    private static func lab(_ nics: String, kind: String = "netns") -> String {
      "version: 1\nname: ape-checks\nswitches: { sw1: {} }\nnodes:\n  a: { kind: \(kind), nics: \(nics) }\n"
    }

    /// Each was valid, and `up` failed late, or worked and the lab did not do what its file says.
    private static let mistakes: [(code: String, text: String)] = [
      ("L207", lab("{ eth0: { switch: sw1, address: \"::1/128\" } }")),
      ("L207", lab("{ eth0: { switch: sw1, address: 127.0.0.5/8 } }")),
      ("L207", lab("{ eth0: { switch: sw1, address: 255.255.255.255/32 } }")),
      ("L209", lab("{ eth0: { switch: sw1, address: 10.0.0.1/24, gateway: 10.0.0.255 } }")),
      ("L101", lab("{ lo: { switch: sw1 } }")), ("L101", lab("{ all: { switch: sw1 } }", kind: "tap")),
      ("L216", lab("{ eth0: { switch: sw1, address: \"fd00::1/64\", mtu: 1000 } }")),
      ("L006", "workers: { count: 65 }\n" + lab("{ eth0: { switch: sw1 } }")),
      ("L214", "workers: { count: auto, cpus: [0] }\n" + lab("{ eth0: { switch: sw1 } }")),
      ("L214", "workers: { cpus: [4000] }\n" + lab("{ eth0: { switch: sw1 } }")),
      ("L301", lab("{ eth0: { switch: sw1, socket: nowhere/a.sock } }", kind: "external")),
      ("L307", lab("{ eth0: { switch: sw1, socket: ape.lab.yaml } }", kind: "external")),
      ("L310", lab("{ eth0: { switch: sw1, socket-owner: nobody-knows } }", kind: "external")),
      ("L301", lab("{ eth0: { switch: sw1 } }") + "capture: [ { on: sw1, file: /tmp } ]\n"),
      ("L006", lab("{ eth0: { switch: sw1 } }, memory: 64M", kind: "vm")),
      ("L009", lab("{ \((0...60).map { "e\($0): {}" }.joined(separator: ", ")) }", kind: "vm")),
      (
        "L009",
        lab(
          "{ \((0..<45).map { "eth\($0): { switch: sw1, vlan: \($0 + 10), address: [10.0.\($0).1/24, \"fd00:0:0:\($0)::1/64\"] }" }.joined(separator: ", ")) }",
          kind: "vm")
      ),
    ]

    @Test func validateKnowsWhatUpWouldFind() async throws {
      try await Sandbox.use { sandbox in
        for (code, text) in Self.mistakes {
          let outcome = try await sandbox.apus("validate", try sandbox.write(text), expecting: 2)
          #expect(outcome.errors.contains("error[\(code)]"), "\(code): \(outcome)")
        }
        #expect(!FileManager.default.fileExists(atPath: sandbox.state))
      }
    }

    @Test func downTakesTheFileOfALab() async throws {
      try await Sandbox.use { sandbox in
        let file = try sandbox.write(Self.lab("{ eth0: { switch: sw1 } }"))
        let other = try sandbox.write(Self.lab("{ eth0: { switch: sw1 } }"), as: "other.lab.yaml")
        try await sandbox.apus("up", file, expecting: 0)
        let refused = try await sandbox.apus("down", other, expecting: 1)
        #expect(refused.errors.contains("ape-checks is up from another file: \(file)"), "\(refused)")
        let missing = try await sandbox.apus("down", "\(sandbox.folder)/none.lab.yaml", expecting: 2)
        #expect(missing.errors.contains("cannot read"), "\(missing)")
        let nameless = try sandbox.write("version: 1\nname: ALL\n", as: "nameless.lab.yaml")
        let unknown = try await sandbox.apus("down", nameless, expecting: 2)
        #expect(unknown.errors.contains("error[L101]"), "\(unknown)")
        #expect(try await sandbox.nodes("ape-checks").count == 1)
        // What is wrong in the file now is no matter.
        _ = try sandbox.write(Self.lab("{ lo: { switch: sw2 } }"))
        let down = try await sandbox.apus("down", file, expecting: 0)
        #expect(down.errors.contains("lab ape-checks is down"), "\(down)")
        #expect(NetworkNamespace.names().filter { $0.hasPrefix("apus-ape-checks-") } == [])
      }
    }

    @Test func reportsAndTheirPlaces() async throws {
      try await Sandbox.use { sandbox in
        let text = Self.lab("{ eth0: { switch: sw1 } }")
        let noise = #"for n in $(seq 30); do printf "line $n \\033[31m\\n"; done; exit 1"#
        let file = try sandbox.write(
          text + "tests:\n  - exec: { node: a, run: '\(noise)' }\n    within: 5s\n  - exec: { node: a, run: 'true' }\n")
        let early = try await sandbox.apus("test", file, "--junit", "\(sandbox.folder)/no folder/x.xml", expecting: 2)
        #expect(early.errors.contains("mkdir -p '\(sandbox.folder)/no folder"), "\(early)")
        #expect(!FileManager.default.fileExists(atPath: "\(sandbox.state)/ape-checks"))
        let failed = try await sandbox.apus("test", file, "--junit", "/dev/full", expecting: 3)
        #expect(failed.errors.contains("cannot write /dev/full: No space left on device"), "\(failed)")
        #expect(failed.output.contains("it ended with 1:\n      (10 more lines before)\n      line 11 ^[[31m\n"))
        #expect(!failed.output.contains("\u{1B}") && !failed.output.contains("line 10"), "\(failed)")
        let fine = try sandbox.write(text + "tests: [ exec: { node: a, run: 'true' } ]\n", as: "fine.lab.yaml")
        let unwritten = try await sandbox.apus("test", fine, "--junit", "/dev/full", expecting: 1)
        #expect(unwritten.errors.contains("1 tests: 1 passed, 0 failed"), "\(unwritten)")
      }
    }

    /// The state folder on a file system of 1 MB that is filled up.
    @Test func aFullDiskChangesNothing() async throws {
      try await Sandbox.use { sandbox in
        try FileManager.default.createDirectory(atPath: sandbox.state, withIntermediateDirectories: false)
        let mounted = try await execute(["mount", "-t", "tmpfs", "-o", "size=1m", "none", sandbox.state])
        guard mounted.status == 0 else { throw Failure("\(mounted)") }
        do {
          try await Self.checkFullDisk(sandbox)
        } catch {
          _ = try? await sandbox.apus("down", "ape-checks")
          _ = try await execute(["umount", "-l", sandbox.state])
          throw error
        }
        _ = try await execute(["umount", "-l", sandbox.state])
      }
    }

    private static func checkFullDisk(_ sandbox: Sandbox) async throws {
      let file = try sandbox.write(lab("{ eth0: { switch: sw1 } }"))
      try await sandbox.apus("up", file, expecting: 0)
      let filler = "\(sandbox.state)/filler"
      _ = try await execute(["dd", "if=/dev/zero", "of=\(filler)", "bs=4k", "count=1000"])
      let before = try await sandbox.apus("link", "list", "-j", expecting: 0).output
      for setting in ["down", "delay=40ms"] {
        let outcome = try await sandbox.apus("link", "set", "a.eth0", setting, expecting: 1)
        #expect(outcome.errors.contains("runtime.json: No space left on device"), "\(outcome)")
        #expect(outcome.errors.contains("nothing was changed"), "\(outcome)")
      }
      #expect(try await sandbox.apus("link", "list", "-j", expecting: 0).output == before)
      try FileManager.default.removeItem(atPath: filler)
      try await sandbox.apus("link", "set", "a.eth0", "delay=40ms", expecting: 0)
      try await sandbox.apus("down", "ape-checks", expecting: 0)
    }
  }
}
