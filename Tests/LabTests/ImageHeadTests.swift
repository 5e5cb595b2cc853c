import Foundation
import LinuxHost
import Testing
import Topology

@testable import Lab

/// Heads of images as somebody makes them who wants QEMU to open files of this host; all are refused by our own reader,
/// before QEMU sees them.
@Suite struct ImageHeadTests {
  private let variables = ProcessInfo.processInfo.environment

  private func withFolder<T>(_ body: (String) async throws -> T) async throws -> T {
    try await withTemporaryDirectories { directories in
      try FileManager.default.createDirectory(atPath: directories.dataRoot, withIntermediateDirectories: true)
      return try await body(directories.dataRoot)
    }
  }

  private func fault(_ path: String, format: DiskDefinition.Format? = nil) -> String? {
    do throws(ImageFault) {
      _ = try ImageSummary.of(try ImageBytes(path: path), format: format)
      return nil
    } catch {
      return error.message
    }
  }

  private func image(_ words: String...) async throws {
    _ = try await HostTool.run("qemu-img", words, package: "qemu-utils", variables)
  }

  private func change(_ path: String, at offset: Int, _ bytes: [UInt8]) throws {
    var all = try #require(Files.read(path))
    all.replaceSubrange(offset..<offset + bytes.count, with: bytes)
    try Files.write(all, to: path)
  }

  // MARK: - qcow2

  @Test func backingFilesBesideAreFollowedByTheirFormats() async throws {
    try await withFolder { folder in
      try await image("create", "-q", "-f", "qcow2", "\(folder)/base.qcow2", "4M")
      try await image(
        "create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", "base.qcow2", "\(folder)/over.qcow2")
      let summary = try ImageSummary.of(try ImageBytes(path: "\(folder)/over.qcow2"))
      #expect(summary.references == ["base.qcow2"] && summary.hasBacking && summary.virtualSize == 4 << 20)
      // Without a word on its format, it would be guessed from bytes that a guest has written.
      var bytes = try #require(Files.read("\(folder)/over.qcow2"))
      let place = try #require(bytes.firstRange(of: [0xE2, 0x79, 0x2A, 0xCA]))
      bytes.replaceSubrange(place, with: [1, 2, 3, 4])
      try Files.write(bytes, to: "\(folder)/unsaid.qcow2")
      #expect(fault("\(folder)/unsaid.qcow2") == "does not say of which format its backing file base.qcow2 is")
      try await image("create", "-q", "-u", "-f", "qcow2", "-F", "vdi", "-b", "base.qcow2", "\(folder)/vdi.qcow2", "4M")
      #expect(fault("\(folder)/vdi.qcow2")?.contains("a backing file of format vdi") == true)
      // Itself, and a link to somewhere else.
      try await image(
        "create", "-q", "-u", "-f", "qcow2", "-F", "qcow2", "-b", "loop.qcow2", "\(folder)/loop.qcow2", "4M")
      #expect(fault("\(folder)/loop.qcow2")?.contains("over more than 8 images, or over itself") == true)
      try FileManager.default.createSymbolicLink(atPath: "\(folder)/link.img", withDestinationPath: "/etc/hostname")
      try await image("create", "-q", "-u", "-f", "qcow2", "-F", "raw", "-b", "link.img", "\(folder)/link.qcow2", "4M")
      #expect(fault("\(folder)/link.qcow2") == "has a backing file link.img that is no plain file")
    }
  }

  @Test(arguments: [
    "/etc/hostname", "../base.qcow2", "nbd:localhost:1", "json:{\"driver\":\"null-co\"}", "file:base.qcow2",
    "http://localhost/a", "fat:/etc", "sub/base.qcow2", ".base.qcow2", "ssh://a/b",
  ])
  func backingFilesElsewhereAreRefused(_ name: String) async throws {
    try await withFolder { folder in
      let path = "\(folder)/a.qcow2"
      try await image("create", "-q", "-u", "-f", "qcow2", "-F", "raw", "-b", name, path, "4M")
      #expect(fault(path)?.hasPrefix("names ") == true && fault(path)?.hasSuffix(" as its backing file") == true)
    }
  }

  @Test func dataFilesAndFeatures() async throws {
    try await withFolder { folder in
      let path = "\(folder)/a.qcow2"
      try await image("create", "-q", "-f", "qcow2", "-o", "data_file=\(folder)/a.raw,data_file_raw=on", path, "4M")
      #expect(fault(path) == "keeps its data in another file")
      try await image("create", "-q", "-f", "qcow2", path, "4M")
      #expect(fault(path) == nil)
      for (offset, bytes, wanted) in [
        (72, [0, 0, 0, 0, 0, 0, 0, 0x40], "has features that are not known (bits 0x40)"),
        (72, [0, 0, 0, 0, 0, 0, 0, 0x04], "keeps its data in another file"), (104, [7], "is compressed in a way"),
        (32, [0, 0, 0, 2], "is encrypted"), (4, [0, 0, 0, 1], "is qcow2 of version 1"),
        (20, [0, 0, 0, 40], "has clusters of 2^40 bytes"), (24, [0x70], "says that its disk has"),
        (100, [0xFF, 0xFF, 0xFF, 0xFF], "has a broken head"), (16, [0, 0, 9, 9], nil),
      ] as [(Int, [UInt8], String?)] {
        try await image("create", "-q", "-f", "qcow2", path, "4M")
        try change(path, at: offset, bytes)
        #expect(wanted == nil ? fault(path) == nil : fault(path)?.hasPrefix(wanted ?? "") == true, "\(offset)")
      }
    }
  }

  @Test func anyBytesAreAnswered() async throws {
    try await withFolder { folder in
      let path = "\(folder)/a.qcow2"
      try await image("create", "-q", "-u", "-f", "qcow2", "-F", "raw", "-b", "none", path, "4M")
      let good = Array(try #require(Files.read(path)).prefix(4096))
      var random = SystemRandomNumberGenerator()
      for _ in 0..<500 {
        var bad = good
        for _ in 0..<4 { bad[Int.random(in: 4..<600, using: &random)] = .random(in: 0...255, using: &random) }
        try Files.write(bad, to: path)
        _ = fault(path)
      }
      for size in [0, 1, 3, 4, 5, 71, 104, 511] {
        try Files.write(Array(good.prefix(size)), to: path)
        _ = fault(path)
      }
    }
  }

  // MARK: - VMDK

  @Test(arguments: [
    "monolithicSparse", "monolithicFlat", "twoGbMaxExtentSparse", "twoGbMaxExtentFlat", "streamOptimized",
  ])
  func everyKindOfVMDK(_ kind: String) async throws {
    try await withFolder { folder in
      try Files.write([UInt8](repeating: 7, count: 1 << 20), to: "\(folder)/a.raw")
      let path = "\(folder)/a.vmdk"
      try await image("convert", "-f", "raw", "-O", "vmdk", "-o", "subformat=\(kind)", "\(folder)/a.raw", path)
      let summary = try ImageSummary.of(try ImageBytes(path: path))
      #expect(summary.variant == kind && summary.virtualSize == 1 << 20)
      #expect(summary.isStream == (kind == "streamOptimized"))
      #expect(summary.references.isEmpty == ["monolithicSparse", "streamOptimized"].contains(kind))
      for name in summary.references {
        try FileManager.default.removeItem(atPath: "\(folder)/\(name)")
        #expect(fault(path) == "lacks its extent \(name), which is not beside it")
      }
    }
  }

  private static func descriptor(_ extents: String, kind: String = "monolithicFlat", rest: String = "") -> [UInt8] {
    Array(
      "# Disk DescriptorFile\nversion=1\nCID=12345678\nparentCID=ffffffff\ncreateType=\"\(kind)\"\n\(rest)\(extents)\n"
        .utf8)
  }

  @Test(arguments: [
    "RW 1 FLAT \"/etc/hostname\" 0", "RW 1 FLAT \"../a\" 0", "RW 1 FLAT \"nbd:a:1\" 0", "RW 1 FLAT \"json:{}\" 0",
    "RW 1 SPARSE \"sub/a\"", "  RW\t1\nFLAT\n\"/etc/hostname\" 0", "RW 1 VMFS \"/etc/hostname",
    "RDONLY 1 FLAT \"/a\" 0",
    "RW 1 FLAT \"a.raw\" 0\nRW 1 FLAT \"/etc/hostname\" 0", "x RW 1 FLAT \"/etc/hostname\" 0",
  ])
  func extentsElsewhereAreRefused(_ extents: String) async throws {
    try await withFolder { folder in
      try Files.write([UInt8](repeating: 7, count: 512), to: "\(folder)/a.raw")
      try Files.write(Self.descriptor(extents), to: "\(folder)/a.vmdk")
      let said = fault("\(folder)/a.vmdk")
      #expect(said?.hasPrefix("names ") == true && said?.hasSuffix(" as its extent") == true, "\(said ?? "")")
    }
  }

  /// A name that is no text would be another one in our words than in QEMU's.
  @Test func namesThatAreNoText() async throws {
    try await withFolder { folder in
      let path = "\(folder)/a"
      try await image("create", "-q", "-u", "-f", "qcow2", "-F", "raw", "-b", "xyz.raw", path, "4M")
      for bytes in [try #require(Files.read(path)), Self.descriptor("RW 1 FLAT \"xyz.raw\" 0")] {
        var bytes = bytes
        let place = try #require(bytes.firstRange(of: Array("xyz".utf8)))
        bytes.replaceSubrange(place, with: [0x78, 0xFF, 0x7A])
        try Files.write(bytes, to: path)
        #expect(fault(path) == "names a file whose name is not UTF-8")
      }
    }
  }

  @Test func snapshotsAndDevices() async throws {
    try await withFolder { folder in
      let path = "\(folder)/a.vmdk"
      try Files.write([UInt8](repeating: 7, count: 512), to: "\(folder)/a.raw")
      let extent = "RW 1 FLAT \"a.raw\" 0"
      try Files.write(Self.descriptor(extent), to: path)
      #expect(fault(path) == nil)
      for rest in ["parentFileNameHint=\"/etc/hostname\"\n", "  PARENTFILENAMEHINT = \"b.vmdk\"\n"] {
        try Files.write(Self.descriptor(extent, rest: rest), to: path)
        #expect(fault(path)?.hasPrefix("is a snapshot") == true)
      }
      try Files.write(
        Array(String(decoding: Self.descriptor(extent), as: UTF8.self).replacing("ffffffff", with: "1").utf8), to: path)
      #expect(fault(path)?.hasPrefix("is a snapshot") == true)
      for kind in ["fullDevice", "vmfsRaw", "partitionedDevice", "custom"] {
        try Files.write(Self.descriptor(extent, kind: kind), to: path)
        #expect(fault(path) == "is a VMDK of a kind that is not taken (\(kind))")
      }
      try Files.write(Self.descriptor(""), to: path)
      #expect(fault(path) == "has 0 extents")
    }
  }

  @Test(arguments: ["monolithicSparse", "streamOptimized"]) func brokenHeads(_ kind: String) async throws {
    try await withFolder { folder in
      let path = "\(folder)/a.vmdk"
      try Files.write([UInt8](repeating: 7, count: 1 << 20), to: "\(folder)/a.raw")
      func make() async throws {
        try await image("convert", "-f", "raw", "-O", "vmdk", "-o", "subformat=\(kind)", "\(folder)/a.raw", path)
      }
      for (offset, bytes, wanted) in [
        (77, [9, 0], "is compressed in a way that is not known (9; 1 is deflate)"), (4, [9], "is a VMDK of version 9"),
        (12, [0, 0, 0, 0, 0, 0, 0, 0], "says that its disk has 0 sectors"),
        (18, [0xFF, 0xFF], "says that its disk has"),
        (36, [0xFF, 0xFF, 0xFF], "has a broken head"),
        // In the descriptor, where QEMU looks for a parent.
        (600, Array("parentFileNameHint=\"/etc/hostname\"\n".utf8), "is a snapshot"),
      ] as [(Int, [UInt8], String)] {
        try await make()
        #expect(fault(path) == nil)
        try change(path, at: offset, bytes)
        #expect(fault(path)?.hasPrefix(wanted) == true, "\(offset): \(fault(path) ?? "taken")")
      }
      // No bytes make it do anything but answer.
      try await make()
      let good = Array(try #require(Files.read(path)).prefix(3072))
      for place in stride(from: 4, to: 100, by: 1) {
        var bad = good
        for offset in 0..<(place % 7 + 1) { bad[place + offset] = [0xFF, 0, 0x7F, 0x80][(place + offset) % 4] }
        try Files.write(bad, to: path)
        _ = fault(path)
      }
      // A head that is at the end, as VMware's own exports have it.
      try await make()
      let all = try #require(Files.read(path))
      let atEnd = Array(all[..<56]) + [UInt8](repeating: 0xFF, count: 8) + Array(all[64...])
      let blank = [UInt8](repeating: 0, count: 512)
      try Files.write(atEnd + blank + blank + blank, to: path)
      #expect(fault(path) == "is cut off: the head at its end is not there")
      try Files.write(atEnd + blank + all[..<512] + blank, to: path)
      #expect(try ImageSummary.of(try ImageBytes(path: path)).variant == kind)
      try Files.write(atEnd + blank + all[..<77] + [9] + all[78..<512] + blank, to: path)
      #expect(fault(path)?.hasPrefix("is compressed in a way that is not known") == true)
    }
  }
}
