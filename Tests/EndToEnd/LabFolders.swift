import Foundation
import Glibc
import LinuxHost
import Testing

extension RealThings {
  /// What a lab writes on the host: who may read it, and what of it is removed.
  @Suite struct LabFolders {
    private static let lab = "ape-files"

    /// Kinds and permission bits of everything below a folder, the folder itself included, by path.
    private static func modes(_ folder: String) throws -> [String: (kind: FileAttributeType, mode: Int)] {
      var found: [String: (kind: FileAttributeType, mode: Int)] = [:]
      let names = FileManager.default.enumerator(atPath: folder).map { $0.compactMap { $0 as? String } } ?? []
      for path in [folder] + names.map({ "\(folder)/\($0)" }) {
        let attributes = try FileManager.default.attributesOfItem(atPath: path)
        found[path] = (
          try #require(attributes[.type] as? FileAttributeType), try #require(attributes[.posixPermissions] as? Int)
        )
      }
      return found
    }

    /// Ends a machine that has no system which could shut down, and would be waited for.
    private static func end(_ node: String, _ sandbox: Sandbox) async throws {
      let pid = try await sandbox.nodes(lab).first { $0.node == node }?.pid
      guard let machine = pid.flatMap(ProcessIdentity.of(pid:)) else { return }
      machine.signal(SIGKILL)
      #expect(await machine.wait(timeoutSeconds: 10))
    }

    /// Every kind of node, a machine with a password, disks, logs of all kinds, what is said at run time.
    @Test(.timeLimit(.minutes(4))) func nobodyElseReadsWhatALabWrites() async throws {
      try await Sandbox.use { sandbox in
        // As it is where the folders of all labs lie.
        chmod(sandbox.folder, 0o755)
        try Data(count: 4 << 20).write(to: URL(filePath: "\(sandbox.folder)/disk.img"))
        let file = try sandbox.write(
          """
          version: 1
          name: ape-files
          switches: { sw1: {} }
          nodes:
            vm1: { kind: vm, nics: { eth0: { switch: sw1 } } }
            vm2:
              kind: vm
              image: disk.img
              persist: on
              cloud-init: { user-data: "#cloud-config\\npassword: hunter2secret" }
              nics: { eth0: { switch: sw1 } }
            n: { kind: netns, nics: { eth0: { switch: sw1, address: 10.8.0.1/24 } } }
            ext: { kind: external, nics: { eth0: { switch: sw1, socket-mode: 666 } } }
            tap: { kind: tap, nics: { ape-files0: { switch: sw1 } } }

          """)
        chmod(file, 0o600)
        try await sandbox.apus("up", file, expecting: 0, within: 200)
        try await sandbox.apus("link", "set", "n.eth0", "delay=1ms", expecting: 0)
        // Another daemon writes with the same care.
        let daemon = try sandbox.daemon(Self.lab)
        daemon.signal(SIGKILL)
        _ = await daemon.wait(timeoutSeconds: 10)
        try await sandbox.apus("up", file, expecting: 0)
        try await sandbox.apus("stop", "vm1", expecting: 0)
        try await sandbox.apus("start", "vm1", expecting: 0)

        let (state, data) = ("\(sandbox.state)/\(Self.lab)", "\(sandbox.data)/\(Self.lab)")
        let passages = [sandbox.state, state]
        let sockets = ["\(state)/control.sock": 0o660, "\(state)/ext.eth0.sock": 0o666]
        let all = try Self.modes(sandbox.state).merging(Self.modes(sandbox.data)) { first, _ in first }
        for (path, entry) in all.sorted(by: { $0.key < $1.key }) {
          switch entry.kind {
          case .typeDirectory: #expect(entry.mode == (passages.contains(path) ? 0o711 : 0o700), "\(path)")
          case .typeSocket:
            if let mode = sockets[path] { #expect(entry.mode == mode, "\(path)") }
            #expect(entry.mode & 0o007 == 0 || sockets[path] != nil, "\(path)")
          default: #expect(entry.mode == 0o600 && entry.kind == .typeRegular, "\(path)")
          }
        }
        // It was a walk over what there is to find.
        for name in [
          "\(state)/lab.json", "\(state)/runtime.json", "\(state)/apus.pid", "\(state)/vm1/node.json",
          "\(data)/apus.log",
          "\(data)/vm1/console.log", "\(data)/vm2/console.log", "\(data)/vm2/disk.qcow2", "\(data)/vm2/disk.image",
          "\(data)/vm2/seed.iso", "\(data)/vm1/qemu.log",
        ] + sockets.keys { #expect(all[name] != nil, "\(name)") }

        let asNobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
        let found = try await execute(asNobody + ["grep", "-rl", "hunter2", sandbox.state, sandbox.data])
        #expect(found.output == "", "\(found)")
        // root does: the password is there to be found.
        let there = try await execute(["grep", "-rl", "hunter2", sandbox.state, sandbox.data])
        #expect(Set(there.output.split(separator: "\n")) == ["\(state)/lab.json", "\(data)/vm2/seed.iso"])
        // Whom a socket is open to reaches it.
        let reached = try await execute(
          asNobody + ["nc.openbsd", "-zU", "\(state)/ext.eth0.sock"], environment: sandbox.environment)
        #expect(reached.status == 0, "\(reached)")
        // And so does a user of the control socket's group, who names the lab.
        let program = "\(sandbox.folder)/apus"
        try FileManager.default.copyItem(atPath: sandbox.binary, toPath: program)
        chmod(program, 0o755)
        let inGroup = ["setpriv", "--reuid=65534", "--regid=0", "--clear-groups", program]
        for (command, status): ([String], Int32) in [
          (["ps", "--lab", Self.lab], 0), (["port", "list", "--lab", Self.lab], 0), (["port", "list"], 1),
          (["port", "list", "--lab", "ape-other"], 4), (["ps"], 1), (["logs", "vm1", "--lab", Self.lab], 1),
          (["down"], 1), (["down", "--all"], 1),
        ] {
          let outcome = try await execute(inGroup + command, environment: sandbox.environment)
          #expect(outcome.status == status, "\(outcome)")
        }

        // What a person makes in a node is made as everywhere.
        try await sandbox.shell("n", "echo x >\(sandbox.folder)/made", lab: Self.lab)
        #expect(try Self.modes("\(sandbox.folder)/made").values.first?.mode == 0o644)
        // And other programs' names of namespaces are still seen by all.
        #expect(try Self.modes("/run/netns").first { $0.key == "/run/netns" }?.value.mode == 0o755)

        try await Self.end("vm2", sandbox)
        try await sandbox.apus("down", Self.lab, expecting: 0)
        #expect(!FileManager.default.fileExists(atPath: state))
        #expect(
          try Set(FileManager.default.contentsOfDirectory(atPath: "\(data)/vm2")) == [
            ".apus", "disk.qcow2", "disk.persist", "disk.image",
          ])
        #expect(try Set(FileManager.default.contentsOfDirectory(atPath: data)) == [".apus", "vm2"])
      }
    }

    /// Who may use the control socket and read nothing else does no harm by what he does not see.
    @Test(.timeLimit(.minutes(3)), arguments: [0o711, 0o755])
    func membersOfTheSocketsGroup(_ mode: Int) async throws {
      try await Sandbox.use { sandbox in
        chmod(sandbox.folder, 0o755)
        let program = "\(sandbox.folder)/apus"
        try FileManager.default.copyItem(atPath: sandbox.binary, toPath: program)
        chmod(program, 0o755)
        let text = """
          version: 1
          name: ape-files
          switches: { sw1: {} }
          nodes:
            n: { kind: netns, nics: { eth0: { switch: sw1, address: 10.8.0.1/24 } } }
            tap: { kind: tap, nics: { ape-files0: { switch: sw1, address: 10.8.0.2/24 } } }
          tests: [{ ping: n -> tap }]

          """
        let (file, other) = (try sandbox.write(text), try sandbox.write(text, as: "other.lab.yaml"))
        for path in [file, other] { chmod(path, 0o644) }
        try await sandbox.apus("up", file, expecting: 0)
        chmod(sandbox.state, mode_t(mode))
        let daemon = try sandbox.daemon(Self.lab)
        func member(_ command: String..., expecting status: Int32) async throws -> Outcome {
          let started = ContinuousClock.now
          let outcome = try await execute(
            ["setpriv", "--reuid=65534", "--regid=0", "--clear-groups", program] + command,
            environment: sandbox.environment, within: 60)
          guard outcome.status == status, ContinuousClock.now - started < .seconds(9) else {
            throw Failure("status \(status) expected, at once; \(outcome)")
          }
          return outcome
        }
        let up = try await member("up", file, expecting: 0)
        #expect(up.output.contains("no changes"), "\(up)")
        _ = try await member("test", file, expecting: 0)
        let replace = try await member("up", "--replace", file, expecting: 0)
        #expect(replace.output.contains("no changes"), "\(replace)")
        _ = try await member("up", other, expecting: 1)
        #expect(daemon.isAlive && NetworkNamespace.exists("apus-\(Self.lab)-n"))
        // Without a daemon there is nothing that such a user could do, and he is not kept waiting.
        daemon.signal(SIGKILL)
        #expect(await daemon.wait(timeoutSeconds: 10))
        _ = try await member("up", "--replace", file, expecting: 1)
        _ = try await member("up", file, expecting: 1)
        let down = try await member("down", Self.lab, expecting: 1)
        #expect(down.errors.contains("run as its owner"), "\(down)")
        let none = try await member("ps", "--lab", "ape-other", expecting: 4)
        #expect(!none.errors.contains("no lab is up"), "\(none)")
        #expect(NetworkNamespace.exists("apus-\(Self.lab)-n"))
        try await sandbox.apus("up", file, expecting: 0)
        // He may take it down, as he may do everything that the socket offers.
        _ = try await member("down", Self.lab, expecting: 0)
        #expect(!NetworkNamespace.exists("apus-\(Self.lab)-n"))
        #expect(!FileManager.default.fileExists(atPath: "\(sandbox.state)/\(Self.lab)"))
      }
    }

    /// No command takes a name for a lab's that no lab can have.
    @Test(.timeLimit(.minutes(2))) func namesThatNoLabCanHave() async throws {
      try await Sandbox.use { sandbox in
        let kept = ["images/golden.qcow2", "saved/lab/memory", "Other/x", "x_y/x"].map { "\(sandbox.data)/\($0)" }
        for path in kept + ["\(sandbox.state)/saved/x", "\(sandbox.folder)/outside"] {
          try FileManager.default.createDirectory(
            at: URL(filePath: path).deletingLastPathComponent(), withIntermediateDirectories: true)
          try Data("kept".utf8).write(to: URL(filePath: path))
        }
        for name in ["images", "saved", "all", ".", "..", "Other", "x_y", ""] {
          let commands: [[String]] = [
            ["down", name], ["destroy", "--lab", name], ["ps", "--lab", name], ["test", name], ["graph", name],
            ["port", "list", "--lab", name], ["daemon", "--lab", name],
          ]
          for command in commands {
            let outcome = try await execute([sandbox.binary] + command, environment: sandbox.environment, within: 30)
            #expect(outcome.status == 2, "\(command): \(outcome)")
          }
          guard !name.isEmpty else { continue }
          var environment = sandbox.environment
          environment["APUS_LAB"] = name
          let down = try await execute([sandbox.binary, "down"], environment: environment, within: 30)
          #expect(down.status == 2, "\(name): \(down)")
        }
        let down = try await sandbox.apus("down", "images", expecting: 2)
        #expect(down.errors == "apus: a lab cannot be called \"images\": the folder of images is called so\n")
        for name in ["images", "saved"] {
          let file = try sandbox.write("version: 1\nname: \(name)\n")
          let up = try await sandbox.apus("up", file, expecting: 2)
          #expect(up.errors.contains("error[L101]: a lab cannot be called"), "\(up)")
        }
        try await sandbox.apus("down", "--all", expecting: 0)
        try await sandbox.apus("doctor", "--clean", expecting: 0)
        for path in kept { #expect(text(of: path) == "kept", "\(path)") }
      }
    }

    /// What lies where a lab's files are and is not the lab's stays, with a word about it.
    @Test(.timeLimit(.minutes(3))) func whatIsForeignStays() async throws {
      try await Sandbox.use { sandbox in
        let file = try sandbox.write(
          "version: 1\nname: ape-files\nnodes: { n: { kind: netns } }\n")
        let (state, data) = ("\(sandbox.state)/\(Self.lab)", "\(sandbox.data)/\(Self.lab)")
        // Before the lab: a folder of that name is somebody's, and the lab does not come up in it.
        try FileManager.default.createDirectory(atPath: data, withIntermediateDirectories: true)
        try Data("mine".utf8).write(to: URL(filePath: "\(data)/disk.qcow2"))
        let refused = try await sandbox.apus("up", file, expecting: 1)
        #expect(refused.errors.contains("the folder \(data) is there and is not ours"), "\(refused)")
        let absent = try await sandbox.apus("down", Self.lab, expecting: 0)
        #expect(absent.errors.contains("left: \(data) (no file .apus in it says \"lab ape-files\")"), "\(absent)")
        #expect(absent.errors.contains("there is no lab ape-files"), "\(absent)")
        try await sandbox.apus("doctor", "--clean", expecting: 0)
        #expect(text(of: "\(data)/disk.qcow2") == "mine")
        try FileManager.default.moveItem(atPath: data, toPath: "\(sandbox.folder)/moved")

        // In it: with a daemon and without one.
        for isKilled in [false, true] {
          try await sandbox.apus("up", file, expecting: 0)
          try Data("mine".utf8).write(to: URL(filePath: "\(data)/notes.txt"))
          if !FileManager.default.fileExists(atPath: "\(state)/n/link") {
            try FileManager.default.createSymbolicLink(
              atPath: "\(state)/n/link", withDestinationPath: "\(sandbox.folder)/moved")
          }
          if isKilled {
            let daemon = try sandbox.daemon(Self.lab)
            daemon.signal(SIGKILL)
            _ = await daemon.wait(timeoutSeconds: 10)
          }
          let down = try await sandbox.apus("down", Self.lab, expecting: 0)
          for line in ["left: \(data)/notes.txt\n", "left: \(state)/n/link (a symbolic link)\n"] {
            #expect(down.errors.split(separator: "\n").filter { "\($0)\n" == line }.count == 1, "\(line): \(down)")
          }
          #expect(down.errors.contains("lab ape-files is down"), "\(down)")
          #expect(NetworkNamespace.names().filter { $0.hasPrefix("apus-\(Self.lab)-") } == [])
          #expect(try Set(FileManager.default.contentsOfDirectory(atPath: state)) == [".apus", "n"])
          #expect(text(of: "\(data)/notes.txt") == "mine")
        }
        #expect(text(of: "\(sandbox.folder)/moved/disk.qcow2") == "mine")
        // It is no leftover of a lab: nothing could be removed.
        let doctor = try await sandbox.apus("doctor")
        #expect(!doctor.output.contains(Self.lab), "\(doctor)")
        let again = try await sandbox.apus("down", Self.lab, expecting: 0)
        #expect(again.errors.contains("there is no lab ape-files"), "\(again)")
      }
    }

    /// The path of an image stays, and what lies there is another one.
    @Test(.timeLimit(.minutes(3)), arguments: ["link", "file"])
    func persistentDiskOverAnotherImage(_ how: String) async throws {
      try await Sandbox.use { sandbox in
        let image = "\(sandbox.folder)/latest.img"
        for (name, size) in [("a.img", 2 << 20), ("b.img", 1 << 20)] {
          try Data(count: size).write(to: URL(filePath: "\(sandbox.folder)/\(name)"))
        }
        func write(vlan: Int) throws -> String {
          try sandbox.write(
            """
            version: 1
            name: ape-files
            switches: { sw1: {} }
            nodes:
              vm1: { kind: vm, image: latest.img, persist: on, nics: { eth0: { switch: sw1, vlan: \(vlan) } } }

            """)
        }
        let file = try write(vlan: 5)
        func put(_ name: String) throws {
          try? FileManager.default.removeItem(atPath: image)
          if how == "link" {
            try FileManager.default.createSymbolicLink(atPath: image, withDestinationPath: name)
          } else {
            try FileManager.default.copyItem(atPath: "\(sandbox.folder)/\(name)", toPath: image)
          }
        }
        func down() async throws {
          try await Self.end("vm1", sandbox)
          try await sandbox.apus("down", Self.lab, expecting: 0)
        }
        let folder = "\(sandbox.data)/\(Self.lab)/vm1"
        try put("a.img")
        try await sandbox.apus("up", file, expecting: 0)
        try await down()
        let before = try #require(FileManager.default.contents(atPath: "\(folder)/disk.qcow2"))
        try put("b.img")
        let refused = try await sandbox.apus("up", file, expecting: 1)
        for words in [
          "\(folder)/disk.qcow2", image, "2097152 bytes", "1048576 bytes", "put the former image back",
        ] { #expect(refused.errors.contains(words), "\(words): \(refused)") }
        #expect(FileManager.default.contents(atPath: "\(folder)/disk.qcow2") == before)
        // The former one, in another file, goes on; and so does a disk of an earlier version, with a note.
        try put("a.img")
        try await sandbox.apus("up", file, expecting: 0)
        try await down()
        try FileManager.default.removeItem(atPath: "\(folder)/disk.image")
        let noted = try await sandbox.apus("up", file, expecting: 0)
        #expect(noted.errors.contains("vm1: note: nothing told which image its disk was made from"), "\(noted)")
        // A machine that runs has the former one open: what does not start it again has nothing to do with it.
        try put("b.img")
        try await sandbox.apus("up", try write(vlan: 6), expecting: 0)
        try put("a.img")
        try await down()
        #expect(FileManager.default.fileExists(atPath: "\(folder)/disk.image"))
      }
    }
  }
}
