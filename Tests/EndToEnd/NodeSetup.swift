import Foundation
import Glibc
import LinuxHost
import TestSupport
import Testing

extension RealThings {
  /// What the lab file tells nodes' systems: `forwarding`, `sysctl`, `exec`, `files`.
  @Suite struct NodeSetup {
    private static let lab = "ape-setup"

    private static func host(_ name: String, _ switchName: String, _ net: Int, _ other: Int) -> String {
      """
        \(name):
          kind: netns
          nics:
            eth0:
              switch: \(switchName)
              address: [10.\(net).0.9/24, "fd00:\(net)::9/64"]
              gateway: 10.\(net).0.1
              routes: [{ to: "fd00:\(other)::/64", via: "fd00:\(net)::1" }]
      """
    }

    private static func router(_ name: String, _ net: Int, _ other: Int, _ own: Int, _ keys: String) -> String {
      """
        \(name):
          kind: netns
      \(keys)
          nics:
            eth0: { switch: sw\(net), address: [10.\(net).0.1/24, "fd00:\(net)::1/64"] }
            eth1:
              address: [10.0.0.\(own)/30, "fd00::\(own)/64"]
              routes: [{ to: 10.\(other).0.0/24, via: 10.0.0.\(3 - own) }, { to: "fd00:\(other)::/64", via: "fd00::\(3 - own)" }]
      """
    }

    /// Two routers between two hosts.
    private static func routers(_ keys: String, _ more: String = "    forwarding: on") -> String {
      """
      version: 1
      name: ape-setup
      switches: { sw1: {}, sw2: {} }
      nodes:
      \(host("a", "sw1", 1, 2))
      \(router("r1", 1, 2, 1, keys))
      \(router("r2", 2, 1, 2, more))
      \(host("b", "sw2", 2, 1))
      links: [{ ends: [r1:eth1, r2:eth1] }]

      """
    }

    private static func value(_ key: String, _ node: String, _ sandbox: Sandbox) async throws -> String {
      let path = "/proc/sys/" + key.replacingOccurrences(of: ".", with: "/")
      return try await sandbox.shell(node, "cat \(path)", lab: lab).trimmingCharacters(in: .whitespacesAndNewlines)
    }

    private static func reaches(_ sandbox: Sandbox, _ address: String) async throws -> Bool {
      let ping = ["ping", "-c", "1", "-W", "1", address]
      let outcome = try await execute(
        [sandbox.binary, "exec", "--lab", lab, "a", "--"] + ping, environment: sandbox.environment, within: 60)
      return outcome.status == 0
    }

    @Test(.timeLimit(.minutes(5))) func routersForward() async throws {
      try await Sandbox.use { sandbox in
        let (note, mark) = ("\(sandbox.folder)/note", "echo once >>\(sandbox.folder)/note")
        let off = "    forwarding: off\n    exec: [\(mark), sleep 4711 &]"
        try await sandbox.apus("up", try sandbox.write(Self.routers(off)), expecting: 0)
        #expect(try await !Self.reaches(sandbox, "10.2.0.9"))
        #expect(text(of: note) == "once\n")
        // Other settings are written into what runs.
        let on =
          "    forwarding: on\n    sysctl: { net.ipv4.conf.eth0.log_martians: 1 }\n    exec: [\(mark), sleep 4711 &]"
        let file = try sandbox.write(Self.routers(on))
        let change = try await sandbox.apus("up", file, expecting: 0)
        #expect(
          change.output.contains("change  node r1  forwarding on, sysctl net.ipv4.conf.eth0.log_martians"), "\(change)")
        #expect(try await Self.value("net.ipv4.conf.eth0.log_martians", "r1", sandbox) == "1")
        try await sandbox.pings("a", "10.2.0.9", lab: Self.lab)
        try await sandbox.pings("a", "fd00:2::9", lab: Self.lab)
        #expect(text(of: note) == "once\n")
        // What a line has left in the background goes on, and a daemon that comes back repeats nothing.
        let daemon = try sandbox.daemon(Self.lab)
        daemon.signal(SIGKILL)
        #expect(await daemon.wait(timeoutSeconds: 10))
        try await sandbox.apus("up", file, expecting: 0)
        try await sandbox.pings("a", "fd00:2::9", lab: Self.lab)
        #expect(text(of: note) == "once\n")
        #expect(NetworkNamespace.processes(in: "apus-ape-setup-r1").map(\.program) == ["sleep"])
        // A key less, and other lines: made anew.
        let anew = try await sandbox.apus(
          "up", try sandbox.write(Self.routers("    exec: [\(mark)]\n    forwarding: on")), expecting: 0)
        #expect(anew.output.contains("change  node r1  netns, made anew: another `exec`"), "\(anew)")
        #expect(text(of: note) == "once\nonce\n")
        try await sandbox.pings("a", "10.2.0.9", lab: Self.lab)
      }
    }

    @Test(.timeLimit(.minutes(3))) func whatFailsIsTheNodesFailure() async throws {
      try await Sandbox.use { sandbox in
        let lines = "    exec: [\"true\", \"echo gone wrong; exit 7\", echo never >\(sandbox.folder)/never]"
        let up = try await sandbox.apus("up", try sandbox.write(Self.routers(lines)), expecting: 1)
        let words =
          #"node r1: line 2 of its `exec`, "echo gone wrong; exit 7", ended with status 7; it said: gone wrong"#
        #expect(up.errors.contains(words), "\(up)")
        #expect(text(of: "\(sandbox.folder)/never") == nil)
        #expect(NetworkNamespace.names().filter { $0.contains(Self.lab) } == [])
        let setting = "    sysctl: { net.ipv4.no_such_key: 1 }"
        let other = try await sandbox.apus("up", try sandbox.write(Self.routers(setting)), expecting: 1)
        let reason = "node r1: cannot set sysctl net.ipv4.no_such_key to \"1\": No such file or directory"
        #expect(other.errors.contains(reason), "\(other)")
      }
    }

    /// A line that nobody saw end is not run again, and neither is one that has failed.
    @Test(.timeLimit(.minutes(3))) func aDaemonThatEndsMeanwhileRepeatsNoLine() async throws {
      try await Sandbox.use { sandbox in
        let note = "\(sandbox.folder)/note"
        let kill = "\"echo 2 >>\(note); read pid <\(sandbox.state)/\(Self.lab)/apus.pid; kill -9 $pid\""
        let file = try sandbox.write(
          Self.routers("    exec: [echo 1 >>\(note), \(kill), \"echo 3 >>\(note); exit 5\", echo 4 >>\(note)]"))
        let first = try await execute(
          [sandbox.binary, "up", file], environment: sandbox.environment, within: 60)
        #expect(first.status != 0, "\(first)")
        let second = try await sandbox.apus("up", file, expecting: 1)
        #expect(second.errors.contains("node r1: line 3 of its `exec`"), "\(second)")
        try await sandbox.apus("up", file, expecting: 0)
        #expect(text(of: note) == "1\n2\n3\n")
        let row = try #require(try await sandbox.nodes(Self.lab).first { $0.node == "r1" })
        #expect(!row.ready && row.error?.contains("line 3 of its `exec`") == true, "\(row)")
      }
    }

    @Test(.timeLimit(.minutes(3))) func refusedSettingsLeaveTheOthersAsTheyWere() async throws {
      try await Sandbox.use { sandbox in
        let key = "net.ipv4.conf.all.log_martians"
        try await sandbox.apus(
          "up", try sandbox.write(Self.routers("    sysctl: { net.ipv4.ip_default_ttl: 65 }")), expecting: 0)
        let before = try await Self.value(key, "r1", sandbox)
        let other = before == "0" ? "1" : "0"
        let settings = "{ net.ipv4.ip_default_ttl: 66, \(key): \(other), net.ipv4.no_such_key: 1 }"
        let file = try sandbox.write(Self.routers("    sysctl: \(settings)"))
        let refused = try await sandbox.apus("up", file, expecting: 1)
        #expect(refused.errors.contains("cannot set sysctl net.ipv4.no_such_key"), "\(refused)")
        #expect(!refused.errors.contains("left behind"), "\(refused)")
        #expect(try await Self.value(key, "r1", sandbox) == before)
        #expect(try await Self.value("net.ipv4.ip_default_ttl", "r1", sandbox) == "65")
      }
    }

    // MARK: - Containers

    private static func container(_ exec: String) -> String {
      """
      version: 1
      name: ape-setup
      switches: { sw: {} }
      nodes:
        c:
          kind: container
          image: localhost/apus-busybox
          command: cat /srv/deep/page >/root/seen; exec sleep 100000
          forwarding: on
          sysctl: { net.ipv4.conf.eth0.rp_filter: 2 }
          exec: [\(exec)]
          files:
            /srv/deep/page: |
              from the lab file
            /root/run: run.sh
          nics: { eth0: { switch: sw, address: 10.0.0.1/24 } }

      """
    }

    @Test(.timeLimit(.minutes(5))) func containers() async throws {
      try await Sandbox.use { sandbox in
        try await sandbox.makeContainerImage()
        let script = try sandbox.write("#!/bin/sh\necho ran >>/root/note\n", as: "run.sh")
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: script)
        let file = try sandbox.write(Self.container("/root/run, ip -o addr show eth0 | grep 10.0.0.1, sleep 4711 &"))
        try await sandbox.apus("up", file, expecting: 0)
        #expect(try await sandbox.shell("c", "cat /root/seen /root/note", lab: Self.lab) == "from the lab file\nran\n")
        #expect(
          try await sandbox.shell("c", "stat -c '%a %u %n' /root/run /srv/deep/page; stat -c %a /root", lab: Self.lab)
            .hasPrefix("755 0 /root/run\n644 0 /srv/deep/page\n"))
        #expect(try await Self.value("net.ipv4.ip_forward", "c", sandbox) == "1")
        #expect(try await Self.value("net.ipv6.conf.all.forwarding", "c", sandbox) == "1")
        #expect(try await Self.value("net.ipv4.conf.eth0.rp_filter", "c", sandbox) == "2")
        let daemon = try sandbox.daemon(Self.lab)
        daemon.signal(SIGKILL)
        #expect(await daemon.wait(timeoutSeconds: 10))
        try await sandbox.apus("up", file, expecting: 0)
        #expect(try await sandbox.shell("c", "cat /root/note; ps", lab: Self.lab).contains("sleep 4711"))
        #expect(try await sandbox.shell("c", "cat /root/note", lab: Self.lab) == "ran\n")
        try await sandbox.apus("restart", "c", "--lab", Self.lab, expecting: 0)
        #expect(try await sandbox.shell("c", "cat /root/note", lab: Self.lab) == "ran\nran\n")
        #expect(try await Self.value("net.ipv4.conf.eth0.rp_filter", "c", sandbox) == "2")
        // A start that fails is the node's failure, and says why for as long as it is so.
        try await sandbox.shell("c", "echo 'exit 3' >/root/run", lab: Self.lab)
        try "echo no >&2; exit 3\n".write(toFile: script, atomically: true, encoding: .utf8)
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: script)
        try await sandbox.apus("stop", "c", "--lab", Self.lab, expecting: 0)
        try await sandbox.apus("start", "c", "--lab", Self.lab, expecting: 1)
        let row = try #require(try await sandbox.nodes(Self.lab).first)
        #expect(row.state == "failed")
        #expect(row.error?.contains(#"line 1 of its `exec`, "/root/run", ended with status 3"#) == true, "\(row)")
      }
    }

    // MARK: - The built-in guest

    private static func guest(_ key: String, _ more: String) -> String {
      """
      version: 1
      name: ape-setup
      switches: { sw: {} }
      nodes:
        g:
          kind: vm
          memory: 96M
          forwarding: off
          sysctl: { net.ipv4.conf.eth0.rp_filter: 2, kernel.panic: 9 }
          exec: [echo ran >>/root/note, ip -o addr show eth0 | grep 10.0.0.1\(more)]
          files:
            /root/.ssh/authorized_keys: \(key)
            /srv/deep/page: |
              it's "from" the $LAB file
          nics: { eth0: { switch: sw, address: 10.0.0.1/24 } }
        h: { kind: netns, nics: { eth0: { switch: sw, address: 10.0.0.2/24 } } }

      """
    }

    private static func ssh(_ sandbox: Sandbox, _ options: [String], _ command: String) async throws -> Outcome {
      let usual = [
        "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null",
        "-o", "IdentitiesOnly=yes", "-F", "none",
      ]
      return try await execute(
        [sandbox.binary, "exec", "--lab", lab, "h", "--", "ssh"] + usual + options + ["root@10.0.0.1", command],
        environment: sandbox.environment, within: 120)
    }

    @Test(.timeLimit(.minutes(15))) func builtinGuest() async throws {
      try await Sandbox.use { sandbox in
        for name in ["key", "other"] {
          let made = try await execute([
            "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", "\(sandbox.folder)/\(name)",
          ])
          #expect(made.status == 0, "\(made)")
        }
        let file = try sandbox.write(Self.guest("key.pub", ""))
        try await sandbox.apus("up", file, expecting: 0, within: 300)
        #expect(
          try await sandbox.shell("g", "cat /srv/deep/page /root/note", lab: Self.lab)
            == "it's \"from\" the $LAB file\nran\n")
        for (key, value) in [
          ("net.ipv4.ip_forward", "0"), ("net.ipv6.conf.all.forwarding", "0"), ("net.ipv4.conf.eth0.rp_filter", "2"),
          ("kernel.panic", "9"),
        ] { #expect(try await Self.value(key, "g", sandbox) == value, "\(key)") }
        let entered = try await Self.ssh(sandbox, ["-i", "\(sandbox.folder)/key"], "hostname; cat /root/note")
        #expect(entered.status == 0 && entered.output == "g\nran\n", "\(entered)")
        // Another key is none, and there are no passwords, not even root's empty one.
        let refused = try await Self.ssh(sandbox, ["-i", "\(sandbox.folder)/other"], "true")
        #expect(refused.status == 255 && refused.errors.contains("Permission denied (publickey)"), "\(refused)")
        try await Self.returns(sandbox, file)
        // Other lines need another start, and one that fails is the node's failure.
        let failing = try sandbox.write(Self.guest("key.pub", ", echo oh dear >&2; exit 4"))
        try await sandbox.apus("up", failing, expecting: 1)
        let up = try await sandbox.apus("up", failing, "--allow-restart", expecting: 1, within: 300)
        #expect(up.errors.contains(#""echo oh dear >&2; exit 4", ended with status 4; it said: oh dear"#), "\(up)")
      }
    }

    /// A daemon that comes back repeats nothing, a guest that boots again does.
    private static func returns(_ sandbox: Sandbox, _ file: String) async throws {
      let daemon = try sandbox.daemon(lab)
      daemon.signal(SIGKILL)
      #expect(await daemon.wait(timeoutSeconds: 10))
      try await sandbox.apus("up", file, expecting: 0)
      #expect(try await sandbox.shell("g", "cat /root/note", lab: lab) == "ran\n")
      try await sandbox.apus("restart", "g", "--lab", lab, expecting: 0, within: 300)
      #expect(try await sandbox.shell("g", "cat /root/note", lab: lab) == "ran\n", "a new system has run it once")
      #expect(try await value("kernel.panic", "g", sandbox) == "9")
      try await sandbox.shell("g", "touch /root/mark; (sleep 1; reboot -f) >/dev/null 2>&1 &", lab: lab)
      let command = [
        sandbox.binary, "exec", "--lab", lab, "g", "--", "sh", "-c", "[ ! -e /root/mark ] && cat /root/note",
      ]
      try await eventually("it has booted again and was told again", within: 180) {
        try await execute(command, environment: sandbox.environment, within: 60).output == "ran\n"
      }
    }
  }
}
