import Dataplane
import Lab
import Testing

@testable import Control

/// `top` without a terminal: what is known becomes lines, keys become choices.
@Suite struct TopTests {
  private static func data(long: Bool = false) async -> TopData {
    let lab = FixedLab()
    let before = StatsRow(workers: await lab.workers(), ports: FixedLab.ports)
    var after = before
    after.ports[0].receivePackets += 100
    after.ports[0].receiveBytes += 6400
    after.ports[0].drops.in["runt", default: 0] += 4
    if long {
      for index in after.ports.indices {
        after.ports[index].name = String(repeating: "long-name-", count: 12) + "\(index)"
        after.ports[index].receivePackets = .max
        after.ports[index].error = "broken\nby \u{1B}[2J a guest"
      }
    }
    return TopData(
      lab: "two", traffic: Traffic(after, since: long ? nil : before, seconds: 2),
      links: await lab.links().map { LinkRow($0) }, nodes: await lab.nodes().map { NodeRow($0) },
      workers: await lab.workers().map { WorkerRow($0) })
  }

  private static func draw(_ data: TopData?, _ state: inout TopState, _ rows: Int = 12, _ columns: Int = 80) -> [String]
  {
    TopScreen(rows: rows, columns: columns, isColoured: false).lines(data, &state, notice: nil, time: "12:00:00")
  }

  @Test func portsHaveRates() async {
    var state = TopState()
    let lines = Self.draw(await Self.data(), &state)
    #expect(lines.count == 12)
    #expect(lines[0].hasPrefix("two: 2 nodes, 1 ready; ") && lines[0].hasSuffix("12:00:00"))
    #expect(lines[1].hasPrefix("[1 ports] 2 links "))
    #expect(
      lines[2].split(separator: " ") == [
        "PORT", "CARRIER", "RX-PPS", "RX-BIT/S", "TX-PPS", "TX-BIT/S", "DROPS/S", "DROPS",
      ])
    // 100 packets of 64 bytes and 4 drops in 2 s.
    #expect(lines[3].split(separator: " ") == ["vm1.eth0", "up", "50", "26k", "0", "0", "2", "11"])
    #expect(lines[11].hasPrefix("p l w n views"))
  }

  /// Any size of terminal, every view, names and counters of any length, text of guests with escape sequences.
  @Test func nothingIsWiderOrHigherThanTheTerminal() async {
    for long in [false, true] {
      let data = await Self.data(long: long)
      for view in TopView.allCases {
        for (rows, columns) in [(1, 1), (2, 10), (3, 20), (4, 40), (5, 80), (24, 80), (24, 37), (50, 132), (200, 400)] {
          var state = TopState(view: view)
          for keys in [[], [TopKey.character("?")], [.character("/"), .character("x")]] as [[TopKey]] {
            for key in keys { _ = state.press(key, page: 1) }
            let lines = Self.draw(data, &state, rows, columns)
            #expect(lines.count <= rows && !lines.isEmpty, "\(view) \(rows)x\(columns): \(lines)")
            #expect(lines.allSatisfy { TerminalText.width($0) <= columns }, "\(view) \(rows)x\(columns): \(lines)")
            #expect(!lines.joined().contains { $0 == "\u{1B}" || $0.isNewline })
          }
        }
      }
      var state = TopState()
      #expect(Self.draw(nil, &state, 3, 20) == ["asking the daemon"])
    }
  }

  @Test func everyRowHasACellForEachColumn() async {
    let data = await Self.data()
    for view in TopView.allCases {
      for row in data.table(TopState(view: view)).rows { #expect(row.count == view.columns.count, "\(view)") }
    }
  }

  @Test func keysChangeViewOrderAndFilter() {
    var state = TopState()
    func press(_ keys: String) { for key in keys { #expect(wish(.character(key)) == .stay) } }
    func wish(_ key: TopKey) -> TopState.Wish { state.press(key, page: 5) }
    press("n")
    #expect(state.view == .nodes)
    press("3")
    #expect(state.view == .workers)
    #expect(state.order.column == nil)
    press("s")
    #expect(state.order.column == "WORKER")
    press("<")
    #expect(state.order.column == nil)
    press("<r")
    #expect(state.order == .init(column: "SERVES", isReversed: true))
    press("p/vmq")
    #expect(state.filter == "vmq" && state.view == .ports)
    #expect(wish(.backspace) == .stay)
    #expect(wish(.enter) == .stay)
    #expect(state.filter == "vm" && state.formerFilter == nil)
    press("/x")
    #expect(wish(.escape) == .stay)
    #expect(state.filter == "vm")
    #expect(wish(.escape) == .stay)
    #expect(state.filter == "")
    press("?")
    #expect(state.showsHelp)
    #expect(wish(.character("q")) == .leave)
    #expect(wish(.interrupt) == .leave)
    #expect(wish(.suspend) == .suspend)
  }

  @Test func aFilterThatIsTypedDoesNotHoldWhoLeaves() {
    var state = TopState()
    func wish(_ key: TopKey) -> TopState.Wish { state.press(key, page: 5) }
    _ = wish(.character("/"))
    #expect(wish(.character("q")) == .stay)
    #expect(wish(.interrupt) == .leave)
  }

  @Test func scrollingStaysWithinTheRows() async {
    let data = await Self.data()
    var state = TopState()
    for key in [TopKey.last, .down, .pageDown, .down] { _ = state.press(key, page: 1) }
    let lines = Self.draw(data, &state, 5)
    #expect(lines.count == 5)
    #expect(state.offset == FixedLab.ports.count - 1)
    #expect(lines[1].contains("\(FixedLab.ports.count)-\(FixedLab.ports.count) of \(FixedLab.ports.count)"))
    for key in [TopKey.up, .pageUp, .up, .first] { _ = state.press(key, page: 1) }
    #expect(state.offset == 0)
  }

  @Test func rowsAreSortedAndFiltered() async {
    let data = await Self.data()
    func names(_ change: (inout TopState) -> Void) -> [String] {
      var state = TopState()
      change(&state)
      return data.table(state).rows.map { $0[0].cell.text }
    }
    let sorted = names { state in _ = state.sort(by: "port") }
    #expect(sorted == ["sw1:core", "tap.a", "vm1.eth0"])
    let none = names { state in state.filter = "VHOST" }
    #expect(none == [])
    let down = names { state in state.filter = "Down" }
    #expect(down == ["sw1:core"])
    let busiest = names { _ in }
    #expect(busiest.first == "vm1.eth0")
    var state = TopState()
    let isKnown = state.sort(by: "nothing")
    #expect(!isKnown)
  }

  @Test func namesAreSortedAsPeopleDo() {
    let names = ["vm10.eth0", "vm2.eth0", "a", "vm2.eth10", "vm2.eth9", "vm002.eth0", "b"]
    #expect(
      names.sorted(by: NaturalOrder.isAscending)
        == ["a", "b", "vm2.eth0", "vm002.eth0", "vm2.eth9", "vm2.eth10", "vm10.eth0"])
  }

  @Test func keysAreReadAsTerminalsSendThem() {
    let cases: [(String, [TopKey])] = [
      ("q", [.character("q")]), ("\u{3}", [.interrupt]), ("\u{1A}", [.suspend]), ("\r", [.enter]),
      ("\u{7F}", [.backspace]),
      ("\u{1B}", [.escape]), ("\u{1B}[A", [.up]), ("\u{1B}OB", [.down]), ("\u{1B}[5~", [.pageUp]),
      ("\u{1B}[6~x", [.pageDown, .character("x")]), ("\u{1B}[1;5C", [.right]), ("\u{1B}[H\u{1B}[4~", [.first, .last]),
      ("\u{1B}[99~", []), ("\u{1B}[", []), ("ü", [.character("ü")]), ("\u{1}\u{2}", []),
    ]
    for (text, keys) in cases { #expect(TopKey.keys(of: Array(text.utf8)) == keys, "\(text.debugDescription)") }
    #expect(TopKey.keys(of: [0xFF, 0xFE, 0x71]).last == .character("q"))
  }

  @Test func ratesSurviveADaemonMadeAnew() async {
    let lab = FixedLab()
    let before = StatsRow(workers: await lab.workers(), ports: FixedLab.ports)
    var after = before
    after.ports[0].receivePackets = 3
    after.ports.removeLast()
    after.workers.removeLast()
    let traffic = Traffic(after, since: before, seconds: 0)
    #expect(traffic.ports[0].rates?.receivePackets == 3000)
    #expect(traffic.ports.count == FixedLab.ports.count - 1 && traffic.workers.count == before.workers.count - 1)
    #expect(Traffic(after).ports[0].rates == nil)
  }
}
