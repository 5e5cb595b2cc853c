import Frames
import Testing

@testable import Topology

@Suite("Values")
struct ValueTests {
  @Test(
    "addresses that are read",
    arguments: [
      ("10.0.0.1", "10.0.0.1"), ("255.255.255.255", "255.255.255.255"), ("0.0.0.0", "0.0.0.0"), ("::", "::"),
      ("::1", "::1"), ("1::", "1::"), ("FD00:0:0:0:1:0:0:1", "fd00::1:0:0:1"), ("1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"),
      ("1:0:3:4:5:6:7:8", "1:0:3:4:5:6:7:8"), ("::ffff:10.0.0.1", "::ffff:a00:1"),
      ("1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"),
    ])
  func addresses(_ text: String, _ canonical: String) {
    #expect(IPAddress(Substring(text))?.description == canonical)
  }

  @Test(
    "addresses that are not",
    arguments: [
      "", "1", "10.0.0", "10.0.0.256", "10.0.0.01", "10.0.0.1.2", "10.0.0.-1", "+1.0.0.1", " 10.0.0.1", "10..0.1", ":",
      ":::",
      "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1::2::3", "12345::", "g::", "1:2:3:4:5:6:7:8::", "::1.2.3", "1.2.3.4::",
      "-1::",
    ])
  func noAddresses(_ text: String) { #expect(IPAddress(Substring(text)) == nil) }

  @Test("prefixes")
  func prefixes() throws {
    let prefix = try #require(IPPrefix("10.0.20.9/24"))
    #expect(prefix.network.description == "10.0.20.0/24")
    #expect(prefix.contains(try #require(IPAddress("10.0.20.255"))))
    #expect(!prefix.contains(try #require(IPAddress("10.0.21.0"))))
    #expect(!prefix.contains(try #require(IPAddress("::1"))))
    #expect(try #require(IPPrefix("10.0.0.0/30")).hosts == 0x0A00_0001...0x0A00_0002)
    #expect(try #require(IPPrefix("10.0.0.0/31")).hosts == 0x0A00_0000...0x0A00_0001)
    #expect(try #require(IPPrefix("10.0.0.7/32")).hosts == 0x0A00_0007...0x0A00_0007)
    #expect(try #require(IPPrefix("::/0")).hosts == 1...UInt128.max)
    #expect(try #require(IPPrefix("0.0.0.0/0")).hosts == 1...0xFFFF_FFFE)
    for text in ["10.0.0.1", "10.0.0.1/", "10.0.0.1/33", "10.0.0.1/-1", "::/129", "/24", "10.0.0.1/2/3", "10.0.0.1/+8"]
    {
      #expect(IPPrefix(text) == nil, "\(text)")
    }
  }

  @Test("MAC addresses")
  func macs() {
    #expect(MACAddress("02:AB:00:00:00:01")?.description == "02:ab:00:00:00:01")
    #expect(MACAddress("02-ab-00-00-00-01")?.description == "02:ab:00:00:00:01")
    #expect(MACAddress("33:33:00:00:00:01")?.isGroup == true)
    for text in [
      "", "02:ab:00:00:00", "02:ab:00:00:00:0g", "2:ab:00:00:00:01", "02:ab:00:00:00:01:02", "02ab00000001",
      "+2:ab:00:00:00:01",
    ] {
      #expect(MACAddress(text) == nil, "\(text)")
    }
  }

  @Test("sizes and times")
  func units() {
    let sizes: [(String, Int?)] = [
      ("128M", 128 << 20), ("2GiB", 2 << 30), ("1.5G", 3 << 29), ("4096", 4096), ("64k", 64 << 10), ("1T", 1 << 40),
      ("", nil), ("M", nil), ("-1M", nil), ("1X", nil), ("1.M", nil), ("1..2M", nil), ("999999999T", nil), ("0.1", nil),
    ]
    for (text, size) in sizes { #expect(Units.size(text) == size, "\(text)") }
    let times: [(String, Double?)] = [
      ("300s", 300), ("40ms", 0.04), ("250us", 0.00025), ("5m", 300), ("1h", 3600), ("0", 0), ("1.5s", 1.5),
      ("300", nil), ("s", nil), ("-1s", nil), ("1d", nil), ("1 s", nil),
    ]
    for (text, time) in times { #expect(Units.seconds(text) == time, "\(text)") }
    let rates: [(String, Int?)] = [
      ("8Mbit", 8_000_000), ("1Gbit", 1_000_000_000), ("64kbit", 64000), ("1.5mbit", 1_500_000), ("9bit", 9), ("0", 0),
      ("8M", nil), ("8", nil), ("8Mbps", nil), ("-1bit", nil), ("999999999999Tbit", nil),
    ]
    for (text, rate) in rates { #expect(Units.bitsPerSecond(text) == rate, "\(text)") }
    let ratios: [(String, Double?)] = [
      ("0.5%", 0.005), ("100%", 1), ("0", 0), ("0%", 0), ("5", nil), ("%", nil), ("-1%", nil), ("5 %", nil),
    ]
    for (text, ratio) in ratios { #expect(Units.ratio(text) == ratio, "\(text)") }
    #expect(Units.describe(bytes: 3 << 29) == "1.5 GiB")
    #expect(Units.describe(bytes: 100) == "100 B")
  }

  @Test("names")
  func names() {
    for name in ["a", "0", "vm-1", String(repeating: "a", count: 63)] { #expect(Names.valid(name), "\(name)") }
    for name in ["", "-a", "a-", "A", "a_b", "a.b", "é", String(repeating: "a", count: 64)] {
      #expect(!Names.valid(name), "\(name)")
    }
    for name in ["e", "eth0", "eth0.10", "a_b-c", "abcdefghijklmno"] { #expect(Names.validNIC(name), "\(name)") }
    for name in ["", "0", "Eth0", "-a", "abcdefghijklmnop", "a:b", "a b"] { #expect(!Names.validNIC(name), "\(name)") }
  }

  @Test("derived names fit and differ")
  func derived() {
    #expect(Names.shortInterfaceName("vm1.eth0") == "vm1.eth0")
    let long = (1...200).map { Names.shortInterfaceName("a-very-long-node\($0).eth0") }
    #expect(long.allSatisfy { $0.utf8.count == 15 && $0.hasPrefix("a-very-l-") })
    #expect(Set(long).count == 200)
    let macs = (1...5000).map { Names.derivedMAC(lab: "lab", node: "vm\($0)", nic: "eth0") }
    #expect(Set(macs).count == 5000)
    #expect(macs.allSatisfy { !$0.isGroup && "\($0)".hasPrefix("02:a9:") })
    #expect(
      Names.derivedMAC(lab: "a", node: "b", nic: "c") != Names.derivedMAC(lab: "a", node: "b", nic: "c", attempt: 1))
  }

  @Test("ranges of names")
  func ranges() {
    #expect(NameRange("vm")?.names == ["vm"])
    #expect(NameRange("vm[1-3]")?.names == ["vm1", "vm2", "vm3"])
    #expect(NameRange("r[08-10]x")?.names == ["r08x", "r09x", "r10x"])
    #expect(NameRange("vm[7-7]")?.names == ["vm7"])
    for text in [
      "vm[", "vm]", "vm[]", "vm[1]", "vm[2-1]", "vm[a-b]", "vm[1-3][1-2]", "vm]1-2[", "vm[1-99999]", "vm[-1-2]",
      "vm[1-9999999999]",
    ] {
      #expect(NameRange(text) == nil, "\(text)")
    }
  }

  @Test("near names")
  func suggestions() {
    #expect(Suggestion.nearest(to: "sw_1", among: ["sw1", "sw2"]) == "sw1")
    #expect(Suggestion.nearest(to: "natvie", among: ["native", "name"]) == "native")
    #expect(Suggestion.nearest(to: "b", among: ["a"]) == nil)
    #expect(Suggestion.nearest(to: "zebra", among: ["sw1"]) == nil)
    #expect(Suggestion.nearest(to: "", among: ["a"]) == nil)
  }
}
