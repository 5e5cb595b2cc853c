import Foundation
import LinuxHost
import Synchronization
import Testing
import Topology

@testable import Lab

/// Disks of machines from images; needs qemu-img and genisoimage.
@Suite struct DiskTests {
  private let variables = ProcessInfo.processInfo.environment

  private func withPaths(_ body: (NodePaths, String) async throws -> Void) async throws {
    try await withTemporaryDirectories { directories in
      let paths = NodePaths(directories: directories, lab: "l", node: "vm1")
      try LabFolders.makeData(paths)
      let image = "\(directories.dataRoot)/image.img"
      try Files.write([UInt8](repeating: 7, count: 1 << 20), to: image)
      try await body(paths, image)
    }
  }

  @Test func overlayLeavesTheImageAlone() async throws {
    try await withPaths { paths, image in
      let overlay = DiskOverlay(image: image, disk: DiskDefinition(format: .raw), paths: paths)
      try await overlay.prepare(variables)
      let info = try await HostTool.run(
        "qemu-img", ["info", "--output=json", paths.overlay], package: "qemu-utils", variables)
      #expect(info.contains(#""backing-filename-format": "raw""#) && info.contains(image))
      // Used again, not made again.
      let before = Files.read(paths.overlay)
      try await overlay.prepare(variables)
      #expect(Files.read(paths.overlay) == before)
    }
  }

  @Test func wrongChecksumIsSaidAndNothingIsMade() async throws {
    try await withPaths { paths, image in
      var disk = DiskDefinition(format: .raw)
      disk.sha256 = String(repeating: "0", count: 64)
      let overlay = DiskOverlay(image: image, disk: disk, paths: paths)
      let error = await #expect(throws: UserError.self) { try await overlay.prepare(variables) }
      #expect(error?.message.hasPrefix("the image \(image) has SHA-256 ") == true)
      #expect(!Files.exists(paths.overlay))
      var right = disk
      right.sha256 = String(try #require(error?.message.split(separator: " ")[5]).dropLast())
      try await DiskOverlay(image: image, disk: right, paths: paths).prepare(variables)
    }
  }

  @Test func missingImageAndForeignOverlay() async throws {
    try await withPaths { paths, image in
      let missing = DiskOverlay(image: "/nowhere.img", disk: DiskDefinition(format: .raw), paths: paths)
      await #expect(throws: UserError(.failed, "the image /nowhere.img is not there")) {
        try await missing.prepare(variables)
      }
      var disk = DiskDefinition(format: .raw)
      disk.persist = true
      try await DiskOverlay(image: image, disk: disk, paths: paths).prepare(variables)
      let other = "\(image).other.img"
      try Files.write([1], to: other)
      let error = await #expect(throws: UserError.self) {
        try await DiskOverlay(image: other, disk: disk, paths: paths).prepare(variables)
      }
      #expect(error?.message == "the disk \(paths.overlay) was made from \(image), not from \(other)")
      // What does not persist is made anew from the other image.
      try await DiskOverlay(image: other, disk: DiskDefinition(format: .raw), paths: paths).prepare(variables)
    }
  }

  /// Where an image lies and when it was written do not matter, what is in it does.
  @Test func imagesAreKnownByTheirContents() async throws {
    try await withPaths { paths, image in
      var disk = DiskDefinition(format: .raw)
      disk.persist = true
      let overlay = DiskOverlay(image: image, disk: disk, paths: paths)
      try await overlay.prepare(variables)
      let first = try #require(ImageIdentity.read(paths))
      #expect(first.size == 1 << 20)
      // The same bytes in another file, with another time, in the place of a symbolic link.
      try FileManager.default.moveItem(atPath: image, toPath: "\(image).1")
      try FileManager.default.copyItem(atPath: "\(image).1", toPath: "\(image).2")
      try FileManager.default.createSymbolicLink(atPath: image, withDestinationPath: "\(image).2")
      try await overlay.check(variables)
      try await overlay.prepare(variables)
      let renewed = try #require(ImageIdentity.read(paths))
      #expect(renewed.isSame(as: first) && renewed.stamp != first.stamp)

      let before = Files.read(paths.overlay)
      for (bytes, how) in [
        ([UInt8](repeating: 7, count: 1 << 20) + [7], "longer"), ([UInt8](repeating: 7, count: 1000), "shorter"),
        ([UInt8](repeating: 7, count: (1 << 20) - 1) + [8], "another byte"),
      ] {
        try Files.remove(image)
        try Files.write(bytes, to: image)
        for attempt in [{ try await overlay.check(variables) }, { try await overlay.prepare(variables) }] {
          let error = await #expect(throws: UserError.self, "\(how)") { try await attempt() }
          #expect(error?.code == .failed)
          #expect(
            error?.message.hasPrefix(
              "the disk \(paths.overlay) was made from another image than \(image) is now: then 1048576 bytes") == true)
          #expect(error?.hint?.contains("put the former image back, or remove the disk") == true)
        }
        #expect(Files.read(paths.overlay) == before)
        #expect(ImageIdentity.read(paths) == renewed)
      }
      // Back again.
      try Files.remove(image)
      try FileManager.default.copyItem(atPath: "\(image).1", toPath: image)
      try await overlay.prepare(variables)
      #expect(Files.read(paths.overlay) == before)
    }
  }

  /// Between the ends of a large image samples are looked at.
  @Test func largeImagesAreSampled() async throws {
    try await withPaths { _, image in
      let size = 256 << 20
      let file = try Descriptor.createFile(image)
      try file.truncate(to: UInt64(size))
      let first = try await ImageIdentity.of(image, known: nil, variables)
      #expect(try await ImageIdentity.of(image, known: first, variables) == first)
      // Each sample's beginning and the first one's end, both ends, what is last in the first MiB and first in the last.
      let part = (size - (2 << 20)) / 64
      let samples = (0..<64).map { (1 << 20) + $0 * part }
      for offset in samples + [(1 << 20) + (64 << 10) - 1, 0, (1 << 20) - 1, size - (1 << 20), size - 1] {
        let handle = try #require(FileHandle(forUpdatingAtPath: image))
        try handle.seek(toOffset: UInt64(offset))
        try handle.write(contentsOf: Data([1]))
        var stale = first
        stale.stamp.modified = 0
        #expect(try await !ImageIdentity.of(image, known: stale, variables).isSame(as: first), "\(offset)")
        try handle.seek(toOffset: UInt64(offset))
        try handle.write(contentsOf: Data([0]))
        #expect(try await ImageIdentity.of(image, known: stale, variables).isSame(as: first))
      }
    }
  }

  @Test func diskWithoutARecordGetsOneWithANote() async throws {
    try await withPaths { paths, image in
      var disk = DiskDefinition(format: .raw)
      disk.persist = true
      let overlay = DiskOverlay(image: image, disk: disk, paths: paths)
      let notes = Mutex<[String]>([])
      func prepare() async throws -> [String] {
        try await overlay.prepare(variables) { line in notes.withLock { $0.append(line) } }
        return notes.withLock { lines in
          defer { lines = [] }
          return lines
        }
      }
      #expect(try await prepare() == [])
      let before = try #require(Files.read(paths.overlay))
      for damage in [nil, [], Array("{".utf8)] as [[UInt8]?] {
        try Files.remove(paths.imageRecord)
        if let damage { try Files.write(damage, to: paths.imageRecord) }
        try await overlay.check(variables)
        #expect(
          try await prepare() == [
            "note: nothing told which image its disk was made from; \(image), as it is now, is taken for it"
          ])
        #expect(ImageIdentity.read(paths) != nil)
        #expect(try await prepare() == [])
        #expect(Files.read(paths.overlay) == before)
      }
    }
  }

  /// Written to in place where nobody looks: at least that it was written to is said.
  @Test func imageThatWasWrittenToIsSaid() async throws {
    try await withPaths { paths, image in
      try Files.write([UInt8](repeating: 0, count: 32 << 20), to: image)
      var disk = DiskDefinition(format: .raw)
      disk.persist = true
      let overlay = DiskOverlay(image: image, disk: disk, paths: paths)
      try await overlay.prepare(variables)
      let handle = try #require(FileHandle(forUpdatingAtPath: image))
      try handle.seek(toOffset: (1 << 20) + (100 << 10))
      try handle.write(contentsOf: Data([1]))
      let notes = Mutex<[String]>([])
      for _ in 0..<2 { try await overlay.prepare(variables) { line in notes.withLock { $0.append(line) } } }
      #expect(
        notes.withLock { $0 } == [
          "note: \(image) was written to since its disk was last used; what is looked at of it is as it was"
        ])
      // Where the first partition of most disks has what its file system notes down when it is mounted.
      try handle.seek(toOffset: (1 << 20) + 1024 + 49)
      try handle.write(contentsOf: Data([1]))
      await #expect(throws: UserError.self) { try await overlay.check(variables) }
    }
  }

  /// A link in the place of what is made new is replaced, not followed.
  @Test func seedAndDiskAreNotWrittenThroughLinks() async throws {
    try await withPaths { paths, image in
      let victim = "\(image).victim"
      try Files.write([9], to: victim)
      for path in [paths.seed, paths.imageRecord, paths.persistMark, "\(paths.overlay).new"] {
        try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: victim)
      }
      try await CloudInitSeed(CloudInitDefinition(), of: node("vm1", "vm"), lab: "l").write(paths, variables)
      var disk = DiskDefinition(format: .raw)
      disk.persist = true
      try await DiskOverlay(image: image, disk: disk, paths: paths).prepare(variables)
      #expect(Files.read(victim) == [9])
      let folder = try Folder(paths.dataDirectory)
      for name in ["seed.iso", "disk.image", "disk.persist", "disk.qcow2"] {
        #expect(try folder.kind(of: name) == .file, "\(name)")
      }
      #expect(try folder.kind(of: "disk.qcow2.new") == nil)
    }
  }

  /// A disk that lies elsewhere, behind a link: used where it is, and missed when it cannot be reached.
  @Test func diskBehindALink() async throws {
    try await withPaths { paths, image in
      let elsewhere = "\(image).disk"
      for persists in [true, false] {
        var disk = DiskDefinition(format: .raw)
        disk.persist = persists
        let overlay = DiskOverlay(image: image, disk: disk, paths: paths)
        try await overlay.prepare(variables)
        try FileManager.default.moveItem(atPath: paths.overlay, toPath: elsewhere)
        try FileManager.default.createSymbolicLink(atPath: paths.overlay, withDestinationPath: elsewhere)
        let before = Files.read(elsewhere)
        try await overlay.prepare(variables)
        #expect(Files.read(elsewhere) == before && Files.isSymbolicLink(paths.overlay))
        try FileManager.default.moveItem(atPath: elsewhere, toPath: "\(elsewhere).away")
        for attempt in [{ try await overlay.check(variables) }, { try await overlay.prepare(variables) }] {
          let error = await #expect(throws: UserError.self) { try await attempt() }
          #expect(error?.message == "the disk \(paths.overlay) is a symbolic link that leads nowhere")
        }
        #expect(Files.isSymbolicLink(paths.overlay))
        try Files.remove(paths.overlay)
        try Files.remove("\(elsewhere).away")
      }
    }
  }

  /// What does not persist begins anew over the new image, and says so.
  @Test func passingDiskOverAnotherImageIsMadeAnew() async throws {
    try await withPaths { paths, image in
      let overlay = DiskOverlay(image: image, disk: DiskDefinition(format: .raw), paths: paths)
      try await overlay.prepare(variables)
      try Files.write([1], to: image)
      try await overlay.check(variables)
      let notes = Mutex<[String]>([])
      try await overlay.prepare(variables) { line in notes.withLock { $0.append(line) } }
      #expect(notes.withLock { $0.count == 1 && $0[0].hasSuffix("it begins with a new disk") })
      #expect(ImageIdentity.read(paths)?.size == 1)
      let info = try await HostTool.run(
        "qemu-img", ["info", "--output=json", paths.overlay], package: "qemu-utils", variables)
      #expect(info.contains(#""virtual-size": 512"#), "\(info)")
    }
  }

  @Test func persistentDiskSurvivesTheLab() throws {
    try withTemporaryDirectories { directories in
      for name in ["keeps", "loses"] {
        let paths = NodePaths(directories: directories, lab: "l", node: name)
        try LabFolders.makeData(paths)
        for file in [paths.overlay, paths.imageRecord, paths.consoleLog] { try Files.write([1], to: file) }
      }
      let kept = NodePaths(directories: directories, lab: "l", node: "keeps")
      try Files.write([], to: kept.persistMark)
      #expect(try LabFiles.remove("l", in: directories) == FileRemoval(isSomething: true))
      #expect(Files.names(in: directories.data("l")) == [".apus", "keeps"])
      #expect(Files.names(in: kept.dataDirectory) == [".apus", "disk.image", "disk.persist", "disk.qcow2"])
      #expect(try LabFiles.remove("l", in: directories) == FileRemoval())
      #expect(!LabFiles.areThere("l", in: directories))
    }
  }

  @Test func seedHasTheNodesAddresses() async throws {
    try await withPaths { paths, _ in
      var first = nic("eth0", addresses: ["10.0.0.1/24", "fd00::1/64"])
      first.gateway = "10.0.0.254"
      var second = nic("eth1", mac: "02:00:00:00:00:02")
      second.addresses = [AddressDefinition(address: "10.0.20.1/24", vlan: 20)]
      second.routes = [RouteDefinition(to: "10.9.0.0/16", via: "10.0.20.254")]
      let seed = try CloudInitSeed(CloudInitDefinition(), of: node("vm1", "vm", [first, second]), lab: "l")
      let json = try JSONSerialization.jsonObject(with: Data(seed.networkConfig)) as? NSDictionary
      let expected: NSDictionary = [
        "version": 2,
        "ethernets": [
          "eth0": [
            "match": ["macaddress": "02:00:00:00:00:01"], "set-name": "eth0", "dhcp4": false, "dhcp6": false,
            "addresses": ["10.0.0.1/24", "fd00::1/64"], "routes": [["to": "0.0.0.0/0", "via": "10.0.0.254"]],
          ],
          "eth1": [
            "match": ["macaddress": "02:00:00:00:00:02"], "set-name": "eth1", "dhcp4": false, "dhcp6": false,
            "addresses": [String](), "routes": [[String: String]](),
          ],
        ],
        "vlans": [
          "eth1.20": [
            "id": 20, "link": "eth1", "addresses": ["10.0.20.1/24"],
            "routes": [["to": "10.9.0.0/16", "via": "10.0.20.254"]],
          ]
        ],
      ]
      #expect(json == expected)
      #expect(String(decoding: seed.metaData, as: UTF8.self).hasSuffix("\nlocal-hostname: vm1\n"))
      try await seed.write(paths, variables)
      let bytes = try #require(Files.read(paths.seed))
      // ISO 9660, ECMA-119 section 8.4: the primary volume descriptor is sector 16, its volume identifier at byte 40.
      #expect(String(decoding: bytes[(16 * 2048 + 40)..<(16 * 2048 + 46)], as: UTF8.self).lowercased() == "cidata")
      #expect(!Files.exists("\(paths.seed).files"))
    }
  }

  @Test(arguments: [(NICModel.virtio, false), (.e1000, false), (.e1000e, true), (.vmxnet3, true), (.rtl8139, false)])
  func seedKeepsNICsFromFragmenting(model: NICModel, isTold: Bool) async throws {
    try await withPaths { paths, _ in
      var card = nic("eth1", mac: "02:00:00:00:00:02")
      card.model = model
      let plain = try CloudInitSeed(CloudInitDefinition(), of: node("vm1", "vm", [nic(), nic("eth1")]), lab: "l")
      #expect(plain.vendorData == nil)
      let seed = try CloudInitSeed(CloudInitDefinition(), of: node("vm1", "vm", [nic(), card]), lab: "l")
      let text = seed.vendorData.map { String(decoding: $0, as: UTF8.self) }
      #expect((text != nil) == isTold)
      if let text { #expect(text.hasPrefix("#cloud-boothook\n#!/usr/bin/env python3\n")) }
      // Another instance for cloud-init only where it is told something else.
      let other = try CloudInitSeed(
        CloudInitDefinition(), of: node("vm1", "vm", [nic(), nic("eth1", mac: "02:00:00:00:00:02")]), lab: "l")
      #expect((other.metaData != seed.metaData) == isTold)
      try await seed.write(paths, variables)
      let words = Files.read(paths.seed).map { String(decoding: $0, as: UTF8.self).contains("ETHTOOL_STSO") }
      #expect(words == isTold)
      #expect(!Files.exists("\(paths.seed).files"))
    }
  }

  @Test func seedHasEachRouteOnItsInterface() throws {
    var nic = nic("uplink-of-site1", addresses: ["192.0.2.7/32"])
    nic.attachment = .switchPort(switch: "sw1", mode: .trunk(allowed: [1...4094], native: 1))
    nic.addresses.append(AddressDefinition(address: "fd00::1/64", vlan: 20))
    var onLink = RouteDefinition(to: "default", via: "198.51.100.1")
    onLink.metric = 50
    onLink.isOnLink = true
    nic.gateway = "fe80::1"
    nic.routes = [onLink, RouteDefinition(to: "fd09::/16", via: "fd00::2"), onLink]
    let bytes = CloudInitSeed.network(node("vm1", "vm", [nic]))
    let json = try JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any]
    let plain = (json?["ethernets"] as? [String: [String: Any]])?["uplink-of-site1"]
    #expect(
      plain?["routes"] as? NSArray == [
        ["to": "::/0", "via": "fe80::1"],
        ["to": "0.0.0.0/0", "via": "198.51.100.1", "metric": 50, "on-link": true],
      ] as NSArray)
    // The name of a subinterface is one that Linux takes.
    let name = nic.interfaceName(vlan: 20)
    #expect(name.utf8.count <= 15 && name != "uplink-of-site1.20")
    let tagged = (json?["vlans"] as? [String: [String: Any]])?[name]
    #expect(tagged?["link"] as? String == "uplink-of-site1")
    #expect(tagged?["routes"] as? NSArray == [["to": "fd09::/16", "via": "fd00::2"]] as NSArray)
  }

  @Test func otherDocumentsAreAnotherInstance() throws {
    var definition = CloudInitDefinition()
    let plain = try CloudInitSeed(definition, of: node("vm1", "vm"), lab: "l")
    definition.userData = .text("#cloud-config\nruncmd: [ls]\n")
    let other = try CloudInitSeed(definition, of: node("vm1", "vm"), lab: "l")
    #expect(plain.metaData != other.metaData)
    definition.metaData = .text("instance-id: mine\n")
    #expect(
      try CloudInitSeed(definition, of: node("vm1", "vm"), lab: "l").metaData == Array("instance-id: mine\n".utf8))
    definition.userData = .file("/nowhere")
    #expect(throws: UserError(.failed, "node vm1: cannot read its user-data, /nowhere")) {
      try CloudInitSeed(definition, of: node("vm1", "vm"), lab: "l")
    }
  }

  /// By its NICs: the network configuration, and whether its instance is that of one which does not say `optional`.
  @Test(
    arguments: [
      ("switch wire none", ["eth1", "eth1.7", "eth2"]),
      // systemd-networkd-wait-online never ends where it has nothing to wait for.
      ("wire wire", []), ("wire none", ["eth1", "eth1.7"]), ("none none", []), ("switch switch", []),
    ])
  func bootsDoNotWaitForWiresWithoutAnotherEnd(kinds: String, optional: [String]) throws {
    let nics = kinds.split(separator: " ").enumerated().map { index, kind in
      var nic = nic("eth\(index)", mac: "02:00:00:00:00:0\(index)")
      switch String(kind) {
      case "wire": nic.attachment = .wire(link: "w\(index)")
      case "none": nic.attachment = .none
      default: nic.attachment = .switchPort(switch: "sw1", mode: .access(1))
      }
      if index == 1 { nic.addresses = [AddressDefinition(address: "10.0.7.1/24", vlan: 7)] }
      return nic
    }
    let machine = node("vm1", "vm", nics)
    let seed = try CloudInitSeed(CloudInitDefinition(), of: machine, lab: "l")
    let json = try JSONSerialization.jsonObject(with: Data(seed.networkConfig)) as? [String: Any]
    var found: [String] = []
    for key in ["ethernets", "vlans"] {
      let interfaces = json?[key] as? [String: [String: Any]] ?? [:]
      for (name, values) in interfaces where values["optional"] as? Bool == true { found.append(name) }
    }
    #expect(found.sorted() == optional)
    // A machine that was made when nothing of this was told is still the same instance.
    let told = CloudInitSeed.network(machine, tellsWaiting: false)
    let instance = String(StableHash.of(seed.userData + told), radix: 36)
    #expect(String(decoding: seed.metaData, as: UTF8.self).hasPrefix("instance-id: l-vm1-\(instance)\n"))
    #expect(!String(decoding: told, as: UTF8.self).contains("optional"))
  }
}
