import Dataplane
import FoundationEssentials
import Testing
import Topology

@testable import Control

/// docs/commands.md, and the reasons of docs/user-guide.md, against what is served.
@Suite struct DocumentationTests {
  private func documentation(_ page: String = "commands") throws -> [Substring] {
    let path = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../docs/\(page).md").path
    return String(decoding: try Data(contentsOf: URL(filePath: path)), as: UTF8.self).split(separator: "\n")
  }

  @Test func everyRouteAndQueryKeyIsThere() throws {
    let lines = try documentation().filter { $0.hasPrefix("| `") }
    for row in ControlServer(service: FixedLab(), socket: "/", onEnd: { _ in }).routes().map(\.row) {
      let path = row.parameter.map { row.path.replacing("{\($0)}", with: $0.uppercased()) } ?? row.path
      let title = "`\(row.method.rawValue) \(path)"
      let told = lines.filter { $0.contains("\(title)`") || $0.contains("\(title)?") }
      #expect(!told.isEmpty, "\(title)")
      for field in row.query {
        #expect(told.contains { $0.contains("\(field.name)=") }, "\(title): \(field.name)")
      }
    }
  }

  /// Each reason for a drop has its row in the user guide, and its word among those of the JSON.
  @Test func everyDropReasonIsThere() throws {
    let guide = try documentation("user-guide")
    let (ingress, egress) = (IngressDrop.allCases.map(\.name), EgressDrop.allCases.map(\.name))
    for (heading, names) in [("| in | the frame |", ingress), ("| out | the port |", egress)] {
      let start = try #require(guide.firstIndex(of: heading[...]))
      let rows = guide[(start + 2)...].prefix { $0.hasPrefix("| `") }
      #expect(rows.map { $0.split(separator: "`")[1] } == names.map { $0[...] })
    }
    let text = try documentation().joined(separator: " ")
    #expect(text.contains("Reasons in `drops.in`: `\(ingress.joined(separator: " "))`"))
    #expect(text.contains("in `drops.out`: `\(egress.joined(separator: " "))`"))
  }

  /// The example of the lab's form is one.
  @Test func theLabOfTheExampleIsTaken() throws {
    let lines = try documentation()
    let start = try #require(lines.firstIndex { $0.hasPrefix("### The lab of `/v1/lab`") })
    let fence = try #require(lines[start...].firstIndex(of: "```json"))
    let text = lines[(fence + 1)...].prefix { $0 != "```" }.joined(separator: "\n")
    try LabDocument.shape.check(try JSON.decode(JSONValue.self, from: Array(text.utf8)))
    let lab = try JSON.decode(LabDocument.self, from: Array(text.utf8)).lab()
    #expect(lab.nodes.map(\.name) == ["vm1", "h"])
    #expect(lab.links[0].impair?.fromFirst?.delay == 0.04)
  }
}
