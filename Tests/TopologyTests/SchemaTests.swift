import Foundation
import Testing

@testable import Topology

@Suite("Schema for editors")
struct SchemaTests {
  private func schema() throws -> [String: Any] {
    let object = try JSONSerialization.jsonObject(with: Data(JSONSchema.text().utf8))
    return try #require(object as? [String: Any])
  }

  /// A place in a lab file for each mapping of the tables; a key goes in the line of `KEY`.
  private static let places: [String: String] = [
    "lab": "KEY",
    "workers": "workers:\n  KEY",
    "http": "http:\n  KEY",
    "defaults": "defaults:\n  KEY",
    "VLAN": "vlans:\n  red:\n    KEY",
    "dhcp": "vlans:\n  red:\n    id: 10\n    dhcp:\n      KEY",
    "boot files": "vlans:\n  red:\n    id: 10\n    dhcp:\n      boot:\n        KEY",
    "switch": "switches:\n  sw1:\n    KEY",
    "node": "nodes:\n  a:\n    KEY",
    "image": "nodes:\n  a:\n    kind: vm\n    image:\n      KEY",
    "cloud-init": "nodes:\n  a:\n    kind: vm\n    cloud-init:\n      KEY",
    "ready": "nodes:\n  a:\n    kind: vm\n    ready:\n      KEY",
    "NIC": "nodes:\n  a:\n    kind: external\n    nics:\n      eth0:\n        KEY",
    "route": "nodes:\n  a:\n    kind: netns\n    nics:\n      eth0:\n        routes:\n          -\n            KEY",
    "link": "links:\n  -\n    KEY",
    "impairment": "impairments:\n  slow:\n    KEY",
    "pair of impairments": "links:\n  - ends: [a, b]\n    impair:\n      from-a: dsl\n      KEY",
    "access list": "access:\n  web:\n    KEY",
    "access rule": "access:\n  web:\n    to-node:\n      -\n        allow: tcp\n        KEY",
    "storm limit": "nodes:\n  a:\n    kind: netns\n    nics:\n      eth0:\n        storm:\n          KEY",
    "rate limit": "nodes:\n  a:\n    kind: netns\n    nics:\n      eth0:\n        rate:\n          KEY",
    "capture": "capture:\n  -\n    KEY",
    "test": "tests:\n  -\n    KEY",
    "command": "tests:\n  - exec:\n      KEY",
    "profile": "profiles:\n  host:\n    KEY",
    "port profile": "port-profiles:\n  port:\n    KEY",
  ]

  private static let tables = [LabSchema.top] + LabSchema.definitions

  /// What is said about the line of a key with a value that no key can have.
  private func findings(_ table: ObjectSchema, _ key: String) throws -> [Diagnostic] {
    let place = try #require(Self.places[table.name], "no place for \(table.name)")
    let head = table.name == "lab" ? "" : "version: 1\nname: test\n"
    let lines = (head + place).split(separator: "\n", omittingEmptySubsequences: false)
    let number = try #require(lines.firstIndex { $0.contains("KEY") })
    // A pair of impairments is known by its first key, which stands before.
    var text = lines.joined(separator: "\n").replacing("KEY", with: "\(key): { \"?!\": [[]] }")
    if key == "from-a" { text = text.replacing("      from-a: dsl\n", with: "      from-b: dsl\n") }
    return load(text + "\n").diagnostics.filter { $0.line == number + 1 }
  }

  @Test("every key of the schema is read", arguments: tables.map(\.name))
  func keysAreRead(_ name: String) throws {
    let table = try #require(Self.tables.first { $0.name == name })
    for key in table.readable {
      let findings = try findings(table, key)
      #expect(!findings.isEmpty, "\(name): \(key) is in the schema, but nothing reads it")
      #expect(!findings.contains { $0.message.hasPrefix("unknown key \(key.quoted)") }, "\(name): \(key)")
    }
  }

  @Test("the schema has the keys that the reader takes, and no others")
  func sameKeys() throws {
    let root = try schema()
    let definitions = try #require(root["definitions"] as? [String: [String: Any]])
    #expect(definitions.count == LabSchema.definitions.count)
    for table in Self.tables {
      let name = table.name.lowercased().replacing(" ", with: "-")
      let object = table.name == "lab" ? root : try #require(definitions[name])
      let properties = try #require(object["properties"] as? [String: [String: Any]])
      #expect(properties.keys.sorted() == table.readable.sorted(), "\(name)")
      #expect(object["additionalProperties"] as? Bool == false, "\(name)")
      for (key, property) in properties {
        #expect((property["description"] as? String)?.hasSuffix(".") == true, "\(name): \(key)")
      }
    }
  }

  @Test("the reader asks for no key that the schema does not have")
  func readerKeys() throws {
    let folder = Repository.path("Sources/Topology/Reading")
    let known = Set(Self.tables.flatMap(\.readable))
    for file in try FileManager.default.contentsOfDirectory(atPath: folder) {
      let text = try String(contentsOfFile: "\(folder)/\(file)", encoding: .utf8)
      for match in text.matches(of: /(?:object|top|both)\["([^"]+)"\]/) {
        #expect(known.contains(String(match.1)), "\(file): \(match.1)")
      }
    }
  }

  @Test("every reference leads to a definition")
  func references() throws {
    let names = Set(try #require(schema()["definitions"] as? [String: Any]).keys)
    let references = JSONSchema.text().matches(of: /"#\/definitions\/([^"]+)"/).map { String($0.1) }
    #expect(references.count > 10)
    #expect(references.filter { !names.contains($0) } == [])
  }

  @Test("patterns of names are those of the reader")
  func names() throws {
    for name in ["a", "a-b", "9", "-a", "a-", "A", "", String(repeating: "a", count: 63), "a_b"] {
      #expect((try Regex(LabSchema.names).firstMatch(in: name) != nil) == Names.valid(name), "\(name)")
    }
    for name in ["eth0", "0eth", "a.b_c-d", "a234567890123456", "E"] {
      #expect((try Regex(LabSchema.nicNames).firstMatch(in: name) != nil) == Names.validNIC(name), "\(name)")
    }
    for name in ["vm[1-3]", "r[01-10]", "vm", "vm[1-3]-a"] {
      #expect((try Regex(LabSchema.nodeNames).firstMatch(in: name) != nil) == (NameRange(name) != nil), "\(name)")
    }
  }

  @Test("the canonical lab as YAML")
  func canonical() throws {
    let text = try String(contentsOfFile: Repository.path("topologies/two-guests.lab.yaml"), encoding: .utf8)
    let yaml = try #require(load(text).lab).yaml()
    #expect(yaml.hasPrefix("directory: /labs\nlinks: []\nname: two-guests\nnodes:\n"))
    #expect(yaml.contains("- aging: 300\n  linkLocal: standard\n  name: sw1\n"))
    #expect(yaml.contains("    mac: 02:a9:"))
  }
}
