import Lab
import Testing

@testable import Control

/// Which lab or file a command is about.
@Suite struct SelectionTests {
  @Test(arguments: ["a.yaml", "a.yml", "./a", "dir/a", "/", "-", "a.lab.yaml", ".yaml"])
  func isAFile(_ text: String) {
    #expect(LabArgument(text) == .file(text))
  }

  @Test(arguments: ["a", "campus", "yaml", "a.yaml.txt", "a.json", "--", "-a", "", "a.YAML"])
  func isALab(_ text: String) {
    #expect(LabArgument(text) == .lab(text))
  }

  @Test func theOnlyLabNeedsNoName() throws {
    #expect(try LabSelection.choose(asked: nil, running: ["a"]) == "a")
    #expect(try LabSelection.choose(asked: "b", running: ["a", "b"]) == "b")
  }

  @Test func severalLabsNeedAName() {
    let error = #expect(throws: UserError.self) { try LabSelection.choose(asked: nil, running: ["a", "b"]) }
    #expect(error?.code == .badInput)
    #expect(error?.message == "2 labs are up: a, b")
    #expect(error?.hint == "choose one with --lab NAME or APUS_LAB")
  }

  @Test func noLabIsNotFound() {
    #expect(throws: UserError(.notFound, "no lab is up", hint: "`apus up FILE` brings one up")) {
      try LabSelection.choose(asked: nil, running: [])
    }
    #expect(throws: UserError(.notFound, "no lab \"c\"", hint: "labs that are up: a, b")) {
      try LabSelection.choose(asked: "c", running: ["a", "b"])
    }
    #expect(throws: UserError(.notFound, "no lab \"c\"", hint: "no lab is up")) {
      try LabSelection.choose(asked: "c", running: [])
    }
  }

  /// As the lab file judges it, before any path is made of it.
  @Test(arguments: ["", ".", "..", "a/b", "Campus", "all", "images", "saved", "-a", "a_b"])
  func namesThatNoLabCanHave(_ name: String) {
    let error = #expect(throws: UserError.self) { try LabSelection.choose(asked: name, running: [name]) }
    #expect(error?.code == .badInput)
    #expect(throws: UserError.self) { try LabSelection.check(name) }
  }

  @Test(
    arguments: [
      (nil, nil, "/v1/fdb"), (nil, "a:b", "/v1/fdb?port=a:b&vlan=1"),
      ("a b&c/\u{E9}", nil, "/v1/fdb?switch=a%20b%26c%2F%C3%A9"),
    ] as [(String?, String?, String)])
  func queriesAreEncoded(_ name: String?, _ port: String?, _ target: String) throws {
    var query = FDBFlushQuery()
    (query.switchName, query.port, query.vlan) = (name, port, port == nil ? nil : 1)
    #expect(try API.fdbFlush.target(query) == target)
  }
}
