import Testing
import Topology

/// A file with a mistake, and word for word what is said about it.
struct Example: Sendable, CustomTestStringConvertible {
  var code: String
  var title: String
  var facts: TestFacts
  var text: String
  var expected: String

  init(_ code: String, _ title: String, facts: TestFacts = .usual, text: String, expected: String) {
    self.code = code
    self.title = title
    self.facts = facts
    self.text = text
    self.expected = expected
  }

  /// The words of the kinds of nodes, which grow.
  static let kinds = NodeKind.all.map(\.word).joined(separator: ", ")

  var testDescription: String { "\(code): \(title)" }

  static let all =
    syntax + values + names + references + addressing + routes + contradictions + impairments + profiles + host
    + machines + containers + images + appliances + captures + http + impossible + impossibleMachines + models
    + boot + dhcp + setups + unaware + access
}

extension TestFacts {
  /// A host with some files and one interface.
  static let usual = TestFacts(
    files: ["/labs/tftp/boot.ipxe", "/labs/locked.qcow2", "/labs/user-data.yaml", "/labs/user-data.d"],
    contents: [
      "/labs/debian.qcow2": [0x51, 0x46, 0x49, 0xFB, 0, 0, 0, 3], "/images/shared.vmdk": Array("KDMV....".utf8),
      "/labs/split.vmdk": Array("# Disk DescriptorFile\nversion=1\n".utf8), "/labs/disk.img": [0xEB, 0x63, 0x90, 0],
      "/labs/disk.bin": [0xEB, 0x63, 0x90, 0], "/labs/page.qcow2": Array("<!DOCTYPE html>".utf8),
      "/labs/empty.raw": [],
    ],
    sums: ["/labs/debian.qcow2": String(repeating: "ab", count: 32)],
    interfaces: ["tap-taken", "tap-a.20"], usedInterfaces: ["nic-used", "nic-used2"], stateDirectory: "/run/apus",
    missingFolders: ["/missing", "/no such folder", "/labs/tfpt"],
    kinds: [
      "/labs/tftp": .folder, "/labs/boot.ipxe": .file, "/labs/user-data.d": .folder, "/labs/notes.txt": .file,
      "/labs/captures": .folder,
    ],
    ownerMistakes: ["nobody-knows": "this host has no user nobody-knows"],
    filterMistakes: ["tcp prt 80": "syntax error"])
  /// A host with little memory and no KVM.
  static let slow = TestFacts(hasKVM: false, availableMemory: 200 << 20, totalMemory: 400 << 20)
}
