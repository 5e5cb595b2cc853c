import FoundationEssentials
import Glibc
import LinuxHost
import Testing
import Topology

@testable import Lab

@Suite struct LabCleanupTests {
  @Test func leftoversOfACrashAreRemovedTwice() async throws {
    try await withTemporaryDirectories { directories in
      let mark = String(UInt32.random(in: 0..<46656 * 36), radix: 36)
      var lab = CanonicalLab(name: "apl-\(mark)")
      let socket = "\(directories.stateRoot)/stale.sock"
      var outside = nic(mac: "02:00:00:00:00:03")
      outside.socket = socket
      lab.nodes = [
        node("vm1", "vm"), node("p1", "netns", [nic()]), node("up", "tap", [nic("apl\(mark)")]),
        node("ext", "external", [outside]),
      ]
      let environment = NodeEnvironment(lab: lab.name, directories: directories, variables: [:])
      // What a daemon that was killed leaves: a process, a namespace, TAPs, sockets, files.
      try LabFolders.make(lab.name, in: directories)
      try LabState.write(lab, in: directories)
      try Files.write([1], to: directories.logFile(lab.name))
      let process = try spawn(SpawnRequest(executable: "sleep", arguments: ["300"]))
      try NodeRecord(process: process).write(environment.paths(of: "vm1"))
      let namespace = "apus-\(lab.name)-p1"
      try NetworkNamespace.create(namespace)
      for (name, place) in [("eth0", namespace), ("apl\(mark)", nil)] {
        let request = TAPRequest(
          name: name, namespace: place, hasHeader: true, isPersistent: true)
        _ = try TAPDevice.open(request)
      }
      do { _ = try UnixSocket.listen(path: socket, mode: 0o600, owner: nil) }

      let removed = try await LabCleanup.remove(lab: lab.name, directories: directories)
      #expect(
        Set(removed.removed) == [
          "process \(process.pid) of vm1 removed", "namespace \(namespace) removed", "interface apl\(mark) removed",
          "socket \(socket) removed", "files of lab \(lab.name) removed",
        ])
      #expect(!process.isAlive)
      #expect(!NetworkNamespace.exists(namespace))
      #expect(!TAPDevice.exists(name: "apl\(mark)", namespace: nil))
      #expect(!Files.exists(socket))
      #expect(!Files.exists(directories.state(lab.name)))
      #expect(!Files.exists(directories.data(lab.name)))
      #expect(removed.left == [])
      #expect(try await LabCleanup.remove(lab: lab.name, directories: directories) == CleanupReport())
    }
  }

  @Test func damagedLabFileDoesNotKeepTheRest() async throws {
    try await withTemporaryDirectories { directories in
      let name = "apl-\(String(UInt32.random(in: 0...UInt32.max), radix: 36))"
      let environment = NodeEnvironment(lab: name, directories: directories, variables: [:])
      try LabFolders.make(name, in: directories)
      try Files.write(Array("{".utf8), to: directories.labFile(name))
      let process = try machine(name, directories)
      try NodeRecord(process: process).write(environment.paths(of: "vm1"))
      try NodeRecord(process: nil).write(environment.paths(of: "p1"))
      try NetworkNamespace.create("apus-\(name)-p1")
      _ = try await LabCleanup.remove(lab: name, directories: directories)
      #expect(!process.isAlive)
      #expect(!NetworkNamespace.exists("apus-\(name)-p1"))
      #expect(!Files.exists(directories.state(name)))
    }
  }

  /// What a node was in a lab whose file cannot be read, nobody knows; one with a process was no `netns` node.
  @Test(arguments: ["netns", "dhcp"]) func namespaceOfAContainerIsLeftAlone(kind: String) async throws {
    try await withTemporaryDirectories { directories in
      let name = "apl-\(String(UInt32.random(in: 0...UInt32.max), radix: 36))"
      let environment = NodeEnvironment(lab: name, directories: directories, variables: [:])
      let process = try spawn(SpawnRequest(executable: "sleep", arguments: ["300"]))
      defer { process.signal(SIGKILL) }
      try NodeRecord(process: process).write(environment.paths(of: "db"))
      let namespace = "apus-\(name)-db"
      try NetworkNamespace.create(namespace)
      defer { try? NetworkNamespace.delete(namespace) }
      let removed = try await NodeRegistry.make(node("db", kind), environment).remove()
      #expect(removed == [] && NetworkNamespace.exists(namespace) && process.isAlive)
    }
  }

  @Test func processOfSomebodyElseIsNotKilled() async throws {
    try await withTemporaryDirectories { directories in
      let environment = NodeEnvironment(lab: "apl1", directories: directories, variables: [:])
      let process = try spawn(SpawnRequest(executable: "sleep", arguments: ["300"]))
      var earlier = process
      earlier.startTime -= 1
      try NodeRecord(process: earlier).write(environment.paths(of: "vm1"))
      _ = try await LabCleanup.remove(lab: "apl1", directories: directories)
      #expect(process.isAlive)
      process.signal(9)
      #expect(await process.wait(timeoutSeconds: 10))
    }
  }

  @Test(arguments: ["", ".", "..", "a/b", "../x", "A", "images", "saved", "all"])
  func namesThatNoLabCanHaveAreNotPaths(_ name: String) async throws {
    try await withTemporaryDirectories { directories in
      try Files.makeDirectory("\(directories.stateRoot)/x")
      let error = await #expect(throws: UserError.self) {
        try await LabCleanup.remove(lab: name, directories: directories)
      }
      #expect(error?.code == .badInput)
      #expect(Files.exists("\(directories.stateRoot)/x"))
    }
  }

  /// What is written down in a folder without a mark is nobody's: neither files nor processes are touched.
  @Test func foldersWithoutAMarkAreNotLookedInto() async throws {
    try await withTemporaryDirectories { directories in
      let process = try spawn(SpawnRequest(executable: "sleep", arguments: ["300"]))
      defer { process.signal(SIGKILL) }
      let environment = NodeEnvironment(lab: "apl2", directories: directories, variables: [:])
      try NodeRecord(process: process).write(environment.paths(of: "vm1"))
      try LabState.write(CanonicalLab(name: "apl2"), in: directories)
      // As a copy of another lab's folder.
      try Files.write(Array("lab apl1\n".utf8), to: "\(directories.state("apl2"))/\(FolderMark.file)")
      let report = try await LabCleanup.remove(lab: "apl2", directories: directories)
      #expect(report.removed == [])
      #expect(report.left == ["\(directories.state("apl2")) (no file .apus in it says \"lab apl2\")"])
      #expect(process.isAlive)
      #expect(Files.exists(directories.labFile("apl2")) && Files.exists(environment.paths(of: "vm1").recordFile))
    }
  }

  /// A process that was ended between making a folder and marking it leaves nothing that stays for good.
  @Test(arguments: [nil, "..apus.0badcafe.new", ".apus"])
  func foldersThatWereOnlyBegunGo(_ entry: String?) async throws {
    try await withTemporaryDirectories { directories in
      for folder in ["apl3", "apl4", "apl4/vm1"] {
        try Files.makeDirectory("\(directories.stateRoot)/\(folder)")
        guard let entry else { continue }
        let mark: FolderMark = folder == "apl4/vm1" ? .node("vm1", of: "apl4") : .lab(folder)
        let bytes = entry == FolderMark.file ? Array("\(mark.text)\n".utf8) : []
        try Files.write(bytes, to: "\(directories.stateRoot)/\(folder)/\(entry)")
      }
      // In a lab's own folder, that of a node.
      try Files.write(Array("lab apl4\n".utf8), to: "\(directories.state("apl4"))/\(FolderMark.file)")
      for lab in ["apl3", "apl4"] {
        #expect(LabFiles.areThere(lab, in: directories))
        let report = try await LabCleanup.remove(lab: lab, directories: directories)
        #expect(report == CleanupReport(removed: ["files of lab \(lab) removed"]))
      }
      #expect(Files.names(in: directories.stateRoot) == [])
      // What the next one finds is made anew, and what could not be used goes.
      try Files.makeDirectory(directories.state("apl3"))
      LabFiles.removeUnused("apl3", in: directories)
      #expect(Files.names(in: directories.stateRoot) == [])
    }
  }

  /// A process that looks like a QEMU of a lab, and does not listen to SIGTERM.
  private func machine(_ lab: String, _ directories: LabDirectories) throws -> ProcessIdentity {
    try Files.makeDirectory(directories.stateRoot)
    let program = "\(directories.stateRoot)/qemu-system-x86_64"
    if !Files.exists(program) {
      try FileManager.default.createSymbolicLink(atPath: program, withDestinationPath: "/bin/sh")
    }
    return try spawn(
      SpawnRequest(
        executable: program,
        arguments: [
          "-c", "kill -STOP $$", "-name", "guest=apus-\(lab)-vm1", "-chardev",
          "socket,id=port-eth0,path=\(directories.state(lab))/vm1.eth0.sock,reconnect=1",
        ]))
  }

  @Test func machinesThatNobodyWroteDownAreEnded() async throws {
    try await withTemporaryDirectories { directories in
      let lab = "apl-\(String(UInt32.random(in: 0...UInt32.max), radix: 36))"
      let orphan = try machine(lab, directories)
      let other = try machine("\(lab)-2", directories)
      let known = try machine(lab, directories)
      defer { other.signal(SIGKILL) }
      #expect(Set(OrphanMachine.find(in: directories).map(\.process.pid)) == [orphan.pid, other.pid, known.pid])
      let environment = NodeEnvironment(lab: lab, directories: directories, variables: [:])
      try LabFolders.make(lab, in: directories)
      try LabState.write(CanonicalLab(name: lab), in: directories)
      try NodeRecord(process: known).write(environment.paths(of: "vm1"))
      #expect(Set(OrphanMachine.find(in: directories).map(\.process.pid)) == [orphan.pid, other.pid])
      // Another state folder's machines are not seen.
      let elsewhere = LabDirectories(stateRoot: "\(directories.stateRoot)-2", dataRoot: directories.dataRoot)
      #expect(OrphanMachine.find(in: elsewhere).isEmpty)

      let removed = try await LabCleanup.remove(lab: lab, directories: directories)
      #expect(removed.removed.contains("process \(orphan.pid) of apus-\(lab)-vm1 removed"))
      #expect(removed.removed.contains("process \(known.pid) of vm1 removed"))
      #expect(!orphan.isAlive && !known.isAlive && other.isAlive)
      #expect(try await LabCleanup.remove(lab: lab, directories: directories) == CleanupReport())
      // Of this lab there is nothing else: not even a folder.
      #expect(
        try await LabCleanup.remove(lab: "\(lab)-2", directories: directories).removed
          == ["process \(other.pid) of apus-\(lab)-2-vm1 removed"])
      #expect(!other.isAlive)
    }
  }
}
