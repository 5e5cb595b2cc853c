import FoundationEssentials
import Glibc
import LinuxHost
import Testing
import TestSupport
import Topology

@testable import Lab

/// What the loader of lab files is told of this host.
@Suite struct HostLabFactsTests {
  private func withFacts(_ body: (HostLabFacts, String) throws -> Void) throws {
    try withTemporaryDirectories { directories in
      try Files.makeDirectory(directories.dataRoot)
      try body(HostLabFacts(directories: directories), directories.dataRoot)
    }
  }

  /// Digests as sha256sum(1) prints them, of what FIPS 180-4's examples have; whatever the name of the file.
  @Test(arguments: ["a", "with space", "back\\slash", "line\nbreak", "-c"])
  func digests(_ name: String) throws {
    try withFacts { facts, folder in
      let path = "\(folder)/\(name)"
      try Files.write(Array("abc".utf8), to: path)
      #expect(
        facts.sha256(of: path) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
      #expect(facts.head(of: path, count: 2) == Array("ab".utf8))
      #expect(facts.head(of: path, count: 10) == Array("abc".utf8))
    }
  }

  @Test func aLargeFileIsDigestedWhole() throws {
    try withFacts { facts, folder in
      let path = "\(folder)/large"
      try Files.write([UInt8](repeating: 97, count: 1_000_000), to: path)
      #expect(facts.sha256(of: path) == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0")
    }
  }

  /// Nobody waits for somebody who writes to a pipe.
  @Test func whatIsNoFileIsNotRead() throws {
    try withFacts { facts, folder in
      let pipe = "\(folder)/pipe"
      #expect(mkfifo(pipe, 0o600) == 0)
      for path in [pipe, folder, "\(folder)/none", "/dev/null"] {
        #expect(facts.head(of: path, count: 1) == nil)
        #expect(facts.sha256(of: path) == nil)
      }
      try Files.write([], to: "\(folder)/empty")
      #expect(facts.head(of: "\(folder)/empty", count: 16) == [])
    }
  }

  @Test func kindsOfPaths() throws {
    try withFacts { facts, folder in
      try Files.write([], to: "\(folder)/file")
      let listener = try UnixSocket.listen(path: "\(folder)/socket", mode: 0o600, owner: nil)
      #expect(symlink("\(folder)/file", "\(folder)/link") == 0)
      #expect(symlink("\(folder)/none", "\(folder)/dangling") == 0)
      let kinds: [(String, FileKind?)] = [
        ("file", .file), ("socket", .socket), ("link", .file), ("dangling", nil), ("none", nil), ("", .folder),
      ]
      for (name, kind) in kinds { #expect(facts.fileKind("\(folder)/\(name)") == kind, "\(name)") }
      #expect(facts.fileKind("/dev/null") == .other)
      #expect(facts.folderExists(folder) && !facts.folderExists("\(folder)/file"))
      #expect(facts.fileExists("\(folder)/link") && !facts.fileExists("\(folder)/dangling"))
      withExtendedLifetime(listener) {}
    }
  }

  /// There is one truth of each, whoever asks.
  @Test func theHostIsWhatOthersSayItIs() throws {
    try withFacts { facts, _ in
      #expect(facts.hasKVM == (Accelerator.ofThisHost() == .kvm))
      #expect(facts.totalMemory == HostFacts.memoryTotal && facts.totalMemory ?? 0 > 0)
      let processors = try #require(facts.processors)
      #expect(!processors.isEmpty && processors.allSatisfy { $0.lowerBound >= 0 })
      #expect(facts.hostInterfaceExists("lo") && !facts.hostInterfaceExists("apu-none"))
      #expect(facts.mistake(inFilter: "tcp port 80") == nil)
      #expect(facts.mistake(inFilter: "tcp prt 80") != nil)
      #expect(facts.mistake(inOwner: "root") == nil && facts.mistake(inOwner: "apu-nobody") != nil)
    }
  }

  /// What a lab that is up has taken is its own.
  @Test func whatARunningLabHas() throws {
    try withTemporaryDirectories { directories in
      let facts = HostLabFacts(directories: directories)
      var lab = CanonicalLab(name: "apl")
      lab.nodes = [node("up", "tap", [nic("apl0")]), node("vm1", "vm"), node("vm2", "vm")]
      lab.nodes[1].memory = 64 << 20
      lab.nodes[2].memory = 32 << 20
      #expect(facts.memoryTaken(by: "apl") == 0 && !facts.interface("apl0", belongsTo: "apl"))
      try LabFolders.make("apl", in: directories)
      try LabState.write(lab, in: directories)
      #expect(facts.memoryTaken(by: "apl") == 96 << 20)
      #expect(facts.interface("apl0", belongsTo: "apl") && !facts.interface("apl1", belongsTo: "apl"))
      #expect(!facts.interface("apl0", belongsTo: "other"))
    }
  }
}
