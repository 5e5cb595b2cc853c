import Foundation
import Testing

@testable import Topology

@Suite("Captures")
struct CaptureTests {
  private func lab(_ body: String) throws -> CanonicalLab {
    let text = "version: 1\nname: test\n" + body
    #expect(rendered(text) == "")
    return try #require(load(text).lab)
  }

  @Test("every kind of target, and every key")
  func targets() throws {
    let lab = try lab(
      """
      switches: { sw1: {}, sw2: {} }
      nodes:
        a: { kind: netns, nics: { eth0: { switch: sw1 } } }
        b: { kind: netns }
        c: { kind: netns }
      links:
        - { name: wire1, ends: [a:eth1, b] }
        - { ends: [a:eth2, b:eth2] }
        - { ends: [sw1, sw2] }
        - { name: lan, ends: [a, b, c] }
      capture:
        - { on: a:eth0, file: x/a.pcapng }
        - { on: [a.eth0, wire1, "a:eth2--b:eth2", sw1--sw2, lan, sw2, b, c.eth0, all], file: /tmp/b.pcapng }
        - { on: all, file: c.pcapng, ring: 4x10M, snap: 256, filter: tcp port 80, direction: in }
      """)
    let captures = try #require(lab.captures)
    #expect(captures.map(\.file) == ["/labs/x/a.pcapng", "/tmp/b.pcapng", "/labs/c.pcapng"])
    #expect(captures[0] == CaptureDefinition(targets: [.port(node: "a", nic: "eth0")], file: "/labs/x/a.pcapng"))
    #expect(captures[0].snap == 262_144)
    #expect(captures[0].direction == nil)
    #expect(
      captures[1].targets == [
        .port(node: "a", nic: "eth0"), .link("wire1"), .link("a:eth2--b:eth2"), .link("sw1--sw2"), .switch("lan"),
        .switch("sw2"), .node("b"), .port(node: "c", nic: "eth0"), .all,
      ])
    #expect(captures[2].ring == CaptureDefinition.Ring(files: 4, size: 10 << 20))
    #expect(captures[2].snap == 256)
    #expect(captures[2].filter == "tcp port 80")
    #expect(captures[2].direction == .in)
    #expect(try JSONDecoder().decode(CanonicalLab.self, from: JSONEncoder().encode(lab)) == lab)
  }

  @Test("the recorder's size", arguments: [("8M", nil), ("512K", 524288), ("1G", 1 << 30), ("off", 0), ("8MiB", nil)])
  func recorder(_ text: String, _ size: Int?) throws {
    #expect(try lab("recorder: \(text)\n").recorderSize == size)
  }

  @Test("more captures than run at once")
  func tooMany() {
    let captures = (0..<49).map { "  - { on: all, file: \($0).pcapng }\n" }.joined()
    let result = load("version: 1\nname: test\nnodes: { a: { kind: netns } }\ncapture:\n\(captures)")
    #expect(result.diagnostics.map(\.code) == ["L009"])
  }

  @Test("a lab without captures says nothing of them")
  func none() throws {
    let lab = try lab("capture: []\n")
    #expect(lab.captures == nil)
    #expect(lab.recorderSize == nil)
    #expect(!String(decoding: try JSONEncoder().encode(lab), as: UTF8.self).contains("captures"))
  }
}
