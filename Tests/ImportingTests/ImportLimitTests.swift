import Testing
import Topology

@testable import Importing

/// A few words of a stranger's file stand for many: there is an end of it, which is told.
struct ImportLimitTests {
  private func faults(_ lab: ForeignLab) -> [String] {
    do throws(ImportFaults) {
      var writer = LabFileWriter(lab, path: "x")
      let result = try writer.write()
      return ["written: \(result.text.utf8.count)"]
    } catch {
      return error.faults.map(\.message)
    }
  }

  @Test func textOfAliasesIsCounted() {
    let word = String(repeating: "x", count: 1 << 20)
    let text = "a: &a \(word)\nb: [\(Array(repeating: "*a", count: 70).joined(separator: ", "))]\n"
    let message = "the file has more than 64 MiB of text once its aliases are expanded"
    #expect {
      try ForeignYAML.read(Array(text.utf8), path: "x")
    } throws: { error in
      (error as? ForeignYAML.Fault)?.diagnostics.map(\.message) == [message]
    }
    let keys = "a: &a { ? \(word)\n : 1 }\nb: [\(Array(repeating: "*a", count: 3).joined(separator: ", "))]\n"
    #expect(throws: Never.self) { try ForeignYAML.read(Array(keys.utf8), path: "x") }
  }

  @Test func aLabFileHasAnEnd() {
    var lab = ForeignLab(tool: "t", name: "n")
    var node = ForeignNode(id: "x", name: "x", kind: .vm)
    let line = String(repeating: "x", count: 1 << 16)
    node.exec = (0..<200).map { _ in (line, nil) }
    lab.nodes = [node]
    #expect(lab.weight > 200 << 16)
    #expect(faults(lab) == ["the lab file would have more than 10 MiB"])
    // A namespace runs none of them, and a comment is short.
    lab.nodes[0].kind = .netns
    #expect(faults(lab).first?.hasPrefix("written: ") == true)
  }

  @Test func notesAreShort() {
    let long = String(repeating: "é", count: 100_000)
    let note = ImportNote(.lost, path: "p", line: 1, key: long, reason: long)
    #expect(note.key.unicodeScalars.count == 301)
    #expect(note.reason.hasSuffix("é…"))
    #expect(ImportNote(.lost, path: "p", line: 1, key: "k", reason: "r").reason == "r")
    #expect(ImportFault(path: "p", message: long).message.unicodeScalars.count == 301)
  }

  @Test func notesThatAreLeftOutAreCounted() {
    var findings = Findings(path: "p")
    for number in 0..<(Findings.mostNotes + 7) { findings.note(.changed, "k", line: number, "r") }
    #expect(findings.notes.count == Findings.mostNotes + 1)
    #expect(findings.notes.last?.reason == "7 more findings of this file are not told")
  }

  /// More values that do not validate than the reader tells at once.
  @Test func manyBadValuesAreLeftOut() throws {
    var lab = ForeignLab(tool: "t", name: "n")
    var node = ForeignNode(id: "x", name: "x", kind: .netns)
    var nic = ForeignNIC(name: "eth0")
    nic.addresses = ["10.0.0.1/24"]
    nic.routes = (0..<6000).map { ("192.0.\($0 / 200).\($0 % 200)/32", "10.9.9.9") }
    node.nics = [nic]
    lab.nodes = [node]
    var writer = LabFileWriter(lab, path: "x")
    let result = try writer.write()
    #expect(result.lab.nodes[0].nics[0].addresses.count == 1)
    #expect(result.notes.count == 6000)
  }

  /// Machines of every format, and NICs that no machine here can have.
  @Test func machinesFit() throws {
    var lab = ForeignLab(tool: "t", name: "n")
    lab.nodes = [0, 61].map { linked in
      var node = ForeignNode(id: "\(linked)", name: "r\(linked)", kind: .vm)
      node.nics = (0..<70).map { number in
        var nic = ForeignNIC(name: "e\(number)")
        if number >= 70 - linked { nic.segment = "s" }
        return nic
      }
      return node
    }
    var findings = Findings(path: "p")
    lab.fitMachines(&findings)
    #expect(lab.nodes.map(\.kind) == [.vm, .external])
    #expect(lab.nodes.map(\.nics.count) == [60, 61])
    #expect(lab.nodes[0].nics.last?.name == "e59")
    #expect(findings.notes.map(\.outcome) == [.lost, .changed])
  }

  @Test func namesOfTAPsAreUnique() {
    var lab = ForeignLab(tool: "t", name: "n")
    lab.nodes = (0..<3000).map { number in
      var node = ForeignNode(id: "\(number)", name: "tap", kind: .tap)
      node.nics = [ForeignNIC(name: "lo")]
      return node
    }
    let names = LabNames(lab, SegmentPlan(lab)).nics.flatMap { $0 }
    #expect(Set(names).count == 3000)
    #expect(names.first == "lo0")
    #expect(names.last == "lo2999")
  }
}
