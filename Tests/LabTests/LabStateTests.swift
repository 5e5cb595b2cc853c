import FoundationEssentials
import Glibc
import LinuxHost
import Testing
import Topology

@testable import Lab

@Suite struct LabStateTests {
  @Test func labIsReadAsItWasWritten() throws {
    try withTemporaryDirectories { directories in
      var lab = CanonicalLab(name: "apl1")
      lab.switches = [SwitchDefinition(name: "sw1")]
      lab.nodes = [node("vm1", "vm", [nic(addresses: ["10.0.0.1/24"])])]
      lab.links = [LinkDefinition(name: "t", kind: .trunk(.trunk(allowed: [1...4094], native: 1)), ends: [])]
      #expect(try LabState.read("apl1", in: directories) == nil)
      try LabFolders.make("apl1", in: directories)
      try LabState.write(lab, in: directories)
      #expect(try LabState.read("apl1", in: directories) == lab)
      // Nothing half-written lies about.
      #expect(Files.names(in: directories.state("apl1")) == [".apus", "lab.json"])
    }
  }

  /// Earlier versions took labs with a name twice by the API: what they made is known by their file alone.
  @Test func aLabWithANameTwiceCanBeRead() throws {
    try withTemporaryDirectories { directories in
      var lab = CanonicalLab(name: "apl1")
      lab.nodes = [node("a", "netns", [nic(), nic(mac: "02:00:00:00:00:02")]), node("b", "tap"), node("b", "tap")]
      try LabFolders.make("apl1", in: directories)
      try LabState.write(lab, in: directories)
      #expect(try LabState.read("apl1", in: directories) == lab)
    }
  }

  @Test func damagedFileIsAnErrorWithAdvice() throws {
    try withTemporaryDirectories { directories in
      try Files.makeDirectory(directories.state("apl1"))
      try Files.write(Array("{".utf8), to: directories.labFile("apl1"))
      let error = #expect(throws: UserError.self) { try LabState.read("apl1", in: directories) }
      #expect(error?.hint == "remove the lab with `apus down apl1`")
    }
  }

  /// Names become paths, here as in the lab file.
  @Test(arguments: ["../b", ".", "B", "images", "apl2"]) func otherNamesAreDamage(_ name: String) throws {
    try withTemporaryDirectories { directories in
      try Files.makeDirectory(directories.state("apl1"))
      func write(_ lab: CanonicalLab) throws {
        let text = try JSONEncoder().encode(lab)
        try Files.write([UInt8](text), to: directories.labFile("apl1"))
      }
      try write(CanonicalLab(name: name))
      #expect(throws: UserError.self) { try LabState.read("apl1", in: directories) }
      guard !Names.valid(name) else { return }
      var lab = CanonicalLab(name: "apl1")
      lab.nodes = [node(name, "vm")]
      try write(lab)
      #expect(throws: UserError.self) { try LabState.read("apl1", in: directories) }
      lab.nodes = [node("a", "vm", [nic("e/\(name)")])]
      try write(lab)
      #expect(throws: UserError.self) { try LabState.read("apl1", in: directories) }
    }
  }

  @Test func recordKnowsTheProcessAndWritesItsNumber() throws {
    try withTemporaryDirectories { directories in
      let paths = NodePaths(directories: directories, lab: "apl1", node: "vm1")
      let record = NodeRecord(process: ProcessIdentity(pid: 4711, startTime: 99))
      try record.write(paths)
      #expect(NodeRecord.read(paths) == record)
      #expect(Files.read(paths.pidFile) == Array("4711\n".utf8))
      try NodeRecord.remove(paths)
      #expect(NodeRecord.read(paths) == nil)
      #expect(!Files.exists(paths.pidFile))
    }
  }

  @Test func pidThatWasGivenAwayIsNotTakenForTheNode() async throws {
    try await withTemporaryDirectories { directories in
      let environment = NodeEnvironment(lab: "apl1", directories: directories, variables: [:])
      let vm = VMNode(node("vm1", "vm"), environment)
      #expect(vm.presence() == .absent)
      // This very process, with another start time: to be neither adopted nor killed.
      var process = try #require(ProcessIdentity.of(pid: getpid()))
      process.startTime += 1
      try NodeRecord(process: process).write(vm.paths)
      #expect(vm.presence() == .ended)
      #expect(try await vm.remove() == [])
      #expect(vm.presence() == .absent)
    }
  }

  @Test func lastLinesAreCleanAndBounded() throws {
    try withTemporaryDirectories { directories in
      try Files.makeDirectory(directories.stateRoot)
      let path = "\(directories.stateRoot)/log"
      try Files.write(Array("one\r\n\ntwo\u{1B}[6n\u{07}\n\u{1B}[1;31mthree\u{1B}[0m\n   \n".utf8), to: path)
      #expect(Files.lastLines(of: path, count: 2) == ["two", "three"])
      #expect(Files.lastLines(of: path, count: 9) == ["one", "two", "three"])
      #expect(Files.lastLines(of: "\(path).none", count: 2) == [])
      try Files.write([UInt8](repeating: UInt8(ascii: "x"), count: 100_000), to: path)
      #expect(Files.lastLines(of: path, count: 1).map(\.count) == [200])
    }
  }

  @Test func consoleLogIsCapped() throws {
    try withTemporaryDirectories { directories in
      try Files.makeDirectory(directories.stateRoot)
      let path = "\(directories.stateRoot)/console.log"
      try Files.write([1, 2, 3], to: path)
      ConsoleLog.cap(path)
      #expect(Files.read(path) == [1, 2, 3])
      try Files.write([UInt8](repeating: 7, count: ConsoleLog.limit + 1), to: path)
      ConsoleLog.cap(path)
      #expect(Files.read(path) == [])
      #expect(Files.read("\(path).1")?.count == ConsoleLog.limit + 1)
    }
  }
}
