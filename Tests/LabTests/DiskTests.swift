import Foundation
import LinuxHost
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
      try await seed.write(to: paths.seed, variables)
      let bytes = try #require(Files.read(paths.seed))
      // ISO 9660, ECMA-119 section 8.4: the primary volume descriptor is sector 16, its volume identifier at byte 40.
      #expect(String(decoding: bytes[(16 * 2048 + 40)..<(16 * 2048 + 46)], as: UTF8.self).lowercased() == "cidata")
      #expect(!Files.exists("\(paths.seed).files"))
    }
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
}
