import Foundation
import Testing

@testable import Control

/// The live page as a browser is given it.
@Suite struct PageTests {
  /// Its files in the repository.
  private static let folder = URL(filePath: #filePath).deletingLastPathComponent()
    .appending(path: "../../Sources/CPage/assets").standardizedFileURL

  private func ask(_ path: String, _ headers: [String] = [], socket: String) async throws -> String {
    let connection = try RawHTTP(socket: socket)
    let lines = ["GET \(path) HTTP/1.1", "Host: apus", "Connection: close"] + headers
    try connection.send(lines.joined(separator: "\r\n") + "\r\n\r\n")
    return try await connection.text()
  }

  private func header(_ name: String, of answer: String) -> String? {
    let head = answer.components(separatedBy: "\r\n\r\n")[0]
    return head.components(separatedBy: "\r\n").first { $0.lowercased().hasPrefix("\(name): ") }
      .map { String($0.dropFirst(name.count + 2)) }
  }

  @Test func everyFileOfTheRepositoryIsServed() async throws {
    let files = try FileManager.default.contentsOfDirectory(atPath: Self.folder.path)
    #expect(files.count > 10)
    try await ServerFixture.run(FixedLab()) { client, _ in
      for name in files {
        let answer = try await ask("/page/\(name)", socket: client.socket)
        #expect(answer.hasPrefix("HTTP/1.1 200 OK\r\n"), "\(name)")
        let text = try String(contentsOf: Self.folder.appending(path: name), encoding: .utf8)
        #expect(RawHTTP.body(of: answer) == text, "\(name) is not what the repository has")
      }
      let page = try await ask("/", socket: client.socket)
      #expect(header("content-type", of: page) == "text/html; charset=utf-8")
      #expect(RawHTTP.body(of: page).hasPrefix("<!doctype html>"))
      let terminal = try await ask("/page/xterm.js", socket: client.socket)
      #expect(header("content-type", of: terminal) == "text/javascript; charset=utf-8")
      #expect(RawHTTP.body(of: terminal).contains("window.Terminal = load("))
      #expect(
        header("content-type", of: try await ask("/page/xterm.css", socket: client.socket)) == "text/css; charset=utf-8"
      )
    }
  }

  @Test func theBrowserIsHeldToAStrictPolicy() async throws {
    try await ServerFixture.run(FixedLab()) { client, _ in
      for path in ["/", "/page/main.js"] {
        let answer = try await ask(path, socket: client.socket)
        let policy = try #require(header("content-security-policy", of: answer))
        #expect(policy.hasPrefix("default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self';"))
        #expect(policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe"))
        #expect(header("x-content-type-options", of: answer) == "nosniff")
        #expect(header("referrer-policy", of: answer) == "no-referrer")
        #expect(header("cache-control", of: answer) == "no-cache")
      }
    }
  }

  @Test func whatTheBrowserHasIsNotSentAgain() async throws {
    try await ServerFixture.run(FixedLab()) { client, _ in
      let first = try await ask("/page/main.js", socket: client.socket)
      let tag = try #require(header("etag", of: first))
      let second = try await ask("/page/main.js", ["If-None-Match: \"x\", \(tag)"], socket: client.socket)
      #expect(second.hasPrefix("HTTP/1.1 304 "))
      #expect(RawHTTP.body(of: second).isEmpty)
      let other = try await ask("/page/main.js", ["If-None-Match: \"x\""], socket: client.socket)
      #expect(other.hasPrefix("HTTP/1.1 200 "))
      let packed = try await ask("/page/main.js", ["Accept-Encoding: br, gzip"], socket: client.socket)
      #expect(header("content-encoding", of: packed) == "gzip" && header("vary", of: packed) == "Accept-Encoding")
      for refusal in ["identity", "br, gzip;q=0"] {
        let plain = try await ask("/page/main.js", ["Accept-Encoding: \(refusal)"], socket: client.socket)
        #expect(header("content-encoding", of: plain) == nil, "\(refusal)")
      }
      let none = try await ask("/page/..%2Fmain.js", socket: client.socket)
      #expect(none.hasPrefix("HTTP/1.1 404 ") && none.contains("the page has no file"))
    }
  }

  /// All of it, with the terminal, is at most 250 KB; what is compressed is what was there.
  @Test func allOfItIsSmall() throws {
    let files = PageFiles.shared.names.compactMap { PageFiles.shared.file($0) }
    let size = files.map { $0.compressed?.count ?? $0.bytes.count }.reduce(0, +)
    print("the page: \(files.count) files, \(size) bytes sent, \(files.map(\.bytes.count).reduce(0, +)) bytes unpacked")
    #expect(size <= 250_000)
    for file in files { #expect((file.compressed?.count ?? 1) < file.bytes.count) }
  }

  @Test func modulesSayWhatTheyDoAndAskForNothingOutside() throws {
    for name in try FileManager.default.contentsOfDirectory(atPath: Self.folder.path) {
      let text = try String(contentsOf: Self.folder.appending(path: name), encoding: .utf8)
      if name.hasSuffix(".js") { #expect(text.hasPrefix("// "), "\(name) has no head") }
      // Names of XML, which nobody asks for.
      let rest = text.replacing("http://www.w3.org/2000/svg", with: "")
      #expect(!rest.contains("http://") && !rest.contains("https://"), "\(name) names another host")
      for word in ["innerHTML", "eval(", "new Function", "document.write", "style=\"", "onclick=\""] {
        #expect(!text.contains(word), "\(name) has \(word)")
      }
    }
  }
}
