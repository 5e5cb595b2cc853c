import Foundation
import TestSupport
import Testing

extension RealThings {
  /// The API as a script uses it, with curl and without `apus`.
  @Suite struct APIResources {
    private static let lab = "ape-api"
    private static let file = """
      version: 1
      name: ape-api
      vlans: { red: 10 }
      switches: { sw1: {} }
      nodes:
        vm1: { kind: vm, memory: 96M, nics: { eth0: { switch: sw1, vlan: red, address: 10.0.10.1/24 } } }
        a: { kind: external, nics: { eth0: {} } }
        b: { kind: external, nics: { eth0: {} } }
      links:
        - { name: wire1, ends: [a:eth0, b:eth0] }
      tests:
        - { exec: { node: vm1, run: [ "true" ] } }
        - { exec: { node: vm1, run: [ "false" ] }, within: 1s }

      """

    /// What the API answers.
    private struct Reply: CustomStringConvertible {
      var status: Int
      var text: String
      var tag: String?
      var description: String { "\(status) \(text)" }
    }

    /// - Parameter options: of curl.
    private static func ask(_ sandbox: Sandbox, _ target: String, _ options: String...) async throws -> Reply {
      let socket = "\(sandbox.state)/\(lab)/control.sock"
      let marks = ["-w", "\n%{http_code} %header{etag}"]
      let outcome = try await execute(
        ["curl", "-sS", "--unix-socket", socket] + options + marks + ["http://apus\(target)"], within: 100)
      guard outcome.status == 0, let last = outcome.output.split(separator: "\n").last else {
        throw Failure("\(outcome)")
      }
      let words = last.split(separator: " ")
      return Reply(
        status: Int(words[0]) ?? 0, text: String(outcome.output.dropLast(last.count)),
        tag: words.count > 1 ? String(words[1]) : nil)
    }

    @Test(.timeLimit(.minutes(4))) func whatTheCommandsDoHasARoute() async throws {
      try await Sandbox.use { sandbox in
        let path = try sandbox.write(Self.file)
        try await sandbox.apus("up", path, expecting: 0)
        func ask(_ target: String, _ options: String...) async throws -> Reply {
          switch options.count {
          case 0: try await Self.ask(sandbox, target)
          case 2: try await Self.ask(sandbox, target, options[0], options[1])
          default: try await Self.ask(sandbox, target, options[0], options[1], options[2], options[3])
          }
        }
        // Nodes.
        #expect(try await ask("/v1/nodes/vm1").text.contains(#""node":"vm1""#))
        let restarted = try await ask("/v1/nodes/vm1/restart", "-X", "POST")
        #expect(restarted.text.contains("vm1: stopped") && restarted.text.contains(#"{"done":true}"#), "\(restarted)")
        let log = try await ask("/v1/nodes/vm1/log/text?last=2")
        #expect(log.text.contains("vm1:/"), "\(log)")
        // One test of two, and one that there is not.
        let one = try await ask("/v1/tests", "-d", #"{"names":["exec vm1: true"]}"#)
        #expect(one.text.contains(#""passed":true"#) && !one.text.contains("false\""), "\(one)")
        #expect(try await ask("/v1/tests", "-d", #"{"names":["ping a -> b"]}"#).status == 404)
        // Drawings.
        #expect(try await ask("/v1/graph").text.contains(#""name":"wire1""#))
        #expect(try await ask("/v1/graph?format=svg").text.hasPrefix("<svg "))
        // A port, twice, otherwise, and gone.
        let port = #"{"switch":"sw1","kind":"vhost-user","target":"\#(sandbox.folder)/p9.sock","vlan":"red"}"#
        #expect(try await ask("/v1/ports/p9", "-X", "PUT", "-d", port).status == 201)
        #expect(try await ask("/v1/ports/p9", "-X", "PUT", "-d", port).status == 200)
        let trunk = port.replacing(#""vlan":"red""#, with: #""trunk":["10","20-29"]"#)
        let changed = try await ask("/v1/ports/p9", "-X", "PUT", "-d", trunk)
        #expect(changed.status == 200 && changed.text.contains(#""allowed":["10","20-29"]"#), "\(changed)")
        #expect(
          try await ask("/v1/ports/p9", "-X", "PUT", "-d", trunk.replacing("p9.sock", with: "p8.sock")).status == 409)
        #expect(try await ask("/v1/ports/vm1.eth0", "-X", "PUT", "-d", port).status == 409)
        #expect(try await ask("/v1/ports/p9", "-X", "DELETE").status == 204)
        #expect(try await ask("/v1/ports/p9", "-X", "DELETE").status == 404)
        // A station.
        let station = #"{"switch":"sw1","port":"vm1.eth0"}"#
        #expect(try await ask("/v1/fdb/02:00:00:00:00:01", "-X", "PUT", "-d", station).status == 201)
        #expect(try await ask("/v1/fdb/02:00:00:00:00:01", "-X", "PUT", "-d", station).status == 200)
        // A link, whole.
        let cut = try await ask(
          "/v1/links/wire1", "-X", "PUT", "-d", #"{"down":["a.eth0"],"impair":{"b":{"loss":"1%"}}}"#)
        #expect(cut.text.contains(#""down":["a.eth0"]"#) && cut.text.contains(#"{"b.eth0":{"loss":"1%"}}"#), "\(cut)")
        let whole = try await ask("/v1/links/wire1", "-X", "PUT", "-d", "{}")
        #expect(whole.text.contains(#""down":[]"#) && whole.text.contains(#""impair":null"#), "\(whole)")
      }
    }

    @Test(.timeLimit(.minutes(4))) func filesAreSentInBodies() async throws {
      try await Sandbox.use { sandbox in
        let path = try sandbox.write(Self.file)
        try await sandbox.apus("up", path, expecting: 0)
        // A capture that is taken, and sent back.
        let capture = "\(sandbox.folder)/c.pcapng"
        try Data().write(to: URL(filePath: capture))
        let taking = Task {
          try await Self.ask(sandbox, "/v1/capture?target=vm1.eth0&count=1", "-X", "POST", "-o", capture)
        }
        try await eventually("the capture runs") {
          try await Self.ask(sandbox, "/v1/captures").text.contains("vm1.eth0")
        }
        _ = try await sandbox.apus("exec", "--lab", Self.lab, "vm1", "--", "ping", "-c", "1", "-W", "1", "10.0.10.9")
        _ = try await taking.value
        let replayed = try await Self.ask(
          sandbox, "/v1/ports/vm1.eth0/replay?speed=0", "-H", "Content-Type: application/x-pcapng", "--data-binary",
          "@\(capture)")
        #expect(replayed.text.contains(#""sent":1"#), "\(replayed)")
        let empty = try await Self.ask(sandbox, "/v1/ports/vm1.eth0/replay", "-X", "POST")
        #expect(empty.status == 400, "\(empty)")
        // An image: once, the same once more, another of that name.
        let disk = "\(sandbox.folder)/disk"
        try Data(repeating: 7, count: 1 << 20).write(to: URL(filePath: disk))
        let target = "/v1/images?name=sevens&format=raw"
        #expect(try await Self.ask(sandbox, target, "--data-binary", "@\(disk)").status == 201)
        #expect(try await Self.ask(sandbox, target, "--data-binary", "@\(disk)").status == 200)
        try Data(repeating: 8, count: 1 << 20).write(to: URL(filePath: disk))
        #expect(try await Self.ask(sandbox, target, "--data-binary", "@\(disk)").status == 409)
        #expect(try await sandbox.apus("image", "list", "-j", expecting: 0).output.contains("sevens"))
        #expect(try await Self.ask(sandbox, "/v1/images/sevens", "-X", "DELETE").status == 204)
        #expect(try await Self.ask(sandbox, "/v1/images/sevens", "-X", "DELETE").status == 404)
        let left = try FileManager.default.contentsOfDirectory(atPath: "\(sandbox.data)/images/.uploads")
        #expect(left == [])
      }
    }

    @Test(.timeLimit(.minutes(4))) func labFilesAreTakenAsText() async throws {
      try await Sandbox.use { sandbox in
        let path = try sandbox.write(Self.file)
        try await sandbox.apus("up", path, expecting: 0)
        func put(_ text: String, _ query: String = "") async throws -> Reply {
          try await Self.ask(
            sandbox, "/v1/lab\(query)", "-X", "PUT", "-H", "Content-Type: application/yaml", "--data-binary", text)
        }
        #expect(try await put(Self.file).text.contains(#"{"plan":[]}"#))
        let wrong = try await put(Self.file.replacing("switch: sw1,", with: "switch: sw_1,"))
        #expect(wrong.status == 400 && wrong.text.contains(#""code":"L201""#), "\(wrong)")
        let other = Self.file.replacing("switches: { sw1: {} }", with: "switches: { sw1: {}, sw2: {} }")
        let planned = try await put(other, "?dry-run=true")
        #expect(planned.text.contains(#""subject":"switch sw2""#), "\(planned)")
        #expect(try await Self.ask(sandbox, "/v1/lab").text.contains("sw2") == false)
        #expect(try await put(other).text.contains(#""subject":"switch sw2""#))
        let strange = try await put(Self.file.replacing("name: ape-api", with: "name: ape-other"))
        #expect(strange.status == 409, "\(strange)")
        // Nobody has to bring it up for that.
        let checked = try await Self.ask(
          sandbox, "/v1/validate", "-H", "Content-Type: application/yaml", "--data-binary", "version: 2")
        #expect(checked.status == 200 && checked.text.contains(#""valid":false"#), "\(checked)")
      }
    }

    /// Both changes are there, or one gets 409.
    @Test(.timeLimit(.minutes(4))) func twoClientsChangeTheSameThing() async throws {
      try await Sandbox.use { sandbox in
        let path = try sandbox.write(Self.file)
        try await sandbox.apus("up", path, expecting: 0)
        let seen = try await Self.ask(sandbox, "/v1/links/wire1")
        let tag = try #require(seen.tag)
        // Nobody has said what they have seen: what each names is there.
        async let delayed = Self.ask(sandbox, "/v1/links/wire1", "-X", "PATCH", "-d", #"{"impair":{"delay":"40ms"}}"#)
        async let lossy = Self.ask(sandbox, "/v1/links/wire1", "-X", "PATCH", "-d", #"{"impair":{"loss":"1%"}}"#)
        _ = try await (delayed, lossy)
        let both = try await Self.ask(sandbox, "/v1/links/wire1")
        #expect(both.text.contains(#"{"delay":"40ms","loss":"1%"}"#), "\(both)")
        // Both have seen the same: one of them is told.
        let reset = try await Self.ask(sandbox, "/v1/links/wire1/reset", "-X", "POST")
        #expect(reset.tag == tag)
        async let first = Self.ask(
          sandbox, "/v1/links/wire1", "-X", "PUT", "-H", "If-Match: \(tag)", "-d", #"{"down":["a"]}"#)
        async let second = Self.ask(
          sandbox, "/v1/links/wire1", "-X", "PUT", "-H", "If-Match: \(tag)", "-d", #"{"down":["b"]}"#)
        let answers = try await [first, second]
        #expect(answers.map(\.status).sorted() == [200, 409], "\(answers)")
        // An `up` under way, and another one that wants something else.
        let more = Self.file.replacing("nodes:\n", with: "nodes:\n  vm2: { kind: vm, memory: 96M }\n")
        let other = Self.file.replacing("switches: { sw1: {} }", with: "switches: { sw1: {}, sw2: {} }")
        func put(_ text: String, _ condition: String? = nil) async throws -> Reply {
          try await Self.ask(
            sandbox, "/v1/lab", "-X", "PUT", "-H", "Content-Type: application/yaml", "-H",
            "If-Match:\(condition.map { " \($0)" } ?? "")",
            "--data-binary", text)
        }
        let lab = try await Self.ask(sandbox, "/v1/lab")
        async let long = put(more, lab.tag)
        try await eventually("vm2 is being made") { try await sandbox.nodes(Self.lab).contains { $0.node == "vm2" } }
        let late = try await put(other)
        #expect(late.status == 409, "\(late)")
        let done = try await long
        #expect(done.text.contains(#""subject":"node vm2""#), "\(done)")
        // It was changed since it was seen.
        #expect(try await put(other, lab.tag).status == 409)
        #expect(
          try await put(other.replacing("nodes:\n", with: "nodes:\n  vm2: { kind: vm, memory: 96M }\n")).status == 200)
      }
    }
  }
}
