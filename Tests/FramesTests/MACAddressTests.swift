import FoundationEssentials
import Frames
import Testing

@Suite struct MACAddressTests {
  @Test func readsAndWritesText() throws {
    let address = try #require(MACAddress("02:00:5e:10:00:ff"))
    #expect(address.bytes == [0x02, 0x00, 0x5E, 0x10, 0x00, 0xFF])
    #expect("\(address)" == "02:00:5e:10:00:ff")
    #expect(MACAddress(bytes: address.bytes) == address)
    #expect(MACAddress("02:00:5E:10:00:FF") == address)
    #expect(MACAddress("02-00-5E-10-00-FF") == address, "as IEEE 802 writes them")
  }

  @Test(arguments: [
    "", "02", "02:00:00:00:00", "02:00:00:00:00:01:02", "2:0:0:0:0:1", "02-00-00:00-00-01", "02:00:00:00:00-01",
    "020000000001", "02:00:00:00:00:0g",
    "02:00:00:00:00:001", "02:00:00:00:00:", ":02:00:00:00:00:01", "+2:00:00:00:00:01", "02:00:00:00:00:-1",
    "+2:0:0:0:0:1", "+2:00:00:00:00:+1", "02.00.00.00.00.01", " 02:00:00:00:00:01", "０２:00:00:00:00:01",
    "02:00:00:00:00:0１",
  ])
  func refusesOtherText(text: String) {
    #expect(MACAddress(text) == nil)
  }

  @Test(arguments: [0, 1, 5, 7, 12])
  func refusesOtherSizes(count: Int) {
    #expect(MACAddress(bytes: [UInt8](repeating: 1, count: count)) == nil)
  }

  @Test func isATextWhereverItIsWrittenDown() throws {
    let address = try #require(MACAddress("02:00:5e:10:00:ff"))
    let text = try JSONEncoder().encode([address])
    #expect(String(decoding: text, as: UTF8.self) == #"["02:00:5e:10:00:ff"]"#)
    #expect(try JSONDecoder().decode([MACAddress].self, from: text) == [address])
    let error = #expect(throws: DecodingError.self) {
      try JSONDecoder().decode([MACAddress].self, from: Data(#"["02:00:5e:10:00"]"#.utf8))
    }
    guard case .dataCorrupted(let context) = error else { throw try #require(error) }
    #expect(context.debugDescription == #""02:00:5e:10:00" is no MAC address such as 02:00:00:00:00:01"#)
  }

  @Test func groupBitIsTheFirstOnTheWire() throws {
    #expect(try #require(MACAddress("01:00:00:00:00:00")).isGroup)
    #expect(try #require(MACAddress("33:33:00:00:00:01")).isGroup)
    #expect(MACAddress.broadcast.isGroup)
    #expect(try #require(MACAddress("02:ff:ff:ff:ff:ff")).isGroup == false)
    #expect(try #require(MACAddress("00:00:00:00:00:01")).isGroup == false)
  }

  @Test func zeroIsZeroInAllBytes() throws {
    #expect(try #require(MACAddress("00:00:00:00:00:00")).isZero)
    for position in 0..<6 {
      var bytes = [UInt8](repeating: 0, count: 6)
      bytes[position] = 0x80
      #expect(try #require(MACAddress(bytes: bytes)).isZero == false)
    }
  }

  @Test func linkLocalAreSixteenAddresses() throws {
    for last in 0...255 {
      let address = try #require(MACAddress(bytes: [0x01, 0x80, 0xC2, 0, 0, UInt8(last)]))
      #expect(address.isLinkLocal == (last < 16))
      #expect(address.lastByte == UInt8(last))
    }
    for position in 0..<5 {
      var bytes: [UInt8] = [0x01, 0x80, 0xC2, 0, 0, 0x0E]
      bytes[position] ^= 4
      #expect(try #require(MACAddress(bytes: bytes)).isLinkLocal == false)
    }
  }
}
