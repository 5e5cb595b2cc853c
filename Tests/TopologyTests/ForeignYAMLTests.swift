import Testing

@testable import Topology

/// YAML and JSON of other tools: as they are, with places, and never beyond the limits.
struct ForeignYAMLTests {
  private func read(_ text: String) throws -> ForeignValue? { try ForeignYAML.read(Array(text.utf8), path: "f") }

  @Test func nothingIsExpanded() throws {
    let root = try #require(try read("a: ${HOME:=x:y}\nb: !Ref c\n'${K}': \"$1\"\nd:\n  - 1\n  - ~\n"))
    #expect(root["a"]?.text == "${HOME:=x:y}")
    #expect(root["b"]?.text == "c")
    #expect(root["${K}"]?.text == "$1")
    let items = try #require(root["d"]?.list)
    #expect(items.map(\.text) == ["1", nil])
    #expect(items.map(\.line) == [5, 6])
    #expect(root.mapping?.map(\.line) == [1, 2, 3, 4])
  }

  @Test func jsonIsRead() throws {
    let text = "{\"revision\":9,\n\t\"a\":[{\"x\":null,\"y\":\"q\\/\\u00e9\"}],\n\t\"on\": true}"
    let root = try #require(try read(text))
    #expect(root["revision"]?.text == "9")
    #expect(root["a"]?.list?.first?["x"]?.isNull == true)
    #expect(root["a"]?.list?.first?["y"]?.text == "q/é")
    #expect(root["on"]?.boolean == true)
    #expect(root["a"]?.line == 2)
  }

  @Test(arguments: [
    ("a: 1\na: 2\n", 2, "already defined"), ("a: [1\n", 2, "cannot read YAML"),
    ("a: 1\n---\nb: 2\n", 2, "second document"),
  ])
  func faultsHavePlaces(_ text: String, _ line: Int, _ words: String) throws {
    let fault = try #require(throws: ForeignYAML.Fault.self) { try read(text) }
    #expect(fault.diagnostics.first?.line == line)
    #expect(fault.diagnostics.first?.message.contains(words) == true)
  }

  @Test func aliasesAreBounded() throws {
    var text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
    for level in 1...9 {
      let alias = "*a\(level - 1)"
      text += "a\(level): &a\(level) [\(Array(repeating: alias, count: 10).joined(separator: ", "))]\n"
    }
    let fault = try #require(throws: ForeignYAML.Fault.self) { try read(text) }
    #expect(fault.diagnostics.first?.message.contains("1000000 values") == true)
  }

  @Test func emptyIsNothing() throws {
    #expect(try read("# nothing\n") == nil)
  }
}
