import Synchronization
import Testing
import Topology

@testable import Lab

@Suite struct PingTests {
  /// Answers one after the other; the last one again and again.
  private final class Answers: Sendable {
    private let left: Mutex<[CommandTrial.Outcome]>
    init(_ replies: [CommandTrial.Outcome]) { left = Mutex(replies) }
    func next() -> CommandTrial.Outcome {
      left.withLock { $0.count > 1 ? $0.removeFirst() : $0[0] }
    }
  }

  private func test(
    _ expect: TestDefinition.Expectation, _ replies: [CommandTrial.Outcome], within: Double = 3600,
    duration: Double = 0,
    unready: @escaping @Sendable () async -> [String] = { [] }
  ) async -> TestResult {
    var definition = TestDefinition(action: "ping", source: "a", destination: "b")
    definition.expect = expect
    definition.within = within
    definition.duration = duration
    let answers = Answers(replies)
    return await NodeTest(
      definition: definition, address: "10.0.0.2", attempt: { _ in answers.next() }, unready: unready
    ).run()
  }

  @Test func answerAtOnce() async {
    let result = await test(.pass, [.answered("0.4 ms")])
    #expect(result.passed)
    #expect(result.test == "ping a -> b")
    #expect(result.detail == "10.0.0.2 answered in 0.4 ms")
  }

  @Test func answerAfterSomeTries() async {
    let result = await test(.pass, [.silent("x"), .silent("y"), .answered(nil)])
    #expect(result.passed)
    #expect(result.detail == "10.0.0.2 answered at try 3")
  }

  @Test func noAnswerInTime() async {
    let result = await test(.pass, [.silent("network is unreachable")], within: 0)
    #expect(!result.passed)
    #expect(result.detail == "no answer from 10.0.0.2 within 0.0 s, 1 tries; last: network is unreachable")
  }

  @Test func silenceIsProvenOnlyWithBothEndsReady() async {
    let left = Mutex([["b"], ["b"], []])
    let result = await test(.fail, [.silent("lost")]) { left.withLock { $0.count > 1 ? $0.removeFirst() : $0[0] } }
    #expect(result.passed)
    #expect(left.withLock { $0 } == [[]])
    #expect(result.test == "ping a -> b expect fail")
    #expect(result.detail == "10.0.0.2 silent for 0.0 s, 1 tries; last: lost")
  }

  @Test func endThatIsNeverReadyFailsTheTest() async {
    let result = await test(.fail, [.silent("lost")], within: 0) { ["b"] }
    #expect(!result.passed)
    #expect(result.detail == "not ready within 0.0 s: b")
  }

  @Test func answerBreaksTheSilence() async {
    let result = await test(.fail, [.silent("lost"), .answered("1 ms")], duration: 3600)
    #expect(!result.passed)
    #expect(result.detail == "10.0.0.2 answered in 1 ms at try 2; silence was expected")
  }

  @Test func repliesOfIputilsAndBusybox() {
    let iputils = "64 bytes from 10.0.0.2: icmp_seq=1 ttl=64 time=0.057 ms\n\n--- 10.0.0.2 ping statistics ---\n"
    let busybox = "64 bytes from 10.0.0.2: seq=0 ttl=64 time=12.848 ms\n"
    #expect(NodeTest.reply(0, iputils) == .answered("0.057 ms"))
    #expect(NodeTest.reply(0, busybox) == .answered("12.848 ms"))
    #expect(NodeTest.reply(0, "") == .answered(nil))
    #expect(
      NodeTest.reply(1, "--- x ---\n1 packets transmitted, 0 received, 100% packet loss\n\n")
        == .silent("1 packets transmitted, 0 received, 100% packet loss"))
    #expect(NodeTest.reply(2, "") == .silent("ping ended with 2"))
  }

  @Test func destinationInASharedSubnetIsPreferred() {
    let source = node(
      "a", "vm", [nic("eth0", addresses: ["192.168.1.1/24"]), nic("eth1", addresses: ["fd00:1::1/64"])])
    let destination = node("b", "vm", [nic("eth0", addresses: ["10.0.0.2/24", "fd00:1::2/64"])])
    let path = PingPath.between(source, destination)
    #expect(path?.address == "fd00:1::2")
    #expect(path?.nic.name == "eth1")
    // ARP asks for nothing else.
    #expect(PingPath.between(source, destination, isIPv4: true)?.address == "10.0.0.2")
    let routed = PingPath.between(node("a", "vm", [nic()]), destination)
    #expect(routed?.address == "10.0.0.2")
    #expect(PingPath.between(destination, node("c", "vm", [nic()])) == nil)
  }
}

@Suite struct SubnetTests {
  @Test(arguments: [
    ("10.0.0.1/24", ["10.0.0.1/24"], "10.0.0.254/24"),
    ("10.0.0.1/24", ["10.0.0.254", "10.0.0.253/24"], "10.0.0.252/24"),
    ("10.0.0.0/30", ["10.0.0.2/30"], "10.0.0.1/30"),
    ("fd00::1/64", [], "fd00:0:0:0:ffff:ffff:ffff:fffe/64"),
  ])
  func lastFreeHost(_ subnet: String, _ taken: [String], _ expected: String) throws {
    #expect(try #require(Subnet(subnet)).lastHost(notIn: taken) == expected)
  }

  @Test(arguments: [
    ("10.0.0.0/30", ["10.0.0.1", "10.0.0.2"]), ("10.0.0.0/31", []), ("10.0.0.1/32", []), ("::1/127", []),
  ])
  func noRoomForAnotherHost(_ subnet: String, _ taken: [String]) throws {
    #expect(try #require(Subnet(subnet)).lastHost(notIn: taken) == nil)
  }

  @Test(arguments: [
    ("10.0.10.9/24", "10.0.10.254", true), ("10.0.10.9/24", "10.0.11.1", false), ("10.0.8.0/22", "10.0.11.1", true),
    ("0.0.0.0/0", "8.8.8.8", true), ("10.0.0.1/32", "10.0.0.1", true), ("10.0.0.1/32", "10.0.0.0", false),
    ("fd00::1/64", "fd00::ffff:1", true), ("fd00::1/64", "fd00:0:0:1::1", false), ("::1/128", "::1", true),
    ("fd00::1/64", "10.0.0.1", false), ("::ffff:10.0.0.1/120", "::ffff:10.0.0.9", true),
    ("1:2:3:4:5:6:7:8/127", "1:2:3:4:5:6:7:9", true),
  ])
  func contains(_ subnet: String, _ address: String, _ expected: Bool) throws {
    #expect(try #require(Subnet(subnet)).contains(address) == expected)
  }

  @Test(arguments: [
    "10.0.0.1", "10.0.0.1/33", "10.0.0/24", "10.0.0.256/24", "fd00::1::2/64", "fd00::1/129", "1:2:3:4:5:6:7:8:9/64",
    "1:2:3/64", "12345::/16", ":/0", "x/1", "",
  ])
  func malformed(_ text: String) {
    #expect(Subnet(text) == nil)
  }
}
