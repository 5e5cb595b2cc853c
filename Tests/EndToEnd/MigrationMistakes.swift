import Foundation
import Glibc
import LinuxHost
import TestSupport
import Testing

extension RealThings {
  /// Machines that do not get where they were to go: they go on where they were, and nothing is left.
  @Suite struct MigrationMistakes {
    private static let lab = "ape-move"
    /// Slow enough for whatever is to happen meanwhile.
    private static let slow = ["--bandwidth", "4Mbit"]

    private static let file = """
      version: 1
      name: \(lab)
      switches: { sw1: {} }
      nodes:
        a: { kind: vm, memory: 96M, nics: { eth0: { switch: sw1, address: 10.0.20.1/24 } } }
        p: { kind: netns, nics: { eth0: { switch: sw1, address: 10.0.20.9/24 } } }

      """

    /// Brings the lab up where `/dev/shm` has no room, so that memory has to be sent.
    private static func upWithoutRoom(_ sandbox: Sandbox) async throws {
      let path = try sandbox.write(file)
      let line = "mount -t tmpfs -o size=1m tmpfs /dev/shm && exec '\(sandbox.binary)' up '\(path)'"
      let up = try await execute(
        ["unshare", "-m", "sh", "-c", line], environment: sandbox.environment, within: 100)
      guard up.status == 0 else { throw Failure("\(up)") }
      #expect(up.errors.contains("to migrate it will take a copy of its memory: /dev/shm has no room"), "\(up)")
    }

    private static func pid(_ sandbox: Sandbox) async throws -> Int32 {
      guard let pid = try await sandbox.nodes(lab).first(where: { $0.node == "a" })?.pid else {
        throw Failure("a has no process")
      }
      return pid
    }

    /// The QEMU to which it is on its way.
    private static func target(_ sandbox: Sandbox) async throws -> ProcessIdentity {
      var found: ProcessIdentity?
      try await eventually("a second QEMU runs") {
        found = move(sandbox)?.other
        return found != nil
      }
      guard let found else { throw Failure("no second QEMU") }
      return found
    }

    /// What the daemon has written down of its move.
    private struct Move: Decodable {
      var other: ProcessIdentity?
      var hasArrived: Bool?
    }

    /// Nil if it is not on its way.
    private static func move(_ sandbox: Sandbox) -> Move? {
      struct Record: Decodable { var move: Move? }
      let bytes = FileManager.default.contents(atPath: "\(sandbox.state)/\(lab)/a/node.json") ?? Data()
      return (try? JSONDecoder().decode(Record.self, from: bytes))?.move
    }

    /// How far a move is when the daemon dies.
    private enum Moment: String, CaseIterable {
      case written, started, arrived

      func isThere(_ move: Move) -> Bool {
        switch self {
        case .written: move.other == nil
        case .started: move.other != nil && move.hasArrived != true
        case .arrived: move.hasArrived == true
        }
      }
    }

    /// Begins a move and kills the daemon at a moment of it.
    /// - Returns: false if the moment was not seen.
    private static func killDaemon(_ sandbox: Sandbox, at moment: Moment) async throws -> Bool {
      let daemon = try sandbox.daemon(lab)
      let client = try sandbox.start([sandbox.binary, "migrate", "a", "--lab", lab], log: "fast.log")
      while client.isAlive {
        if let now = move(sandbox), moment.isThere(now) {
          daemon.signal(SIGKILL)
          #expect(await daemon.wait(timeoutSeconds: 10))
          #expect(await client.wait(timeoutSeconds: 20))
          return true
        }
        try await Task.sleep(for: .milliseconds(1))
      }
      return false
    }

    private static func begin(_ sandbox: Sandbox) async throws -> (client: ProcessIdentity, target: ProcessIdentity) {
      // What it said before would be there, too.
      try? FileManager.default.removeItem(atPath: "\(sandbox.folder)/migrate.err")
      let client = try sandbox.start(
        [sandbox.binary, "migrate", "a", "--lab", lab] + slow, log: "migrate.out", errors: "migrate.err")
      let target = try await target(sandbox)
      try await eventually("memory is sent") { text(of: "\(sandbox.folder)/migrate.err")?.contains("round 1") == true }
      return (client, target)
    }

    /// It is where it was, and nothing else is: of its NIC's two sockets there is one, whichever it is.
    private static func checkStays(_ sandbox: Sandbox, _ pid: Int32, _ target: ProcessIdentity) async throws {
      try await eventually("the second QEMU has ended") { !target.isAlive }
      #expect(try await Self.pid(sandbox) == pid)
      try await sandbox.pings("p", "10.0.20.1", lab: lab)
      try await eventually("nothing is left of it") {
        sandbox.stateFiles("a", lab: lab).filter { $0.hasSuffix(".new") || $0 == "move.sock" } == []
          && HostFacts.entries(of: "\(sandbox.state)/\(lab)").count { $0.hasPrefix("a.eth0.s") } == 1
      }
      #expect(try await sandbox.shell("a", "echo alive", lab: lab) == "alive\n")
    }

    /// Whatever is the matter with the one that is asked for.
    @Test(.timeLimit(.minutes(3))) func whatCannotBeMigrated() async throws {
      try await Sandbox.use { sandbox in
        let guest = "\(sandbox.folder)/guest"
        try FileManager.default.copyItem(atPath: sandbox.guestFolder, toPath: guest)
        var environment = sandbox.environment
        environment["APUS_GUEST_DIR"] = guest
        let up = try await execute(
          [sandbox.binary, "up", try sandbox.write(Self.file)], environment: environment, within: 100)
        #expect(up.status == 0, "\(up)")
        let pid = try await Self.pid(sandbox)
        func refused(_ status: Int32, _ words: String, _ arguments: String...) async throws {
          let outcome = try await execute(
            [sandbox.binary, "migrate", "--lab", Self.lab] + arguments, environment: sandbox.environment)
          #expect(outcome.status == status && outcome.errors.contains(words), "\(outcome)")
        }
        try await refused(4, "has no node \"x\"", "x")
        try await refused(2, "node p is of kind netns: nodes of kind vm can be migrated", "p")
        try await refused(2, "has no hosts", "a", "--to", "h2")
        try await refused(2, "a rate such as 800Mbit is expected", "a", "--bandwidth", "fast")
        try await refused(2, "a time from 1ms to 2000s is expected", "a", "--downtime", "0s")
        // What the machine was started from is gone: a second one cannot be.
        for name in HostFacts.entries(of: guest) { try FileManager.default.removeItem(atPath: "\(guest)/\(name)") }
        try await refused(1, "not migrated, it goes on where it was: the second QEMU has ended; it said", "a")
        #expect(try await Self.pid(sandbox) == pid)
        try await sandbox.pings("p", "10.0.20.1", lab: Self.lab)
        let events = try await sandbox.apus(
          "events", "--since", "10m", "--no-follow", "--type", "node.not-migrated", "--lab", Self.lab, expecting: 0)
        #expect(events.output.contains("was not migrated: not migrated") == false && events.output.contains("QEMU"))
        try await sandbox.apus("stop", "a", "--lab", Self.lab, expecting: 0)
        try await refused(3, "node a does not run", "a")
      }
    }

    /// By copying: called back, twice at once, a second QEMU that dies, one that is stopped meanwhile; and then it goes.
    @Test(.timeLimit(.minutes(5))) func goesOnWhereItWas() async throws {
      try await Sandbox.use { sandbox in
        try await Self.upWithoutRoom(sandbox)
        let pid = try await Self.pid(sandbox)
        var (client, target) = try await Self.begin(sandbox)
        let twice = try await sandbox.apus("migrate", "a", "--lab", Self.lab, expecting: 1)
        #expect(twice.errors.contains("node a is being migrated already"), "\(twice)")
        client.signal(SIGINT)
        #expect(await client.wait(timeoutSeconds: 20))
        try await Self.checkStays(sandbox, pid, target)

        (client, target) = try await Self.begin(sandbox)
        target.signal(SIGKILL)
        #expect(await client.wait(timeoutSeconds: 20))
        let said = text(of: "\(sandbox.folder)/migrate.err") ?? ""
        #expect(said.contains("node a: not migrated, it goes on where it was: "), "\(said)")
        try await Self.checkStays(sandbox, pid, target)

        let row = try await sandbox.migrate("a", lab: Self.lab)
        #expect(row.memory == "copied" && row.bytes > 10 << 20 && row.pid != pid)
        try await sandbox.pings("p", "10.0.20.1", lab: Self.lab)

        (client, target) = try await Self.begin(sandbox)
        try await sandbox.apus("restart", "a", "--lab", Self.lab, expecting: 0)
        #expect(await client.wait(timeoutSeconds: 20))
        try await Self.checkStays(sandbox, try await Self.pid(sandbox), target)

        (client, target) = try await Self.begin(sandbox)
        try await sandbox.apus("down", Self.lab, expecting: 0)
        #expect(!target.isAlive)
        #expect(HostFacts.entries(of: sandbox.state) == [] && HostFacts.entries(of: sandbox.data) == [])
      }
    }

    /// The daemon dies while a machine is on its way: the next one finds it, wherever it is.
    @Test(.timeLimit(.minutes(5))) func daemonsThatDie() async throws {
      try await Sandbox.use { sandbox in
        try await sandbox.apus("up", try sandbox.write(Self.file), expecting: 0)
        let pid = try await Self.pid(sandbox)
        // Without its file, memory has to be sent.
        let memory = try await sandbox.memoryFolder(of: "a", lab: Self.lab)
        try FileManager.default.removeItem(atPath: "\(memory)/a")
        let (client, target) = try await Self.begin(sandbox)
        try sandbox.daemon(Self.lab).signal(SIGKILL)
        #expect(await client.wait(timeoutSeconds: 20))
        try await sandbox.apus("up", "\(sandbox.folder)/ape.lab.yaml", expecting: 0)
        try await Self.checkStays(sandbox, pid, target)
        #expect(try await sandbox.migrate("a", lab: Self.lab).memory == "copied")
        // Its memory is in a file again, and it goes in no time: wherever the daemon dies, there is one machine.
        #expect(try await sandbox.migrate("a", lab: Self.lab).memory == "shared")
        for moment in Moment.allCases {
          let mark = try await sandbox.shell("a", "echo \(moment) | tee /tmp/mark", lab: Self.lab)
          var isKilled = false
          for _ in 1...20 where !isKilled { isKilled = try await Self.killDaemon(sandbox, at: moment) }
          #expect(isKilled, "\(moment) was not seen")
          try await sandbox.apus("up", "\(sandbox.folder)/ape.lab.yaml", expecting: 0)
          try await sandbox.pings("p", "10.0.20.1", lab: Self.lab)
          #expect(try await sandbox.shell("a", "cat /tmp/mark", lab: Self.lab) == mark)
          #expect(Self.machines(sandbox) == 1)
        }
        try await sandbox.apus("down", Self.lab, expecting: 0)
        #expect(!FileManager.default.fileExists(atPath: memory) && Self.machines(sandbox) == 0)
      }
    }

    /// A QEMU of this sandbox alone, whose second start of a machine goes by what a file says (sed's language).
    private static func makeOtherQEMU(_ sandbox: Sandbox) throws -> [String: String] {
      var environment = sandbox.environment
      let path = environment["PATH"] ?? "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
      let folder = "\(sandbox.folder)/bin"
      let script = """
        #!/bin/sh
        PATH='\(path)'
        case " $* " in
          *" -incoming "*)
            for word do
              shift
              set -- "$@" "$(printf %s "$word" | sed -f '\(sandbox.folder)/other')"
            done ;;
        esac
        exec qemu-system-x86_64 "$@"

        """
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
      try script.write(toFile: "\(folder)/qemu-system-x86_64", atomically: true, encoding: .utf8)
      try FileManager.default.setAttributes(
        [.posixPermissions: 0o755], ofItemAtPath: "\(folder)/qemu-system-x86_64")
      environment["PATH"] = "\(folder):\(path)"
      return environment
    }

    /// A second QEMU that has no such machine, has another version of it, or less memory.
    ///
    /// No lab brings the last about: a machine with another `memory` is another one, and is started anew.
    @Test(.timeLimit(.minutes(4))) func targetsThatAreNoMatch() async throws {
      try await Sandbox.use { sandbox in
        _ = try sandbox.write("", as: "other")
        let up = try await execute(
          [sandbox.binary, "up", try sandbox.write(Self.file)], environment: try Self.makeOtherQEMU(sandbox),
          within: 100)
        #expect(up.status == 0, "\(up)")
        let pid = try await Self.pid(sandbox)
        let others: [(sed: String, words: String)] = [
          ("s/^pc-i440fx-[0-9.]*,/pc-i440fx-99.9,/", "unsupported machine type"),
          ("s/^pc-i440fx-[0-9.]*,/pc-i440fx-5.2,/", "Machine type received is"),
          ("s/size=\(96 << 20)/size=\(64 << 20)/;s/size=\(96 << 10)K/size=\(64 << 10)K/", "Size mismatch"),
        ]
        for (sed, words) in others {
          _ = try sandbox.write("\(sed)\n", as: "other")
          let outcome = try await sandbox.apus("migrate", "a", "--lab", Self.lab, expecting: 1)
          #expect(
            outcome.errors.contains("not migrated, it goes on where it was: ") && outcome.errors.contains(words),
            "\(outcome)")
          #expect(try await Self.pid(sandbox) == pid && Self.machines(sandbox) == 1)
          try await sandbox.pings("p", "10.0.20.1", lab: Self.lab)
          #expect(try await sandbox.shell("a", "echo alive", lab: Self.lab) == "alive\n")
        }
        _ = try sandbox.write("", as: "other")
        #expect(try await sandbox.migrate("a", lab: Self.lab).pid != pid)
        try await sandbox.pings("p", "10.0.20.1", lab: Self.lab)
      }
    }

    /// Of moves and saves one waits for the other.
    @Test(.timeLimit(.minutes(5))) func movesAndSavesAtOnce() async throws {
      try await Sandbox.use { sandbox in
        try await Self.upWithoutRoom(sandbox)
        let pid = try await Self.pid(sandbox)
        let (client, target) = try await Self.begin(sandbox)
        let save = try sandbox.start(
          [sandbox.binary, "save", Self.lab, "\(sandbox.folder)/one"], log: "save.log")
        // The move takes a minute at least.
        try await Task.sleep(for: .seconds(2))
        #expect(save.isAlive && !FileManager.default.fileExists(atPath: "\(sandbox.folder)/one"))
        client.signal(SIGINT)
        #expect(await client.wait(timeoutSeconds: 20))
        #expect(await save.wait(timeoutSeconds: 60))
        #expect(
          FileManager.default.fileExists(atPath: "\(sandbox.folder)/one/manifest.json"),
          "\(text(of: "\(sandbox.folder)/save.log") ?? "")")
        try await Self.checkStays(sandbox, pid, target)

        async let saved = sandbox.apus("save", Self.lab, "\(sandbox.folder)/two", expecting: 0)
        async let moved = sandbox.migrate("a", lab: Self.lab)
        let (row, _) = (try await moved, try await saved)
        #expect(try await Self.pid(sandbox) == row.pid && row.pid != pid)
        #expect(FileManager.default.fileExists(atPath: "\(sandbox.folder)/two/manifest.json"))
        try await sandbox.pings("p", "10.0.20.1", lab: Self.lab)

        // Two saves: into two folders, and into one, where the first one has its place.
        async let three = sandbox.apus("save", Self.lab, "\(sandbox.folder)/three", expecting: 0)
        async let four = sandbox.apus("save", Self.lab, "\(sandbox.folder)/four", expecting: 0)
        _ = (try await three, try await four)
        async let first = sandbox.apus("save", Self.lab, "\(sandbox.folder)/five")
        async let second = sandbox.apus("save", Self.lab, "\(sandbox.folder)/five")
        let both = [try await first, try await second].sorted { $0.status < $1.status }
        #expect(both.map(\.status) == [0, 1] && both[1].errors.contains("is there already"), "\(both)")
        for name in ["three", "four", "five"] {
          #expect(FileManager.default.fileExists(atPath: "\(sandbox.folder)/\(name)/manifest.json"))
        }
        try await sandbox.pings("p", "10.0.20.1", lab: Self.lab)
        #expect(try await Self.pid(sandbox) == row.pid)
      }
    }

    /// QEMUs of this sandbox.
    private static func machines(_ sandbox: Sandbox) -> Int {
      HostFacts.entries(of: "/proc").count { entry in
        guard Int32(entry) != nil, let words = HostFacts.text(ofFile: "/proc/\(entry)/cmdline") else { return false }
        return words.contains("qemu-system") && words.contains("guest=apus-\(lab)-a") && words.contains(sandbox.folder)
      }
    }
  }
}
