import Foundation
import Testing

@testable import Topology

/// The rows of the kinds of nodes, and what is said of them elsewhere.
@Suite struct NodeKindTests {
  private let kinds = NodeKind.all.map(\.word)

  @Test("every word is one row, and no row is of an unknown kind")
  func words() {
    #expect(Set(kinds).count == kinds.count)
    for kind in NodeKind.all + NodeKind.implied { #expect(NodeKind.named(kind.word) == kind) }
    #expect(NodeKind.implied.filter { kinds.contains($0.word) }.isEmpty)
    #expect(NodeKind.named("") == nil)
    #expect(NodeDefinition(name: "n", kind: "of-another-version").traits == .unknown)
    #expect(NodeKind.words("or") { $0.sends } == "vm, netns, tap or container")
    #expect(NodeKind.words("and") { $0.executes } == "vm, netns and container")
    #expect(NodeKind.words("or") { $0.isOnHost } == "tap or nic")
    #expect(NodeKind.words("or") { _ in false } == "")
  }

  @Test("a row's keys are keys of a node or a NIC")
  func keys() {
    for kind in NodeKind.all {
      #expect(kind.keys.filter { LabSchema.node.key($0) == nil } == [], "\(kind.word)")
      #expect(kind.nicKeys.filter { LabSchema.nic.key($0) == nil } == [], "\(kind.word)")
    }
  }

  @Test("docs/lab-file.md has every kind, and the kinds of every key")
  func documented() throws {
    let page = try String(contentsOfFile: Repository.path("docs/lab-file.md"), encoding: .utf8)
    #expect(kinds.filter { !page.contains("\n| `\($0)` | ") } == [], "what each kind is")
    let nodes = try rows(of: "### nodes", in: page)
    let named = kinds.filter { nodes["kind"]?.last?.contains("`\($0)`") ?? false }
    #expect(named == kinds, "the values of `kind`")
    try compare(nodes, LabSchema.node) { NodeKind.having(key: $0) }
    try compare(try rows(of: "### nics", in: page), LabSchema.nic) { NodeKind.having(nicKey: $0) }
  }

  /// Compares the column of kinds with the rows.
  private func compare(
    _ rows: [String: [String]], _ schema: ObjectSchema, _ having: (String) -> [NodeKind]?
  ) throws {
    for key in schema.readable where key != "kind" {
      let kinds = having(key)?.map { "`\($0.word)`" }.joined(separator: ", ") ?? "all"
      #expect(rows[key]?.first == kinds, "kinds of \(key)")
    }
  }

  /// The first table under a heading whose second column is `kinds`: columns by key.
  private func rows(of heading: String, in page: String) throws -> [String: [String]] {
    let start = try #require(page.range(of: "\n\(heading)\n"))
    let lines = page[start.upperBound...].split(separator: "\n", omittingEmptySubsequences: false)
    let table = lines.drop { !$0.hasPrefix("| key | kinds |") }.dropFirst(2).prefix { $0.hasPrefix("|") }
    var rows: [String: [String]] = [:]
    for line in table {
      let cells = line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
      let keys = cells[0].split(separator: ",").map { $0.trimmingCharacters(in: CharacterSet(charactersIn: " `")) }
      for key in keys { rows[key] = Array(cells.dropFirst()) }
    }
    return rows
  }
}
