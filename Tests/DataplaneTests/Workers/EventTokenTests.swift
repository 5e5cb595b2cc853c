import Testing

@testable import Dataplane

@Suite struct EventTokenTests {
  @Test func whatATokenIsOfCanBeRead() {
    for port in [0, 1, 255, 65_535] {
      for source in [0, 1, 15, 65_535] {
        let token = EventToken(word: EventToken(port: port, source: source).word)
        #expect(token != .bell)
        #expect(token.port == port)
        #expect(token.source == source)
      }
    }
  }

  @Test func theBellIsOfNoPort() { #expect(EventToken(word: 0).port == nil) }
}
