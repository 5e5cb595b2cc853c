import Testing

@testable import Control

/// Which words can stand at the end of a command line.
@Suite struct CompletionTests {
  private static let description = #"""
    {"serializationVersion": 0, "command": {"commandName": "apus", "shouldDisplay": true, "subcommands": [
      {"commandName": "port", "abstract": "Ports.", "shouldDisplay": true, "subcommands": [
        {"commandName": "show", "aliases": ["get"], "shouldDisplay": true, "arguments": [
          {"kind": "option", "names": [{"kind": "long", "name": "lab"}], "abstract": "The lab. (APUS_LAB)",
           "shouldDisplay": true, "isRepeating": false, "isOptional": true, "parsingStrategy": "default",
           "completionKind": {"shellCommand": {"command": "apus complete labs"}}},
          {"kind": "option", "names": [{"kind": "short", "name": "o"}, {"kind": "long", "name": "output"}],
           "shouldDisplay": true, "isRepeating": false, "isOptional": true, "parsingStrategy": "default",
           "allValues": ["table", "json"]},
          {"kind": "flag", "names": [{"kind": "short", "name": "j"}], "shouldDisplay": true, "isRepeating": false,
           "isOptional": true, "parsingStrategy": "default"},
          {"kind": "positional", "valueName": "name", "shouldDisplay": true, "isRepeating": false,
           "isOptional": false, "parsingStrategy": "default",
           "completionKind": {"shellCommand": {"command": "apus complete ports"}}}]}]},
      {"commandName": "exec", "shouldDisplay": true, "arguments": [
        {"kind": "positional", "shouldDisplay": true, "isRepeating": false, "isOptional": false,
         "parsingStrategy": "default", "completionKind": {"shellCommand": {"command": "apus complete nodes"}}},
        {"kind": "positional", "shouldDisplay": true, "isRepeating": true, "isOptional": true,
         "parsingStrategy": "postTerminator"}]},
      {"commandName": "up", "shouldDisplay": true, "arguments": [
        {"kind": "positional", "shouldDisplay": true, "isRepeating": false, "isOptional": false,
         "parsingStrategy": "default", "completionKind": {"file": {"extensions": ["yaml"]}}}]},
      {"commandName": "daemon", "shouldDisplay": false}]}}
    """#

  private static func answer(_ line: String) throws -> CompletionEngine.Answer {
    var words = line.split(separator: " ", omittingEmptySubsequences: false).map { String($0) }
    let current = words.removeLast()
    return CompletionEngine(try CommandTree(description: description)).answer(words, current)
  }

  @Test func commandsAreOffered() throws {
    #expect(try Self.answer("").choices.map(\.value) == ["port", "exec", "up"])
    #expect(try Self.answer("po").choices == [.init("port", "Ports.")])
    #expect(try Self.answer("port ").choices.map(\.value) == ["show"])
    #expect(try Self.answer("help port ").choices.map(\.value) == ["show"])
    #expect(try Self.answer("nonsense ") == CompletionEngine.Answer())
    #expect(try Self.answer("daem").choices == [])
  }

  @Test func namesStandForArguments() throws {
    #expect(try Self.answer("port show a").wanted == .names("ports"))
    #expect(try Self.answer("port get a").wanted == .names("ports"))
    #expect(try Self.answer("port show --lab x -j a").wanted == .names("ports"))
    #expect(try Self.answer("port show --lab x -j a").lab == "x")
    #expect(try Self.answer("port show --lab=y ").lab == "y")
    #expect(try Self.answer("port show a b").wanted == .nothing)
    #expect(try Self.answer("up a").wanted == .files(extensions: ["yaml"]))
  }

  @Test func optionsAndTheirValues() throws {
    #expect(try Self.answer("port show -").choices.map(\.value) == ["--lab", "--output", "-j"])
    #expect(try Self.answer("port show --lab x -").choices.map(\.value) == ["--output", "-j"])
    #expect(try Self.answer("port show -o json -").choices.map(\.value) == ["--lab", "-j"])
    #expect(try Self.answer("port show --l").choices == [.init("--lab", "The lab.")])
    #expect(try Self.answer("port show -o").choices.map(\.value) == ["-o"])
    #expect(try Self.answer("port show -o ").wanted == .values(["table", "json"]))
    #expect(try Self.answer("port show -jo ").wanted == .values(["table", "json"]))
    #expect(try Self.answer("port show -ojson ").wanted == .names("ports"))
    let value = try Self.answer("port show --output=j")
    #expect(value.head == "--output=" && value.prefix == "j" && value.wanted == .values(["table", "json"]))
    #expect(try Self.answer("port show --nonsense=").wanted == .nothing)
  }

  @Test func behindTheTerminatorIsACommand() throws {
    #expect(try Self.answer("exec ").wanted == .names("nodes"))
    #expect(try Self.answer("exec a ").wanted == .nothing)
    #expect(try Self.answer("exec a -- p").wanted == .commands)
    #expect(try Self.answer("exec a -- ls -").wanted == .nothing)
    #expect(try Self.answer("exec a -- ls -").choices == [])
  }

  /// Whatever is typed, it is answered.
  @Test func anyLineIsAnswered() throws {
    for line in [
      "-- ", "--=", "-", "- - -", "port -- -- x", "\u{1B} ", "port show --lab", "port show --output= x", "help ",
    ] {
      _ = try Self.answer(line)
    }
  }
}
