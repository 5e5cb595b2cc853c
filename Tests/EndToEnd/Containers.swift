import Foundation
import Glibc
import LinuxHost
import TestSupport
import Testing

extension RealThings {
  /// Nodes of kind `container`, with real podman.
  @Suite struct Containers {
    private static let lab = "ape-ct"
    private static let file = """
      version: 1
      name: ape-ct
      vlans: { blue: { id: 20, subnet: 10.0.20.0/24 } }
      switches: { sw: {} }
      nodes:
        web:
          kind: container
          image: localhost/apus-busybox
          command: [httpd, -f, -p, 80]
          env: { GREETING: good day }
          restart: always
          nics: { eth0: { switch: sw, vlan: blue } }
        sh: { kind: container, image: localhost/apus-busybox, nics: { eth0: { switch: sw, vlan: blue } } }
        probe: { kind: netns, nics: { eth0: { switch: sw, vlan: blue } } }
      """

    private static func isLeft(_ sandbox: Sandbox, _ lab: String = lab) async throws -> [String] {
      let containers = try await sandbox.podman("ps", "--all", "--format", "{{.Names}}").output
      let names = (try? FileManager.default.contentsOfDirectory(atPath: "/run/netns")) ?? []
      return containers.split(whereSeparator: \.isNewline).map { String($0) } + names.filter { $0.contains(lab) }
    }

    private static func node(_ name: String, _ sandbox: Sandbox, _ lab: String = lab) async throws -> NodeRow {
      try #require(try await sandbox.nodes(lab).first { $0.node == name })
    }

    @Test(.timeLimit(.minutes(5))) func liveAndDie() async throws {
      try await Sandbox.use { sandbox in
        try await sandbox.makeContainerImage()
        let file = try sandbox.write(Self.file)
        try await sandbox.apus("up", file, expecting: 0)
        #expect(try await sandbox.apus("up", file, expecting: 0).output.contains("no changes"))
        try await sandbox.pings("probe", "10.0.20.1", lab: Self.lab)
        try await sandbox.pings("sh", "web", lab: Self.lab)
        try await Self.commands(sandbox)
        try await Self.console(sandbox)
        try await Self.stops(sandbox)
        try await Self.dies(sandbox, file)
        try await Self.comesAgain(sandbox)
        try await Self.outlivesTheDaemon(sandbox, file)
        let down = try await sandbox.apus("down", Self.lab, expecting: 0)
        #expect(down.errors.contains("container apus-ape-ct-web removed"), "\(down)")
        #expect(try await Self.isLeft(sandbox).isEmpty)
      }
    }

    private static func commands(_ sandbox: Sandbox) async throws {
      #expect(try await sandbox.shell("web", "echo $GREETING", lab: lab) == "good day\n")
      #expect(try await sandbox.shell("web", "cat /etc/hosts", lab: lab).contains("10.0.20.3 probe probe.ape-ct\n"))
      #expect(try await sandbox.apus("exec", "--lab", lab, "sh", "--", "sh", "-c", "exit 7").status == 7)
      #expect(try await sandbox.apus("exec", "--lab", lab, "sh", "--", "no-such-program").status == 127)
      // Whoever goes away ends his command.
      let client = try sandbox.start(
        [sandbox.binary, "exec", "--lab", lab, "sh", "--", "sleep", "4711"], log: "exec.log")
      try await eventually("the command runs") {
        try await sandbox.shell("sh", "ps", lab: lab).contains("sleep 4711")
      }
      client.signal(SIGKILL)
      try await eventually("the command is ended") {
        try await !sandbox.shell("sh", "ps", lab: lab).contains("sleep 4711")
      }
    }

    private static func console(_ sandbox: Sandbox) async throws {
      let client = try TerminalClient(
        [sandbox.binary, "console", "--lab", lab, "sh"], environment: sandbox.environment)
      defer { client.end() }
      try await client.expect("Ctrl-] leaves")
      await client.type("echo al''ive\r")
      try await client.expect("alive")
      await client.type("\u{1D}")
      #expect(try await client.status() == 0)
      let logs = try await sandbox.apus("logs", "--lab", lab, "sh", expecting: 0)
      #expect(logs.output.contains("alive"), "\(logs)")
    }

    private static func stops(_ sandbox: Sandbox) async throws {
      try await sandbox.shell("sh", "echo kept >/root/note", lab: lab)
      try await sandbox.apus("stop", "sh", "--lab", lab, expecting: 0)
      #expect(try await node("sh", sandbox).state == "stopped")
      #expect(try await sandbox.port("sh.eth0", lab).carrier == "down")
      #expect(try await sandbox.apus("exec", "--lab", lab, "sh", "--", "true").status == 125)
      try await sandbox.apus("start", "sh", "--lab", lab, expecting: 0)
      #expect(try await sandbox.port("sh.eth0", lab).carrier == "up")
      #expect(try await sandbox.shell("sh", "cat /root/note", lab: lab) == "kept\n")
      try await sandbox.pings("sh", "10.0.20.1", lab: lab)
    }

    /// One that is not to be started again: its ports lose their carrier.
    private static func dies(_ sandbox: Sandbox, _ file: String) async throws {
      try await sandbox.podman("kill", "apus-ape-ct-sh")
      try await eventually("its end is seen") { try await node("sh", sandbox).state == "failed" }
      #expect(try await sandbox.port("sh.eth0", lab).carrier == "down")
      let up = try await sandbox.apus("up", file, expecting: 0)
      #expect(up.output.contains("restart  node sh"), "\(up)")
      try await sandbox.pings("probe", "10.0.20.2", lab: lab)
    }

    /// One that is, with new interfaces in another namespace.
    private static func comesAgain(_ sandbox: Sandbox) async throws {
      let before = try await node("web", sandbox).pid
      try await sandbox.podman("kill", "apus-ape-ct-web")
      try await eventually("it runs again") {
        let now = try await node("web", sandbox)
        return now.state == "running" && now.ready && now.pid != before
      }
      #expect(try await sandbox.port("web.eth0", lab).carrier == "up")
      try await sandbox.pings("probe", "10.0.20.1", lab: lab)
      #expect(try await sandbox.shell("sh", "wget -q -O - http://web/etc/passwd", lab: lab).hasPrefix("root:x"))
    }

    private static func outlivesTheDaemon(_ sandbox: Sandbox, _ file: String) async throws {
      let pids = try await sandbox.nodes(lab).map(\.pid)
      let daemon = try sandbox.daemon(lab)
      daemon.signal(SIGKILL)
      #expect(await daemon.wait(timeoutSeconds: 10))
      let up = try await sandbox.apus("up", file, expecting: 0)
      #expect(up.output.contains("adopt  node web") && up.output.contains("container apus-ape-ct-web"), "\(up)")
      #expect(try await sandbox.nodes(lab).map(\.pid) == pids)
      try await sandbox.pings("probe", "10.0.20.1", lab: lab)
      try await sandbox.pings("sh", "web.ape-ct", lab: lab)
    }

    // MARK: - Somebody else's container

    private static func attaching(_ name: String, _ nic: String = "net1") -> String {
      """
      version: 1
      name: ape-ct
      switches: { sw: {} }
      nodes:
        db: { kind: container, attach: \(name), nics: { \(nic): { switch: sw, address: 10.0.1.1/24 } } }
        probe: { kind: netns, nics: { eth0: { switch: sw, address: 10.0.1.2/24 } } }
      tests:
        - { ping: probe -> db }
        - { tcp: db -> probe }
      """
    }

    @Test(.timeLimit(.minutes(5))) func attachesToAnotherOnes() async throws {
      try await Sandbox.use { sandbox in
        try await sandbox.makeContainerImage()
        try await sandbox.podman("run", "-d", "-t", "--name", "mydb", "--network", "none", Sandbox.containerImage)
        let file = try sandbox.write(Self.attaching("mydb"))
        try await sandbox.apus("up", file, expecting: 0)
        try await sandbox.apus("test", Self.lab, expecting: 0)
        #expect(try await sandbox.shell("db", "ip -o addr show net1", lab: Self.lab).contains("10.0.1.1/24"))
        try await sandbox.apus("stop", "db", "--lab", Self.lab, expecting: 0)
        #expect(try await sandbox.port("db.net1", Self.lab).carrier == "down")
        try await sandbox.apus("start", "db", "--lab", Self.lab, expecting: 0)
        // Its owner starts it again: it has another namespace then.
        try await sandbox.podman("restart", "--time", "0", "mydb")
        try await eventually("it is back") {
          try await sandbox.apus("exec", "--lab", Self.lab, "db", "--", "ip", "-o", "addr", "show", "net1").output
            .contains("10.0.1.1/24")
        }
        try await sandbox.pings("probe", "10.0.1.1", lab: Self.lab)
        try sandbox.daemon(Self.lab).signal(SIGKILL)
        try await sandbox.apus("up", file, expecting: 0)
        try await sandbox.pings("probe", "10.0.1.1", lab: Self.lab)
        try await sandbox.podman("stop", "--time", "0", "mydb")
        try await eventually("its end is seen") { try await Self.node("db", sandbox).state == "failed" }
        #expect(try await sandbox.port("db.net1", Self.lab).carrier == "down")
        try await sandbox.podman("start", "mydb")
        try await sandbox.pings("probe", "10.0.1.1", lab: Self.lab)
        try await sandbox.apus("down", Self.lab, expecting: 0)
        #expect(try await Self.isLeft(sandbox) == ["mydb"])
        let links = try await sandbox.podman("exec", "mydb", "ip", "-o", "link").output
        #expect(!links.contains("net1"), "\(links)")
      }
    }

    @Test(.timeLimit(.minutes(5)))
    func whatCannotBeAttachedToIsNamed() async throws {
      try await Sandbox.use { sandbox in
        try await sandbox.makeContainerImage()
        func refused(_ text: String, _ words: String) async throws {
          let outcome = try await sandbox.apus("up", try sandbox.write(text), expecting: 1)
          #expect(outcome.errors.contains(words), "\(outcome)")
          #expect(try await sandbox.apus("ps", "-j").output.filter { !$0.isWhitespace } == "[]")
        }
        try await refused(Self.attaching("nobody"), "no container nobody")
        try await sandbox.podman("create", "--name", "idle", "--network", "none", Sandbox.containerImage)
        try await refused(Self.attaching("idle"), "container idle does not run (created)")
        try await sandbox.podman("run", "-d", "-t", "--name", "host", "--network", "host", Sandbox.containerImage)
        try await refused(Self.attaching("host"), "uses this host's own network")
        try await sandbox.podman(
          "run", "-d", "-t", "--name", "own", "--network", "none", "--cap-add", "NET_ADMIN", Sandbox.containerImage,
          "sh", "-c", "ip link add net1 type bridge; sleep 1000")
        try await eventually("it has an interface") {
          try await sandbox.podman("exec", "own", "ip", "-o", "link").output.contains("net1")
        }
        try await refused(Self.attaching("own"), "has an interface net1 already")
        #expect(Set(try await Self.isLeft(sandbox)) == ["idle", "host", "own"])
      }
    }

    // MARK: - Mistakes

    private static func one(_ keys: String) -> String {
      """
      version: 1
      name: ape-ct
      switches: { sw: {} }
      nodes:
        web: { kind: container, \(keys), nics: { eth0: { switch: sw, address: 10.0.1.1/24 } } }
      """
    }

    @Test(.timeLimit(.minutes(5)))
    func whatDoesNotStartLeavesNothing() async throws {
      try await Sandbox.use { sandbox in
        try await sandbox.makeContainerImage()
        let image = "image: \(Sandbox.containerImage)"
        for (keys, words) in [
          ("image: localhost/not-here", "image localhost/not-here is not on this host"),
          ("\(image), command: [no-such-program]", "no-such-program"),
          (
            "\(image), command: [sh, -c, \"echo alas; exit 3\"]",
            "ended with status 3 as soon as it was started; it said: alas"
          ),
          ("\(image), ready: { console: never, timeout: 2s }", "not ready 2 s after its start"),
        ] {
          let outcome = try await sandbox.apus("up", try sandbox.write(Self.one(keys)), expecting: 1)
          #expect(outcome.errors.contains(words), "\(outcome)")
          #expect(try await Self.isLeft(sandbox).isEmpty)
        }
        // A container of that name which is not of the lab stays.
        try await sandbox.podman("create", "--name", "apus-ape-ct-web", Sandbox.containerImage)
        let taken = try await sandbox.apus("up", try sandbox.write(Self.one(image)), expecting: 1)
        #expect(taken.errors.contains("a container apus-ape-ct-web exists and is not of this lab"), "\(taken)")
        #expect(try await Self.isLeft(sandbox) == ["apus-ape-ct-web"])
      }
    }

    /// What is left when the state folder is gone, as after a reboot: doctor and `down` find it, `up` replaces it.
    @Test(.timeLimit(.minutes(5))) func containersOfNobodyAreFound() async throws {
      try await Sandbox.use { sandbox in
        try await sandbox.makeContainerImage()
        let file = try sandbox.write(Self.one("image: \(Sandbox.containerImage), command: [sleep, 1000]"))
        func loseState() async throws {
          let daemon = try sandbox.daemon(Self.lab)
          daemon.signal(SIGKILL)
          #expect(await daemon.wait(timeoutSeconds: 10))
          try FileManager.default.removeItem(atPath: "\(sandbox.state)/\(Self.lab)")
          _ = try await execute(["/usr/sbin/ip", "netns", "delete", "apus-ape-ct-web"])
        }
        try await sandbox.apus("up", file, expecting: 0)
        try await loseState()
        let found = try await sandbox.apus("doctor")
        #expect(found.output.contains("container apus-ape-ct-web"), "\(found)")
        try await sandbox.apus("up", file, expecting: 0)
        #expect(try await sandbox.podman("ps", "-aq").output.split(whereSeparator: \.isNewline).count == 1)
        try await loseState()
        try await sandbox.apus("down", Self.lab, expecting: 0)
        #expect(try await Self.isLeft(sandbox).isEmpty)
        try await sandbox.apus("up", file, expecting: 0)
        try await loseState()
        try FileManager.default.removeItem(atPath: "\(sandbox.data)/\(Self.lab)")
        try await sandbox.apus("doctor", "--clean")
        #expect(try await Self.isLeft(sandbox).isEmpty)
      }
    }
  }
}
