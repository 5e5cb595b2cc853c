import FoundationEssentials
import LinuxHost
import Synchronization
import Testing
import Topology

@testable import Lab

/// What nodes' systems are told, as far as no node is needed.
@Suite(.timeLimit(.minutes(2))) struct NodeSetupTests {
  private func told(_ change: (inout SetupDefinition) -> Void) -> NodeDefinition {
    var node = node("a", "netns")
    var setup = SetupDefinition()
    change(&setup)
    node.setup = setup.isEmpty ? nil : setup
    return node
  }

  private func change(
    _ kind: String, _ before: (inout SetupDefinition) -> Void, _ after: (inout SetupDefinition) -> Void
  ) throws -> LabDifference {
    var (old, new) = (CanonicalLab(name: "l"), CanonicalLab(name: "l"))
    (old.nodes, new.nodes) = ([told(before)], [told(after)])
    (old.nodes[0].kind, new.nodes[0].kind) = (kind, kind)
    let image = kind == "vm" ? "builtin" : kind == "container" ? "web" : nil
    (old.nodes[0].image, new.nodes[0].image) = (image, image)
    return try LabDifference(from: old, to: new)
  }

  @Test(arguments: ["netns", "container", "vm"]) func settingsChangeInPlace(kind: String) throws {
    let difference = try change(kind) {
      $0.sysctl = [.init(key: "net.a", value: "1")]
      $0.exec = ["true"]
    } _: {
      $0.sysctl = [.init(key: "net.a", value: "2"), .init(key: "net.b", value: "3")]
      $0.exec = ["true"]
      $0.forwarding = true
    }
    #expect(difference.steps == [PlanStep(.change, "node a", "forwarding on, sysctl net.a net.b")])
    #expect(difference.otherSettings == ["a"] && difference.restarts.isEmpty)
    #expect(difference.changedNodes["a"] != .anew)
  }

  @Test func whatWasTakenOutNeedsAnotherStart() throws {
    let less = try change("netns") {
      $0.forwarding = true
    } _: { _ in
    }
    #expect(less.steps == [PlanStep(.change, "node a", "netns, made anew: no `forwarding` any more")])
    let key = try change("vm") {
      $0.sysctl = [.init(key: "net.a", value: "1")]
    } _: { _ in
    }
    #expect(key.steps == [PlanStep(.restart, "node a", "vm, image builtin, `sysctl` with a key less")])
    let lines = try change("vm") {
      $0.exec = ["a"]
    } _: {
      $0.exec = ["b"]
    }
    #expect(lines.steps == [PlanStep(.restart, "node a", "vm, image builtin, another `exec`")])
    let files = try change("container") { _ in
    } _: {
      $0.files = [.init(path: "/a", content: .text("b\n"))]
    }
    #expect(files.steps == [PlanStep(.restart, "node a", "container, image web, other `files`")])
  }

  /// Labs come from the API, too.
  @Test func noLabSaysWhatNoFileCan() {
    func complaint(_ kind: String, _ change: (inout SetupDefinition) -> Void) -> String? {
      var lab = CanonicalLab(name: "l")
      lab.nodes = [told(change)]
      lab.nodes[0].kind = kind
      (lab.nodes[0].image, lab.nodes[0].container) = kind == "container" ? ("web", ContainerDefinition()) : (nil, nil)
      return lab.whatNoFileHas
    }
    let file = SetupDefinition.File(path: "/a", content: .text("b\n"))
    #expect(complaint("vm") { $0.files = [file] } == nil)
    #expect(complaint("vm") { $0.sysctl = [.init(key: "kernel.panic", value: "1")] } == nil)
    for kind in ["netns", "tap", "external", "nic"] {
      #expect(complaint(kind) { $0.files = [file] }?.contains("files is no key of kind \(kind) (L004)") == true)
    }
    #expect(complaint("tap") { $0.exec = ["true"] }?.contains("(L004)") == true)
    for kind in ["netns", "container"] {
      for key in ["kernel.panic", "net./../x", "net", "net.a\n", "net/a"] {
        let said = complaint(kind) { $0.sysctl = [.init(key: key, value: "1")] }
        #expect(said?.contains("is no key of sysctl there (L101)") == true, "\(key)")
      }
      #expect(complaint(kind) { $0.sysctl = [.init(key: "net.a", value: "1\n2")] }?.contains("(L005)") == true)
      #expect(complaint(kind) { $0.exec = [" "] }?.contains("(L005)") == true)
      #expect(complaint(kind) { $0.forwarding = true } == nil)
    }
    #expect(
      complaint("container") { $0.files = [.init(path: "/../a", content: .text(""))] }?.contains("(L101)") == true)
    var lab = CanonicalLab(name: "l")
    lab.nodes = [told { $0.exec = ["true"] }]
    lab.nodes[0].kind = "vm"
    lab.nodes[0].disk = DiskDefinition(format: .qcow2)
    #expect(lab.whatNoFileHas?.contains("(L211)") == true)
  }

  @Test func filesAreReadFromThisHost() throws {
    try withTemporaryDirectories { directories in
      try Files.makeDirectory(directories.dataRoot)
      let path = "\(directories.dataRoot)/script"
      try Data("#!/bin/sh\n".utf8).write(to: URL(filePath: path))
      try FileManager.default.setAttributes([.posixPermissions: 0o700], ofItemAtPath: path)
      let node = told {
        $0.files = [.init(path: "/a", content: .file(path)), .init(path: "/b", content: .text("c\n"))]
      }
      let files = try NodeSetup.files(of: node)
      #expect(files.map(\.path) == ["/a", "/b"] && files.map(\.mode) == [0o755, 0o644])
      #expect(files.map { String(decoding: $0.bytes, as: UTF8.self) } == ["#!/bin/sh\n", "c\n"])
      for wrong in [directories.dataRoot, "\(path).not", "/dev/zero"] {
        let node = told { $0.files = [.init(path: "/a", content: .file(wrong))] }
        let error = #expect(throws: UserError.self) { try NodeSetup.files(of: node) }
        #expect(error?.message.hasPrefix("node a: cannot read \(wrong), its /a: ") == true, "\(wrong)")
      }
    }
  }

  /// The archive that containers get, read by tar(1).
  @Test func archivesAreWhatTarReads() async throws {
    try await withTemporaryDirectories { directories in
      try Files.makeDirectory(directories.dataRoot)
      let long = "/srv/" + String(repeating: "long-name/", count: 20) + "file"
      let files = [
        NodeSetup.File(path: "/etc/motd", bytes: Array("hello\n".utf8), mode: 0o644),
        NodeSetup.File(path: long, bytes: [UInt8](repeating: 7, count: 512), mode: 0o755),
        NodeSetup.File(path: "/empty", bytes: [], mode: 0o644),
      ]
      let path = "\(directories.dataRoot)/files.tar"
      try Files.write(ContainerFiles.archive(files, time: 1_700_000_000), to: path)
      let request = SpawnRequest(
        executable: "tar", arguments: ["-C", directories.dataRoot, "-xvf", path])
      let words = ToolWords(limit: 1 << 16)
      let status = try await LinuxHost.run(request, onOutput: { words.add($1, isError: $0) })
      #expect(status == 0, "\(words.text(ofErrors: true))")
      #expect(words.text(ofErrors: true).isEmpty, "\(words.text(ofErrors: true))")
      for file in files { #expect(Files.read(directories.dataRoot + file.path) == file.bytes, "\(file.path)") }
      let mode = try FileManager.default.attributesOfItem(atPath: directories.dataRoot + long)[.posixPermissions]
      #expect(mode as? Int == 0o755)
    }
  }

  @Test func linesThatWereBegunAreNotRunAgain() async throws {
    let node = told { $0.exec = ["exit 1", "exit 2", "true", "exit 4"] }
    let begun = Mutex<[Int]>([])
    let error = await #expect(throws: UserError.self) {
      try await NodeSetup.runLines(
        of: node, after: 2, limit: 60, onBegin: { count in begun.withLock { $0.append(count) } }
      ) { command in
        try HostCommand.start(CommandRequest(command), namespace: nil, ["PATH": "/usr/bin:/bin"]).events
      }
    }
    #expect(begun.withLock { $0 } == [3, 4])
    #expect(error?.message.hasPrefix("node a: line 4 of its `exec`") == true, "\(String(describing: error))")
    // What an earlier version wrote down knows of no lines.
    let old = #"{"isSetUp": false, "since": "2026-01-01T00:00:00Z"}"#
    let record = try JSONDecoder().decode(NodeRecord.self, from: Data(old.utf8))
    #expect(record.isSetUp == false && record.begunLines == nil && record.setupFailure == nil)
  }

  @Test func theFirstLineThatFailsIsSaid() async throws {
    let node = told { $0.exec = ["true", "echo a; echo b\nexit 3", "false"] }
    let error = await #expect(throws: UserError.self) {
      try await NodeSetup.runLines(of: node, limit: 60, onBegin: { _ in }) { command in
        try HostCommand.start(CommandRequest(command), namespace: nil, ["PATH": "/usr/bin:/bin"]).events
      }
    }
    #expect(
      error?.message == #"node a: line 2 of its `exec`, "echo a; echo b", ended with status 3; it said: b"#,
      "\(String(describing: error))")
    let slow = told { $0.exec = ["sleep 1000"] }
    let late = await #expect(throws: UserError.self) {
      try await NodeSetup.runLines(of: slow, limit: 0.1, onBegin: { _ in }) { command in
        try HostCommand.start(CommandRequest(command), namespace: nil, ["PATH": "/usr/bin:/bin"]).events
      }
    }
    #expect(late?.message.contains("failed: it did not end within 0.1") == true, "\(String(describing: late))")
  }
}
