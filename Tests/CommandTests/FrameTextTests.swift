import Testing

@testable import apus

/// Frames and packets in words, as `trace` takes them.
@Suite struct FrameTextTests {
  private func bytes(_ words: String...) throws -> [UInt8] {
    try FrameText.bytes(words, source: "02:00:00:00:00:01") { $0 == "b.eth0" ? "02:00:00:00:00:02" : nil }
  }

  @Test func aFrameHasWhatIsSaid() throws {
    let plain = try bytes("dst=b.eth0")
    #expect(plain.count == 60)
    #expect(plain.prefix(14) == [2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0])
    #expect(try bytes("vlan=10", "type=arp").prefix(18).suffix(6) == [0x81, 0, 0, 10, 8, 6])
    #expect(try bytes("size=100").count == 100)
    #expect(try bytes("ffff 00:11") == [0xFF, 0xFF, 0, 0x11])
  }

  @Test func aPacketIsOneThatRulesRead() throws {
    let tcp = try bytes("from=10.0.0.1", "to=10.0.0.2", "port=22")
    #expect(tcp[12..<16] == [8, 0, 0x45, 0])
    #expect(tcp[16..<18] == [0, 40] && tcp[23] == 6)
    #expect(tcp[26..<34] == [10, 0, 0, 1, 10, 0, 0, 2])
    #expect(tcp[34..<38] == [0x9C, 0x40, 0, 22] && tcp[47] == 2)
    var sum = stride(from: 14, to: 34, by: 2).reduce(0) { $0 + Int(tcp[$1]) << 8 + Int(tcp[$1 + 1]) }
    while sum > 0xFFFF { sum = sum & 0xFFFF + sum >> 16 }
    #expect(sum == 0xFFFF)
    #expect(try bytes("from=10.0.0.1", "to=10.0.0.2")[23] == 1)
    let six = try bytes("vlan=5", "from=fd00::1", "to=fd00::2", "proto=udp", "port=53", "from-port=9")
    #expect(six[16..<19] == [0x86, 0xDD, 0x60] && six[24] == 17)
    #expect(six[58..<62] == [0, 9, 0, 53] && six.count == 66)
    #expect(try bytes("from=fd00::1", "to=fd00::2")[20] == 58)
    #expect(try bytes("from=10.0.0.1", "to=10.0.0.2", "proto=47")[23] == 47)
  }

  @Test(
    arguments: [
      (["from=10.0.0.1"], "needs \"from\" and \"to\""), (["port=80"], "needs \"from\" and \"to\""),
      (["from=10.0.0.1", "to=fd00::1"], "different versions"), (["from=10.0.0.0/8", "to=10.0.0.1"], "no address"),
      (["from=10.0.0.1", "to=10.0.0.2", "proto=icmp", "port=1"], "of tcp and udp"),
      (["from=10.0.0.1", "to=10.0.0.2", "proto=300"], "none of icmp"),
      (["from=10.0.0.1", "to=10.0.0.2", "port=70000"], "0..65535"),
      (["from=10.0.0.1", "to=10.0.0.2", "type=arp"], "follows from the addresses"), (["colour=red"], "is none of src="),
      (["from=10.0.0.1", "to=10.0.0.2", "port=1", "size=50"], "size"),
    ])
  func whatIsNoFrameIsSaid(words: [String], part: String) {
    let error = #expect(throws: (any Error).self) {
      try FrameText.bytes(words, source: "02:00:00:00:00:01") { _ in nil }
    }
    #expect(error.map { "\($0)" }?.contains(part) == true, "\(words)")
  }
}
