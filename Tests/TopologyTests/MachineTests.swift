import Foundation
import Testing

@testable import Topology

@Suite("Machines")
struct MachineTests {
  private func lab(_ body: String, facts: TestFacts = .usual) throws -> CanonicalLab {
    let text = "version: 1\nname: test\n" + body
    #expect(rendered(text, facts: facts) == "")
    return try #require(load(text, facts: facts).lab)
  }

  @Test("an image's format is found from its bytes, and from its name when they say nothing")
  func formats() throws {
    let lab = try lab(
      """
      nodes:
        a: { kind: vm }
        b: { kind: vm, image: debian.qcow2 }
        c: { kind: vm, image: shared.vmdk }
        d: { kind: vm, image: { file: split.vmdk, format: vmdk } }
        e: { kind: vm, image: disk.img, persist: on }
        f: { kind: vm, image: { file: ./disk.bin, format: raw } }
      """)
    #expect(lab.nodes.map(\.disk?.format) == [nil, .qcow2, .vmdk, .vmdk, .raw, .raw])
    #expect(lab.nodes.map(\.disk?.persist) == [nil, false, false, false, true, false])
    let paths = ["/labs/debian.qcow2", "/images/shared.vmdk", "/labs/split.vmdk", "/labs/disk.img", "/labs/disk.bin"]
    #expect(lab.nodes.map(\.image) == ["builtin"] + paths)
  }

  @Test("a qcow2 image may be called as it likes; a raw disk that begins as one is one")
  func misleadingNames() throws {
    let facts = TestFacts(contents: ["/labs/cloud.img": [0x51, 0x46, 0x49, 0xFB]])
    let lab = try lab("nodes: { a: { kind: vm, image: cloud.img } }", facts: facts)
    #expect(lab.nodes[0].disk?.format == .qcow2)
  }

  @Test("a right sum passes, in either case of letters")
  func sums() throws {
    let sum = String(repeating: "aB", count: 32)
    let lab = try lab("nodes: { a: { kind: vm, image: { file: debian.qcow2, sha256: \(sum) } } }")
    #expect(lab.nodes[0].disk?.sha256 == sum.lowercased())
  }

  @Test("each image is looked at once, however many machines run it")
  func once() throws {
    final class Counter: LabFacts {
      nonisolated(unsafe) var heads = 0
      nonisolated(unsafe) var sums = 0
      let base = TestFacts.usual
      func fileExists(_ path: String) -> Bool { base.fileExists(path) }
      func head(of path: String, count: Int) -> [UInt8]? {
        heads += 1
        return base.head(of: path, count: count)
      }
      func sha256(of path: String) -> String? {
        sums += 1
        return base.sha256(of: path)
      }
      var imageDirectory: String { base.imageDirectory }
      let longestSocketPath = 107
      var hasKVM: Bool { true }
      func hostInterfaceExists(_ name: String) -> Bool { false }
      var availableMemory: UInt64? { nil }
    }
    let image = "{ file: debian.qcow2, sha256: \(String(repeating: "ab", count: 32)) }"
    let nodes = "  a[1-9]: { kind: vm, image: \(image) }\n  b: { kind: vm, image: \(image) }\n"
    let text = "version: 1\nname: test\nnodes:\n\(nodes)"
    let facts = Counter()
    let result = loadLab(source(Array(text.utf8)), directory: "/labs", facts: facts, environment: [:])
    #expect(result.lab?.nodes.count == 10)
    #expect(facts.heads == 1)
    #expect(facts.sums == 1)
  }

  @Test("cloud-init takes files and documents")
  func cloudInit() throws {
    let lab = try lab(
      """
      defaults: { image: debian.qcow2 }
      nodes:
        a:
          kind: vm
          cloud-init:
            meta-data: user-data.yaml
            user-data: |
              #!/bin/sh
              echo $${HOME}
        b: { kind: vm, cloud-init: {} }
        c: { kind: vm }
      """)
    #expect(lab.nodes[0].cloudInit?.metaData == .file("/labs/user-data.yaml"))
    #expect(lab.nodes[0].cloudInit?.userData == .text("#!/bin/sh\necho ${HOME}\n"))
    #expect(lab.nodes[0].cloudInit?.networkConfig == nil)
    #expect(lab.nodes[1].cloudInit == CloudInitDefinition())
    #expect(lab.nodes[2].cloudInit == nil)
  }

  @Test("ready and after")
  func order() throws {
    let lab = try lab(
      """
      vlans: { red: { id: 10, subnet: 10.0.0.0/24 } }
      switches: { sw1: {} }
      defaults: { ready: { timeout: 60s } }
      nodes:
        gw: { kind: netns }
        a: { kind: vm, after: [gw.started, b] }
        b: { kind: vm, ready: { tcp: 22, console: "login:", agent: on }, nics: { eth0: { switch: sw1, vlan: red } } }
        c: { kind: vm, after: b:ready }
      """)
    #expect(lab.nodes[0].ready == nil)
    #expect(lab.nodes[1].ready?.timeout == 60)
    #expect(lab.nodes[1].after?.map(\.node) == ["gw", "b"])
    #expect(lab.nodes[1].after?.map(\.state) == [.started, .ready])
    #expect(lab.nodes[2].ready?.timeout == 300)
    #expect(lab.nodes[2].ready?.tcp == 22)
    #expect(lab.nodes[2].ready?.console == "login:")
    #expect(lab.nodes[2].ready?.agent == true)
    #expect(lab.nodes[2].after == nil)
    #expect(lab.nodes[3].after?.map(\.state) == [.ready])
  }

  @Test("profiles bring machine keys; the node's own count as a whole")
  func profiles() throws {
    let lab = try lab(
      """
      defaults: { image: { file: disk.bin, format: raw }, persist: on }
      profiles: { host: { kind: vm, cloud-init: { user-data: user-data.yaml }, ready: { agent: on }, after: gw } }
      nodes:
        gw: { kind: tap }
        a: { profile: host }
        b: { profile: host, image: builtin, persist: off, ready: { timeout: 5s }, after: a }
      """)
    #expect(lab.nodes[1].disk?.persist == true)
    #expect(lab.nodes[1].cloudInit?.userData == .file("/labs/user-data.yaml"))
    #expect(lab.nodes[1].ready?.agent == true)
    #expect(lab.nodes[2].disk == nil)
    #expect(lab.nodes[2].cloudInit == nil)
    #expect(lab.nodes[2].ready?.agent == false)
    #expect(lab.nodes[2].after?.map(\.node) == ["a"])
  }

  @Test("a long chain of machines is no cycle, and a long cycle is shown by its beginning")
  func chains() throws {
    var text = "version: 1\nname: test\nnodes:\n  n0: { kind: vm }\n"
    for number in 1...5000 { text += "  n\(number): { kind: vm, after: n\(number - 1) }\n" }
    #expect(load(text).diagnostics.map(\.message) == [])
    let cycle = load(text.replacing("n0: { kind: vm }", with: "n0: { kind: vm, after: n5000 }"))
    let start = "start order has a cycle: n0 -> n5000 -> n4999 -> "
    #expect(cycle.diagnostics.map { $0.message.hasPrefix(start) && $0.message.hasSuffix(" -> … -> n0") } == [true])
  }

  @Test("a machine from an image survives JSON")
  func codable() throws {
    let machine = "kind: vm, image: debian.qcow2, cloud-init: {}, ready: { agent: on }, after: b"
    let lab = try lab("nodes: { a: { \(machine) }, b: { kind: tap } }")
    #expect(try JSONDecoder().decode(CanonicalLab.self, from: JSONEncoder().encode(lab)) == lab)
  }
}
