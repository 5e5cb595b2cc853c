import Foundation
import LinuxHost
import TestSupport
import Testing

extension RealThings {
  /// The Debian packages of `tools/package`, on a Debian 12 that has nothing but its minimal packages.
  @Suite struct Packages {
    private static let lab = """
      version: 1
      name: fresh
      vlans: { blue: { id: 20, subnet: 10.0.20.0/24 } }
      switches: { sw1: {} }
      nodes:
        vm1: { kind: vm, nics: { eth0: { switch: sw1, vlan: blue } } }
        h1: { kind: netns, nics: { eth0: { switch: sw1, vlan: blue } } }
      tests:
        - { ping: vm1 -> h1, expect: pass }
        - { ping: h1 -> vm1, expect: pass }

      """

    /// Makes the packages of a revision; fast, as how well they are compressed is no matter here.
    /// - Returns: paths of `apus` and `apus-guest-full`.
    private static func make(_ sandbox: Sandbox, revision: Int, folder: String) async throws -> [String] {
      let output = "\(sandbox.folder)/\(folder)"
      let made = try await execute(
        [
          "\(projectRoot)/tools/package", "--quick", "--program", sandbox.binary, "--revision", "\(revision)", output,
        ], within: 300)
      guard made.status == 0 else { throw Failure("\(made)") }
      let names = try FileManager.default.contentsOfDirectory(atPath: output).sorted()
      #expect(names.count == 2 && names.allSatisfy { $0.hasSuffix("-\(revision)_amd64.deb") })
      if folder == "p1" {
        print(made.errors.split(separator: "\n").filter { $0.contains(" bytes") }.joined(separator: "\n"), "(quick)")
      }
      return names.map { "\(output)/\($0)" }.sorted { $0.utf8.count < $1.utf8.count }
    }

    private static func rows(_ root: CleanRoot, _ line: String) async throws -> [JSON] {
      try JSON(parsing: Data(try await root.ask(line).output.utf8)).items
    }

    @Test(.timeLimit(.minutes(20))) func installsWorksAndGoes() async throws {
      try await Sandbox.use { sandbox in
        let first = try await Self.make(sandbox, revision: 1, folder: "p1")
        let again = try await Self.make(sandbox, revision: 1, folder: "p2")
        for (one, other) in zip(first, again) {
          #expect(FileManager.default.contentsEqual(atPath: one, andPath: other), "\(one) is not made the same again")
        }
        let second = try await Self.make(sandbox, revision: 2, folder: "p3")
        async let checked: Void = Self.lintianIsContent(with: first)
        let root = try await CleanRoot(sandbox, packages: [first[0]] + second)
        try await Self.install(root)
        try await Self.everythingIsThere(root)
        try await Self.labRuns(root)
        try await Self.upgrade(root)
        try await Self.remove(root)
        try await checked
      }
    }

    /// Debian's own check of packages finds neither errors nor warnings.
    private static func lintianIsContent(with packages: [String]) async throws {
      let found = try await execute(
        ["lintian", "--allow-root", "--fail-on", "error,warning", "--tag-display-limit", "0"] + packages, within: 600)
      #expect(found.status == 0 && found.output.isEmpty, "\(found)")
    }

    private static func install(_ root: CleanRoot) async throws {
      #expect(try await root.ask("command -v swift || command -v apus || command -v qemu-system-x86_64").status != 0)
      // As dpkg's own speed is no matter.
      try await root.shell("echo force-unsafe-io >/etc/dpkg/dpkg.cfg.d/unsafe")
      try await root.shell(
        "apt-get install -qq -y --no-install-recommends /packages/apus_*-1_amd64.deb >/tmp/apt 2>&1 || (cat /tmp/apt; false)",
        within: 600)
      #expect(try await root.shell("apus version").hasPrefix("apus "))
      #expect(try await !root.shell("ldd /usr/bin/apus").contains("not found"))
      #expect(try await root.shell("dpkg --verify apus; dpkg -s apus").contains("Status: install ok installed"))
    }

    private static func everythingIsThere(_ root: CleanRoot) async throws {
      let completion = "/usr/share/bash-completion/completions/apus"
      let line = "COMP_LINE='apus vers' COMP_POINT=9 COMP_WORDS=(apus vers) COMP_CWORD=1"
      try "set -e; . \(completion); \(line); _apus; echo ${COMPREPLY[@]}\n"
        .write(toFile: "\(root.folder)/complete", atomically: true, encoding: .utf8)
      #expect(try await root.shell("bash /complete; rm /complete").contains("version"))
      for file in ["zsh/vendor-completions/_apus", "fish/vendor_completions.d/apus.fish"] {
        #expect(try await root.shell("cat /usr/share/\(file)").contains("apus"))
      }
      for page in ["apus", "apus-up"] {
        #expect(try await root.shell("gzip -dc /usr/share/man/man1/\(page).1.gz").contains(".SH NAME"))
      }
      let extcap = "/usr/lib/x86_64-linux-gnu/wireshark/extcap/apus-extcap --extcap-interfaces"
      #expect(try await root.shell(extcap).hasPrefix("extcap {version="))
      #expect(try await root.shell("CNI_COMMAND=VERSION /usr/lib/cni/apus </dev/null").contains("supportedVersions"))
      // The folder in which Debian's Wireshark looks.
      let folders = try await execute(["tshark", "-G", "folders"]).output
      #expect(folders.contains("/usr/lib/x86_64-linux-gnu/wireshark/extcap"))
      #expect(try await root.shell("ls -d /etc/apus /lib/systemd/system/apus@.service").contains("/etc/apus"))
      for file in ["copyright", "changelog.Debian.gz", "packaging.md", "examples/two-guests.lab.yaml"] {
        try await root.shell("test -s /usr/share/doc/apus/\(file)")
      }
      for file in ["__init__.py", "defaults.yml", "provider/__init__.py", "templates/initial/none.j2"] {
        try await root.shell("test -s /usr/share/apus/netlab/apus/\(file)")
      }
      try await root.shell("apus validate /usr/share/doc/apus/examples/two-guests.lab.yaml")

      // What it calls missing is what the package recommends, which was left out here.
      let recommended = try await root.shell("dpkg-query -W -f '${Recommends}' apus").split(separator: ", ")
      let findings = try await rows(root, "apus doctor -j")
      #expect(findings.contains { $0["subject"] == "builtin guest" && $0["state"] == "ok" })
      for finding in findings where finding["state"] == "missing" {
        let advice = finding["advice"].text ?? ""
        #expect(recommended.contains { advice == "`apt-get install \($0)`" }, "\(finding)")
      }
    }

    private static func labRuns(_ root: CleanRoot) async throws {
      try lab.write(toFile: "\(root.folder)/etc/apus/fresh.lab.yaml", atomically: true, encoding: .utf8)
      try await root.shell("apus up /etc/apus/fresh.lab.yaml", within: 300)
      try await root.shell("apus test fresh", within: 300)
    }

    /// The lab's daemon, machine and namespace, by what they are known by in there.
    private static func processes(_ root: CleanRoot) async throws -> (daemon: String, machine: String) {
      let daemon = try await root.shell("cut -d ' ' -f 1 /run/apus/fresh/apus.pid")
      let machine = try await root.shell("cat /run/apus/fresh/vm1/pid")
      return (daemon.trimmingCharacters(in: .whitespacesAndNewlines), machine)
    }

    private static func upgrade(_ root: CleanRoot) async throws {
      let before = try await processes(root)
      let said = try await root.shell("dpkg -i /packages/apus*-2_amd64.deb 2>&1", within: 300)
      #expect(said.contains("lab fresh runs on"))
      #expect(try await processes(root) == before)
      #expect(try await root.shell("readlink /proc/\(before.daemon)/exe").contains("/usr/bin/apus (deleted)"))
      // The new program asks the old daemon.
      try await root.shell("apus test fresh", within: 300)
      let findings = try await rows(root, "apus doctor -j")
      #expect(findings.contains { $0["subject"] == "builtin guest, all drivers" && $0["state"] == "ok" })

      // What docs/packaging.md says to do so that the lab runs with the new one.
      try await root.shell("kill \(before.daemon); while kill -0 \(before.daemon) 2>/dev/null; do sleep 0.1; done")
      try await root.shell("apus up /etc/apus/fresh.lab.yaml", within: 300)
      let after = try await processes(root)
      #expect(after.daemon != before.daemon && after.machine == before.machine)
      #expect(try await root.shell("readlink /proc/\(after.daemon)/exe") == "/usr/bin/apus\n")
      try await root.shell("apus test fresh", within: 300)
    }

    private static func remove(_ root: CleanRoot) async throws {
      let said = try await root.shell("apt-get remove -qq -y apus 2>&1", within: 300)
      #expect(said.contains("lab fresh is down"))
      let running = try await root.shell("cat /proc/[0-9]*/comm")
      #expect(!running.contains("apus") && !running.contains("qemu"))
      #expect(try await root.shell("ls /run/netns 2>/dev/null || true") == "")
      #expect(try await root.shell("ls /sys/class/net") == "lo\n")
      // dpkg remembers a package that was removed until it is purged; logs and archives are apt's own.
      let left = """
        find / -xdev -name '*apus*' ! -path '/var/lib/dpkg/*' ! -path '/var/cache/*' ! -path '/packages/*'
        ls -d /run/apus 2>/dev/null || true
        """
      #expect(Set(try await root.shell(left).split(separator: "\n")) == ["/etc/apus"])
      #expect(try await root.shell("ls /etc/apus") == "fresh.lab.yaml\n")
      try await root.shell("apt-get purge -qq -y apus apus-guest-full", within: 300)
      #expect(try await root.shell("ls /var/lib/dpkg/info").split(separator: "\n").filter { $0.contains("apus") } == [])
      // A person has written it.
      #expect(try await root.shell("cat /etc/apus/fresh.lab.yaml") == lab)
    }
  }
}
