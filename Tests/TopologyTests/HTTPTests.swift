import Foundation
import Testing

@testable import Topology

@Suite("The API over TCP")
struct HTTPTests {
  private func lab(_ body: String) throws -> CanonicalLab {
    let text = "version: 1\nname: test\n" + body
    let facts = TestFacts(files: ["/labs/token"])
    #expect(rendered(text, facts: facts) == "")
    return try #require(load(text, facts: facts).lab)
  }

  @Test(
    "addresses",
    arguments: [
      ("127.0.0.1", "127.0.0.1:8080"), ("127.0.0.1:80", "127.0.0.1:80"), ("localhost", "127.0.0.1:8080"),
      ("localhost:65535", "127.0.0.1:65535"), ("0.0.0.0:1", "0.0.0.0:1"), ("::1", "[::1]:8080"),
      ("[::1]", "[::1]:8080"),
      ("[::1]:9", "[::1]:9"), ("[fd00:0::1]:9", "[fd00::1]:9"), ("::", "[::]:8080"),
    ])
  func addresses(_ text: String, _ address: String) throws {
    let read = try #require(HTTPAddress(text))
    #expect(read.description == address)
    #expect(HTTPAddress(address) == read)
    #expect(try JSONDecoder().decode(HTTPAddress.self, from: JSONEncoder().encode(read)) == read)
  }

  @Test(
    "what is none",
    arguments: [
      "", ":8080", "8080", "lab", "127.0.0.1:", "127.0.0.1:0", "127.0.0.1:65536", "127.0.0.1:x", "127.0.0.1:-1",
      "127.0.0.1:80:80", "[::1", "[127.0.0.1]:80", "[::1]80", "[::1]:", "::1:99999", "127.1", "0x7f.0.0.1",
      " 127.0.0.1",
      "http://127.0.0.1", "127.0.0.1/8",
    ])
  func none(_ text: String) { #expect(HTTPAddress(text) == nil) }

  @Test(
    "where a browser finds it",
    arguments: [
      ("0.0.0.0", "http://127.0.0.1:8080/"), ("::", "http://[::1]:8080/"), ("192.0.2.7:80", "http://192.0.2.7:80/"),
    ])
  func urls(_ text: String, _ url: String) { #expect(HTTPAddress(text)?.url == url) }

  @Test("every key, and none")
  func keys() throws {
    #expect(try lab("").http == nil)
    let usual = try lab("http: {}\n").http
    #expect(usual == HTTPDefinition(listen: .usual) && usual?.listen.description == "127.0.0.1:8080")
    let whole = try lab(
      "http: { listen: 0.0.0.0:80, token-file: token, metrics: open, names: [Lab.Example.org., b] }\n")
    let http = try #require(whole.http)
    #expect(http.listen.description == "0.0.0.0:80" && http.tokenFile == "/labs/token" && http.metrics == .open)
    #expect(http.names == ["lab.example.org", "b"])
    #expect(try JSONDecoder().decode(CanonicalLab.self, from: JSONEncoder().encode(whole)) == whole)
    #expect(try whole.yaml().contains("listen: 0.0.0.0:80"))
    #expect(http.changes(from: usual ?? http) == "127.0.0.1:8080 -> 0.0.0.0:80, token-file, metrics open, names")
  }
}
