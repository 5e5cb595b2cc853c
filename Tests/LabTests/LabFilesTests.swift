import FoundationEssentials
import Glibc
import LinuxHost
import Testing
import Topology

@testable import Lab

/// What is removed of a lab's folders, what is not, and who may look into them.
@Suite struct LabFilesTests {
  /// Everything below a folder: paths, with the kind of what is no plain file.
  private func tree(_ path: String) -> [String] {
    var found: [String] = []
    for name in HostFacts.entries(of: path) {
      let inner = "\(path)/\(name)"
      if (try? FileManager.default.destinationOfSymbolicLink(atPath: inner)) != nil {
        found.append("\(inner)@")
      } else if let folder = try? Folder(inner) {
        found += ["\(inner)/"] + tree(folder.path)
      } else {
        found.append(inner)
      }
    }
    return found
  }

  private func mode(_ path: String) -> Int? {
    (try? FileManager.default.attributesOfItem(atPath: path))?[.posixPermissions] as? Int
  }

  private func write(_ path: String) throws {
    try Files.makeDirectory(String(path[..<(path.lastIndex(of: "/") ?? path.endIndex)]))
    try Files.write([1], to: path)
  }

  /// A lab's folders with everything that a lab writes.
  private func makeLab(_ lab: String, in directories: LabDirectories) throws {
    try LabFolders.make(lab, in: directories)
    let paths = NodePaths(directories: directories, lab: lab, node: "vm1")
    try LabFolders.makeState(paths)
    try LabFolders.makeData(paths)
    for file in [
      directories.pidFile(lab), directories.labFile(lab), directories.runTimeFile(lab), directories.logFile(lab),
      paths.pidFile, paths.recordFile, paths.consoleLog, "\(paths.consoleLog).1", paths.overlay, paths.imageRecord,
      paths.seed, paths.processLog, "\(paths.seed).files/user-data",
      // A crash in the middle of writing.
      "\(directories.state(lab))/.lab.json.0badcafe.new", "\(paths.dataDirectory)/..apus.0badcafe.new",
    ] { try write(file) }
    for socket in [
      directories.controlSocket(lab), "\(directories.state(lab))/vm1.eth0.sock", paths.consoleSocket,
      paths.monitorSocket, paths.agentSocket,
    ] { _ = try UnixSocket.listen(path: socket, mode: 0o600, owner: nil) }
  }

  @Test func everythingThatALabWritesIsRemoved() throws {
    try withTemporaryDirectories { directories in
      try makeLab("l", in: directories)
      #expect(LabFiles.areThere("l", in: directories))
      #expect(try LabFiles.remove("l", in: directories) == FileRemoval(isSomething: true))
      #expect(tree(directories.stateRoot) == [] && tree(directories.dataRoot) == [])
      #expect(!LabFiles.areThere("l", in: directories))
      #expect(try LabFiles.remove("l", in: directories) == FileRemoval())
    }
  }

  /// The memory of machines lies elsewhere.
  @Test func memoryIsRemoved() throws {
    try withTemporaryDirectories { directories in
      try makeLab("l", in: directories)
      let paths = ["vm1", "vm2"].map { NodePaths(directories: directories, lab: "l", node: $0) }
      for path in paths { #expect(MachineMemory.make(path, size: 1 << 20).memory == .file(path.memory)) }
      #expect(mode(directories.memoryRoot) == 0o700 && mode(directories.memory("l")) == 0o700)
      #expect(mode(paths[0].memory) == 0o600)
      // Another machine begins with another file.
      let first = try Descriptor.openFile(paths[0].memory).stamp()
      #expect(first.size == 1 << 20)
      _ = MachineMemory.make(paths[0], size: 2 << 20)
      let second = try Descriptor.openFile(paths[0].memory).stamp()
      #expect(second.size == 2 << 20 && second.inode != first.inode)
      MachineMemory.remove(paths[0])
      #expect(!Files.exists(paths[0].memory) && Files.exists(paths[1].memory))
      #expect(try LabFiles.remove("l", in: directories) == FileRemoval(isSomething: true))
      #expect(!Files.exists(directories.memoryRoot))
    }
  }

  /// It may be all that is left of a lab; what is not ours there stays.
  @Test func memoryAloneIsFound() throws {
    try withTemporaryDirectories { directories in
      let paths = NodePaths(directories: directories, lab: "l", node: "vm1")
      #expect(!LabFiles.areThere("l", in: directories))
      _ = MachineMemory.make(paths, size: 1 << 20)
      try write("\(directories.memory("l"))/.vm2.0badcafe.new")
      try write("\(directories.memory("l"))/not_ours")
      #expect(LabFiles.areThere("l", in: directories))
      #expect(try LabFiles.remove("l", in: directories).left == ["\(directories.memory("l"))/not_ours"])
      try Files.remove("\(directories.memory("l"))/not_ours")
      _ = try LabFiles.remove("l", in: directories)
      #expect(!Files.exists(directories.memoryRoot))
    }
  }

  /// What does not fit is not promised.
  @Test func memoryWithoutRoomIsInNoFile() throws {
    try withTemporaryDirectories { directories in
      let paths = NodePaths(directories: directories, lab: "l", node: "vm1")
      let room = try #require(Folder("/dev/shm").room)
      let (memory, reason) = MachineMemory.make(paths, size: Int(clamping: room) + (1 << 30))
      #expect(memory == .anonymous && reason?.contains("/dev/shm has no room for its") == true)
      #expect(!Files.exists(paths.memory))
      _ = try LabFiles.remove("l", in: directories)
      #expect(!Files.exists(directories.memoryRoot))
    }
  }

  /// State and data in one folder.
  @Test func oneFolderForBoth() throws {
    try withTemporaryDirectories { directories in
      let both = LabDirectories(stateRoot: directories.stateRoot, dataRoot: directories.stateRoot)
      try makeLab("l", in: both)
      #expect(mode(both.state("l")) == 0o711)
      #expect(try LabFiles.remove("l", in: both) == FileRemoval(isSomething: true))
      #expect(tree(both.stateRoot) == [])
    }
  }

  @Test func whatIsNotTheLabsStaysAndIsNamed() throws {
    try withTemporaryDirectories { directories in
      try makeLab("l", in: directories)
      let (state, data) = (directories.state("l"), directories.data("l"))
      let outside = "\(directories.dataRoot)/images"
      try write("\(outside)/golden.qcow2")
      let foreign = [
        // Files of other names, also of names that ours begin with.
        "\(data)/notes.txt", "\(data)/apus.log.bak", "\(data)/vm1/disk.qcow2.bak", "\(state)/lab.json~",
        // A folder that is no node's, although its name and its file's could be.
        "\(data)/backup/disk.qcow2",
        // Folders with names of our files, and a file with the name of a node.
        "\(data)/vm1/seed.iso.files/deep/x", "\(state)/runtime.json.d/x",
        // A plain file with the name of a socket.
        "\(state)/vm2.eth0.sock",
      ]
      for path in foreign { try write(path) }
      let links = [
        "\(data)/vm2": outside, "\(data)/vm1/disk.persist.d": outside,
        "\(data)/vm1/console.log.2": "\(outside)/golden.qcow2",
      ]
      for (path, target) in links {
        try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: target)
      }
      // In the place of files that we would remove.
      for path in ["\(state)/vm1/pid", "\(data)/vm1/seed.iso"] {
        try Files.remove(path)
        try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: "\(outside)/golden.qcow2")
      }
      try Files.remove("\(data)/vm1/qemu.log")
      try write("\(data)/vm1/qemu.log/x")

      let removal = try LabFiles.remove("l", in: directories)
      #expect(removal.isSomething)
      #expect(
        Set(removal.left) == [
          "\(data)/notes.txt", "\(data)/apus.log.bak", "\(data)/vm1/disk.qcow2.bak", "\(state)/lab.json~",
          "\(data)/backup (no file .apus in it says \"node l/backup\")", "\(data)/vm1/seed.iso.files/deep",
          "\(state)/runtime.json.d", "\(state)/vm2.eth0.sock", "\(data)/vm2 (a symbolic link)",
          "\(data)/vm1/disk.persist.d (a symbolic link)", "\(data)/vm1/console.log.2 (a symbolic link)",
          "\(state)/vm1/pid (a symbolic link)", "\(data)/vm1/seed.iso (a symbolic link)", "\(data)/vm1/qemu.log",
        ])
      for path in foreign { #expect(Files.exists(path), "\(path)") }
      #expect(Files.read("\(outside)/golden.qcow2") == [1])
      // Nothing else is left, but for the marks, by which it is still the lab's folder.
      let rest = tree(data) + tree(state)
      let ours = rest.filter { path in !path.hasSuffix("/") && !path.hasSuffix("@") && !foreign.contains(path) }
      #expect(
        Set(ours) == [
          "\(data)/.apus", "\(data)/vm1/.apus", "\(state)/.apus", "\(state)/vm1/.apus", "\(data)/vm1/qemu.log/x",
        ])
      #expect(!LabFiles.areThere("l", in: directories))
      // The lab comes up again beside it.
      try LabFolders.make("l", in: directories)
    }
  }

  @Test(arguments: ["", "lab other\n", "lab l2\n", "lab\n", "lab l extra\n", "node l/vm1\n", "lab l\nlab l\n"])
  func foldersWithAnotherMarkAreNotOurs(_ mark: String) throws {
    try withTemporaryDirectories { directories in
      for folder in [directories.state("l"), directories.data("l")] {
        try write("\(folder)/apus.log")
        try write("\(folder)/vm1/disk.qcow2")
        if !mark.isEmpty { try Files.write(Array(mark.utf8), to: "\(folder)/.apus") }
      }
      let before = tree(directories.stateRoot) + tree(directories.dataRoot)
      #expect(!LabFiles.areThere("l", in: directories))
      let removal = try LabFiles.remove("l", in: directories)
      #expect(!removal.isSomething)
      #expect(removal.left.count == 2)
      let error = #expect(throws: UserError.self) { try LabFolders.make("l", in: directories) }
      #expect(error?.message.contains("is there and is not ours") == true)
      // A copy or a renamed folder is no earlier version's.
      #expect(error?.hint?.contains("earlier Apus") == mark.isEmpty)
      LabFiles.removeUnused("l", in: directories)
      #expect(tree(directories.stateRoot) + tree(directories.dataRoot) == before)
    }
  }

  /// A folder of images, and a lab's own folder that is somewhere else.
  @Test func foldersBehindLinksAreNotOurs() throws {
    try withTemporaryDirectories { directories in
      let elsewhere = LabDirectories(stateRoot: "\(directories.stateRoot)-2", dataRoot: "\(directories.dataRoot)-2")
      try makeLab("l", in: elsewhere)
      try Files.makeDirectory(directories.stateRoot)
      try Files.makeDirectory(directories.dataRoot)
      for (link, target) in [
        (directories.state("l"), elsewhere.state("l")), (directories.data("l"), elsewhere.data("l")),
      ] { try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: target) }
      let before = tree(elsewhere.stateRoot) + tree(elsewhere.dataRoot)
      let removal = try LabFiles.remove("l", in: directories)
      #expect(removal.left == [directories.data("l"), directories.state("l")].map { "\($0) (a symbolic link)" })
      let error = #expect(throws: UserError.self) { try LabFolders.make("l", in: directories) }
      #expect(error?.message == "\(directories.state("l")) is in the way: it is no folder")
      #expect(tree(elsewhere.stateRoot) + tree(elsewhere.dataRoot) == before)
      // The folder of all labs may well be behind one.
      let moved = LabDirectories(stateRoot: "\(directories.stateRoot)-3", dataRoot: "\(directories.dataRoot)-3")
      for (link, target) in [
        (moved.stateRoot, elsewhere.stateRoot), (moved.dataRoot, elsewhere.dataRoot),
      ] { try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: target) }
      #expect(try LabFiles.remove("l", in: moved) == FileRemoval(isSomething: true))
      #expect(tree(elsewhere.stateRoot) == [] && tree(elsewhere.dataRoot) == [])
    }
  }

  @Test func oneNodeIsRemovedAndTheOthersStay() throws {
    try withTemporaryDirectories { directories in
      try makeLab("l", in: directories)
      let other = NodePaths(directories: directories, lab: "l", node: "vm2")
      try LabFolders.makeState(other)
      try LabFolders.makeData(other)
      for file in [other.consoleLog, other.overlay, other.recordFile, "\(other.dataDirectory)/mine"] { try write(file) }
      let removal = try LabFiles.remove(node: other)
      #expect(removal == FileRemoval(isSomething: true, left: ["\(other.dataDirectory)/mine"]))
      #expect(!Files.exists(other.stateDirectory))
      #expect(Files.names(in: other.dataDirectory) == [".apus", "mine"])
      #expect(Files.exists(directories.labFile("l")))
      #expect(Files.exists(NodePaths(directories: directories, lab: "l", node: "vm1").overlay))
    }
  }

  @Test func foldersAreMarkedFirstAndClosedToOthers() throws {
    try withTemporaryDirectories { directories in
      try LabFolders.make("l", in: directories)
      let paths = NodePaths(directories: directories, lab: "l", node: "vm1")
      try LabFolders.makeState(paths)
      try LabFolders.makeData(paths)
      let folders = [
        directories.stateRoot, directories.dataRoot, directories.state("l"), directories.data("l"),
        paths.stateDirectory, paths.dataDirectory,
      ]
      #expect(folders.map(mode) == [0o711, 0o700, 0o711, 0o700, 0o700, 0o700])
      #expect(
        folders.dropFirst(2).map { Files.read("\($0)/.apus").map { String(decoding: $0, as: UTF8.self) } } == [
          "lab l\n", "lab l\n", "node l/vm1\n", "node l/vm1\n",
        ])
      #expect(mode("\(directories.data("l"))/.apus") == 0o600)
      // What an earlier version made open to all is closed; the folder of all labs is its owner's affair.
      for folder in folders { chmod(folder, 0o755) }
      try LabFolders.make("l", in: directories)
      try LabFolders.makeState(paths)
      try LabFolders.makeData(paths)
      #expect(folders.map(mode) == [0o755, 0o755, 0o711, 0o700, 0o700, 0o700])
    }
  }

  /// An empty folder, or one in which a daemon that ended meanwhile has left its log and lock, is taken.
  @Test func emptyFoldersAreTaken() throws {
    try withTemporaryDirectories { directories in
      try Files.makeDirectory(directories.state("l"))
      for file in [directories.pidFile("l"), directories.logFile("l")] { try write(file) }
      try LabFolders.make("l", in: directories)
      #expect(FolderMark.lab("l").isIn(try Folder(directories.state("l"))))
      #expect(FolderMark.lab("l").isIn(try Folder(directories.data("l"))))
    }
  }

  /// What an earlier version made of a node is taken, in a folder of the lab's own, and nothing else.
  @Test func foldersOfNodesWithoutMarks() throws {
    try withTemporaryDirectories { directories in
      try LabFolders.make("l", in: directories)
      let paths = NodePaths(directories: directories, lab: "l", node: "vm1")
      for file in [paths.overlay, paths.persistMark, paths.consoleLog] { try write(file) }
      try LabFolders.makeData(paths)
      #expect(FolderMark.node("vm1", of: "l").isOn("vm1", under: directories.data("l")))
      #expect(mode(paths.dataDirectory) == 0o700)
      let other = NodePaths(directories: directories, lab: "l", node: "vm2")
      for file in [other.overlay, "\(other.dataDirectory)/mine"] { try write(file) }
      #expect(throws: UserError.self) { try LabFolders.makeData(other) }
      #expect(Files.names(in: other.dataDirectory) == ["disk.qcow2", "mine"])
    }
  }

  /// A lab that cannot have one of its folders leaves none of the other.
  @Test func halfOfTheFoldersIsNotLeft() throws {
    try withTemporaryDirectories { directories in
      try write("\(directories.data("l"))/mine")
      #expect(throws: UserError.self) { try LabFolders.make("l", in: directories) }
      #expect(tree(directories.stateRoot) == [])
      #expect(tree(directories.dataRoot) == ["\(directories.data("l"))/", "\(directories.data("l"))/mine"])
    }
  }

  @Test func manyMakeThemAtOnce() async throws {
    try await withTemporaryDirectories { directories in
      for round in 0..<40 {
        try await withThrowingTaskGroup(of: Void.self) { group in
          for _ in 0..<6 { group.addTask { try LabFolders.make("l\(round)", in: directories) } }
          try await group.waitForAll()
        }
        #expect(tree(directories.state("l\(round)")) == ["\(directories.state("l\(round)"))/.apus"])
      }
    }
  }

  /// Nothing is taken for a daemon's own by its name alone.
  @Test(arguments: ["control.sock/x", "apus.log/x", "apus.pid@", "apus.log@", "control.sock"])
  func entriesOfAnotherKindAreSomebodys(_ entry: String) throws {
    try withTemporaryDirectories { directories in
      let victim = "\(directories.stateRoot)/victim"
      try write(victim)
      let path = "\(directories.state("l"))/\(entry.filter { $0 != "@" })"
      try Files.makeDirectory(directories.state("l"))
      if entry.hasSuffix("@") {
        try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: victim)
      } else {
        try write(path)
      }
      let before = tree(directories.stateRoot)
      #expect(throws: UserError.self) { try LabFolders.make("l", in: directories) }
      LabFiles.removeOwn("l", in: directories)
      #expect(tree(directories.stateRoot) == before)
      // In a folder of the lab's it stays, too.
      try Files.write(Array("lab l\n".utf8), to: "\(directories.state("l"))/.apus")
      #expect(throws: UserError.self) { try LabFolders.make("l", in: directories) }
      LabFiles.removeOwn("l", in: directories)
      let removal = try LabFiles.remove("l", in: directories)
      #expect(removal.left.count == 1)
      #expect(Files.read(victim) == [1] && tree(directories.stateRoot).count == before.count + 1)
    }
  }

  /// A node's folder that leads elsewhere: its record is neither written nor removed there.
  @Test func recordsBehindLinksAreNotOurs() throws {
    try withTemporaryDirectories { directories in
      try LabFolders.make("l", in: directories)
      let paths = NodePaths(directories: directories, lab: "l", node: "vm1")
      let outside = "\(directories.dataRoot)/outside"
      for name in ["pid", "node.json", "disk.qcow2"] { try write("\(outside)/\(name)") }
      for folder in [paths.stateDirectory, paths.dataDirectory] {
        try FileManager.default.createSymbolicLink(atPath: folder, withDestinationPath: outside)
      }
      let before = tree(outside)
      try NodeRecord.remove(paths)
      LabFolders.adopt(paths)
      #expect(throws: UserError.self) { try NodeRecord(process: nil).write(paths) }
      #expect(throws: UserError.self) { try LabFolders.makeData(paths) }
      #expect(tree(outside) == before)
      #expect(Files.read("\(outside)/pid") == [1])
    }
  }

  @Test func oneFolderByTwoPathsForBoth() throws {
    try withTemporaryDirectories { directories in
      try Files.makeDirectory(directories.stateRoot)
      let link = "\(directories.dataRoot)-link"
      try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: directories.stateRoot)
      let both = LabDirectories(stateRoot: directories.stateRoot, dataRoot: link)
      try makeLab("l", in: both)
      #expect(mode(both.state("l")) == 0o711)
      #expect(try LabFiles.remove("l", in: both) == FileRemoval(isSomething: true))
      #expect(tree(both.stateRoot) == [])
    }
  }

  /// What an earlier version made of a lab, once somebody has said that it did.
  @Test func labsOfAnEarlierVersion() async throws {
    try await withTemporaryDirectories { directories in
      let paths = NodePaths(directories: directories, lab: "l", node: "vm1")
      var lab = CanonicalLab(name: "l")
      lab.nodes = [node("vm1", "external")]
      let files = [paths.pidFile, paths.consoleLog, paths.overlay, directories.logFile("l")]
      for file in files { try write(file) }
      try Files.write([UInt8](try JSONEncoder().encode(lab)), to: directories.labFile("l"))
      let command = "`for f in \(directories.state("l")) \(directories.data("l")); do echo lab l >\"$f/.apus\"; done`"
      let refused = await #expect(throws: UserError.self) {
        try await LabCleanup.remove(lab: "l", directories: directories)
      }
      #expect(refused?.hint?.contains(command) == true, "\(refused?.hint ?? "")")
      let error = #expect(throws: UserError.self) { try LabFolders.make("l", in: directories) }
      #expect(error?.hint?.contains(command) == true)
      for file in files { #expect(Files.exists(file)) }

      for folder in [directories.state("l"), directories.data("l")] {
        try Files.write(Array("lab l\n".utf8), to: "\(folder)/.apus")
      }
      let report = try await LabCleanup.remove(lab: "l", directories: directories)
      #expect(report == CleanupReport(removed: ["files of lab l removed"]))
      #expect(tree(directories.stateRoot) == [] && tree(directories.dataRoot) == [])
    }
  }

  /// The command of the hint does what it says, in a shell, whatever the folders are called.
  @Test func commandOfTheHintWorks() async throws {
    try await withTemporaryDirectories { directories in
      let odd = LabDirectories(
        stateRoot: "\(directories.stateRoot) $(it's)", dataRoot: "\(directories.dataRoot);\"x\" y")
      for folder in [odd.state("l"), odd.data("l")] { try write("\(folder)/lab.json") }
      try write("\(odd.data("l"))/vm1/notes")
      let hint = try #require(LabFolders.adoption(of: "l", in: odd))
      _ = try await HostTool.run(
        "sh", ["-c", String(hint.dropFirst().dropLast())], package: "dash", ProcessInfo.processInfo.environment)
      try LabFolders.make("l", in: odd)
      #expect(LabFolders.adoption(of: "l", in: odd) == nil)
      let paths = NodePaths(directories: odd, lab: "l", node: "vm1")
      let error = #expect(throws: UserError.self) { try LabFolders.makeData(paths) }
      let command = try #require(error?.hint?.split(separator: "`").last)
      _ = try await HostTool.run("sh", ["-c", String(command)], package: "dash", ProcessInfo.processInfo.environment)
      try LabFolders.makeData(paths)
    }
  }

  /// A lab's folder that is a file system of its own.
  @Test func mountedFolderKeepsItsMark() async throws {
    try await withTemporaryDirectories { directories in
      let folder = directories.data("l")
      try Files.makeDirectory(folder)
      let variables = ProcessInfo.processInfo.environment
      _ = try await HostTool.run("mount", ["-t", "tmpfs", "none", folder], package: "mount", variables)
      let result: Result<Void, any Error>
      do {
        // As a new ext4 has it.
        try Files.makeDirectory("\(folder)/lost+found")
        try makeLab("l", in: directories)
        #expect(try LabFiles.remove("l", in: directories).left == ["\(folder)/lost+found"])
        #expect(Files.names(in: folder) == [".apus", "lost+found"])
        _ = try Folder(folder).removeFolder("lost+found")
        for _ in 0..<2 {
          #expect(try LabFiles.remove("l", in: directories).left == [])
          #expect(Files.names(in: folder) == [".apus"])
        }
        result = .success(())
      } catch {
        result = .failure(error)
      }
      _ = try await HostTool.run("umount", [folder], package: "mount", variables)
      try result.get()
    }
  }

  @Test func unusedFoldersGo() throws {
    try withTemporaryDirectories { directories in
      try LabFolders.make("l", in: directories)
      try write(directories.logFile("l"))
      LabFiles.removeUnused("l", in: directories)
      #expect(tree(directories.stateRoot) == [] && tree(directories.dataRoot) == [])
      try LabFolders.make("l", in: directories)
      try write("\(directories.data("l"))/vm1/disk.qcow2")
      LabFiles.removeUnused("l", in: directories)
      #expect(tree(directories.stateRoot) == [])
      #expect(Files.exists("\(directories.data("l"))/vm1/disk.qcow2"))
    }
  }

  /// A removal that meets something it cannot remove goes on with the rest.
  @Test func oneObstacleDoesNotKeepTheRest() async throws {
    try await withTemporaryDirectories { directories in
      try makeLab("l", in: directories)
      let folder = directories.data("l") + "/vm1"
      let disk = "\(folder)/disk.qcow2"
      let variables = ProcessInfo.processInfo.environment
      // A file that something is mounted on cannot be removed.
      _ = try await HostTool.run("mount", ["--bind", "/etc/passwd", disk], package: "mount", variables)
      let error = #expect(throws: UserError.self) { try LabFiles.remove("l", in: directories) }
      _ = try await HostTool.run("umount", [disk], package: "mount", variables)
      #expect(error?.message == "cannot remove \(disk): Device or resource busy")
      #expect(Files.names(in: folder) == [".apus", "disk.qcow2"])
      // By this the rest is found again.
      #expect(Files.names(in: directories.state("l")) == [".apus", "lab.json"])
      #expect(try LabFiles.remove("l", in: directories) == FileRemoval(isSomething: true))
      #expect(tree(directories.stateRoot) == [] && tree(directories.dataRoot) == [])
    }
  }
}
