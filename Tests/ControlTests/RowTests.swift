import Dataplane
import Lab
import Testing
import Topology

@testable import Control

/// The keys that scripts rely on, letter by letter.
@Suite struct RowTests {
  @Test func nodeHasEveryKey() async throws {
    let rows = await FixedLab().nodes().map { NodeRow($0) }
    #expect(
      try JSON.text(rows[0])
        == #"{"addresses":["10.0.0.1/24"],"console":"/run/apus/two/vm1/console.sock","error":null,"#
        + #""image":"/var/lib/apus/images/debian.qcow2","kind":"vm","lab":"two","node":"vm1","pid":17,"#
        + #""ready":true,"since":"2026-01-02T03:04:05Z","state":"running"}"#)
    #expect(
      try JSON.text(rows[1])
        == #"{"addresses":[],"console":null,"error":null,"image":null,"kind":"tap","lab":"two","node":"tap","#
        + #""pid":null,"ready":false,"since":null,"state":"stopped"}"#)
  }

  @Test func portListHasEveryKey() throws {
    #expect(
      try JSON.text(PortRow(FixedLab.ports[0], isDetailed: false))
        == #"{"added":false,"allowed":["10"],"carrier":"up","drops":{"in":{"runt":3},"out":{"no-buffer":4}},"error":null,"#
        + #""interface":null,"kind":"vhost-user","mac":"02:00:00:00:ab:01","mode":"access","mtu":1500,"name":"vm1.eth0","#
        + #""peer":null,"pvid":10,"queues":2,"receive_bytes":1200,"receive_packets":12,"#
        + #""socket":"/run/apus/two/vm1.eth0.sock","switch":"sw1","transmit_bytes":1100,"transmit_packets":11}"#)
  }

  @Test func trunkHasAllowedVLANsAndNative() throws {
    let row = PortRow(FixedLab.ports[1], isDetailed: false)
    #expect(row.allowed == ["10-11", "20"])
    #expect(row.pvid == 20)
    #expect(row.mode == "trunk")
    #expect(row.mac == nil)
    #expect(row.carrier == "down")
  }

  @Test func wireHasNoSwitchAndNoVLANs() throws {
    let text = try JSON.text(PortRow(FixedLab.ports[2], isDetailed: true))
    #expect(
      text == #"{"added":false,"allowed":[],"carrier":"up","drops":{"in":{},"out":{}},"end":"up","error":"read: EIO","#
        + #""interface":"a","kind":"tap","mac":"02:00:00:00:00:02","mode":"wire","mtu":9000,"name":"tap.a","peer":"vm1.eth1","pvid":null,"#
        + #""queues":1,"receive_bytes":0,"receive_packets":0,"socket":null,"switch":null,"transmit_bytes":0,"#
        + #""transmit_packets":0}"#)
  }

  @Test func portShowAddsWhatVhostUserKnows() throws {
    let row = PortRow(FixedLab.ports[0], isDetailed: true)
    let text = try JSON.text(row)
    for part in [
      #""features":["VERSION_1"]"#, #""protocol_features":["MQ"]"#, #""connected":true"#, #""faults":1"#,
      #""refusals":2"#, #""last_refusal":"SET_MEM_TABLE: no""#, #""advice":"share its memory""#,
      #""memory_regions":[{"file_offset":8192,"guest_address":0,"size":4096}]"#,
      #""queue_status":[{"avail_index":256,"calls":2,"enabled":true,"index":0,"kicks":1,"merged":0,"ring":"split","#
        + #""segmented":0,"size":256,"stopped":null,"used_index":11,"worker":0},{"avail_index":7,"calls":4,"#
        + #""enabled":true,"index":1,"kicks":3,"merged":6,"ring":"split","segmented":5,"size":0,"#
        + #""stopped":"never started","used_index":7,"worker":1}]"#, #""queues":2"#,
      #""offloads":{"from_node":["checksum"],"to_node":["checksum","tso4"]}"#,
    ] {
      #expect(text.contains(part))
    }
    #expect(try JSON.decode(PortRow.self, from: JSON.bytes(row)) == row)
    var quiet = FixedLab.ports[0]
    quiet.vhostUser?.lastRefusal = nil
    quiet.vhostUser?.advice = nil
    let silence = try JSON.text(PortRow(quiet, isDetailed: true))
    #expect(silence.contains(#""last_refusal":null"#) && silence.contains(#""advice":null"#))
  }

  /// A daemon that is older than the command says less of a ring, and nothing of offloads.
  @Test func aRowOfAnOlderDaemonIsRead() throws {
    var text = try JSON.text(PortRow(FixedLab.ports[0], isDetailed: true))
    for key in [#""merged":\d+,"#, #""segmented":\d+,"#, #""stopped":(null|"[a-z ]+"),"#, #","worker":\d+"#] {
      text.replace(try Regex(key), with: "")
    }
    text.replace(#/"offloads":\{[^}]+\},/#, with: "")
    let row = try JSON.decode(PortRow.self, from: Array(text.utf8))
    #expect(row.offloads == nil)
    #expect(row.details?.queues.map(\.kicks) == [1, 3])
    #expect(row.details?.queues.map(\.stopped) == [nil, nil])
    #expect(row.details?.queues.map(\.segmented) == [0, 0])
  }

  @Test func fdbRowHasEveryKey() async throws {
    let rows = await FixedLab().fdb(switchName: nil).map { FDBRow($0) }
    #expect(
      try JSON.text(rows)
        == #"[{"age_seconds":1.26,"mac":"02:00:00:00:ab:01","port":"vm1.eth0","static":false,"switch":"sw1","vlan":10}]"#
    )
  }

  @Test func vlanRowsComeByPort() throws {
    let rows = VLANRow.rows(ports: FixedLab.ports, vlans: FixedLab.definition.vlans)
    #expect(
      try rows.map { try JSON.text($0) } == [
        #"{"name":"red","port":"vm1.eth0","pvid":true,"switch":"sw1","untagged":true,"vlan":"10"}"#,
        #"{"name":"red","port":"sw1:core","pvid":false,"switch":"sw1","untagged":false,"vlan":"10"}"#,
        #"{"name":null,"port":"sw1:core","pvid":false,"switch":"sw1","untagged":false,"vlan":"11"}"#,
        #"{"name":null,"port":"sw1:core","pvid":true,"switch":"sw1","untagged":true,"vlan":"20"}"#,
      ])
  }

  /// A trunk with all VLANs was a list of 4,094 numbers, and as many rows.
  @Test func allVLANsAreOneText() throws {
    var all = FixedLab.ports[1]
    all.mode = .trunk(allowed: .all, native: nil)
    #expect(PortRow(all, isDetailed: false).allowed == ["1-4094"])
    #expect(VLANRow.rows(ports: [all], vlans: []).map(\.vlan) == ["1-4094"])
    all.mode = .trunk(allowed: VLANSet([1...30, 4094...4094]), native: 1)
    let rows = VLANRow.rows(ports: [all], vlans: FixedLab.definition.vlans)
    #expect(rows.map(\.vlan) == ["1", "2-9", "10", "11-30", "4094"])
    #expect(rows.map(\.name) == [nil, nil, "red", nil, nil])
    #expect(rows.map(\.isPVID) == [true, false, false, false, false])
  }

  @Test(arguments: ["", "0", "4095", "-", "5-", "-5", "9-8", "1-2-3", "+1", " 1", "1-4095", "red", "\u{0661}"])
  func whatIsNoVLANIsRefused(_ text: String) { #expect(VLANText.range(text) == nil) }

  @Test(arguments: [("1", 1...1), ("20", 20...20), ("1-4094", 1...4094), ("007", 7...7)])
  func vlansAreRead(_ text: String, _ range: ClosedRange<Int>) { #expect(VLANText.range(text) == range) }

  @Test func statsHaveWorkersAndPorts() async throws {
    let row = StatsRow(workers: await FixedLab().workers(), ports: [])
    #expect(
      try JSON.text(row)
        == #"{"ports":[],"workers":[{"bursts":4,"busy_cycles":1000,"frames":20,"idle_cycles":3000,"sleeps":3},"#
        + #"{"bursts":1,"busy_cycles":500,"frames":2,"idle_cycles":0,"sleeps":0}]}"#)
  }

  @Test func workersHaveEveryKey() async throws {
    let rows = await FixedLab().workers().map { WorkerRow($0) }
    #expect(
      try JSON.text(rows)
        == #"[{"busy":0.25,"cpu":2,"frames_per_second":1235,"ports":["vm1.eth0","tap.a"],"worker":0},"#
        + #"{"busy":null,"cpu":null,"frames_per_second":null,"ports":["vm1.eth0"],"worker":1}]"#)
    #expect(try JSON.decode([WorkerRow].self, from: JSON.bytes(rows)) == rows)
  }

  /// What a clock that stood still made of an account.
  @Test func aShareIsAShare() async {
    var status = await FixedLab().workers()[0]
    (status.recentBusy, status.recentFrames) = (1.7, .infinity)
    #expect(WorkerRow(status).busy == 1 && WorkerRow(status).framesPerSecond == nil)
    status.recentBusy = -0.1
    #expect(WorkerRow(status).busy == 0)
  }

  @Test func streamLinesAreOneKeyEach() throws {
    let lines: [LabLine] = [
      .progress("a"), .plan([PlanRow(PlanStep(.create, "switch s"))]), .plan([]), .done,
      .failed(ErrorBody(UserError(.failed, "m", hint: "h"))),
    ]
    #expect(
      try lines.map { try JSON.text($0) } == [
        #"{"progress":"a"}"#, #"{"plan":[{"action":"create","detail":"","subject":"switch s"}]}"#, #"{"plan":[]}"#,
        #"{"done":true}"#, #"{"error":{"code":1,"hint":"h","message":"m"}}"#,
      ])
    #expect(try lines.map { try JSON.decode(LabLine.self, from: JSON.bytes($0)) } == lines)
    let events: [ExecuteLine] = [.event(.output([104, 105])), .event(.error([0])), .event(.exit(-1))]
    #expect(try events.map { try JSON.text($0) } == [#"{"out":"aGk="}"#, #"{"err":"AA=="}"#, #"{"exit":-1}"#])
    #expect(try events.map { try JSON.decode(ExecuteLine.self, from: JSON.bytes($0)) } == events)
  }
}
