import Capture
import GuestKit
import TestSupport
import Testing

/// The few words that a frame gets on a line.
@Suite struct FrameSummaryTests {
  private static let (v4, w4): ([UInt8], [UInt8]) = ([10, 0, 0, 1], [10, 0, 0, 2])
  private static let v6: [UInt8] = [0xFE, 0x80] + Array(repeating: 0, count: 13) + [1]

  private static func builder(_ tags: [FrameBuilder.Tag] = []) -> FrameBuilder {
    FrameBuilder(to: FrameBuilder.station(2), from: FrameBuilder.station(1), tags: tags)
  }

  private static func ip(_ proto: UInt8, _ payload: [UInt8], fragment: UInt8 = 0) -> [UInt8] {
    builder().frame(
      type: 0x0800,
      payload: [0x45, 0, 0, UInt8(20 + payload.count), 0, 0, 0, fragment, 64, proto, 0, 0] + v4 + w4 + payload)
  }

  private static func ip6(_ proto: UInt8, _ payload: [UInt8]) -> [UInt8] {
    builder().frame(type: 0x86DD, payload: [0x60, 0, 0, 0, 0, UInt8(payload.count), proto, 64] + v6 + v6 + payload)
  }

  static let cases: [([UInt8], String)] = [
    (
      builder().arp(
        operation: 1, senderAddress: FrameBuilder.station(1), senderIP: v4, targetAddress: FrameBuilder.station(0),
        targetIP: w4), "ARP who has 10.0.0.2, tell 10.0.0.1"
    ),
    (
      builder().arp(
        operation: 2, senderAddress: FrameBuilder.station(1), senderIP: v4, targetAddress: FrameBuilder.station(2),
        targetIP: w4), "ARP 10.0.0.1 is at 02:00:00:00:00:01"
    ),
    (
      builder().arp(
        operation: 1, senderAddress: FrameBuilder.station(1), senderIP: v4, targetAddress: FrameBuilder.station(2),
        targetIP: v4), "ARP announces 10.0.0.1"
    ),
    (
      builder().tcp(from: v4, to: w4, ports: (80, 9), payload: [1, 2]).frame,
      "TCP 10.0.0.1:80 > 10.0.0.2:9 PSH ACK 2 bytes"
    ),
    (
      builder([.init(10, priority: 3)]).udp(from: v4, to: w4, payload: [1]).frame,
      "vlan 10 UDP 10.0.0.1:4000 > 10.0.0.2:5000 1 bytes"
    ),
    (builder([.init(7, type: 0x88A8), .init(10)]).plain(size: 80), "vlan 7 vlan 10 0x88b5"),
    (builder().udp(from: v6, to: v6, payload: []).frame, "UDP [fe80::1]:4000 > [fe80::1]:5000 0 bytes"),
    (ip(1, [8, 0, 0, 0, 0, 9, 0, 7]), "ICMP 10.0.0.1 > 10.0.0.2 echo request 7"),
    (ip(1, [3, 1, 0, 0]), "ICMP 10.0.0.1 > 10.0.0.2 unreachable, code 1"),
    (ip(89, []), "IPv4 10.0.0.1 > 10.0.0.2 protocol 89"),
    (ip(6, []), "TCP 10.0.0.1 > 10.0.0.2"),
    (ip(17, [1, 2, 3, 4], fragment: 4), "IPv4 10.0.0.1 > 10.0.0.2 fragment at 32"),
    (ip6(58, [135, 0, 0, 0, 0, 0, 0, 0] + v6), "ICMPv6 fe80::1 > fe80::1 neighbor solicitation fe80::1"),
    (ip6(0, [58, 0, 0, 0, 0, 0, 0, 0, 143]), "ICMPv6 fe80::1 > fe80::1 multicast listener report"),
    (builder().frame(type: 0x88CC, payload: [2, 7]), "LLDP"),
    (builder().frame(type: 0x8809, payload: [1, 1]), "LACP"),
    (
      builder().frame(type: 0x8035, payload: Array(repeating: 0, count: 8) + FrameBuilder.station(1)),
      "RARP announces 02:00:00:00:00:01"
    ),
    (
      builder().frame(
        type: 0x0026, payload: [0x42, 0x42, 3, 0, 0, 2, 2, 0x3C, 0x80, 0] + FrameBuilder.station(9)),
      "RSTP root 8000.02:00:00:00:00:09"
    ),
    (builder().frame(type: 0x0026, payload: [0x42, 0x42, 3, 0, 0, 0, 0x80]), "STP topology change"),
    (builder().frame(type: 0x0026, payload: [0xAA, 0xAA, 3]), "SNAP"),
  ]

  @Test(arguments: cases.indices) func linesSayWhatFramesAre(_ index: Int) {
    let (frame, wanted) = Self.cases[index]
    let summary = FrameSummary(frame, length: 1234)
    let text = summary.text
    #expect(text == "02:00:00:00:00:01 > 02:00:00:00:00:02 \(wanted), length 1234")
    // A frame cut anywhere, and one of any bytes, gets a line too.
    for count in 0..<frame.count { _ = FrameSummary(Array(frame.prefix(count)), length: frame.count).text }
    var random = SeededRandom(seed: UInt64(index))
    for _ in 0..<2000 {
      var bytes = frame
      for _ in 0..<4 { bytes[Int(random.next() % UInt64(bytes.count))] = UInt8(truncatingIfNeeded: random.next()) }
      _ = FrameSummary(Array(bytes.prefix(Int(random.next() % UInt64(bytes.count + 1)))), length: 60).text
    }
  }

  @Test func addressesAreShortened() {
    let frame = { (address: [UInt8]) in Self.builder().udp(from: address, to: address, payload: []).frame }
    let text = { (address: [UInt8]) in FrameSummary(frame(address), length: 0).details }
    #expect(text(Array(repeating: 0, count: 16)).hasPrefix("[::]:4000"))
    #expect(text(Array(repeating: 0, count: 15) + [1]).hasPrefix("[::1]:4000"))
    #expect(text([0x20, 1] + Array(repeating: 0, count: 14)).hasPrefix("[2001::]:4000"))
    #expect(text((1...16).map { UInt8($0) }).hasPrefix("[102:304:506:708:90a:b0c:d0e:f10]"))
    #expect(
      text([0x20, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1]).hasPrefix("[2001:0:1::1:0:1]"))
  }
}
