import Frames
import GuestKit
import TestSupport
import Testing

@testable import Dataplane

/// Whose station and addresses frames of a node may have.
@Suite(.everyRingFormat) struct PortLockTests {
  static let own: [UInt8] = [10, 0, 0, 1]
  static let foreign: [UInt8] = [10, 0, 0, 9]
  static let own6: [UInt8] = [0x20, 1, 0x0D, 0xB8] + [UInt8](repeating: 0, count: 11) + [1]
  static let foreign6: [UInt8] = [0x20, 1, 0x0D, 0xB8] + [UInt8](repeating: 0, count: 11) + [9]
  /// Of station 1.
  static let linkLocal: [UInt8] = [0xFE, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFE, 0, 0, 1]
  static let none6 = [UInt8](repeating: 0, count: 16)
  static let all6: [UInt8] = [0xFF, 2] + [UInt8](repeating: 0, count: 13) + [1]

  private func bench(_ configure: (inout PortRules) -> Void) throws -> DrivenBench {
    let bench = try DrivenBench()
    for _ in 0..<2 { try bench.addGuest(.access(vlan: 1)) }
    var rules = PortRules()
    rules.macLock = FrameBuilder.address(1)
    rules.ipLock = [AddressRange(ipv4: 0x0A00_0001), AddressRange(ipv6: 0x2001_0DB8_0000_0000, 1)]
    configure(&rules)
    bench.worker.setRules(port: 0, rules)
    return bench
  }

  private func builder(_ source: Int = 1) -> FrameBuilder {
    FrameBuilder(to: FrameBuilder.broadcast, from: FrameBuilder.station(source))
  }

  private func arp(_ senderIP: [UInt8], sender: Int = 1, source: Int = 1) -> [UInt8] {
    builder(source).arp(
      operation: 2, senderAddress: FrameBuilder.station(sender), senderIP: senderIP,
      targetAddress: FrameBuilder.station(0), targetIP: Self.own)
  }

  /// A message of neighbour discovery with an option that tells a station.
  private func neighbour(_ type: UInt8, from: [UInt8], target: [UInt8], station: Int = 1, hops: UInt8 = 255) -> [UInt8]
  {
    let body = [type, 0, 0, 0, 0, 0, 0, 0] + target + [type == 136 ? 2 : 1, 1] + FrameBuilder.station(station)
    return builder().frame(
      type: 0x86DD, payload: [0x60, 0, 0, 0, 0, UInt8(body.count), 58, hops] + from + Self.all6 + body)
  }

  private func udp(_ from: [UInt8], _ ports: (UInt16, UInt16) = (4000, 5000), source: Int = 1) -> [UInt8] {
    builder(source).udp(
      from: from, to: from.count == 4 ? [255, 255, 255, 255] : Self.all6, ports: ports,
      payload: [UInt8](repeating: 1, count: 30)
    ).frame
  }

  @Test func onlyWhatIsTheNodesPasses() throws {
    let bench = try bench { _ in }
    let honest: [[UInt8]] = [
      udp(Self.own), udp(Self.own6), udp(Self.linkLocal), arp(Self.own), arp([0, 0, 0, 0]),
      udp([0, 0, 0, 0], (68, 67)),
      neighbour(135, from: Self.none6, target: Self.own6), neighbour(136, from: Self.own6, target: Self.own6),
      neighbour(135, from: Self.linkLocal, target: Self.foreign6),
      neighbour(136, from: Self.linkLocal, target: Self.own6),
      neighbour(133, from: Self.linkLocal, target: []), tagged(1, udp(Self.own)), builder().plain(size: 60),
    ]
    for frame in honest {
      try bench.send([frame], from: 0, at: 0)
      #expect(try bench.frames(1).count == 1, "\(frame)")
    }
    #expect(bench.drops(0) == [:])
    let spoofed: [[UInt8]] = [
      udp(Self.own, source: 2), udp(Self.foreign), udp(Self.foreign6), arp(Self.foreign), arp(Self.own, sender: 2),
      arp(Self.own, source: 2), udp([0, 0, 0, 0]), udp([0, 0, 0, 0], (67, 68)), udp(Self.none6),
      neighbour(136, from: Self.own6, target: Self.foreign6), neighbour(136, from: Self.foreign6, target: Self.own6),
      neighbour(136, from: Self.own6, target: Self.own6, station: 2),
      neighbour(135, from: Self.foreign6, target: Self.own6),
      neighbour(135, from: Self.linkLocal, target: Self.own6, station: 2),
      neighbour(136, from: Self.none6, target: Self.own6),
      neighbour(134, from: Self.foreign6, target: []), tagged(1, udp(Self.foreign)), Array(udp(Self.own).prefix(30)),
      tagged(1, tagged(1, tagged(1, udp(Self.own)))),
    ]
    for (number, frame) in spoofed.enumerated() {
      try bench.send([frame], from: 0, at: 0)
      #expect(try bench.frames(1) == [], "\(frame)")
      #expect(bench.drops(0) == ["spoofed": UInt64(number + 1)])
    }
    #expect(bench.stationCount == 1, "what is not the node's teaches nothing")
  }

  /// A DHCP message to station 1.
  private func dhcp(
    _ address: [UInt8], type: UInt8 = 5, lease: UInt32 = 100, client: Int = 1, from port: UInt16 = 67
  ) -> [UInt8] {
    var message: [UInt8] = [2, 1, 6, 0, 1, 2, 3, 4] + [UInt8](repeating: 0, count: 8) + address
    message += [UInt8](repeating: 0, count: 8) + FrameBuilder.station(client) + [UInt8](repeating: 0, count: 202)
    message +=
      [99, 130, 83, 99, 53, 1, type, 51, 4] + (0..<4).reversed().map { UInt8(truncatingIfNeeded: lease >> (8 * $0)) }
    return FrameBuilder(to: FrameBuilder.station(1), from: FrameBuilder.station(2)).udp(
      from: [10, 0, 0, 254], to: address, ports: (port, 68), payload: message + [255]
    ).frame
  }

  @Test func addressesAreLearntFromServers() throws {
    let bench = try bench {
      $0.learnsAddresses = true; $0.ipLock = []
    }
    func passes(_ address: [UInt8]) throws -> Bool {
      try bench.send([udp(address)], from: 0, at: 0)
      return try bench.frames(1).count == 1
    }
    #expect(try !passes([10, 0, 0, 7]))
    for refused in [
      dhcp([10, 0, 0, 7], type: 2), dhcp([10, 0, 0, 7], client: 3), dhcp([10, 0, 0, 7], from: 66),
      Array(dhcp([10, 0, 0, 7]).prefix(290)),
    ] {
      try bench.send([refused], from: 1, at: 0)
      #expect(try bench.frames(0).count == 1)
      #expect(try !passes([10, 0, 0, 7]))
    }
    try bench.send([dhcp([10, 0, 0, 7])], from: 1, at: 0)
    #expect(bench.ruleStatus(0)?.learntAddresses == [AddressRange(ipv4: 0x0A00_0007)])
    #expect(try passes([10, 0, 0, 7]))
    #expect(try !passes([10, 0, 0, 8]))
    bench.worker.tick += 100
    #expect(try passes([10, 0, 0, 7]))
    bench.worker.tick += 1
    #expect(try !passes([10, 0, 0, 7]), "the lease is over")
    for number in 0..<40 { try bench.send([dhcp([10, 0, 1, UInt8(number)])], from: 1, at: 0) }
    #expect(bench.ruleStatus(0)?.learntAddresses.count == AddressLock.mostLearnt)
    #expect(try passes([10, 0, 1, 39]))
  }
}
