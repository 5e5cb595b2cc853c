import Foundation
import Testing

@testable import Topology

@Suite("Diagnostics")
struct DiagnosticTests {
  @Test("says exactly this", arguments: Example.all)
  func example(_ example: Example) {
    #expect(rendered(example.text, facts: example.facts) == example.expected)
    #expect(example.expected.contains("[\(example.code)]"))
  }

  @Test("every code has an example")
  func everyCode() {
    let shown = Set(Example.all.map(\.code))
    #expect(DiagnosticCode.allCases.map(\.rawValue).filter { !shown.contains($0) } == [])
  }

  @Test("every code is described in docs/lab-file.md")
  func documented() throws {
    let page = try String(contentsOfFile: Repository.path("docs/lab-file.md"), encoding: .utf8)
    #expect(DiagnosticCode.allCases.map(\.rawValue).filter { !page.contains("| `\($0)` |") } == [])
  }

  @Test("an unset variable is an error only without a default")
  func environment() throws {
    let text = """
      version: 1
      name: ${LAB:-fallback}
      nodes: { "a": { kind: "${KIND}", memory: "${SIZE:-96}M" } }
      """
    let lab = try #require(load(text, environment: ["KIND": "vm", "SIZE": ""]).lab)
    #expect(lab.name == "fallback")
    #expect(lab.nodes.map(\.kind) == ["vm"])
    #expect(lab.nodes.map(\.memory) == [96 << 20])
    #expect(load(text, environment: ["KIND": "vm", "LAB": "other", "SIZE": "128"]).lab?.name == "other")
  }

  @Test("a lab's files never lie where the images are")
  func labCalledImages() {
    #expect(load("version: 1\nname: images\n").diagnostics.map(\.code) == ["L101"])
  }

  @Test("variables stand in keys too, so that a range can grow")
  func environmentInKeys() throws {
    let text = "version: 1\nname: l\nnodes:\n  host[1-${HOSTS:-2}]: { kind: netns }\n"
    #expect(load(text).lab?.nodes.map(\.name) == ["host1", "host2"])
    #expect(load(text, environment: ["HOSTS": "3"]).lab?.nodes.count == 3)
    let unset = load("version: 1\nname: l\nnodes:\n  ${NAME}: { kind: netns }\n")
    #expect(unset.diagnostics.map(\.code) == ["L011"])
  }

  @Test("$${ stands for ${")
  func literalDollar() {
    let result = load("version: 1\nname: \"$${x}$y\"\n")
    #expect(result.diagnostics.map(\.message) == ["lab name \"${x}$y\" is not valid"])
  }

  @Test("at most fifty errors, the rest counted")
  func limit() {
    let links = (1...60).map { "  - { ends: [x\($0), y] }" }.joined(separator: "\n")
    let result = load("version: 1\nname: test\nlinks:\n\(links)\n")
    #expect(result.diagnostics.count { $0.severity == .error } == 50)
    #expect(result.diagnostics.last?.severity == .note)
    #expect(result.diagnostics.last?.message == "70 more errors are not shown")
    #expect(result.diagnostics.last?.code == "L009")
  }

  @Test("errors come in file order")
  func order() {
    let result = load("nodes: { a: { kind: x } }\nswitches: { B: {} }\nname: test\nversion: 9\n")
    #expect(result.diagnostics.map(\.line) == [1, 2, 4])
    #expect(result.lab == nil)
  }

  @Test("a long line is shown as a window around the place")
  func longLine() throws {
    let padding = String(repeating: " ", count: 300)
    let text = "version: 1\nname: test\nnodes: { a: \(padding){ kind: bus } }\(padding)"
    let lines = rendered(text).split(separator: "\n")
    #expect(
      lines[0] == "test.lab.yaml:3:321: error[L006]: \"kind\" must be one of \(Example.kinds), found \"bus\"")
    #expect(lines[1].hasSuffix("{ kind: bus } }" + String(repeating: " ", count: 73)))
    let caret = try #require(lines[2].firstIndex(of: "^"))
    let place = lines[2].distance(from: lines[2].startIndex, to: caret)
    #expect(lines[1].dropFirst(place).hasPrefix("bus"))
  }

  @Test("control characters of the file do not reach the terminal")
  func controls() {
    let text = "version: 1\nname: \"\\e[31m\\u202E\"\n"
    let message = load(text).diagnostics.first?.message
    #expect(message == "lab name \"\u{FFFD}[31m\u{FFFD}\" is not valid")
  }

  @Test("columns count Unicode scalars, tabs stay tabs in the caret line")
  func columns() {
    let text = "version: 1\nname: test\n\"größe\":\t{ }\n"
    let expected = """
      test.lab.yaml:3:1: error[L003]: unknown key "größe" in lab
          3 | "größe":\t{ }
            | ^^^^^^^ valid: version, name, workers, http, defaults, profiles, vlans, port-profiles, switches, nodes, links, impairments, access, capture, recorder, tests
      """
    #expect(rendered(text) == expected)
    let tabbed = "version: 1\nname:\t7x_\n"
    #expect(rendered(tabbed).hasSuffix("      |      \t^^^ names are 1 to 63 of a-z 0-9 -, with no - at either end"))
  }

  @Test("JSON has stable keys")
  func json() throws {
    let result = load("version: 2\nname: test\n")
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    let text = String(decoding: try encoder.encode(result.diagnostics), as: UTF8.self)
    #expect(
      text == """
        [{"code":"L008","column":10,"file":"test.lab.yaml","length":1,"line":1,"message":"this file needs format \
        version 2; this program knows 1","path":"test.lab.yaml","severity":"error"}]
        """)
  }

  @Test("JSON has notes where there are some")
  func jsonNotes() throws {
    let result = load("version: 1\nname: test\nvlans: { red: 10, pink: 10 }\n")
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    let text = String(decoding: try encoder.encode(result.diagnostics), as: UTF8.self)
    #expect(
      text.contains(
        """
        "notes":[{"column":15,"length":2,"line":3,"message":"VLAN red has it here"}],"path"
        """))
  }

  @Test("at most six notes, none twice, none at the finding's own place")
  func notes() {
    let reporter = Reporter(path: "x")
    let place = Span(line: 1, column: 1)
    for line in [1, 2, 2, 3, 4, 5, 6, 7, 8, 9] {
      let note = Diagnostic.Note("here", at: Span(line: line, column: 1))
      reporter.error(.loop, place, "message", notes: [note])
    }
    #expect(reporter.sorted().map { $0.notes.map(\.line) } == [[2, 3, 4, 5, 6, 7]])
  }

  @Test("control characters that no quotes surround do not reach the terminal")
  func bareControls() {
    let result = load("version: 1\nname: test\nvlans: { \"\\e[1m\": 10, \"b\\e\": 10 }\n")
    let texts = result.diagnostics.flatMap { [$0.message, $0.hint ?? ""] + $0.notes.map(\.message) }
    #expect(texts.contains { $0.contains("both have id 10") })
    #expect(!texts.contains { $0.contains("\u{1B}") })
  }
}
