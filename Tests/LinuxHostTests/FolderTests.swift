import Foundation
import Glibc
import LinuxHost
import Testing

@Suite struct FolderTests {
  /// Calls `body` with a folder of its own.
  private func withFolder(_ body: (Folder) throws -> Void) throws {
    let path = "/tmp/\(UniqueFolder.next())"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
    defer { try? FileManager.default.removeItem(atPath: path) }
    try body(try Folder(path))
  }

  private func mode(_ path: String) -> Int? {
    (try? FileManager.default.attributesOfItem(atPath: path))?[.posixPermissions] as? Int
  }

  private func link(_ path: String, to target: String) throws {
    try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: target)
  }

  @Test(arguments: ["", ".", "..", "a/b", "/etc/hostname", "../x"]) func namesAreNoPaths(_ name: String) throws {
    try withFolder { folder in
      let codes: [CInt?] = [
        code { _ = try folder.folder(name) }, code { _ = try folder.kind(of: name) },
        code { try folder.makeFolder(name, mode: 0o700) }, code { try folder.remove(name) },
        code { _ = try folder.removeFolder(name) }, code { try folder.write(name, [1], mode: 0o600) },
      ]
      // A file is made under another name first, which is no name either where there is a slash.
      #expect(codes.dropLast().allSatisfy { $0 == EINVAL })
      #expect(codes.last != .some(nil))
      #expect(folder.read(name, limit: 9) == nil)
    }
  }

  private func code(_ body: () throws -> Void) -> CInt? {
    do {
      try body()
      return nil
    } catch {
      return (error as? SystemError)?.code ?? -1
    }
  }

  @Test func linksAreNotFollowed() throws {
    try withFolder { folder in
      try folder.makeFolder("real", mode: 0o700)
      try folder.folder("real").write("file", [7], mode: 0o600)
      try link(folder.path(of: "link"), to: "real")
      try link(folder.path(of: "linked"), to: "real/file")
      #expect([ENOTDIR, ELOOP].contains(code { _ = try folder.folder("link") }))
      #expect(folder.read("linked", limit: 9) == nil)
      #expect(try folder.kind(of: "link") == .symbolicLink)
      #expect(try folder.makeFolder("link", mode: 0o755) == false)
      // Written over, the link goes and its target stays.
      try folder.write("linked", [8], mode: 0o600)
      #expect(folder.read("linked", limit: 9) == [8])
      #expect(try folder.remove("link"))
      #expect(try folder.folder("real").read("file", limit: 9) == [7])
    }
  }

  @Test func unfinishedFilesAreKnown() {
    let names = [".f.0123abcd.new": true, ".f.0123abcd": false, ".f.123abcd.new": false, ".f.0123abxy.new": false]
    for (name, isOne) in names { #expect(Folder.isUnfinished(name, of: "f") == isOne, "\(name)") }
    #expect(!Folder.isUnfinished(".fg.0123abcd.new", of: "f"))
    #expect(!Folder.isUnfinished("f", of: "f"))
  }

  /// Many writers of one file at once: each finds its own or another's whole, and nothing half-written is left.
  @Test func writersAtOnce() async throws {
    let path = "/tmp/\(UniqueFolder.next())"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
    defer { try? FileManager.default.removeItem(atPath: path) }
    let folder = try Folder(path)
    let texts = (0..<8).map { [UInt8](repeating: UInt8($0), count: 10_000) }
    try await withThrowingTaskGroup(of: Void.self) { group in
      for text in texts {
        group.addTask {
          for _ in 0..<50 {
            try folder.write("f", text, mode: 0o600)
            let seen = folder.read("f", limit: 1 << 20)
            #expect(seen.map(texts.contains) == true)
          }
        }
      }
      try await group.waitForAll()
    }
    #expect(try folder.names() == ["f"])
  }

  @Test func aNewFileReplacesNone() throws {
    try withFolder { folder in
      try folder.write("a", [1], mode: 0o600, isNew: true)
      #expect(code { try folder.write("a", [2], mode: 0o600, isNew: true) } == EEXIST)
      #expect(folder.read("a", limit: 9) == [1])
      #expect(try folder.names() == ["a"])
    }
  }

  @Test func modesAreExact() throws {
    try withFolder { folder in
      try folder.makeFolder("a", mode: 0o711)
      try folder.write("f", [], mode: 0o640)
      #expect(mode(folder.path(of: "a")) == 0o711)
      #expect(mode(folder.path(of: "f")) == 0o640)
      try folder.folder("a").setMode(0o700)
      #expect(mode(folder.path(of: "a")) == 0o700)
      let deep = try Folder.make("\(folder.path)/b/c", mode: 0o711)
      #expect(mode(deep.path) == 0o711)
      // What is there keeps its mode.
      _ = try Folder.make(deep.path, mode: 0o700)
      #expect(mode(deep.path) == 0o711)
    }
  }

  /// By set-group-ID somebody gives a group what is made in a folder.
  @Test func groupsAreInherited() throws {
    try withFolder { folder in
      #expect(chown(folder.path, 0, 33) == 0 && chmod(folder.path, 0o2755) == 0)
      try folder.makeFolder("a", mode: 0o711)
      let inner = try folder.folder("a")
      #expect(mode(inner.path) == 0o2711)
      try inner.setMode(0o700)
      #expect(mode(inner.path) == 0o2700)
      try inner.write("f", [], mode: 0o600)
      let attributes = try FileManager.default.attributesOfItem(atPath: inner.path(of: "f"))
      #expect(attributes[.groupOwnerAccountID] as? Int == 33)
    }
  }

  @Test func oneFolderByTwoPaths() throws {
    try withFolder { folder in
      try folder.makeFolder("a", mode: 0o700)
      try link(folder.path(of: "b"), to: "a")
      let inner = try folder.folder("a")
      #expect(inner.isSame(as: try Folder("\(folder.path)/./b")))
      #expect(!inner.isSame(as: folder))
    }
  }

  @Test func kindsAndRemoval() throws {
    try withFolder { folder in
      #expect(try folder.kind(of: "none") == nil)
      #expect(try !folder.remove("none"))
      try folder.write("file", [1], mode: 0o600)
      try folder.makeFolder("folder", mode: 0o700)
      _ = try UnixSocket.listen(path: folder.path(of: "socket"), mode: 0o600, owner: nil)
      #expect(mkfifo(folder.path(of: "fifo"), 0o600) == 0)
      #expect(try folder.kind(of: "file") == .file)
      #expect(try folder.kind(of: "folder") == .folder)
      #expect(try folder.kind(of: "socket") == .socket)
      #expect(try folder.kind(of: "fifo") == .other)
      #expect(folder.read("fifo", limit: 9) == nil)
      #expect(try folder.names() == ["fifo", "file", "folder", "socket"])
      #expect(code { try folder.remove("folder") } == EISDIR)
      try folder.folder("folder").write("x", [], mode: 0o600)
      #expect(try !folder.removeFolder("folder"))
      try folder.folder("folder").remove("x")
      #expect(try folder.removeFolder("folder"))
      #expect(try folder.removeFolder("folder"))
    }
  }

  /// What was opened stays what it is, whatever is at its path.
  @Test func pathsThatChangeMeanwhile() throws {
    try withFolder { folder in
      try folder.makeFolder("a", mode: 0o700)
      let inner = try folder.folder("a")
      #expect(rename(folder.path(of: "a"), folder.path(of: "b")) == 0)
      try link(folder.path(of: "a"), to: "/etc")
      try inner.write("hostname", [1], mode: 0o600)
      #expect(try inner.names() == ["hostname"])
      #expect(try inner.remove("hostname"))
      #expect(FileManager.default.fileExists(atPath: "/etc/hostname"))
    }
  }

  @Test func filesInMemoryAndStamps() throws {
    let file = try Descriptor.memoryFile(Array("abc".utf8))
    #expect(try Descriptor.openFile(file.path).read(size: 9) == Array("abc".utf8))
    #expect(try file.read(at: 1, count: 9) == Array("bc".utf8))
    let stamp = try file.stamp()
    #expect(stamp.size == 3)
    #expect(try file.stamp() == stamp)
    // Whoever sets the time back is seen.
    var times = [timespec(tv_sec: 1, tv_nsec: 0), timespec(tv_sec: 1, tv_nsec: 0)]
    #expect(futimens(file.raw, &times) == 0)
    // Older kernels note times by their clock's ticks.
    usleep(30_000)
    times = [
      timespec(tv_sec: 1, tv_nsec: 0),
      timespec(tv_sec: Int(stamp.modified / 1_000_000_000), tv_nsec: Int(stamp.modified % 1_000_000_000)),
    ]
    #expect(futimens(file.raw, &times) == 0)
    let later = try file.stamp()
    #expect(later.modified == stamp.modified && later.changed > stamp.changed)
  }
}

/// Names for folders of this run alone.
private enum UniqueFolder {
  static func next() -> String { "apf-\(getpid())-\(UInt32.random(in: 0 ... .max))" }
}
