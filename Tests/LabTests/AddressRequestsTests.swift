import GuestKit
import Testing

@testable import Dataplane
@testable import Lab

/// Which recorded ARP requests are asked again.
@Suite struct AddressRequestsTests {
  private static let second: UInt64 = 1_000_000_000
  private let all: Set<String> = ["a", "b", "c"]

  private func address(_ station: Int) -> [UInt8] { [10, 0, 0, UInt8(truncatingIfNeeded: station)] }

  /// Station `source` asks for the address of another.
  private func request(
    _ source: Int, for target: Int, tags: [FrameBuilder.Tag] = [], to destination: [UInt8] = FrameBuilder.broadcast
  ) -> [UInt8] {
    FrameBuilder(to: destination, from: FrameBuilder.station(source), tags: tags).arp(
      operation: 1, senderAddress: FrameBuilder.station(source), senderIP: address(source),
      targetAddress: [0, 0, 0, 0, 0, 0], targetIP: address(target))
  }

  private func reply(_ source: Int, to target: Int) -> [UInt8] {
    FrameBuilder(to: FrameBuilder.station(target), from: FrameBuilder.station(source)).arp(
      operation: 2, senderAddress: FrameBuilder.station(source), senderIP: address(source),
      targetAddress: FrameBuilder.station(target), targetIP: address(target))
  }

  /// A frame as the recorder has it; ports 0, 1 and 2 are `a`, `b` and `c`.
  private func recorded(
    _ frame: [UInt8], by port: Int = 0, at time: UInt64 = second, outputs: [Int] = [2], drop: FrameDrop = .none
  ) -> RecordedFrame {
    RecordedFrame(
      timestamp: time, port: port, outputs: outputs, outputCount: outputs.count, length: frame.count,
      bytes: Array(frame.prefix(FlightRecording.keptBytes)), drop: drop)
  }

  private func recording(_ frames: [RecordedFrame]) -> FlightRecording {
    var recording = FlightRecording([], ports: [], since: 0)
    recording.ports = ["a", "b", "c"].enumerated().map { index, name in
      RecordedPort(
        name: name, switchName: "sw", kind: .vhostUser, address: FrameBuilder.station(index), index: index, from: 0,
        until: .max)
    }
    recording.frames = frames
    return recording
  }

  /// Ports and frames of the first round after what was recorded.
  private func asked(_ frames: [RecordedFrame], now: UInt64 = second) -> [AddressRequests.Request] {
    var requests = AddressRequests()
    requests.note(recording(frames))
    return requests.takeRound(up: all, now: now)
  }

  @Test func broadcastRequestsAreAskedAgain() {
    let plain = request(1, for: 2)
    let tagged = request(1, for: 2, tags: [.init(10, priority: 3)])
    #expect(plain.count == 60 && tagged.count == 60)
    let whole = Array(request(1, for: 3).prefix(42))
    let frames = [recorded(plain), recorded(tagged), recorded(whole), recorded(request(2, for: 1), by: 1)]
    #expect(
      asked(frames) == [
        .init(port: "a", frame: whole), .init(port: "b", frame: request(2, for: 1)), .init(port: "a", frame: tagged),
        .init(port: "a", frame: plain),
      ])
    // Linux asks with the same bytes again.
    #expect(asked([recorded(plain), recorded(plain), recorded(plain)]).count == 1)
  }

  @Test func nothingElseIs() {
    let announcement = request(1, for: 1)
    let long = request(1, for: 2) + [UInt8](repeating: 0, count: 5)
    let doubleTagged = request(1, for: 2, tags: [.init(10), .init(20)])
    let unicast = request(1, for: 2, to: FrameBuilder.station(2))
    var otherHardware = request(1, for: 2)
    otherHardware[15] = 6
    let short = Array(request(1, for: 2).prefix(41))
    let data = FrameBuilder(to: FrameBuilder.broadcast, from: FrameBuilder.station(1)).plain(size: 60)
    for frame in [announcement, long, doubleTagged, unicast, otherHardware, short, data, reply(1, to: 2), []] {
      #expect(asked([recorded(frame)]).isEmpty, "\(frame)")
    }
  }

  @Test func whatWasDroppedWhereItCameInStaysDropped() {
    let frame = request(1, for: 2)
    for drop in IngressDrop.allCases {
      #expect(asked([recorded(frame, outputs: [], drop: FrameDrop(drop))]).isEmpty)
    }
    for drop in [EgressDrop.impairedLoss, .impairedQueue] {
      #expect(asked([recorded(frame, drop: FrameDrop(drop))]).isEmpty)
    }
    // It reached nobody, or not everybody: that is why it is asked again.
    #expect(asked([recorded(frame, outputs: [])]).count == 1)
    #expect(asked([recorded(frame, outputs: [], drop: FrameDrop(EgressDrop.carrierDown))]).count == 1)
    #expect(asked([recorded(frame, drop: FrameDrop(EgressDrop.noBuffer))]).count == 1)
    #expect(asked([recorded(frame, drop: FrameDrop(IngressDrop.vlanFiltered))]).count == 1)
  }

  /// No node has asked, and as none may it be repeated; what the switch answers is an answer.
  @Test func whatTheSwitchSentIsNot() {
    var sent = recorded(request(1, for: 2))
    sent.isSent = true
    #expect(asked([sent]).isEmpty)
    var answer = recorded(reply(2, to: 1), by: 0, at: Self.second + 1, outputs: [0])
    answer.isSent = true
    #expect(asked([recorded(request(1, for: 2)), answer]).isEmpty)
  }

  @Test func whatWasAnsweredIsNot() {
    let frame = request(1, for: 2)
    let (before, later) = (Self.second - 1, Self.second + 1)
    #expect(asked([recorded(frame), recorded(reply(2, to: 1), by: 1, at: later, outputs: [0])]).isEmpty)
    // Others' answers, one that did not arrive, one that was there before.
    #expect(asked([recorded(frame), recorded(reply(3, to: 1), by: 2, at: later, outputs: [0])]).count == 1)
    #expect(asked([recorded(frame), recorded(reply(2, to: 3), by: 1, at: later, outputs: [0])]).count == 1)
    #expect(
      asked([recorded(frame), recorded(reply(2, to: 1), by: 1, at: later, drop: FrameDrop(EgressDrop.carrierDown))])
        .count == 1)
    #expect(asked([recorded(reply(2, to: 1), by: 1, at: before, outputs: [0]), recorded(frame)]).count == 1)
    // Answered, forgotten, and asked once more.
    var requests = AddressRequests()
    requests.note(recording([recorded(frame), recorded(reply(2, to: 1), by: 1, at: later, outputs: [0])]))
    requests.note(recording([recorded(frame, at: 2 * later)]))
    #expect(requests.takeRound(up: all, now: 2 * later).count == 1)
  }

  @Test func itsOwnRepeatsAreNoNewRequests() {
    var requests = AddressRequests()
    let frame = recorded(request(1, for: 2))
    requests.note(recording([frame]))
    var count = 0
    for round in 0..<20 {
      let again = requests.takeRound(up: all, now: Self.second)
      count += again.count
      // As the recorder shows it: at once, or with the next look.
      if round % 2 == 0 { requests.note(recording([])) }
      requests.note(recording(again.map { recorded($0.frame, at: Self.second + 5) }))
    }
    #expect(count == AddressRequests.repeatLimit)
    // The node itself asks once more.
    requests.note(recording([recorded(request(1, for: 2), at: 2 * Self.second)]))
    #expect(requests.takeRound(up: all, now: 2 * Self.second).count == 1)
  }

  @Test func oldOnesAndThoseOfPortsThatAreDownAreNot() {
    let frames = [recorded(request(1, for: 3)), recorded(request(2, for: 3), by: 1)]
    #expect(asked(frames, now: Self.second + AddressRequests().lifetime - 1).count == 2)
    #expect(asked(frames, now: Self.second + AddressRequests().lifetime).isEmpty)
    var requests = AddressRequests()
    requests.note(recording(frames))
    #expect(requests.takeRound(up: ["b"], now: Self.second).map(\.port) == ["b"])
  }

  @Test func noPortCrowdsOutAnother() {
    let flood = (0..<1000).map { recorded(request(1, for: $0 % 250 + 2), at: Self.second + UInt64($0)) }
    let frames = flood + [recorded(request(2, for: 1), by: 1)]
    let first = asked(frames)
    #expect(first.filter { $0.port == "a" }.count == AddressRequests.portLimit)
    #expect(first.prefix(2).map(\.port) == ["a", "b"])
    // All have their turn, however many ports ask.
    var requests = AddressRequests()
    var many = recording([])
    many.ports = (0..<200).map {
      RecordedPort(
        name: "p\($0)", switchName: "sw", kind: .vhostUser, address: FrameBuilder.station($0), index: $0, from: 0,
        until: .max)
    }
    many.frames = (0..<200).map { recorded(request($0, for: 250), by: $0) }
    requests.note(many)
    let up = Set(many.ports.map(\.name))
    let rounds = (0..<4).map { _ in requests.takeRound(up: up, now: Self.second) }
    #expect(rounds.map(\.count) == [64, 64, 64, 64])
    #expect(Set(rounds.joined().map(\.port)) == up)
  }
}
