import Dataplane
import Lab
import Testing
import Topology

@testable import Control

/// What people see.
@Suite struct ListingTests {
  @Test func columnsAreAligned() {
    let table = Table(
      columns: [Column("NAME"), Column("COUNT", .right), Column("NOTE")],
      rows: [[Cell("a"), Cell(1), Cell(nil)], [Cell("longer"), Cell(12345), Cell("x")]])
    #expect(table.lines == ["NAME    COUNT  NOTE", "a           1  -", "longer  12345  x"])
  }

  @Test func colourDoesNotShiftColumns() {
    let rows = [[Cell("up", .good), Cell("a")], [Cell("down", .bad), Cell("b")]]
    let columns = [Column("CARRIER"), Column("NAME")]
    #expect(
      Table(columns: columns, rows: rows, isColoured: true).lines == [
        "CARRIER  NAME", "\u{1B}[32mup\u{1B}[0m       a", "\u{1B}[31mdown\u{1B}[0m     b",
      ])
    #expect(Table(columns: columns, rows: rows).lines == ["CARRIER  NAME", "up       a", "down     b"])
  }

  @Test func allFormatsComeFromTheSameRows() async throws {
    let rows = await FixedLab().nodes().map { NodeRow($0) }
    #expect(
      try Rendering(.table).text(rows) == """
        LAB  NODE  KIND  IMAGE         STATE    READY  PID  SINCE                 ADDRESSES
        two  vm1   vm    debian.qcow2  running  yes     17  2026-01-02T03:04:05Z  10.0.0.1/24
        two  tap   tap   -             stopped  no       -  -                     -

        """)
    let lines = try rows.map { try JSON.text($0) }
    #expect(try Rendering(.jsonl).text(rows) == "\(lines[0])\n\(lines[1])\n")
    #expect(try Rendering(.json).text(rows) == "[\n\(lines[0]),\n\(lines[1])\n]\n")
  }

  @Test func nothingIsAHeaderOrAnEmptyArray() throws {
    #expect(try Rendering(.table).text([FDBRow]()) == "MAC  PORT  VLAN  SWITCH  AGE  STATE\n")
    #expect(try Rendering(.json).text([FDBRow]()) == "[]\n")
    #expect(try Rendering(.jsonl).text([FDBRow]()) == "")
  }

  @Test func portsShowVLANsAndDrops() throws {
    let rows = FixedLab.ports.map { PortRow($0, isDetailed: false) }
    #expect(
      try Rendering(.table).text(rows) == """
        NAME      SWITCH  KIND        CARRIER  MODE    VLANS               MAC                RX-PACKETS  RX-BYTES  \
        TX-PACKETS  TX-BYTES  DROPS  ERROR
        vm1.eth0  sw1     vhost-user  up       access  10                  02:00:00:00:ab:01          12      1200  \
                11      1100      7  -
        sw1:core  sw1     trunk       down     trunk   10-11,20 native 20  -                           0         0  \
                 0         0      0  -
        tap.a     -       tap         up       wire    -> vm1.eth1         02:00:00:00:00:02           0         0  \
                 0         0      0  read: EIO

        """)
  }

  @Test func portShowTellsOfASocketsPeer() {
    #expect(
      PortRow(FixedLab.stream, isDetailed: true).description() == [
        "name         old.eth0", "kind         stream", "carrier      up", "end          up", "mode         wire",
        "mac          02:00:00:00:00:03", "mtu          1500", "queues       1",
        "socket       /run/apus/two/old.eth0.sock", "received     9 packets, 900 bytes",
        "transmitted  0 packets, 0 bytes", "drops        out tap-busy 1",
        "held         12 frames, 1.3 KiB of 4 MiB", "connected    yes", "role         listen", "faults       2",
        "fragments    7 of IPv4 with DF from the node: switch its TSO off (ethtool -K INTERFACE tso off)",
      ])
  }

  @Test func portShowTellsEverything() {
    #expect(
      PortRow(FixedLab.ports[0], isDetailed: true).description() == [
        "name         vm1.eth0", "switch       sw1", "kind         vhost-user", "carrier      up",
        "end          up", "mode         access",
        "vlans        10", "mac          02:00:00:00:ab:01", "mtu          1500", "queues       2",
        "socket       /run/apus/two/vm1.eth0.sock", "received     12 packets, 1200 bytes",
        "transmitted  11 packets, 1100 bytes", "drops        in runt 3, out no-buffer 4",
        "offloads     checksum, tso4 to the node; checksum from it", "connected    yes",
        "features     VERSION_1", "protocol     MQ", "faults       1", "refusals     2",
        "refused      SET_MEM_TABLE: no", "advice       share its memory", "  GUEST-ADDRESS  SIZE  FILE-OFFSET",
        "            0x0  4096       0x2000",
        "  QUEUE  TO      SIZE  RING   ENABLED  AVAIL  USED  KICKS  CALLS  WORKER  SEGMENTED  MERGED  STATE",
        "      0  node     256  split  yes        256    11      1      2       0          0       0  runs",
        "      1  switch     0  split  yes          7     7      3      4       1          5       6  never started",
      ])
  }

  @Test func vlansThatFollowEachOtherAlikeShareALine() throws {
    var core = FixedLab.ports[1]
    core.mode = .trunk(allowed: .all, native: 1)
    let rows = VLANRow.rows(ports: [core], vlans: [VLANDefinition(name: "red", id: 20)])
    #expect(
      try Rendering(.table).text(rows) == """
        PORT      SWITCH     VLAN  NAME  FLAGS
        sw1:core  sw1           1  -     pvid untagged
        sw1:core  sw1        2-19  -     -
        sw1:core  sw1          20  red   -
        sw1:core  sw1     21-4094  -     -

        """)
  }

  @Test func statsShowShareOfTimeAndRates() async {
    let lab = FixedLab()
    let before = StatsRow(workers: await lab.workers(), ports: FixedLab.ports)
    var after = before
    after.ports[0].receivePackets += 100
    after.ports[0].receiveBytes += 6400
    after.ports[0].transmitPackets = 3
    let lines = after.description(since: before, seconds: 2)
    #expect(
      lines[0] == "WORKER  BUSY  BUSY-CYCLES  IDLE-CYCLES  SLEEPS  BURSTS  FRAMES  CYCLES/FRAME")
    #expect(lines[1] == "     0   25%         1000         3000       3       4      20            50")
    #expect(lines[2] == "     1  100%          500            0       0       1       2           250")
    #expect(lines[3] == "")
    let cells = lines[5].split(separator: " ")
    // 100 packets and 6400 bytes in 2 s; a counter that went back counts from zero.
    #expect(cells[6...9] == ["50", "25600", "2", "0"])
    #expect(lines[5].hasSuffix("in runt 3, out no-buffer 4"))
  }

  /// A program reads rates where a person does.
  @Test func watchedStatsCarryRates() async throws {
    let lab = FixedLab()
    let before = StatsRow(workers: await lab.workers(), ports: FixedLab.ports)
    var after = before
    after.ports[0].receivePackets += 100
    after.ports[0].receiveBytes += 6400
    after.workers[0].frames += 30
    func object(_ stats: WatchedStats) throws -> JSONValue {
      try JSON.decode(JSONValue.self, from: JSON.bytes(stats))
    }
    let first = try object(WatchedStats(before, since: nil, seconds: 1))
    #expect(first["rates"] == .null && first["seconds"] == .null)
    #expect(first["ports"] != nil && first["workers"] != nil)
    let second = try object(WatchedStats(after, since: before, seconds: 2))
    #expect(second["seconds"] == .integer(2))
    let port = second["rates"]?["ports"]?["vm1.eth0"]
    #expect(port?["receive_packets"] == .integer(50) && port?["receive_bits"] == .integer(25600))
    #expect(port?["transmit_packets"] == .integer(0) && port?["drops"] == .integer(0))
    guard case .list(let workers)? = second["rates"]?["workers"] else { return #expect(Bool(false), "\(second)") }
    #expect(workers.count == 2 && workers[0]["frames"] == .integer(15))
  }

  @Test func workersAreListed() async throws {
    #expect(
      try Rendering(.table).text(await FixedLab().workers().map { WorkerRow($0) }) == """
        WORKER  CPU  BUSY  FRAMES/S  PORTS
             0    2   25%      1235  vm1.eth0 tap.a
             1    -     -         -  vm1.eth0

        """)
  }

  @Test func aPlanReadsAsALineAStep() {
    #expect(PlanRow.description([]) == ["no changes"])
    #expect(
      PlanRow.description(FixedLab.plan.map { PlanRow($0) })
        == ["create  switch sw1", "create  node vm1    vm, image builtin"])
  }

  @Test func aTestReadsAsALine() {
    let passed = TestRow(TestResult(test: "ping a -> b", passed: true, seconds: 0.0124, detail: ""))
    let failed = TestRow(TestResult(test: "ping a -> c", passed: false, seconds: 30.04, detail: "no answer"))
    #expect(passed.description() == "ok    ping a -> b  12 ms")
    #expect(failed.description() == "FAIL  ping a -> c  30.0 s  no answer")
    #expect(passed.description(isColoured: true) == "\u{1B}[32mok  \u{1B}[0m  ping a -> b  12 ms")
  }

  @Test func junitReport() {
    let results = [
      TestResult(test: "ping a -> b", passed: true, seconds: 0.0124, detail: ""),
      TestResult(test: "exec a: echo \"<&>\"", passed: false, seconds: 30, detail: "it said: \u{1}\nx"),
    ]
    #expect(
      JUnitReport(lab: "two", results: results.map { TestRow($0) }).text == """
        <?xml version="1.0" encoding="UTF-8"?>
        <testsuite name="two" tests="2" failures="1" errors="0" time="30.012">
          <testcase classname="two" name="ping a -&gt; b" time="0.012"/>
          <testcase classname="two" name="exec a: echo &quot;&lt;&amp;&gt;&quot;" time="30.000">
            <failure message="it said: ?">it said: ?
        x</failure>
          </testcase>
        </testsuite>

        """)
  }

  @Test func linksWithTheirFaults() {
    let row = LinkRow(FixedLab.link)
    #expect(row.impair == ["vm1.eth1": ["delay": "40ms", "loss": "0.5%", "rate": "8Mbit"]])
    #expect(row.cells.map(\.text).last == "from vm1.eth1: delay 40ms loss 0.5% rate 8Mbit")
  }
}
