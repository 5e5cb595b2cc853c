import FoundationEssentials
import Lab
import Testing
import Topology

@testable import Control

/// Client and server over a real socket.
@Suite struct RoundTripTests {
  @Test func rowsArriveAsSent() async throws {
    try await ServerFixture.run(FixedLab()) { client, _ in
      let nodes = try await client.ask(API.nodes)
      #expect(nodes.map(\.node) == ["vm1", "tap"])
      let ports = try await client.ask(API.ports)
      #expect(ports == FixedLab.ports.map { PortRow($0, isDetailed: false) })
      let fdb = try await client.ask(API.fdb, query: FDBQuery(switchName: "sw1"))
      #expect(fdb.map(\.mac) == ["02:00:00:00:ab:01"])
      let vlans = try await client.ask(API.vlans)
      #expect(vlans.map(\.vlan) == ["10", "10", "11", "20"])
      let stats = try await client.ask(API.stats)
      #expect(stats.workers.map(\.frames) == [20, 2])
      let workers = try await client.ask(API.workers)
      #expect(workers == (await FixedLab().workers()).map { WorkerRow($0) })
      #expect(try await client.ask(API.version) == VersionRow())
      #expect(try await client.ask(API.lab).lab() == FixedLab.definition)
      let log = try await client.ask(API.log, of: "vm1")
      #expect(log.path == "/var/lib/apus/two/vm1/console.log")
      let console = try await client.ask(API.consolePath, of: "vm1")
      #expect(console.path == "/run/apus/two/vm1/console.sock")
    }
  }

  @Test(arguments: ["vm1.eth0", "vm1:eth0"])
  func portIsFoundUnderBothSpellings(_ name: String) async throws {
    try await ServerFixture.run(FixedLab()) { client, _ in
      let port = try await client.ask(API.port, of: name)
      #expect(port == PortRow(FixedLab.ports[0], isDetailed: true, rules: FixedLab.rules))
    }
  }

  @Test func trunkPortsKeepTheirColon() async throws {
    try await ServerFixture.run(FixedLab()) { client, _ in
      let port = try await client.ask(API.port, of: "sw1:core")
      #expect(port.kind == "trunk")
    }
  }

  @Test func flushPassesOnWhatWasSelected() async throws {
    let lab = FixedLab()
    try await ServerFixture.run(lab) { client, _ in
      try await client.tell(API.fdbFlush)
      var query = FDBFlushQuery()
      (query.switchName, query.port, query.vlan) = ("sw1", "vm1:eth0", 10)
      try await client.tell(API.fdbFlush, query: query)
    }
    #expect(await lab.flushes == ["* * *", "sw1 vm1.eth0 10"])
  }

  /// As this client encodes it, and as `curl --data-urlencode` does.
  @Test(arguments: ["filter=icmp%20and%20icmp%5B0%5D%20%2B%201%20==%201", "filter=icmp+and+icmp%5B0%5D+%2B+1+%3D%3D+1"])
  func plusIsASpace(_ query: String) async throws {
    let lab = FixedLab()
    try await ServerFixture.run(lab) { client, _ in
      try await client.exchange(.get, "/v1/recording?\(query)", .whole([])) { _ in }
    }
    #expect(await lab.recordings.map(\.filter) == ["icmp and icmp[0] + 1 == 1"])
  }

  @Test func whatIsAskedOfACaptureArrives() async throws {
    let lab = FixedLab()
    var request = CaptureRequest(["sw1", "vm1.eth0"])
    request.snap = 0
    request.writesVerdicts = true
    try await ServerFixture.run(lab) { [request] client, _ in
      try await client.download(API.recording, query: RecordingQuery(request, last: 2.5)) { _ in }
      await #expect(throws: UserError.self) {
        try await client.exchange(.get, "/v1/recording?snap=-1", .whole([])) { _ in }
      }
    }
    #expect(await lab.recordings == [request])
  }

  @Test func linksAreListedAndChanged() async throws {
    let lab = FixedLab()
    try await ServerFixture.run(lab) { client, _ in
      let links = try await client.ask(API.links)
      #expect(links == [LinkRow(FixedLab.link)])
      #expect(links[0].carriers == ["up", "down"])
      var change = LinkChange()
      change.impair = ["delay": "10ms"]
      change.from = "vm1"
      let after = try await client.ask(API.link, of: "wire1", LinkRequest(change))
      #expect([after] == links)
      #expect(await lab.linkChanges == [change])
      let error = await #expect(throws: UserError.self) {
        _ = try await client.ask(API.link, of: "no/such", LinkRequest(change))
      }
      #expect(error?.code == .notFound)
    }
  }

  @Test func aLinkChangeNamesOnlyWhatItChanges() throws {
    var cut = LinkChange()
    cut.carrier = false
    #expect(try JSON.decode(LinkRequest.self, from: Array(#"{"carrier": false}"#.utf8)).change == cut)
    var replaced = LinkChange()
    replaced.impair = ["loss": "1%"]
    replaced.isReplacement = true
    #expect(
      try JSON.decode(LinkRequest.self, from: Array(#"{"impair": {"loss": "1%"}, "replace": true}"#.utf8)).change
        == replaced)
  }

  @Test func nodesAreStartedAndStopped() async throws {
    try await ServerFixture.run(FixedLab()) { client, _ in
      var lines: [LabLine] = []
      try await client.stream(API.nodeStart, of: "vm1") { lines.append($0) }
      #expect(lines == [.progress("vm1: started"), .done])
      let refusal = await #expect(throws: UserError.self) {
        try await client.stream(API.nodeStart, of: "vm9") { _ in }
      }
      #expect(refusal?.code == .notFound)
    }
  }

  @Test func socketIsForOwnerAndGroup() async throws {
    try await ServerFixture.run(FixedLab()) { client, _ in
      _ = try await client.ask(API.version)
      let attributes = try FileManager.default.attributesOfItem(atPath: client.socket)
      #expect(attributes[.posixPermissions] as? Int == 0o660)
    }
  }

  @Test func clientsAreServedSideBySide() async throws {
    try await ServerFixture.run(FixedLab()) { client, _ in
      let counts = try await withThrowingTaskGroup(of: Int.self) { group in
        for _ in 0..<32 {
          group.addTask { try await client.ask(API.ports).count }
        }
        return try await group.reduce(into: []) { $0.append($1) }
      }
      #expect(counts == Array(repeating: 3, count: 32))
    }
  }

  @Test func nobodyAnswersInAnEmptyFolder() async throws {
    let folder = try ServerFixture.makeFolder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    await #expect(throws: UserError.self) {
      _ = try await ControlClient(socket: "\(folder)/none.sock").ask(API.version)
    }
  }
}
