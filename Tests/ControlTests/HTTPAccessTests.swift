import FoundationEssentials
import Glibc
import Lab
import TestSupport
import Testing
import Topology

@testable import Control

/// Who may use the API over TCP.
@Suite struct HTTPAccessTests {
  @Test(arguments: [
    ("", ""), ("a", "a"), ("abc", "abc"), (TCPFixture.token, TCPFixture.token),
  ])
  func sameTextsAreEqual(_ one: String, _ other: String) { #expect(ConstantTime.isEqual(one, other)) }

  @Test(arguments: [
    ("", "a"), ("a", ""), ("a", "b"), ("ab", "abab"), ("abab", "ab"), ("abc", "abd"), ("Xbc", "abc"), ("abc", "abcd"),
    ("aaaa", "aa"), ("\0", ""), ("", "\0"),
  ])
  func otherTextsAreNot(_ one: String, _ other: String) { #expect(!ConstantTime.isEqual(one, other)) }

  @Test(arguments: [
    ("short", "has 5 characters; 16 to 1024"), ("aaaaaaaaaaaaaaaaaaaaaaaa", "fewer than 8 different"),
    ("0123456789 abcdef", "other characters"), ("0123456789abcdef\u{E9}", "other characters"),
    (String(repeating: "0123456789", count: 103), "has 1030 characters"), ("", "has 0 characters"),
  ])
  func weakTokensAreRefusedAndNotTold(_ text: String, _ reason: String) throws {
    let error = try #require(throws: UserError.self) { try HTTPToken(text, from: "APUS_HTTP_TOKEN") }
    #expect(error.code == .badInput && error.message.contains(reason) && error.hint?.contains("openssl") == true)
    if text.count > 8 { #expect(!"\(error)".contains(text)) }
  }

  @Test func madeTokensAreGoodAndDiffer() throws {
    let tokens = (0..<50).map { _ in HTTPToken.made() }
    #expect(Set(tokens.map(\.text)).count == tokens.count)
    for token in tokens {
      #expect(try HTTPToken(token.text, from: "itself") == token && token.text.count == 43)
      #expect("\(token)" == "(token)" && String(reflecting: token) == "(token)")
    }
  }

  @Test func tokenFilesAreOfTheirOwners() throws {
    let folder = try ServerFixture.makeFolder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let path = "\(folder)/token"
    func read() throws(UserError) -> HTTPToken { try HTTPToken.read(file: path) }
    #expect(throws: UserError.self) { try read() }
    try Data("\(TCPFixture.token)\nmore\n".utf8).write(to: URL(filePath: path))
    try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: path)
    let open = #expect(throws: UserError.self) { try read() }
    #expect(open?.message == "the token file \(path) is open to every user of this host")
    try FileManager.default.setAttributes([.posixPermissions: 0o640], ofItemAtPath: path)
    #expect(try read().text == TCPFixture.token)
    try Data("short\n".utf8).write(to: URL(filePath: path))
    #expect(throws: UserError.self) { try read() }
    #expect(throws: UserError.self) { try HTTPToken.read(file: folder) }
  }

  @Test func aTokenIsNeeded() async throws {
    try await TCPFixture.run { (tcp) async throws in
      let stranger = try await tcp.ask("GET", "/v1/ports", isTrusted: false)
      #expect(stranger.status == 401 && stranger.head.contains("www-authenticate: bearer"))
      #expect(stranger.error?.hint?.contains("Authorization: Bearer TOKEN") == true)
      for (header, status) in [
        ("Bearer \(TCPFixture.token)", 200), ("bearer \(TCPFixture.token)", 200), ("Bearer \(TCPFixture.token)x", 401),
        ("Bearer", 401), ("Bearer ", 401), ("Basic \(TCPFixture.token)", 401), (TCPFixture.token, 401),
      ] {
        let reply = try await tcp.ask("GET", "/v1/ports", headers: ["authorization": header])
        #expect(reply.status == status, "\(header)")
        #expect(!reply.body.contains(TCPFixture.token))
      }
    }
  }

  /// A stranger learns nothing of any row, nor of what there is not.
  @Test func everyRowIsClosedToStrangers() async throws {
    let rows = ControlServer(service: FixedLab(), socket: "/", onEnd: { _ in }).routes().map(\.row)
    try await TCPFixture.run { (tcp) async throws in
      for row in rows where row.access != .everyone {
        let path = row.parameter.map { row.path.replacing("{\($0)}", with: "vm1") } ?? row.path
        let status = try await tcp.ask(row.method.rawValue, path, isTrusted: false).status
        #expect(status == 401, "\(row.title)")
      }
      #expect(try await tcp.ask("GET", "/v1/nothing", isTrusted: false).status == 401)
      #expect(try await tcp.ask("GET", "/v1/nothing").status == 404)
      #expect(try await tcp.ask("GET", "//v1//ports", isTrusted: false).status == 401)
    }
  }

  @Test func onlyMetricsMayBeOpen() async throws {
    try await TCPFixture.run(changing: { $0.metrics = .open }) { (tcp) async throws in
      #expect(try await tcp.ask("GET", "/metrics", isTrusted: false).status == 200)
      #expect(try await tcp.ask("GET", "/v1/version", isTrusted: false).status == 401)
    }
  }

  // MARK: - Hosts and origins

  @Test(
    arguments: [
      ("127.0.0.1:8080", nil, 200), ("localhost", nil, 200), ("LocalHost.:1", nil, 200), ("[::1]:8080", nil, 200),
      ("192.0.2.7", nil, 200), ("lab.example.org:8080", nil, 200), ("LAB.example.org", nil, 200),
      ("evil.example", nil, 403), ("127.0.0.1.evil.example", nil, 403), ("localhost.evil.example", nil, 403),
      ("lab.example.org.evil.example", nil, 403), ("", nil, 400), ("a b", nil, 403), ("[::1", nil, 400),
      ("127.0.0.1:8080", "http://127.0.0.1:8080", 200), ("localhost:1", "HTTP://localhost:1", 200),
      ("lab.example.org", "https://lab.example.org", 200), ("127.0.0.1:8080", "http://127.0.0.1:9090", 403),
      ("127.0.0.1:8080", "http://127.0.0.1", 403), ("127.0.0.1:8080", "null", 403),
      ("localhost", "http://evil.example", 403),
      ("evil.example", "http://evil.example", 403),
    ] as [(String, String?, Int)])
  func hostAndOriginAreChecked(_ host: String, _ origin: String?, _ status: Int) async throws {
    try await TCPFixture.run(changing: { $0.names = ["lab.example.org"] }) { (tcp) async throws in
      var headers = ["host": host]
      if let origin { headers["origin"] = origin }
      let reply = try await tcp.ask("GET", "/v1/version", headers: headers)
      #expect(reply.status == status, "\(host) \(origin ?? "")")
      // Also where no token is needed.
      let body = #"{"token":"\#(TCPFixture.token)"}"#
      let session = try await tcp.ask("POST", "/v1/session", headers: headers, body: body, isTrusted: false)
      #expect(session.status == (status == 200 ? 204 : status), "\(host) \(origin ?? "")")
    }
  }

  // MARK: - Sessions

  /// The value of `Set-Cookie`, as it is.
  private func cookie(_ tcp: TCPFixture, had: String = "", token: String = TCPFixture.token) async throws -> String {
    let client = try TCPClient(port: tcp.port)
    let body = #"{"token":"\#(token)"}"#
    client.send(
      "POST /v1/session HTTP/1.1\r\nhost: localhost\r\ncookie: \(had)\r\ncontent-length: \(body.utf8.count)\r\n"
        + "connection: close\r\n\r\n\(body)")
    let text = try await client.untilClosed()
    let start = try #require(text.firstRange(of: "Set-Cookie: "), "\(text)")
    #expect(text[start.upperBound...].prefix { $0 != "\r\n" }.hasSuffix("; Path=/; HttpOnly; SameSite=Strict"))
    return String(text[start.upperBound...].prefix { $0 != ";" && $0 != "\r\n" })
  }

  @Test func aSessionStandsForTheToken() async throws {
    try await TCPFixture.run { (tcp) async throws in
      let cookie = try await cookie(tcp)
      #expect(cookie.hasPrefix("apus_session=") && !cookie.contains(TCPFixture.token))
      func status(_ headers: [String: String], _ method: String = "GET", _ path: String = "/v1/version") async throws
        -> Int
      { try await tcp.ask(method, path, headers: headers, isTrusted: false).status }
      #expect(try await status(["cookie": cookie]) == 200)
      #expect(try await status(["cookie": "a=b; \(cookie); c=d"]) == 200)
      #expect(try await status(["cookie": "\(cookie)x"]) == 401)
      #expect(try await status(["cookie": "other=\(cookie.dropFirst(13))"]) == 401)
      // A page behind another port of this host, which has the cookie sent as well.
      #expect(try await status(["cookie": cookie, "sec-fetch-site": "same-site"]) == 403)
      #expect(try await status(["cookie": cookie, "sec-fetch-site": "same-origin"]) == 200)
      #expect(try await status(["cookie": cookie], "DELETE", "/v1/session") == 204)
      #expect(try await status(["cookie": cookie]) == 401)
    }
  }

  @Test func aWrongTokenBeginsNone() async throws {
    try await TCPFixture.run { (tcp) async throws in
      let reply = try await tcp.ask("POST", "/v1/session", body: #"{"token":"0123456789abcdef-bad"}"#, isTrusted: false)
      #expect(reply.status == 401 && !reply.head.contains("set-cookie"))
      #expect(!reply.body.contains("0123456789abcdef"))
    }
  }

  /// Cookies know no ports: labs on one host share it.
  @Test func theSessionOfAnotherLabStaysInTheCookie() async throws {
    try await TCPFixture.run { (tcp) async throws in
      try await TCPFixture.run { (other) async throws in
        let first = try await cookie(tcp)
        let both = try await cookie(other, had: first)
        for place in [tcp, other] {
          let reply = try await place.ask("GET", "/v1/version", headers: ["cookie": both], isTrusted: false)
          #expect(reply.status == 200)
        }
      }
    }
  }

  @Test func anotherTokenEndsTheSessions() async throws {
    try await TCPFixture.run { (tcp) async throws in
      let cookie = try await cookie(tcp)
      let definition = HTTPDefinition(listen: try TCPFixture.address(tcp.port))
      let token = try HTTPToken("another-0123456789", from: "the test")
      #expect(try await tcp.door.open(definition, token: token))
      await tcp.door.settle(isKept: true)
      #expect(try await tcp.ask("GET", "/v1/version", headers: ["cookie": cookie], isTrusted: false).status == 401)
      #expect(try await tcp.ask("GET", "/v1/version").status == 401)
      let reply = try await tcp.ask("GET", "/v1/version", headers: ["authorization": "Bearer \(token.text)"])
      #expect(reply.status == 200)
    }
  }

  @Test func theOldestSessionGivesWay() async throws {
    try await TCPFixture.run { (tcp) async throws in
      let first = try await cookie(tcp)
      for _ in 0..<HTTPAccess.sessionLimit { _ = try await cookie(tcp) }
      #expect(try await tcp.ask("GET", "/v1/version", headers: ["cookie": first], isTrusted: false).status == 401)
    }
  }

  // MARK: - The door

  @Test func anAddressThatIsTakenChangesNothing() async throws {
    try await TCPFixture.run { (tcp) async throws in
      let taken = try TCPClient.listen()
      defer { close(taken.descriptor) }
      let wanted = HTTPDefinition(listen: try TCPFixture.address(taken.port))
      let error = await #expect(throws: UserError.self) { try await tcp.door.open(wanted, token: nil) }
      #expect(error?.message == "http: cannot listen on 127.0.0.1:\(taken.port): Address already in use")
      #expect(error?.hint?.contains("--http ADDR:PORT") == true)
      #expect(try await tcp.ask("GET", "/v1/version").status == 200)
    }
  }

  @Test func aChangeThatFailsIsTakenBack() async throws {
    try await TCPFixture.run { (tcp) async throws in
      let port = try TCPClient.freePort()
      let other = try HTTPToken("another-0123456789", from: "the test")
      _ = try await tcp.door.open(HTTPDefinition(listen: try TCPFixture.address(port)), token: other)
      await tcp.door.settle(isKept: false)
      #expect(try await tcp.ask("GET", "/v1/version").status == 200)
      #expect(throws: NotInTime.self) { try TCPClient(port: port) }
      #expect(HTTPToken.read("two", in: tcp.directories)?.text == TCPFixture.token)
    }
  }

  @Test func allAddressesTakeThePlaceOfOne() async throws {
    try await TCPFixture.run { (tcp) async throws in
      let all = try #require(HTTPAddress("0.0.0.0:\(tcp.port)"))
      _ = try await tcp.door.open(HTTPDefinition(listen: all), token: nil)
      await tcp.door.settle(isKept: false)
      #expect(try await tcp.ask("GET", "/v1/version").status == 200)
      _ = try await tcp.door.open(HTTPDefinition(listen: all), token: nil)
      await tcp.door.settle(isKept: true)
      #expect(try await tcp.ask("GET", "/v1/version").status == 200)
      _ = try await tcp.door.open(nil, token: nil)
      await tcp.door.settle(isKept: true)
      try await eventually("nobody listens") { (try? TCPClient(port: tcp.port)) == nil }
    }
  }
}
