import FoundationEssentials
import Lab
import Testing
import Topology

@testable import Control

/// Client and server over a real socket.
@Suite struct RoundTripTests {
  @Test func rowsArriveAsSent() async throws {
    try await ServerFixture.run(FixedLab()) { client, _ in
      let nodes = try await client.get(ControlPath.nodes, as: [NodeRow].self)
      #expect(nodes.map(\.node) == ["vm1", "tap"])
      let ports = try await client.get(ControlPath.ports, as: [PortRow].self)
      #expect(ports == FixedLab.ports.map { PortRow($0, isDetailed: false) })
      let fdb = try await client.get(ControlPath.fdb, query: ["switch": "sw1"], as: [FDBRow].self)
      #expect(fdb.map(\.mac) == ["02:00:00:00:ab:01"])
      let vlans = try await client.get(ControlPath.vlans, as: [VLANRow].self)
      #expect(vlans.map(\.vlan) == [10, 10, 11, 20])
      let stats = try await client.get(ControlPath.stats, as: StatsRow.self)
      #expect(stats.workers.map(\.frames) == [20])
      #expect(try await client.get(ControlPath.version, as: VersionRow.self) == VersionRow())
      #expect(try await client.get(ControlPath.lab, as: CanonicalLab.self) == FixedLab.definition)
      let log = try await client.get(ControlPath.node("vm1", "log"), as: PathRow.self)
      #expect(log.path == "/var/lib/apus/two/vm1/console.log")
      let console = try await client.get(ControlPath.node("vm1", "console"), as: PathRow.self)
      #expect(console.path == "/run/apus/two/vm1/console.sock")
    }
  }

  @Test(arguments: ["vm1.eth0", "vm1:eth0"])
  func portIsFoundUnderBothSpellings(_ name: String) async throws {
    try await ServerFixture.run(FixedLab()) { client, _ in
      let port = try await client.get(ControlPath.port(name), as: PortRow.self)
      #expect(port == PortRow(FixedLab.ports[0], isDetailed: true))
    }
  }

  @Test func trunkPortsKeepTheirColon() async throws {
    try await ServerFixture.run(FixedLab()) { client, _ in
      let port = try await client.get(ControlPath.port("sw1:core"), as: PortRow.self)
      #expect(port.kind == "trunk")
    }
  }

  @Test func flushPassesOnWhatWasSelected() async throws {
    let lab = FixedLab()
    try await ServerFixture.run(lab) { client, _ in
      try await client.delete(ControlPath.fdb)
      try await client.delete(ControlPath.fdb, query: ["switch": "sw1", "port": "vm1:eth0", "vlan": "10"])
    }
    #expect(await lab.flushes == ["* * *", "sw1 vm1.eth0 10"])
  }

  /// As this client encodes it, and as `curl --data-urlencode` does.
  @Test(arguments: ["filter=icmp%20and%20icmp%5B0%5D%20%2B%201%20==%201", "filter=icmp+and+icmp%5B0%5D+%2B+1+%3D%3D+1"])
  func plusIsASpace(_ query: String) async throws {
    let lab = FixedLab()
    try await ServerFixture.run(lab) { client, _ in
      try await client.download("/v1/recording?\(query)") { _ in }
    }
    #expect(await lab.recordings.map(\.filter) == ["icmp and icmp[0] + 1 == 1"])
  }

  @Test func whatIsAskedOfACaptureArrives() async throws {
    let lab = FixedLab()
    var request = CaptureRequest(["sw1", "vm1.eth0"])
    request.snap = 0
    request.writesVerdicts = true
    try await ServerFixture.run(lab) { [request] client, _ in
      try await client.download(ControlPath.recording, query: request.query) { _ in }
      await #expect(throws: UserError.self) {
        try await client.download(ControlPath.recording, query: ["snap": "-1"]) { _ in }
      }
    }
    #expect(await lab.recordings == [request])
  }

  @Test func linksAreListedAndChanged() async throws {
    let lab = FixedLab()
    try await ServerFixture.run(lab) { client, _ in
      let links = try await client.get(ControlPath.links, as: [LinkRow].self)
      #expect(links == [LinkRow(FixedLab.link)])
      #expect(links[0].carriers == ["up", "down"])
      var change = LinkChange()
      change.impair = ["delay": "10ms"]
      change.from = "vm1"
      var after: [LinkRow] = []
      try await client.stream(.post, ControlPath.link("wire1"), body: change, as: LinkRow.self) { after.append($0) }
      #expect(after == links)
      #expect(await lab.linkChanges == [change])
      let error = await #expect(throws: UserError.self) {
        try await client.stream(.post, ControlPath.link("no/such"), body: change, as: LinkRow.self) { _ in }
      }
      #expect(error?.code == .notFound)
    }
  }

  @Test func aLinkChangeNamesOnlyWhatItChanges() throws {
    var cut = LinkChange()
    cut.carrier = false
    #expect(try JSON.decode(LinkChange.self, from: Array(#"{"carrier": false}"#.utf8)) == cut)
    var replaced = LinkChange()
    replaced.impair = ["loss": "1%"]
    replaced.isReplacement = true
    #expect(
      try JSON.decode(LinkChange.self, from: Array(#"{"impair": {"loss": "1%"}, "replace": true}"#.utf8)) == replaced)
  }

  @Test func nodesAreStartedAndStopped() async throws {
    try await ServerFixture.run(FixedLab()) { client, _ in
      var lines: [LabLine] = []
      try await client.stream(.post, ControlPath.node("vm1", "start"), as: LabLine.self) { lines.append($0) }
      #expect(lines == [.progress("vm1: started"), .done])
      lines = []
      try await client.stream(.post, ControlPath.node("vm9", "start"), as: LabLine.self) { lines.append($0) }
      guard case .failed(let body)? = lines.last else { return #expect(Bool(false), "\(lines)") }
      #expect(body.userError.code == .notFound)
    }
  }

  @Test func socketIsForOwnerAndGroup() async throws {
    try await ServerFixture.run(FixedLab()) { client, _ in
      _ = try await client.get(ControlPath.version, as: VersionRow.self)
      let attributes = try FileManager.default.attributesOfItem(atPath: client.socket)
      #expect(attributes[.posixPermissions] as? Int == 0o660)
    }
  }

  @Test func clientsAreServedSideBySide() async throws {
    try await ServerFixture.run(FixedLab()) { client, _ in
      let counts = try await withThrowingTaskGroup(of: Int.self) { group in
        for _ in 0..<32 {
          group.addTask { try await client.get(ControlPath.ports, as: [PortRow].self).count }
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
      _ = try await ControlClient(socket: "\(folder)/none.sock").get(ControlPath.version, as: VersionRow.self)
    }
  }
}
