import Frames
import Testing
import Topology

@testable import Dataplane
@testable import Lab

/// What is noted of a lab: each thing once, whoever saw it.
@Suite struct LabEventsTests {
  private let events = LabEvents(EventHub(lab: "two", base: 0))

  /// All that was noted, as `type subject words`.
  private func told() async -> [String] {
    let heard = events.hub.subscribe(.after(-1), isFollowing: false)
    var lines: [String] = []
    while case .event(let event)? = await heard.next() {
      lines.append("\(event.type.rawValue) \(event.subject) \(event.words)")
    }
    return lines
  }

  @Test func aNodesLifeIsToldOnce() async {
    events.nodeStarted("vm1", process: 17)
    events.nodeReady("vm1")
    events.nodeReady("vm1")
    // The same machine by another definition.
    events.nodeStarted("vm1", process: 17, takenBack: true)
    events.nodeReady("vm1")
    events.nodeReset("vm1")
    // QEMU says it several times.
    events.nodeReset("vm1")
    events.nodeReset("vm1")
    events.nodeReady("vm1")
    events.nodeFailed("vm1", reason: "node vm1: its QEMU ended")
    events.nodeFailed("vm1", reason: "node vm1: its QEMU ended while the guest was booting")
    events.nodeStopped("vm1")
    #expect(
      await told() == [
        "node.started vm1 started (pid 17)", "node.ready vm1 is ready", "node.started vm1 began anew",
        "node.ready vm1 is ready", "node.failed vm1 failed: its QEMU ended",
      ])
  }

  @Test func aNodeWithoutAProcessIsStoppedAndStarted() async {
    events.nodeStopped("ns1")
    events.nodeStarted("ns1")
    events.nodeReady("ns1")
    events.nodeStarted("ns1")
    events.nodeStopped("ns1")
    events.nodeStopped("ns1")
    events.nodeStarted("ns1")
    #expect(
      await told() == [
        "node.started ns1 started", "node.ready ns1 is ready", "node.stopped ns1 stopped", "node.started ns1 started",
      ])
  }

  @Test func whatADaemonTakesBackIsToldAsThat() async {
    events.nodeStarted("vm1", process: 17, takenBack: true)
    events.nodeReady("vm1")
    events.labUp(steps: 1, takenBack: true, seconds: 0.25)
    #expect(
      await told() == [
        "node.started vm1 was taken back (pid 17)", "node.ready vm1 is ready",
        "lab.up two is up, taken back: 1 step in 0.25 s",
      ])
  }

  @Test func theEndOfALabIsTheEndOfItsNodes() async {
    events.port("b.eth0", isUp: true)
    events.nodeStarted("b")
    events.nodeStarted("a", process: 1)
    events.nodeFailed("a", reason: "it ended")
    events.labDown()
    events.labDown(error: "node c: does not end")
    #expect(
      await told().dropFirst(4) == [
        "port.down b.eth0 is down", "node.stopped b stopped", "lab.down two is down",
        "lab.down two is down: node c: does not end",
      ])
  }

  @Test func aLinkHasItsCarrierWhileAllItsPortsDo() async {
    let wire = LabEvents.Link(name: "w", ends: ["a.eth0", "b.eth0"], ports: ["a.eth0", "b.eth0"])
    events.port("a.eth0", isUp: true)
    events.mayBeUp(wire)
    events.port("b.eth0", isUp: true)
    events.mayBeUp(wire)
    events.mayBeUp(wire)
    events.port("a.eth0", isUp: false)
    events.port("b.eth0", isUp: false)
    #expect(
      await told() == [
        "port.up a.eth0 is up", "port.up b.eth0 is up", "link.carrier w carrier is up", "port.down a.eth0 is down",
        "link.carrier w carrier is down", "port.down b.eth0 is down",
      ])
  }

  /// What is told last is true also where the way there was lost.
  @Test func whatDiffersFromWhatWasToldIsTold() async {
    events.port("a", isUp: true)
    events.port("b", isUp: true)
    events.mayBeUp(LabEvents.Link(name: "b", ends: ["b", "sw"], ports: ["b"]))
    #expect(events.ports(areUp: ["a", "c"]) == ["b", "c"])
    #expect(
      await told().suffix(3) == ["port.down b is down", "link.carrier b carrier is down", "port.up c is up"])
    #expect(events.ports(areUp: ["a", "c"]) == [])
  }

  @Test func faultsOfALinkAreToldWhereTheyAreNew() async {
    var slow = ImpairmentDefinition()
    (slow.delay, slow.loss) = (0.04, 0.01)
    let pair = ImpairmentPair(fromFirst: slow)
    events.link("w", ends: ["a", "b"], isImpairedBy: nil)
    events.link("w", ends: ["a", "b"], isImpairedBy: ImpairmentPair())
    events.link("w", ends: ["a", "b"], isImpairedBy: pair)
    events.link("w", ends: ["a", "b"], isImpairedBy: pair)
    events.link("w", ends: ["a", "b"], isImpairedBy: nil)
    #expect(
      await told() == [
        "link.impaired w is impaired: from a delay 40ms loss 1%", "link.impaired w is impaired no more",
      ])
  }

  @Test func aPortIsToldToBeUpOnce() async {
    events.port("a", isUp: false)
    for isUp in [true, true, false, false] { events.port("a", isUp: isUp) }
    #expect(await told() == ["port.up a is up", "port.down a is down"])
  }

  /// A link by the name of one that is gone is another one.
  @Test func faultsGoWithTheirLink() async {
    var slow = ImpairmentDefinition()
    slow.delay = 0.04
    for names in [["w"], []] as [Set<String>] {
      events.link("w", ends: ["a", "b"], isImpairedBy: ImpairmentPair(fromFirst: slow))
      events.links(are: names)
    }
    events.link("w", ends: ["a", "b"], isImpairedBy: ImpairmentPair(fromFirst: slow))
    #expect(await told().count == 2)
  }

  @Test func theDataPlanesNewsAreEventsOfTheLab() async {
    let station = StationNews.Station(address: MACAddress(bits: 0x0100_0000_0002), vlan: 10)
    let news: [DataplaneEvent] = [
      .portFault(port: "a", reason: "ring 1: bad"), .portRefusal(port: "a", reason: "no memory"),
      .portAdvice(port: "a", text: "share its memory"), .carrierChangesLost(port: "a", count: 3),
      .stations(StationNews(switchName: "sw", what: .moved(station, from: "a", to: "b"), count: 1)),
      .stations(StationNews(switchName: "sw", what: .moved(station, from: "a", to: nil), count: 9)),
      .stations(StationNews(switchName: "sw", what: .moved(nil, from: nil, to: nil), count: 5)),
      .stations(StationNews(switchName: "sw", what: .evicted(station, port: "a", isOfPort: true), count: 2)),
      .stations(StationNews(switchName: "sw", what: .evicted(nil, port: nil, isOfPort: false), count: 1)),
      .stations(StationNews(switchName: "sw", what: .full(port: nil, limit: 8192), count: 1)),
      .stations(StationNews(switchName: "sw", what: .full(port: "a", limit: 64), count: 1)),
    ]
    for event in news { #expect(events.note(event) == nil) }
    #expect(events.note(.portUp(port: "a")) == "a")
    #expect(
      await told() == [
        "port.fault a ring 1: bad", "port.fault a refused: no memory", "port.fault a share its memory",
        "lost a 3 events were lost", "fdb.moved sw 02:00:00:00:00:01 in VLAN 10 moved from a to b",
        "fdb.moved sw 02:00:00:00:00:01 in VLAN 10 moved from a to a port that is gone, 9 times",
        "fdb.moved sw 5 moves of more stations",
        "fdb.evicted sw 2 stations of a were forgotten to make room, last 02:00:00:00:00:01 in VLAN 10",
        "fdb.evicted sw 1 station was forgotten to make room",
        "fdb.full sw no room for more stations: it has all 8192 that it may have",
        "fdb.full sw no room for more stations: its port a has all 64 that it may have", "port.up a is up",
      ])
  }
}
