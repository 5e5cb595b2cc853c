import Foundation
import Glibc
import LinuxHost
import TestSupport
import Testing

extension RealThings {
  /// The API over TCP, as curl and worse clients see it.
  @Suite struct HTTPListener {
    private static let name = "ape-http"

    private static func lab(_ http: String = "", name: String = Self.name) -> String {
      """
      version: 1
      name: \(name)
      \(http)
      switches: { sw1: {} }
      nodes:
        a: { kind: netns, nics: { eth0: { switch: sw1, address: 10.7.0.1/24 } } }
        b: { kind: netns, nics: { eth0: { switch: sw1, address: 10.7.0.2/24 } } }

      """
    }

    /// The status that curl gets, and the body.
    private func curl(_ port: Int, _ path: String, _ options: String...) async throws -> (status: Int, body: String) {
      let outcome = try await execute(
        ["curl", "-s", "--max-time", "60", "-w", "\\n%{http_code}", "http://127.0.0.1:\(port)\(path)"] + options)
      let lines = outcome.output.split(separator: "\n", omittingEmptySubsequences: false)
      return (lines.last.flatMap { Int($0) } ?? -1, lines.dropLast().joined(separator: "\n"))
    }

    private func token(_ sandbox: Sandbox, _ name: String = Self.name) throws -> String {
      let path = "\(sandbox.state)/\(name)/http.token"
      guard let token = text(of: path)?.split(separator: "\n").first else { throw Failure("no token in \(path)") }
      return String(token)
    }

    @Test func theTokenIsMadeOnceAndNeeded() async throws {
      try await Sandbox.use { sandbox in
        let port = try TCPClient.freePort()
        let file = try sandbox.write(Self.lab())
        let first = try await sandbox.apus("up", file, "--http", "127.0.0.1:\(port)", expecting: 0)
        let token = try token(sandbox)
        #expect(first.errors.contains("http: http://127.0.0.1:\(port)/#token=\(token)\n"), "\(first)")
        #expect(first.output.contains("create  http        127.0.0.1:\(port)\n"), "\(first)")
        let again = try await sandbox.apus("up", file, expecting: 0)
        #expect(again.output == "no changes\n" && again.errors == "", "\(again)")
        let header = ["-H", "Authorization: Bearer \(token)"]
        #expect(try await curl(port, "/v1/nodes", header[0], header[1]).status == 200)
        let stranger = try await curl(port, "/v1/nodes")
        #expect(stranger.status == 401 && stranger.body.contains(#""hint":"send `Authorization: Bearer TOKEN`"#))
        #expect(try await curl(port, "/v1/nothing", header[0], header[1]).status == 404)
        #expect(try await curl(port, "/v1/nodes/a/log", header[0], header[1]).status == 403)
        #expect(try await curl(port, "/v1/nodes", header[0], header[1], "-H", "Host: evil.example").status == 403)
        #expect(
          try await curl(port, "/v1/nodes", header[0], header[1], "-H", "Origin: http://evil.example").status == 403)
        // 100 MB that nobody reads.
        let big = "\(sandbox.folder)/big"
        _ = try await execute(["truncate", "-s", "100M", big])
        let refused = try await curl(port, "/v1/links/a.eth0", header[0], header[1], "-T", big, "-X", "POST")
        #expect(refused.status == 413 && refused.body.contains("the body is over 1048576 bytes"), "\(refused)")
        // A command in a namespace, and a session for a browser.
        let command = try await curl(
          port, "/v1/nodes/a/exec", header[0], header[1], "-d", #"{"command":["ip","address"]}"#)
        #expect(command.status == 200 && command.body.contains(#"{"exit":0}"#), "\(command)")
        let jar = "\(sandbox.folder)/jar"
        let session = try await curl(port, "/v1/session", "-c", jar, "-d", #"{"token":"\#(token)"}"#)
        #expect(session.status == 204)
        #expect(try await curl(port, "/v1/nodes", "-b", jar).status == 200)
        #expect(try await curl(port, "/v1/session", "-b", jar, "-X", "DELETE").status == 204)
        #expect(try await curl(port, "/v1/nodes", "-b", jar).status == 401)
        try await checkSecrecy(token, sandbox)
      }
    }

    /// The token is in its file, for its owner alone, and nowhere else.
    private func checkSecrecy(_ token: String, _ sandbox: Sandbox) async throws {
      let folder = "\(sandbox.state)/\(Self.name)"
      let attributes = try FileManager.default.attributesOfItem(atPath: "\(folder)/http.token")
      #expect(attributes[.posixPermissions] as? Int == 0o600)
      let found = try await execute(["grep", "-rlF", "-e", token, sandbox.state, sandbox.data])
      #expect(found.output == "\(folder)/http.token\n", "\(found)")
      let daemon = try sandbox.daemon(Self.name).pid
      for file in ["cmdline", "environ"] {
        let bytes = FileManager.default.contents(atPath: "/proc/\(daemon)/\(file)") ?? Data()
        #expect(!bytes.isEmpty && !String(decoding: bytes, as: UTF8.self).contains(token), "\(file)")
      }
    }

    @Test func aTokenOfTheEnvironmentIsKeptFromProcesses() async throws {
      try await Sandbox.use { sandbox in
        let port = try TCPClient.freePort()
        let file = try sandbox.write(Self.lab("http: { listen: 127.0.0.1:\(port), metrics: open, names: lab.example }"))
        var environment = sandbox.environment
        environment["APUS_HTTP_TOKEN"] = "tooshort"
        let weak = try await execute([sandbox.binary, "up", file], environment: environment)
        #expect(weak.status == 2 && weak.errors.contains("APUS_HTTP_TOKEN has 8 characters"), "\(weak)")
        #expect(!weak.errors.contains("tooshort"))
        let token = "chosen-0123456789abcdef"
        environment["APUS_HTTP_TOKEN"] = token
        let up = try await execute([sandbox.binary, "up", file], environment: environment)
        #expect(up.status == 0 && !up.errors.contains(token) && up.errors.contains("(token: "), "\(up)")
        try await checkSecrecy(token, sandbox)
        #expect(try await curl(port, "/v1/version", "-H", "Authorization: Bearer \(token)").status == 200)
        #expect(try await curl(port, "/v1/version", "-H", "Authorization: Bearer \(token)x").status == 401)
        // Of all rows, `metrics: open` opens one.
        #expect(try await curl(port, "/metrics").status == 200)
        #expect(try await curl(port, "/v1/stats").status == 401)
        #expect(try await curl(port, "/metrics", "-H", "Host: lab.example").status == 200)
        #expect(try await curl(port, "/metrics", "-H", "Host: evil.example").status == 403)
        // A change of the file is made while the nodes run.
        let ping = try sandbox.start(
          [sandbox.binary, "exec", "a", "--", "ping", "-q", "-i", "0.02", "-c", "100", "10.7.0.2"], log: "ping")
        let other = try sandbox.write(Self.lab("http: { listen: 127.0.0.1:\(port) }"))
        let change = try await sandbox.apus("up", other, expecting: 0)
        #expect(change.output == "change  http  metrics token, names\n", "\(change)")
        #expect(try await curl(port, "/metrics").status == 401)
        let gone = try await sandbox.apus("up", try sandbox.write(Self.lab()), expecting: 0)
        #expect(gone.output == "remove  http\n", "\(gone)")
        #expect(try await curl(port, "/v1/version").status == 0)
        #expect(await ping.wait(timeoutSeconds: 60))
        #expect(text(of: "\(sandbox.folder)/ping")?.contains(" 0% packet loss") == true)
      }
    }

    @Test func aKilledDaemonComesBackWithItsToken() async throws {
      try await Sandbox.use { sandbox in
        let port = try TCPClient.freePort()
        let file = try sandbox.write(Self.lab())
        try await sandbox.apus("up", file, "--http", "127.0.0.1:\(port)", expecting: 0)
        let token = try token(sandbox)
        let daemon = try sandbox.daemon(Self.name)
        daemon.signal(SIGKILL)
        #expect(await daemon.wait(timeoutSeconds: 30))
        let back = try await sandbox.apus("up", file, expecting: 0)
        #expect(back.output.contains("adopt  http        127.0.0.1:\(port)\n"), "\(back)")
        #expect(
          !back.errors.contains(token) && back.errors.contains("http: http://127.0.0.1:\(port)/ (token: "), "\(back)")
        #expect(try await curl(port, "/v1/version", "-H", "Authorization: Bearer \(token)").status == 200)
        let dry = try await sandbox.apus("up", file, "--dry-run", expecting: 0)
        #expect(dry.output == "drift  http  127.0.0.1:\(port)\n", "\(dry)")
        // What is said at run time goes with --reset, the secret with the lab.
        try await sandbox.apus("up", file, "--reset", expecting: 0)
        #expect(try await curl(port, "/v1/version").status == 0)
        try await sandbox.apus("down", Self.name, expecting: 0)
        #expect(!FileManager.default.fileExists(atPath: "\(sandbox.state)/\(Self.name)"))
      }
    }

    @Test func inTheForegroundItIsToldToo() async throws {
      try await Sandbox.use { sandbox in
        let port = try TCPClient.freePort()
        let file = try sandbox.write(Self.lab("http: { listen: 127.0.0.1:\(port) }"))
        let process = try sandbox.start([sandbox.binary, "up", "--foreground", file], log: "up")
        let log = "\(sandbox.folder)/up"
        try await eventually("it is told") {
          text(of: log)?.contains("http: http://127.0.0.1:\(port)/#token=") == true
        }
        let token = try token(sandbox)
        #expect(try await curl(port, "/v1/version", "-H", "Authorization: Bearer \(token)").status == 200)
        process.signal(SIGINT)
        #expect(await process.wait(timeoutSeconds: 60))
        #expect(try await curl(port, "/v1/version").status == 0)
      }
    }

    @Test func anAddressThatIsTakenChangesNothing() async throws {
      try await Sandbox.use { sandbox in
        let (taken, descriptor) = try TCPClient.listen()
        defer { close(descriptor) }
        let file = try sandbox.write(Self.lab())
        // Of a lab that comes up, nothing is left.
        let refused = try await sandbox.apus("up", file, "--http", "127.0.0.1:\(taken)", expecting: 1)
        #expect(refused.errors.contains("cannot listen on 127.0.0.1:\(taken): Address already in use"), "\(refused)")
        #expect(refused.errors.contains("ss -ltnp"))
        try await eventually("nothing is left") {
          ((try? FileManager.default.contentsOfDirectory(atPath: sandbox.state)) ?? []).isEmpty
        }
        // One that is up stays as it is.
        let port = try TCPClient.freePort()
        try await sandbox.apus("up", file, "--http", "127.0.0.1:\(port)", expecting: 0)
        let state = try await sandbox.ports(Self.name).map(\.name)
        let second = try await sandbox.apus("up", file, "--http", "127.0.0.1:\(taken)", expecting: 1)
        #expect(second.errors.contains("Address already in use"), "\(second)")
        #expect(try await sandbox.ports(Self.name).map(\.name) == state)
        #expect(try await curl(port, "/v1/version").status == 401)
        let dry = try await sandbox.apus("up", file, "--dry-run", expecting: 0)
        #expect(dry.output == "drift  http  127.0.0.1:\(port)\n", "\(dry)")
      }
    }

    /// Each on a lab of its own, and at once: that slow clients are closed takes the time that they are given.
    @Test func clientsThatAreIdleOrSlow() async throws {
      async let slow: Void = clientsThatAreSlow()
      async let idle: Void = tenThousandIdleConnections()
      _ = try await (slow, idle)
    }

    /// Neither the control socket nor frames notice them, and who has the token gets a place among them.
    private func tenThousandIdleConnections() async throws {
      try await Sandbox.use { sandbox in
        var limit = rlimit()
        getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        let before = limit
        limit.rlim_cur = max(min(12_000, limit.rlim_max), limit.rlim_cur)
        guard limit.rlim_cur >= 11_000, setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else {
          throw Failure("this user may not have 11,000 open files")
        }
        var old = before
        defer { setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &old) }
        let port = try TCPClient.freePort()
        try await sandbox.apus("up", try sandbox.write(Self.lab()), "--http", "127.0.0.1:\(port)", expecting: 0)
        let header = "Authorization: Bearer \(try token(sandbox))"
        try await sandbox.pings("a", "10.7.0.2", lab: Self.name)
        let ping = try sandbox.start(
          [sandbox.binary, "exec", "a", "--", "ping", "-q", "-i", "0.05", "-c", "300", "10.7.0.2"], log: "ping")
        var clients: [TCPClient] = []
        for number in 1...10_000 {
          clients.append(try TCPClient(port: port))
          guard number.isMultiple(of: 2500) else { continue }
          #expect(try await curl(port, "/v1/nodes", "-H", header).status == 200)
          #expect(try await sandbox.nodes(Self.name).count == 2)
        }
        let daemon = try sandbox.daemon(Self.name).pid
        let open = try FileManager.default.contentsOfDirectory(atPath: "/proc/\(daemon)/fd").count
        #expect(open < 400, "\(open) descriptors of the daemon are open")
        #expect(await ping.wait(timeoutSeconds: 120))
        #expect(text(of: "\(sandbox.folder)/ping")?.contains(" 0% packet loss") == true)
        #expect(try await curl(port, "/v1/nodes", "-H", header).status == 200)
        try await sandbox.apus("down", Self.name, expecting: 0)
      }
    }

    /// Clients that say a byte now and then are closed, and hold nobody up until then.
    private func clientsThatAreSlow() async throws {
      try await Sandbox.use { sandbox in
        let port = try TCPClient.freePort()
        let name = "ape-slow"
        let file = try sandbox.write(Self.lab(name: name))
        try await sandbox.apus("up", file, "--http", "127.0.0.1:\(port)", expecting: 0)
        let header = "Authorization: Bearer \(try token(sandbox, name))"
        let heads = try (0..<40).map { _ in try TCPClient(port: port) }
        let bodies = try (0..<40).map { _ in try TCPClient(port: port) }
        for client in heads { client.send("GET /v1/nodes HTTP/1.1\r\nx: ") }
        for client in bodies {
          client.send("POST /v1/session HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1000\r\n\r\n")
        }
        #expect(try await curl(port, "/v1/nodes", "-H", header).status == 200)
        try await eventually("all are closed", within: 120) {
          for client in heads + bodies { client.send("a") }
          return (heads + bodies).allSatisfy(\.isClosed)
        }
        #expect(try await curl(port, "/v1/nodes", "-H", header).status == 200)
      }
    }

    /// The end of a lab, with clients in all states.
    @Test func theEndOfALab() async throws {
      try await Sandbox.use { sandbox in
        let port = try TCPClient.freePort()
        try await sandbox.apus("up", try sandbox.write(Self.lab()), "--http", "127.0.0.1:\(port)", expecting: 0)
        let header = "authorization: Bearer \(try token(sandbox))\r\nhost: localhost\r\n"
        let clients = try (0..<3).map { _ in try TCPClient(port: port) }
        clients[1].send("GET /v1/nodes HTTP/1.1\r\n")
        clients[2].send("POST /v1/capture HTTP/1.1\r\n\(header)content-length: 0\r\n\r\n")
        _ = try await clients[2].until("\r\n\r\n")
        // What a page looks at.
        let (live, events) = (try TCPClient(port: port), try TCPClient(port: port))
        live.send("GET /v1/live HTTP/1.1\r\n\(header)accept: text/event-stream\r\n\r\n")
        events.send("GET /v1/events HTTP/1.1\r\n\(header)accept: text/event-stream\r\n\r\n")
        for client in [live, events] { _ = try await client.until("\r\n\r\n") }
        // By itself: over TCP.
        let down = try TCPClient(port: port)
        down.send("DELETE /v1/lab HTTP/1.1\r\n\(header)\r\n")
        #expect(try await down.untilClosed().contains(#"{"done":true}"#))
        for client in clients { _ = try await client.untilClosed() }
        #expect(try await events.untilClosed().contains("lab.down"))
        #expect(try await live.untilClosed().hasSuffix("0\r\n\r\n"))
        try await eventually("nothing is left") {
          ((try? FileManager.default.contentsOfDirectory(atPath: sandbox.state)) ?? []).isEmpty
        }
      }
    }
  }
}
