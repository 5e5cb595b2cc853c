import Lab
import TestSupport
import Testing
import Topology

@testable import Control

/// What is not taken over TCP: paths of this host, and what is malformed.
@Suite struct HTTPInputTests {
  @Test(arguments: [
    ("GET", "/v1/nodes/vm1/log", ""), ("GET", "/v1/nodes/vm1/console", ""),
    ("POST", "/v1/replay", #"{"file":"/etc/passwd","port":"vm1.eth0"}"#),
    ("POST", "/v1/ports", #"{"name":"p9","switch":"sw1","kind":"vhost-user","target":"/tmp/p9.sock"}"#),
    (
      "POST", "/v1/ports",
      #"{"name":"p9","switch":"sw1","kind":"tap","target":"eth0","pod":{"network":"l","container":"a","interface":"e","namespace":"/n"}}"#
    ),
    ("POST", "/v1/nodes/vm1/exec", #"{"command":["x"],"directory":"/etc"}"#),
    ("PUT", "/v1/lab?http=off", #"{"version":1,"name":"two"}"#),
    ("PUT", "/v1/lab?http-token=0123456789abcdef", #"{"version":1,"name":"two"}"#),
    ("PUT", "/v1/lab", #"{"version":1,"name":"two","source":"/etc/x"}"#),
    ("PUT", "/v1/lab", #"{"version":1,"name":"two","directory":"/etc"}"#),
    ("PUT", "/v1/lab", #"{"version":1,"name":"two","http":{"listen":"127.0.0.1:80","token_file":"/etc/x"}}"#),
    ("PUT", "/v1/lab", #"{"version":1,"name":"two","captures":[{"targets":[{"all":true}],"file":"/etc/x"}]}"#),
    ("PUT", "/v1/lab", #"{"version":1,"name":"two","nodes":[{"name":"a","kind":"vm","image":"/etc/x"}]}"#),
    ("PUT", "/v1/lab", #"{"version":1,"name":"two","nodes":[{"name":"a","kind":"vm","image":"../x"}]}"#),
    (
      "PUT", "/v1/lab",
      #"{"version":1,"name":"two","nodes":[{"name":"a","kind":"vm","image":"none","cloud_init":{"user_data":{"file":"/x"}}}]}"#
    ),
    (
      "PUT", "/v1/lab",
      #"{"version":1,"name":"two","nodes":[{"name":"a","kind":"vm","image":"builtin","files":[{"path":"/x","file":"/x"}]}]}"#
    ),
    (
      "PUT", "/v1/lab",
      #"{"version":1,"name":"two","nodes":[{"name":"a","kind":"external","nics":[{"name":"e","mac":"02:00:00:00:00:01","socket":"/x"}]}]}"#
    ),
    (
      "PUT", "/v1/lab",
      #"{"version":1,"name":"two","nodes":[{"name":"d","kind":"dhcp","dhcp":{"lease":3600,"boot":{"root":"/"}}}]}"#
    ),
  ])
  func noRequestNamesAPathOfThisHost(_ method: String, _ target: String, _ body: String) async throws {
    let lab = FixedLab()
    try await TCPFixture.run(lab) { (tcp) async throws in
      let reply = try await tcp.ask(method, target, body: body)
      #expect(reply.status == 403, "\(reply)")
      #expect(reply.error?.hint?.contains("control socket") == true)
    }
    #expect(await lab.addedPorts.isEmpty)
    #expect(await lab.commands.isEmpty)
  }

  /// The same without paths.
  @Test(arguments: [
    ("POST", "/v1/ports", #"{"name":"p9","switch":"sw1","kind":"tap","target":"tap9"}"#, 200),
    ("POST", "/v1/nodes/vm1/exec", #"{"command":["ls","/etc"]}"#, 200),
    ("PUT", "/v1/lab", #"{"version":1,"name":"two","nodes":[{"name":"a","kind":"vm","image":"builtin"}]}"#, 200),
    ("PUT", "/v1/lab", #"{"version":1,"name":"two","nodes":[{"name":"a","kind":"container","image":"a/b"}]}"#, 200),
    (
      "PUT", "/v1/lab",
      #"{"version":1,"name":"two","nodes":[{"name":"a","kind":"vm","image":"builtin","files":[{"path":"/x","text":"y"}]}]}"#,
      200
    ),
    ("GET", "/v1/lab", "", 200),
  ])
  func theRestIsTaken(_ method: String, _ target: String, _ body: String, _ status: Int) async throws {
    try await TCPFixture.run { (tcp) async throws in
      let reply = try await tcp.ask(method, target, body: body)
      #expect(reply.status == status, "\(reply)")
    }
  }

  @Test func linesNameNoPathEither() async throws {
    let lab = FixedLab()
    try await TCPFixture.run(lab) { (tcp) async throws in
      let headers = ["content-type": "application/x-ndjson"]
      let body = #"{"command":["cat"],"input":true,"directory":"/etc"}"# + "\n"
      #expect(try await tcp.ask("POST", "/v1/nodes/vm1/exec", headers: headers, body: body).status == 403)
    }
    #expect(await lab.commands.isEmpty)
  }

  /// On the control socket nothing is another than it was.
  @Test func theControlSocketTakesPaths() async throws {
    try await TCPFixture.run { (tcp) async throws in
      let client = ControlClient(socket: tcp.socket)
      #expect(try await client.ask(API.log, of: "vm1").path.hasPrefix("/"))
      let request = AddedPortRequest(switchName: "sw1", name: "p9", kind: "dgram", target: "/tmp/p9.sock")
      #expect(try await client.ask(API.portAdd, PortRequest(request)).name == "vm1.eth0")
    }
  }

  private static let deep = String(repeating: #"{"a":"#, count: 100_000)

  @Test(arguments: [
    "", "{", "null", "[]", "3", "\"a\"", "{\"carier\":true}", "{\"carrier\":\"up\"}", "{\"carrier\":1}",
    "{\"impair\":{\"delay\":40}}", "{\"impair\":[]}", "{\"from\":{}}", "{\"carrier\":true}x", "{\"from\":\"\u{0}\"}",
    "{\"from\":\"\\ud800\"}", "{\"carrier\":1e999}", deep, "{'carrier':true}", "<lab/>",
  ])
  func malformedBodiesAreBadRequests(_ body: String) async throws {
    let lab = FixedLab()
    try await TCPFixture.run(lab) { (tcp) async throws in
      let reply = try await tcp.ask("POST", "/v1/links/wire1", body: body)
      #expect(reply.status == 400, "\(reply)")
      #expect(reply.error?.code == 2 && reply.error?.hint != nil, "\(reply)")
    }
    #expect(await lab.linkChanges.isEmpty)
  }

  @Test(arguments: [
    "%00", "..%2f..%2fetc%2fpasswd", "%2e%2e", "%F0%9F%90%9D", "%20", "%ff", "a%0d%0aX-B:%20c", "%22%3E%3Cscript%3E",
    String(repeating: "n", count: 10_000),
  ])
  func strangeNamesAreOfNothing(_ name: String) async throws {
    try await TCPFixture.run { (tcp) async throws in
      for path in ["/v1/ports/\(name)", "/v1/captures/\(name)"] {
        let reply = try await tcp.ask(path.contains("ports") ? "GET" : "DELETE", path)
        #expect([400, 404].contains(reply.status), "\(reply)")
        #expect(!reply.head.contains("x-b"))
        #expect(reply.error != nil)
      }
    }
  }
}
