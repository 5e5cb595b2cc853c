import Testing

@testable import Lab

@Suite struct AgentProtocolTests {
  @Test func messagesOfTheGuest() {
    #expect(AgentMessage(line: "pong a1") == .pong(id: "a1"))
    #expect(AgentMessage(line: "out a1 aGk=") == .output(id: "a1", Array("hi".utf8)))
    #expect(AgentMessage(line: "err a1 aGk=") == .error(id: "a1", Array("hi".utf8)))
    #expect(AgentMessage(line: "setup a1 3") == .setup(id: "a1", steps: 3))
    #expect(AgentMessage(line: "fault a1 route to x: no way") == .fault(id: "a1", "route to x: no way"))
    #expect(AgentMessage(line: "exit a1 0") == .exit(id: "a1", status: 0))
    #expect(AgentMessage(line: "can open sing") == .can(["open", "sing"]))
    #expect(AgentMessage(line: "more a1 4096") == .more(id: "a1", count: 4096))
    #expect(AgentMessage(line: "exit a1 143") == .exit(id: "a1", status: 143))
  }

  @Test(arguments: [
    "", " ", "pong", "pong a b", "out a1", "out a1 !!", "out a1 aGk= more", "exit a1", "exit a1 x",
    "exit a1 99999999999", "exit a1 256", "exit a1 -1", "setup a1", "setup a1 x", "fault a1", "hello world", "PONG a1",
    "err", "can", "more a1",
    "more a1 -1", "more a1 99999999999",
  ])
  func anythingElseIsIgnored(_ line: String) {
    #expect(AgentMessage(line: line) == nil)
  }

  /// No argument of the test above: Swift Testing prints it, and a NUL cuts the line that says how that test ended.
  @Test func soAreControlCharacters() { #expect(AgentMessage(line: "\u{0}\u{1}") == nil) }

  @Test func wordsReachTheShellAsTheyAre() {
    #expect(AgentRequest.quoted("plain") == "'plain'")
    #expect(AgentRequest.quoted("it's $HOME") == "'it'\\''s $HOME'")
    #expect(AgentRequest.quoted("") == "''")
    #expect(AgentRequest.quoted("'") == "''\\'''")
  }

  @Test func commandCarriesItsID() {
    // export APUS_EXEC=x7; exec 'echo' 'a b'
    #expect(
      AgentRequest.run(id: "x7", command: ["echo", "a b"])
        == "run x7 ZXhwb3J0IEFQVVNfRVhFQz14NzsgZXhlYyAnZWNobycgJ2EgYic=")
    #expect(AgentRequest.ping(id: "p1") == "ping p1")
  }
}
