import Foundation
import LinuxHost
import Synchronization
import Testing
import Topology

@testable import Lab

/// Appliances from file to store; needs qemu-img and coreutils.
@Suite struct ImageStoreTests {
  private let variables = ProcessInfo.processInfo.environment

  private struct Place {
    var folder: String
    var directories: LabDirectories
    var catalogue: ImageCatalogue { ImageCatalogue(directories: directories) }
    var store: [String] { Files.names(in: "\(directories.dataRoot)/images/.store").filter { !$0.hasPrefix("seen-") } }
  }

  private func withPlace(_ body: (Place) async throws -> Void) async throws {
    try await withTemporaryDirectories { directories in
      let folder = "\(directories.dataRoot)/in"
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
      try Files.write((0..<(1 << 20)).map { UInt8(truncatingIfNeeded: $0 / 511) }, to: "\(folder)/disk.raw")
      for (name, kind) in [("disk.vmdk", "streamOptimized"), ("flat.vmdk", "twoGbMaxExtentFlat")] {
        _ = try await HostTool.run(
          "qemu-img", ["convert", "-O", "vmdk", "-o", "subformat=\(kind)", "\(folder)/disk.raw", "\(folder)/\(name)"],
          package: "qemu-utils", variables)
      }
      try await body(Place(folder: folder, directories: directories))
    }
  }

  private func ova(_ place: Place, manifest: String? = nil, _ members: [[UInt8]] = []) throws -> String {
    let disk = try #require(Files.read("\(place.folder)/disk.vmdk"))
    var all = [ApplianceTexts.member("a.ovf", ApplianceTexts.descriptor())]
    if let manifest { all.append(ApplianceTexts.member("a.mf", Array(manifest.utf8))) }
    let path = "\(place.folder)/a.ova"
    try Files.write(ApplianceTexts.archive(all + [ApplianceTexts.member("disk.vmdk", disk)] + members), to: path)
    return path
  }

  private func sum(_ bytes: [UInt8], by program: String) async throws -> String {
    let file = try Descriptor.memoryFile(bytes)
    defer { withExtendedLifetime(file) {} }
    let text = try await HostTool.run(program, [], package: "coreutils", input: file.path, variables)
    return String(text.prefix { $0.isHexDigit })
  }

  private func isSame(_ disk: String, _ place: Place) async throws -> Bool {
    let words = ["compare", "-f", "qcow2", "-F", "raw", disk, "\(place.folder)/disk.raw"]
    return try await HostTool.run("qemu-img", words, package: "qemu-utils", variables).contains("identical")
  }

  @Test func anArchiveIsUnpackedOnce() async throws {
    try await withPlace { place in
      let disk = try #require(Files.read("\(place.folder)/disk.vmdk"))
      let sums = try await [
        "SHA1(a.ovf)= \(sum(ApplianceTexts.descriptor(), by: "sha1sum"))",
        "SHA512 (disk.vmdk) = \(sum(disk, by: "sha512sum"))",
      ]
      let path = try ova(place, manifest: sums.joined(separator: "\n"))
      let lines = Lines()
      let entry = try await place.catalogue.add(path, name: nil) { lines.add($0) }
      #expect(lines.all.first == "unpacking disk.vmdk, vmdk (streamOptimized)")
      #expect(entry.name == "a" && entry.image.isAppliance && entry.image.format == "ova")
      let whole = try await sum(try #require(Files.read(path)), by: "sha256sum")
      #expect(entry.image.digest == whole)
      #expect(place.store == [entry.image.digest])
      let store = place.catalogue.store
      #expect(try await isSame(store.path(of: entry.image.disks[0], in: entry.image), place))
      // At once the second time, under another name too; the file itself is not needed any more.
      let again = Lines()
      #expect(try await place.catalogue.add(path, name: "b") { again.add($0) }.image == entry.image)
      #expect(again.all == [])
      try Files.remove(path)
      #expect(place.catalogue.entries().map(\.name) == ["a", "b"])
      #expect(try place.catalogue.find("sha256:\(entry.image.digest.prefix(8))").image == entry.image)
      // Gone with its last name.
      _ = try place.catalogue.remove("a")
      #expect(place.store == [entry.image.digest])
      _ = try place.catalogue.remove("b")
      #expect(Files.names(in: "\(place.directories.dataRoot)/images/.store") == [])
      #expect(throws: UserError.self) { try place.catalogue.find("a") }
    }
  }

  @Test func wrongSumsLeaveNothing() async throws {
    try await withPlace { place in
      let path = try ova(place, manifest: "SHA1(disk.vmdk)= \(String(repeating: "0", count: 40))")
      let error = await #expect(throws: UserError.self) { try await place.catalogue.add(path, name: nil) { _ in } }
      #expect(error?.message.contains("disk.vmdk in it has sum ") == true && error?.code == .badInput)
      #expect(place.store == [] && place.catalogue.entries() == [])
    }
  }

  @Test func brokenAppliancesAreRefusedWhole() async throws {
    try await withPlace { place in
      func refusal(_ members: [[UInt8]]) async throws -> String {
        let path = "\(place.folder)/b.ova"
        try Files.write(ApplianceTexts.archive(members), to: path)
        let error = await #expect(throws: UserError.self) { try await place.catalogue.add(path, name: nil) { _ in } }
        #expect(place.store == [])
        return error?.message ?? ""
      }
      let main = ApplianceTexts.member("a.ovf", ApplianceTexts.descriptor())
      let disk = try #require(Files.read("\(place.folder)/disk.vmdk"))
      #expect(try await refusal([main]).contains("lacks its disk disk.vmdk"))
      #expect(try await refusal([main, ApplianceTexts.member("c.ovf", [])]).contains("has 2 OVF descriptors"))
      #expect(try await refusal([ApplianceTexts.member("disk.vmdk", [])]).contains("has 0 OVF descriptors"))
      #expect(
        try await refusal([
          main, ApplianceTexts.member("a.mf", Array("SHA1(x)= \(String(repeating: "0", count: 40))".utf8)),
          ApplianceTexts.member("disk.vmdk", disk),
        ]).contains("lacks x, which its manifest names"))
      #expect(
        try await refusal([main, ApplianceTexts.member("disk.vmdk", [1])]).hasSuffix(
          "its disk disk.vmdk is of no known format"))
      // A disk that refers to files outside of the archive.
      let flat = try #require(Files.read("\(place.folder)/flat.vmdk"))
      #expect(
        try await refusal([main, ApplianceTexts.member("disk.vmdk", flat)]).contains(
          "needs another file, flat-f001.vmdk"))
      let host = Array(String(decoding: flat, as: UTF8.self).replacing("flat-f001.vmdk", with: "/etc/hostname").utf8)
      #expect(
        try await refusal([main, ApplianceTexts.member("disk.vmdk", host)]).contains(
          "names /etc/hostname as its extent"))
      try Files.write([1], to: "\(place.folder)/c.ova")
      let error = await #expect(throws: UserError.self) {
        try await place.catalogue.add("\(place.folder)/c.ova", name: nil) { _ in }
      }
      #expect(error?.message.hasSuffix("is no tar archive, as an OVA is one") == true)
    }
  }

  /// A descriptor on its own, with disks in parts beside it.
  @Test func descriptorsWithFilesBeside() async throws {
    try await withPlace { place in
      let path = "\(place.folder)/a.ovf"
      try Files.write(ApplianceTexts.descriptor(disk: "flat.vmdk", second: "disk.vmdk"), to: path)
      let entry = try await place.catalogue.add(path, name: "x") { _ in }
      #expect(entry.image.disks.map(\.name) == ["flat.vmdk", "disk.vmdk"] && entry.image.format == "ovf")
      for disk in entry.image.disks {
        #expect(try await isSame(place.catalogue.store.path(of: disk, in: entry.image), place))
      }
      // Another disk is another image, though the descriptor is the same.
      var bytes = try #require(Files.read("\(place.folder)/flat-f001.vmdk"))
      bytes[5] ^= 1
      try Files.write(bytes, to: "\(place.folder)/flat-f001.vmdk")
      #expect(try await place.catalogue.add(path, name: "y") { _ in }.image.digest != entry.image.digest)
      await #expect(throws: UserError.self) { try await place.catalogue.add(path, name: "x") { _ in } }
    }
  }

  @Test func disksOfEveryForm() async throws {
    try await withPlace { place in
      for (name, format, size) in [
        ("disk.raw", "raw", UInt64(1 << 20)), ("flat.vmdk", "vmdk (twoGbMaxExtentFlat)", 1 << 20),
      ] {
        let entry = try await place.catalogue.add("\(place.folder)/\(name)", name: nil) { _ in }
        #expect(entry.image.format == format && entry.image.disks.map(\.virtualSize) == [size], "\(name)")
      }
      let facts = HostLabFacts(directories: place.directories)
      let images = "\(place.directories.dataRoot)/images"
      #expect(try facts.image(at: "\(images)/disk.image") == .disk(.raw))
      #expect(try facts.image(at: "\(images)/flat.image") == .disk(.qcow2))
      #expect(facts.sha256(of: "\(images)/disk.image") == facts.sha256(of: "\(place.folder)/disk.raw"))
      // A disk that is called like an entry is a disk; an entry that lost what it stands for is said to be broken.
      try Files.write([UInt8](repeating: 7, count: 512), to: "\(images)/like.image")
      #expect(try facts.image(at: "\(images)/like.image") == nil)
      try Files.write(encoded(ImageRecord(digest: "0", added: "")), to: "\(images)/lost.image")
      #expect(throws: ImageFault.self) { try facts.image(at: "\(images)/lost.image") }
      #expect(try place.catalogue.remove("lost").shownName == "lost")
      #expect(!Files.exists("\(images)/lost.image"))
      try Files.write([1, 2, 3], to: "\(place.folder)/odd.bin")
      for (file, name) in [
        ("odd.bin", nil), ("disk.raw", "../x"), ("disk.raw", "builtin"), ("none.raw", "x"), ("", "x"),
      ] {
        await #expect(throws: UserError.self, "\(file)") {
          try await place.catalogue.add("\(place.folder)/\(file)", name: name) { _ in }
        }
      }
      #expect(place.catalogue.entries().map(\.name) == ["disk", "flat"])
    }
  }

  /// What a process that was killed has left goes with the next one.
  @Test func remainsOfTheDeadGo() async throws {
    try await withPlace { place in
      let remains = "\(place.directories.dataRoot)/images/.store/.new-999999999-1"
      try FileManager.default.createDirectory(atPath: remains, withIntermediateDirectories: true)
      try Files.write([1], to: "\(remains)/disk-1.qcow2")
      // Half removed: its record went first.
      let half = "\(place.directories.dataRoot)/images/.store/\(String(repeating: "a", count: 64))"
      try FileManager.default.createDirectory(atPath: half, withIntermediateDirectories: true)
      try Files.write([1], to: "\(half)/disk-1.qcow2")
      _ = try await place.catalogue.add("\(place.folder)/disk.raw", name: nil) { _ in }
      #expect(!Files.exists(remains) && !Files.exists(half))
    }
  }

  /// What is written to while it is read gets no place in the store, and is taken when it is left alone.
  @Test func filesThatAreWrittenToAreNotTaken() async throws {
    try await withPlace { place in
      for name in ["disk.raw", "disk.vmdk"] {
        let path = "\(place.folder)/\(name)"
        // The same bytes in another file of that name.
        let bytes = try #require(Files.read(path))
        let error = await #expect(throws: UserError.self, "\(name)") {
          try await place.catalogue.add(path, name: "a") { _ in _ = try? Files.write(bytes, to: path) }
        }
        #expect(error?.message == "image \(path) was written to while it was read", "\(error?.message ?? "")")
        #expect(place.store == [] && place.catalogue.entries() == [], "\(name)")
      }
      _ = try await place.catalogue.add("\(place.folder)/disk.raw", name: "a") { _ in }
    }
  }

  /// A manifest beside a descriptor names files that no disk is in, such as a machine's NVRAM.
  @Test func manifestsBesideDescriptors() async throws {
    try await withPlace { place in
      let (path, manifest) = ("\(place.folder)/a.ovf", "\(place.folder)/a.mf")
      try Files.write(ApplianceTexts.descriptor(), to: path)
      try Files.write([1, 2, 3], to: "\(place.folder)/a.nvram")
      func refusal() async -> String {
        let error = await #expect(throws: UserError.self) { try await place.catalogue.add(path, name: nil) { _ in } }
        return error?.message ?? ""
      }
      try Files.write(Array("SHA1(a.nvram)= \(String(repeating: "0", count: 40))\n".utf8), to: manifest)
      #expect(await refusal().contains("a.nvram in it has sum "))
      let sum = try await sum([1, 2, 3], by: "sha256sum")
      let lines = ["SHA256(a.nvram)= \(sum)", "SHA256(a.nvram)= \(sum)"]
      #expect(try ApplianceManifest(Array(lines.joined(separator: "\n").utf8)).lines.count == 1)
      try Files.write(Array("\(lines[0])\nSHA256(b.iso)= \(sum)\n".utf8), to: manifest)
      #expect(await refusal().contains("lacks its file b.iso"))
      try Files.write(Array(lines.joined(separator: "\n").utf8), to: manifest)
      _ = try await place.catalogue.add(path, name: "a") { _ in }
      // One that is there and cannot be looked at is not as good as none.
      try Files.remove(manifest)
      try FileManager.default.createSymbolicLink(atPath: manifest, withDestinationPath: "/etc/hostname")
      #expect(throws: ImageFault("has a manifest a.mf that is no plain file", hint: PlainName.rule)) {
        try ApplianceFile(path: path)
      }
    }
  }

  /// The disks of a machine: over the store's, and empty; an image in use stays.
  @Test func machinesLieOverTheStore() async throws {
    try await withPlace { place in
      let path = try ova(place)
      var node = NodeDefinition(name: "vm1", kind: "vm")
      (node.image, node.disk) = (path, DiskDefinition(format: .qcow2))
      node.appliance = ApplianceDefinition(
        system: "a", configuration: nil,
        disks: [
          ApplianceDisk(file: "disk.vmdk", size: 0, bus: .sata), ApplianceDisk(file: nil, size: 4 << 20, bus: .ide),
        ],
        properties: [ApplianceProperty(key: "a", value: "<\"&\n>")])
      let environment = NodeEnvironment(lab: "l", directories: place.directories, variables: variables)
      let machine = VMNode(node, environment)
      try await machine.prepareDisk { _ in }
      let paths = environment.paths(of: "vm1")
      let backing = try #require(DiskOverlay.backing(of: paths.overlay))
      #expect(backing.hasPrefix("\(place.directories.dataRoot)/images/.store/"))
      #expect(Files.exists(paths.disk(2)) && Files.exists(paths.environment))
      // An empty disk that is another, such as one over an image, gives way, unless it is to persist.
      let empty = EmptyDisk.Header(of: paths.disk(2))
      let files = DiskFiles(number: 2)
      var disk = DiskDefinition(format: .qcow2)
      for persists in [true, false] {
        try Files.write(try #require(Files.read(paths.overlay)), to: paths.disk(2))
        disk.persist = persists
        let overlay = DiskOverlay(image: "", disk: disk, paths: paths, files: files)
        if persists {
          await #expect(throws: UserError.self) { try await overlay.prepareEmpty(size: 4 << 20, variables) }
        } else {
          try await overlay.prepareEmpty(size: 4 << 20, variables)
        }
      }
      #expect(empty?.size == 4 << 20 && EmptyDisk.Header(of: paths.disk(2)) == empty)
      // A record of it that was being written when we died is ours, too.
      try Files.write([1], to: "\(paths.dataDirectory)/.disk-2.image.0123abcd.new")
      let environmentText = OVFEnvironment(properties: node.appliance?.properties ?? [], node: "vm1").text
      #expect(environmentText.contains("oe:key=\"a\" oe:value=\"&lt;&quot;&amp;&#10;&gt;\""))
      let entry = try #require(place.catalogue.entries().first)
      #expect(entry.name == nil)
      let error = #expect(throws: UserError.self) { try place.catalogue.remove(entry.shownName) }
      #expect(error?.message.contains("is in use: the disk \(paths.overlay) lies over it") == true)
      // All of it is the node's, and goes.
      _ = try LabFiles.remove(node: paths)
      #expect(!Files.exists(paths.dataDirectory))
      // One that a saved lab needs stays, too.
      let saved = "\(place.directories.dataRoot)/saved/l-20260101000000"
      try FileManager.default.createDirectory(atPath: saved, withIntermediateDirectories: true)
      let nodes = "{\"machines\":[{\"node\":\"vm0\",\"disks\":[{}]},{\"disks\":[{\"path\":\"\(backing)\"}]}]}"
      try Files.write(Array(nodes.utf8), to: "\(saved)/nodes.json")
      let refusal = #expect(throws: UserError.self) { try place.catalogue.remove(entry.shownName) }
      #expect(refusal?.message.hasSuffix("is in use: the saved lab \(saved) needs it") == true)
      try Files.remove("\(saved)/nodes.json")
      _ = try place.catalogue.remove(entry.shownName)
      #expect(place.store == [])
    }
  }

  /// A stream-optimized image is unpacked for a lab that names its file; other kinds are used as they are.
  @Test func streamsAreUnpacked() async throws {
    try await withPlace { place in
      func base(_ name: String) async throws -> String? {
        var node = NodeDefinition(name: name, kind: "vm")
        (node.image, node.disk) = ("\(place.folder)/\(name).vmdk", DiskDefinition(format: .vmdk))
        let environment = NodeEnvironment(lab: "l", directories: place.directories, variables: variables)
        try await VMNode(node, environment).prepareDisk { _ in }
        return DiskOverlay.backing(of: environment.paths(of: name).overlay)
      }
      let (stream, flat) = (try await base("disk"), try await base("flat"))
      #expect(stream?.contains("/images/.store/") == true)
      #expect(flat == "\(place.folder)/flat.vmdk")
    }
  }
}

/// Lines of progress.
private final class Lines: Sendable {
  private let lines = Mutex<[String]>([])
  func add(_ line: String) { lines.withLock { $0.append(line) } }
  var all: [String] { lines.withLock { $0 } }
}
