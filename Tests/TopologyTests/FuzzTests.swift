import Foundation
import TestSupport
import Testing

@testable import Topology

@Suite("Bad bytes")
struct FuzzTests {
  /// Loads bytes, and renders whatever is said about them.
  private func survive(_ bytes: [UInt8]) -> LoadResult {
    let result = load(bytes: bytes, facts: .usual)
    for diagnostic in result.diagnostics { _ = diagnostic.rendered(source: source(bytes)) }
    #expect((result.lab == nil) == result.hasErrors)
    #expect(result.diagnostics.count { $0.severity == .error } <= 50)
    return result
  }

  @Test("mutated files are refused or loaded, never a trap", arguments: 1...8)
  func mutations(_ seed: UInt64) throws {
    var random = SeededRandom(seed: seed)
    let seeds = Self.corpus
    for _ in 0..<400 {
      var bytes = try #require(seeds.randomElement(using: &random))
      for _ in 0..<Int.random(in: 1...6, using: &random) { mutate(&bytes, seeds, &random) }
      _ = survive(bytes)
    }
  }

  /// Files with mistakes, and one with every part of the format.
  private static let corpus = (Example.all.map(\.text) + Array(repeating: whole, count: 20)).map { Array($0.utf8) }

  /// Every key of the format, and some values.
  private static let words =
    ([LabSchema.top] + LabSchema.definitions).flatMap(\.readable).map { "\($0): " }
    + [
      "all", "default", "1-4094", "[1-3]", "vm1", "sw1", "dsl", "-> ", "0%", "1e9", "10.0.0.0/8", "::/0",
      "99999999999s", "4x10M", "vm1.ready", "probe:started", "off", "debian.qcow2", "wire1",
    ]

  private func mutate(_ bytes: inout [UInt8], _ seeds: [[UInt8]], _ random: inout SeededRandom) {
    let place = Int.random(in: 0...bytes.count, using: &random)
    let end = min(bytes.count, place + Int.random(in: 0...12, using: &random))
    switch Int.random(in: 0..<8, using: &random) {
    case 0: bytes.insert(UInt8.random(in: 0...255, using: &random), at: place)
    case 1: bytes.removeSubrange(place..<end)
    case 2: bytes.insert(contentsOf: bytes[place..<end], at: place)
    case 3 where !bytes.isEmpty:
      let bit = UInt8(1) << UInt8.random(in: 0..<8, using: &random)
      bytes[Int.random(in: bytes.indices, using: &random)] ^= bit
    case 4:
      let tokens = [
        "[", "]", "{", "}", ": ", "- ", "\n", "&a ", "*a", "${", "\"", "'", "|\n", "? ", "!!int ", "<<: ", "#", "\t",
        "---\n",
      ]
      bytes.insert(contentsOf: (tokens.randomElement(using: &random) ?? "").utf8, at: place)
    case 5: bytes.replaceSubrange(place..<end, with: (Self.words.randomElement(using: &random) ?? "").utf8)
    case 6: swapLines(&bytes, &random)
    default:
      guard let other = seeds.randomElement(using: &random) else { return }
      let from = Int.random(in: 0...other.count, using: &random)
      bytes.replaceSubrange(place..<end, with: other[from..<min(other.count, from + 40)])
    }
  }

  /// Puts a line in the place of another, so that sections and keys meet where they do not belong.
  private func swapLines(_ bytes: inout [UInt8], _ random: inout SeededRandom) {
    var lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    lines.swapAt(
      Int.random(in: lines.indices, using: &random), Int.random(in: lines.indices, using: &random))
    bytes = Array(lines.joined(separator: [UInt8(ascii: "\n")]))
  }

  @Test("the file that is mutated is a lab")
  func wholeFile() { #expect(rendered(Self.whole, facts: .usual) == "") }

  @Test("a long line is read in the time of a short one a value")
  func longLine() throws {
    let vlans = Array(repeating: "'5'", count: 100_000).joined(separator: ", ")
    let nic = "eth0: { switch: sw1, trunk: [\(vlans)] }"
    let text = "version: 1\nname: x\nswitches: { sw1: }\nnodes: { a: { kind: netns, nics: { \(nic) } } }\n"
    let lab = try #require(survive(Array(text.utf8)).lab)
    #expect(
      lab.nodes[0].nics[0].attachment == .switchPort(switch: "sw1", mode: .trunk(allowed: [5...5], native: nil)))
  }

  @Test("random bytes", arguments: 1...4)
  func noise(_ seed: UInt64) {
    var random = SeededRandom(seed: seed &+ 100)
    for _ in 0..<200 {
      let count = Int.random(in: 0...200, using: &random)
      _ = survive((0..<count).map { _ in UInt8.random(in: 0...255, using: &random) })
    }
  }

  @Test("invalid UTF-8 is named with its place")
  func invalidUTF8() {
    let result = survive(Array("version: 1\nname: ".utf8) + [0x61, 0xC3, 0x28, 0x0A])
    #expect(result.diagnostics.map(\.message) == ["the text is not valid UTF-8 here"])
    #expect(result.diagnostics.map(\.line) == [2])
    #expect(result.diagnostics.map(\.column) == [8])
    #expect(survive([0x61, 0x00]).diagnostics.map(\.message) == ["character U+0000 is not allowed in YAML"])
  }

  @Test("more than 10 MB is refused before it is parsed")
  func large() {
    let result = survive(Array(repeating: UInt8(ascii: "a"), count: YAMLReader.largestSize + 1))
    #expect(result.diagnostics.map(\.message) == ["the file has 10485761 bytes; at most 10485760 are read"])
  }

  @Test("deep nesting in every notation", arguments: [65, 900, 100_000])
  func deep(_ depth: Int) {
    let flow = String(repeating: "[", count: depth)
    let mappings = String(repeating: "{a: ", count: depth)
    let block = String(repeating: "- ", count: depth) + "a"
    let closed = flow + String(repeating: "]", count: depth)
    for text in [flow, mappings, block, closed] {
      let codes = survive(Array("version: 1\nname: x\nnodes:\n  \(text)\n".utf8)).diagnostics.map(\.code)
      #expect(codes == ["L009"] || codes == ["L001"], "\(text.prefix(20)) \(depth)")
    }
  }

  @Test("aliases that would expand without end")
  func aliasBomb() {
    var text = "version: 1\nname: x\na0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
    for level in 1...12 {
      let list = Array(repeating: "*a\(level - 1)", count: 10).joined(separator: ", ")
      text += "a\(level): &a\(level) [\(list)]\n"
    }
    #expect(survive(Array(text.utf8)).diagnostics.contains { $0.message.contains("once its aliases are expanded") })
    let asKey = survive(Array((text + "? *a12\n: x\n").utf8))
    #expect(asKey.diagnostics.map(\.code) == ["L009"])
    #expect(survive(Array((text + "*a12 : x\n").utf8)).diagnostics.map(\.code) == ["L009"])
  }

  @Test("anchors behind line breaks beyond ASCII", arguments: ["\u{85}", "\u{2028}", "\u{2029}"])
  func aliasesBehindOtherBreaks(_ lineBreak: String) {
    var text = "a:\(lineBreak)&a [x]\n"
    text += "b: [\(Array(repeating: "*a", count: 17).joined(separator: ", "))]\n"
    #expect(!AliasGuard.accepts((text + "? [y]\n: x\n").utf8))
    #expect(AliasGuard.accepts((text + "y: x\n").utf8))
  }

  @Test("a small file with ranges stays a small lab")
  func rangeBomb() {
    var text = "version: 1\nname: x\nnodes:\n"
    for number in 0..<1000 { text += "  n\(number)-[1-4096]: { kind: netns, nics: { eth0: {} } }\n" }
    let result = survive(Array(text.utf8))
    #expect(
      result.diagnostics.map(\.message) == ["ranges stand for more than 100000 nodes, NICs and addresses"])
  }

  @Test("a node with thousands of links, and thousands of names like none, take a moment only")
  func crowds() throws {
    var text = "version: 1\nname: x\nnodes:\n  hub: { kind: netns }\n"
    for number in 0..<4000 { text += "  n\(number): { kind: netns }\n" }
    text += "links:\n"
    let links = (0..<4000).map { "  - { ends: [hub, n\($0)] }\n" }
    let lab = try #require(survive(Array((text + links.joined()).utf8)).lab)
    #expect(lab.nodes[0].nics.count == 4000)
    let wrong = links.map { $0.replacing(", n", with: ", m") }
    let result = survive(Array((text + wrong.joined()).utf8))
    #expect(result.diagnostics.first?.hint?.hasPrefix("did you mean \"n0\"?") == true)
    #expect(result.diagnostics.last?.message == "3950 more errors are not shown")
  }

  @Test("a thousand nodes load")
  func manyNodes() throws {
    var text = "version: 1\nname: big\nvlans: { red: { id: 10, subnet: 10.0.0.0/16 } }\nswitches: { sw1: {} }\n"
    text += "nodes:\n  n[1-1000]: { kind: netns, nics: { eth0: { switch: sw1, vlan: red } } }\nlinks:\n"
    for number in 1...999 { text += "  - { ends: [n\(number), n\(number + 1)] }\n" }
    let lab = try #require(survive(Array(text.utf8)).lab)
    #expect(lab.nodes.count == 1000)
    #expect(lab.links.count == 999)
    #expect(Set(lab.nodes.flatMap(\.nics).map(\.mac)).count == 2998)
  }
}
