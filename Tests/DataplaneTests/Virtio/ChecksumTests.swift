import Dataplane
import GuestKit
import Testing
import VhostUser

/// Partial checksums: handed over to a guest that takes them, completed for one that does not
/// (VIRTIO 1.2 sections 5.1.6.2 and 5.1.6.4).
@Suite(.everyRingFormat) struct ChecksumTests {
  /// Addresses of two hosts.
  private struct Hosts: Sendable, CustomStringConvertible {
    var source: [UInt8]
    var destination: [UInt8]
    var description: String { "IPv\(source.count == 4 ? 4 : 6)" }

    static let both = [
      Hosts(source: [10, 0, 0, 1], destination: [10, 0, 0, 2]),
      Hosts(
        source: [0xFD] + [UInt8](repeating: 0, count: 14) + [1], destination: [0xFD, 0xAB] + [UInt8](1...14)),
    ]
  }

  enum Transport: CaseIterable { case udp, tcp }

  private static let sizes = [0, 1, 2, 3, 15, 16, 17, 100, 101, 190, 191, 192, 193, 194, 500, 1399, 1400, 9000, 40_001]

  private func payload(_ size: Int, seed: Int = 0) -> [UInt8] {
    (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ seed &+ 11) }
  }

  private func built(
    _ transport: Transport, _ hosts: Hosts, _ payload: [UInt8], tag: FrameBuilder.Tag? = nil,
    _ checksum: FrameBuilder.Checksum
  ) -> FrameBuilder.Built {
    let builder = FrameBuilder(
      to: FrameBuilder.station(2), from: FrameBuilder.station(1), tags: tag.map { [$0] } ?? [])
    return switch transport {
    case .udp: builder.udp(from: hosts.source, to: hosts.destination, payload: payload, checksum: checksum)
    case .tcp: builder.tcp(from: hosts.source, to: hosts.destination, payload: payload, checksum: checksum)
    }
  }

  /// Port `in` with offload, `plain` without GUEST_CSUM, `taking` with it, both access ports; trunks of the same.
  private func ports(_ ingress: PortMode, _ body: (Bench) async throws -> Void) async throws {
    try await Bench.with { bench in
      try await bench.addSwitch()
      try await bench.addGuest("in", ingress)
      for (name, mode) in [("access", PortMode.access(vlan: 7)), ("trunk", .trunk(allowed: .all, native: nil))] {
        try await bench.addGuest("taking-" + name, mode)
        try await bench.addGuest("plain-" + name, mode) { $0.features = ~VirtioFeature.guestChecksum }
      }
      try await body(bench)
    }
  }

  private func header(_ sent: NetworkHeader, shift: Int) -> NetworkHeader {
    var header = sent
    header.checksumStart = UInt16(Int(header.checksumStart) + shift)
    header.bufferCount = 1
    return header
  }

  @Test(arguments: Transport.allCases, [0, 1])
  func partialChecksumsArriveInEveryShape(transport: Transport, version: Int) async throws {
    let hosts = Hosts.both[version]
    let tag = FrameBuilder.Tag(7, priority: 4)
    try await ports(.trunk(allowed: .all, native: 7)) { bench in
      for size in Self.sizes {
        for sentTag in [nil, tag] {
          let payload = payload(size, seed: size)
          let sent = built(transport, hosts, payload, tag: sentTag, .partial)
          let outTag = sentTag ?? FrameBuilder.Tag(7)
          let guest = try bench.guest("in")
          try guest.send(sent.frame, header: sent.header, pieces: [[], [12], [12, 61, 3, 5], [40]][size % 4])
          let got = try bench.collect(after: guest)
          let start = built(transport, hosts, payload, .partial).header
          let taking = built(transport, hosts, payload, .partial).frame
          let takingTagged = built(transport, hosts, payload, tag: outTag, .partial).frame
          #expect(got["taking-access"]?.map(\.frame) == [taking])
          #expect(got["taking-trunk"]?.map(\.frame) == [takingTagged])
          #expect(got["plain-access"]?.map(\.frame) == [built(transport, hosts, payload, .full).frame], "\(size)")
          #expect(got["plain-trunk"]?.map(\.frame) == [built(transport, hosts, payload, tag: outTag, .full).frame])
          if 12 + takingTagged.count <= 2048 {
            #expect(got["taking-access"]?.first?.header == header(start, shift: 0))
            #expect(got["taking-trunk"]?.first?.header == header(start, shift: 4))
            #expect(got["plain-trunk"]?.first?.header.flags == 0)
          }
          #expect(checksumState(got["plain-access"]?.first?.frame ?? []) == .right)
        }
      }
      #expect(try await bench.status("in").dropsIn == [:])
    }
  }

  // RFC 768: "If the computed checksum is zero, it is transmitted as all ones."
  @Test(arguments: [0, 1])
  func aSumOfZeroIsSentAsOnes(version: Int) async throws {
    let hosts = Hosts.both[version]
    try await ports(.access(vlan: 7)) { bench in
      // The sum of the packet with two bytes of zeros, stored in their place, makes the sum of ones that inverts to zero.
      let empty = built(.udp, hosts, [0, 0, 5, 6], .full)
      let field = empty.frame.count - 4 - 2
      let missing = Array(empty.frame[field..<(field + 2)])
      let sent = built(.udp, hosts, missing + [5, 6], .partial)
      let guest = try bench.guest("in")
      try guest.send(sent.frame, header: sent.header)
      let frame = try #require(try bench.collect(after: guest)["plain-access"]?.first?.frame)
      #expect(Array(frame[field..<(field + 2)]) == [0xFF, 0xFF])
      #expect(checksumState(frame) == .right)
    }
  }

  /// What is complete stays as it is, right or wrong, and is never called valid.
  @Test func completeChecksumsAreNotTouched() async throws {
    try await ports(.access(vlan: 7)) { bench in
      for checksum in [.full, .wrong, .absent] as [FrameBuilder.Checksum] {
        for hosts in Hosts.both {
          var sent = built(.udp, hosts, payload(64), checksum)
          // DATA_VALID is not the sender's to say.
          sent.header.flags = NetworkHeader.dataValid
          let guest = try bench.guest("in")
          try guest.send(sent.frame, header: sent.header)
          let got = try bench.collect(after: guest)
          for name in ["taking-access", "plain-access"] {
            #expect(got[name]?.map(\.frame) == [sent.frame])
            #expect(got[name]?.first?.header == header(NetworkHeader(), shift: 0))
          }
        }
      }
    }
  }

  @Test func wiresCompleteToo() async throws {
    try await Bench.with { bench in
      try await bench.addGuest("a", .wire)
      try await bench.addGuest("b", .wire, offload: .off)
      try await bench.dataplane.connectWire("a", "b")
      let tag = FrameBuilder.Tag(4095)
      for hosts in Hosts.both {
        let sent = built(.tcp, hosts, payload(33), tag: tag, .partial)
        try bench.guest("a").send(sent.frame, header: sent.header)
        #expect(try bench.guest("b").receive()?.frame == built(.tcp, hosts, payload(33), tag: tag, .full).frame)
      }
    }
  }

  /// Many frames in one burst, some partial, for two guests of different kinds.
  @Test func aBurstOfMixedFramesIsRight() async throws {
    try await ports(.access(vlan: 7)) { bench in
      let guest = try bench.guest("in")
      var plain: [[UInt8]] = []
      for number in 0..<40 {
        let transport = Transport.allCases[number % 2]
        let hosts = Hosts.both[number / 2 % 2]
        let checksum: FrameBuilder.Checksum = number % 3 == 0 ? .full : .partial
        let sent = built(transport, hosts, payload(number * 9, seed: number), checksum)
        try guest.add(sent.frame, header: sent.header)
        plain.append(built(transport, hosts, payload(number * 9, seed: number), .full).frame)
      }
      guest.transmitRing().publish()
      guest.transmitRing().kick()
      #expect(try bench.collect(after: guest)["plain-access"]?.map(\.frame) == plain)
    }
  }

  /// Checksums over frames that cross from one descriptor to the next at every byte.
  @Test(arguments: [60, 75, 76, 120])
  func everySplitOfOneFrameIsRight(size: Int) async throws {
    try await ports(.access(vlan: 7)) { bench in
      let sent = built(.udp, Hosts.both[0], payload(size), .partial)
      let full = built(.udp, Hosts.both[0], payload(size), .full).frame
      let guest = try bench.guest("in")
      for split in 1..<(12 + sent.frame.count) {
        try guest.send(sent.frame, header: sent.header, pieces: split % 2 == 0 ? [split] : [split, 1])
        #expect(try bench.collect(after: guest)["plain-access"]?.map(\.frame) == [full], "\(split)")
      }
    }
  }
}
