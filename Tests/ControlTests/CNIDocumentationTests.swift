import Foundation
import Testing

@testable import Control

/// The networks of docs/kubernetes.md, as the plugin reads them.
@Suite struct CNIDocumentationTests {
  private func page() throws -> String {
    let path = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../docs/kubernetes.md").path
    return String(decoding: try Data(contentsOf: URL(filePath: path)), as: UTF8.self)
  }

  /// What stands between two texts, the first time.
  private func part(_ text: String, _ start: String, _ end: String) throws -> Substring {
    let rest = try #require(text.range(of: start)).upperBound
    let stop = try #require(text[rest...].range(of: end)).lowerBound
    return text[rest..<stop]
  }

  @Test func theListOfPluginsIsValid() throws {
    let list = try JSON.decode(JSONValue.self, from: Array(try part(page(), "```json\n", "```").utf8))
    let first = try #require(list["plugins"]?.list?.first)
    #expect(first["type"] == "apus")
    let whole = first.with("name", list["name"] ?? .null).with("cniVersion", list["cniVersion"] ?? .null)
    let network = try CNINetwork(try JSON.bytes(whole), for: .add)
    #expect((network.lab, network.switchName, network.vlan) == ("two-guests", "sw1", "blue"))
    #expect(network.ipam == "host-local")
  }

  /// A NetworkAttachmentDefinition is valid if its `spec.config` is a text; that text is a network of ours.
  @Test func theAttachmentDefinitionIsValid() throws {
    let yaml = try part(page(), "kind: NetworkAttachmentDefinition\n", "```")
    let block = String(yaml).split(separator: "\n").drop { !$0.hasPrefix("  config: |") }.dropFirst()
    #expect(!block.isEmpty && block.allSatisfy { $0.hasPrefix("    ") })
    let network = try CNINetwork(Array(block.joined(separator: "\n").utf8), for: .add)
    #expect((network.name, network.lab, network.vlan) == ("lan", "two-guests", "20"))
  }

  @Test func everyCodeIsThere() throws {
    let page = try page()
    for code in [1, 2, 3, 4, 6, 7, 11, 50, 100, 101, 102] { #expect(page.contains("\n| \(code) |"), "\(code)") }
  }
}
