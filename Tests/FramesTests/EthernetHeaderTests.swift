import Frames
import Testing

@Suite struct EthernetHeaderTests {
  private func header(_ bytes: [UInt8]) -> EthernetHeader {
    let padded = bytes + [UInt8](repeating: 0, count: max(0, 16 - bytes.count))
    return padded.withUnsafeBytes { bytes in
      bytes.baseAddress.map { Bytes.header(at: $0) } ?? EthernetHeader(first: 0, second: 0)
    }
  }

  private static let addresses: [UInt8] = [0x01, 0x23, 0x45, 0x67, 0x89, 0xAB, 0x02, 0xCD, 0xEF, 0x10, 0x32, 0x54]

  @Test func addressesAndTypeAreFound() {
    let untagged = header(Self.addresses + [0x08, 0x00, 0x45, 0x00])
    #expect("\(untagged.destination)" == "01:23:45:67:89:ab")
    #expect("\(untagged.source)" == "02:cd:ef:10:32:54")
    #expect(untagged.type == Ethernet.typeIPv4)
    #expect(!untagged.isTagged)
  }

  @Test(arguments: [0x8100, 0x88A8, 0x9100, 0x0081, 0x8101, 0x0000, 0x86DD] as [UInt16])
  func onlyOneTypeIsATag(type: UInt16) {
    let header = header(Self.addresses + [UInt8(type >> 8), UInt8(type & 0xFF), 0xB0, 0x0A])
    #expect(header.type == type)
    #expect(header.isTagged == (type == Ethernet.typeVLAN))
  }

  @Test(
    arguments: [
      (0x0000, 0, 0x0000), (0xFFFF, 0x0FFF, 0xF000), (0xB00A, 10, 0xB000), (0x1FFE, 4094, 0x1000), (0xE001, 1, 0xE000),
    ] as [(UInt16, UInt16, UInt16)])
  func tagsAreTakenApart(bits: UInt16, vlan: UInt16, priority: UInt16) {
    let tag = header(Self.addresses + [0x81, 0x00, UInt8(bits >> 8), UInt8(bits & 0xFF)]).tag
    #expect(tag.bits == bits)
    #expect(tag.vlan == vlan)
    #expect(tag.priority == priority)
  }

  @Test func headersMayLieAtAnyAddress() {
    let bytes = Self.addresses + [0x81, 0x00, 0x20, 0x05]
    for shift in 0..<16 {
      let moved = [UInt8](repeating: 0xEE, count: shift) + bytes + [0xEE]
      let header = header(Array(moved[shift...]))
      #expect(header.tag.vlan == 5)
      let direct = moved.withUnsafeBytes { buffer in
        buffer.baseAddress.map { Bytes.header(at: $0 + shift) }
      }
      #expect(direct?.first == header.first)
      #expect(direct?.second == header.second)
    }
  }

  @Test func announcementsAreReverseARP() throws {
    let station = try #require(MACAddress("02:11:22:33:44:55"))
    let frame = RARP.announcement(of: station)
    #expect(frame.count == 60)
    #expect(Array(frame[0..<14]) == [UInt8](repeating: 0xFF, count: 6) + station.bytes + [0x80, 0x35])
    // Ethernet, IPv4, sizes 6 and 4, "request reverse", both hardware addresses the station's (RFC 903).
    #expect(Array(frame[14..<22]) == [0, 1, 8, 0, 6, 4, 0, 3])
    #expect(Array(frame[22..<28]) == station.bytes && Array(frame[32..<38]) == station.bytes)
    #expect(frame[28..<32].allSatisfy { $0 == 0 } && frame[38...].allSatisfy { $0 == 0 })
  }
}
