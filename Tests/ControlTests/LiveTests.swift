import Dataplane
import Foundation
import Lab
import NIOCore
import Testing
import Topology

@testable import Control

/// What viewers of a lab are told, second by second.
@Suite struct LiveTests {
  private func port(_ name: String, packets: UInt64, drops: UInt64 = 0, carrier: Bool = true) -> PortStatus {
    var port = FixedLab.ports[0]
    port.name = name
    port.carrier = carrier
    (port.receivePackets, port.receiveBytes) = (packets, packets &* 100)
    (port.transmitPackets, port.transmitBytes) = (0, 0)
    (port.dropsIn, port.dropsOut) = (["runt": drops], [:])
    return port
  }

  private func snapshot(_ ports: [PortStatus], at seconds: Int, from start: ContinuousClock.Instant) -> LiveSnapshot {
    var snapshot = LiveSnapshot()
    snapshot.lab = FixedLab.definition
    snapshot.ports = ports
    snapshot.switches = [SwitchStatus(name: "sw1", fdbEntries: 3, fdbMoves: 0)]
    snapshot.instant = start.advanced(by: .seconds(seconds))
    return snapshot
  }

  @Test func onlyWhatChangedIsTold() throws {
    var board = LiveBoard()
    let start = ContinuousClock.now
    let ports = [port("a.eth0", packets: 100), port("b.eth0", packets: 5)]
    let first = board.advance(to: snapshot(ports, at: 0, from: start))
    #expect(board.row.isWhole && board.row.ports.keys.sorted() == ["a.eth0", "b.eth0"])
    // Nobody knows a rate after one look.
    #expect(board.row.ports["a.eth0"]??.receivePackets == 0)
    #expect(first.revision == 1)

    let busy = [port("a.eth0", packets: 300, drops: 6), port("b.eth0", packets: 5)]
    let second = board.advance(to: snapshot(busy, at: 2, from: start))
    #expect(!second.isWhole && second.ports.keys.sorted() == ["a.eth0"])
    let live = try #require(second.ports["a.eth0"] ?? nil)
    #expect(live.receivePackets == 100 && live.receiveBytes == 10000)
    #expect(live.drops == 3 && live.dropped == 6)
    #expect(second.switches.isEmpty && second.revision == 1)

    // The rate is over, which is news; then nothing is.
    #expect(board.advance(to: snapshot(busy, at: 3, from: start)).ports["a.eth0"]??.receivePackets == 0)
    #expect(board.advance(to: snapshot(busy, at: 4, from: start)).isEmpty)
  }

  @Test func whatIsGoneIsNull() throws {
    var board = LiveBoard()
    let start = ContinuousClock.now
    _ = board.advance(to: snapshot([port("a.eth0", packets: 1), port("b.eth0", packets: 1)], at: 0, from: start))
    let difference = board.advance(to: snapshot([port("a.eth0", packets: 1, carrier: false)], at: 1, from: start))
    #expect(difference.ports.count == 2)
    #expect(difference.ports["a.eth0"]??.carrier == "down")
    #expect(difference.ports["b.eth0"] == .some(nil))
    #expect(difference.revision == 2)
    let text = try JSON.text(difference)
    #expect(text.contains(#""b.eth0":null"#), "\(text)")
    #expect(try JSON.decode(LiveRow.self, from: Array(text.utf8)) == difference)
  }

  @Test func aPortThatIsMadeAnewHasNoRate() {
    var board = LiveBoard()
    let start = ContinuousClock.now
    _ = board.advance(to: snapshot([port("a.eth0", packets: .max)], at: 0, from: start))
    let difference = board.advance(to: snapshot([port("a.eth0", packets: 7)], at: 1, from: start))
    #expect(difference.ports["a.eth0"]??.receivePackets ?? 0 == 0)
    // A counter may be as far apart as it can be.
    _ = board.advance(to: snapshot([port("a.eth0", packets: .max)], at: 2, from: start))
    #expect(board.row.ports["a.eth0"]??.receivePackets == 0)
  }

  @Test func viewersShareWhatIsMadeOnceASecond() async throws {
    let lab = FixedLab()
    let feed = LiveFeed(service: lab)
    let start = ContinuousClock.now
    // Looks that there may be beside the first: on a busy machine this takes its time, and the feed goes on.
    func seconds() -> Int { Int(start.duration(to: .now).components.seconds) }
    let viewers = [await feed.join(), await feed.join()]
    for viewer in viewers {
      var messages = viewer.messages.makeAsyncIterator()
      let first = try #require(await messages.next())
      let row = try JSON.decode(LiveRow.self, from: Array(first.readableBytesView))
      #expect(row.isWhole && row.lab == "two" && row.ports.count == 3)
    }
    // Who comes later is told at once what there is, without another look at the lab.
    let late = await feed.join()
    var messages = late.messages.makeAsyncIterator()
    #expect(await messages.next() != nil)
    let before = await feed.looks
    #expect(before >= 1 && before <= 1 + seconds())
    for viewer in viewers + [late] { viewer.end() }
    while await feed.isLooking { await Task.yield() }
    let looks = await feed.looks
    let again = await feed.join()
    var fresh = again.messages.makeAsyncIterator()
    #expect(await fresh.next() != nil)
    let afterwards = await feed.looks
    #expect(afterwards > looks && afterwards <= looks + 1 + seconds())
    again.end()
  }

  @Test func serverSentEventsAreForWhoAsksForThem() async throws {
    try await ServerFixture.run(FixedLab()) { client, _ in
      let connection = try RawHTTP(socket: client.socket)
      try connection.send(
        "GET /v1/live?count=1 HTTP/1.1\r\nHost: apus\r\nAccept: text/event-stream\r\nConnection: close\r\n\r\n")
      let answer = try await connection.text()
      #expect(answer.lowercased().contains("content-type: text/event-stream\r\n"))
      let body = RawHTTP.body(of: answer)
      #expect(body.hasPrefix("data: {") && body.hasSuffix("}\n\n"), "\(body)")
      let row = try JSON.decode(LiveRow.self, from: Array(body.dropFirst("data: ".count).utf8))
      #expect(row.isWhole)
    }
  }
}
