import GuestKit
import Testing

@testable import Dataplane

/// Which frames are of one flow.
@Suite struct FlowHashTests {
  private func hash(_ frame: [UInt8], depth: Int = Burst.scratchRule) -> UInt64 {
    let burst = Burst()
    ReceivePool().note(frame, in: burst)
    burst.extendScratch(to: depth)
    return burst.flowHash(0)
  }

  private static let addresses4: ([UInt8], [UInt8]) = ([10, 0, 0, 1], [10, 0, 0, 2])
  private static let addresses6: ([UInt8], [UInt8]) = (
    [0x20, 1, 0xD, 0xB8] + [UInt8](repeating: 0, count: 11) + [1],
    [0x20, 1, 0xD, 0xB8] + [UInt8](repeating: 0, count: 11) + [2]
  )
  private static let tags: [[FrameBuilder.Tag]] = [[], [.init(7)], [.init(7, type: 0x88A8), .init(9)]]

  private func packet(
    _ ports: (UInt16, UInt16), isVersion6: Bool, isTCP: Bool = true, tags: [FrameBuilder.Tag] = [], size: Int = 40,
    source: Int = 1
  ) -> [UInt8] {
    let builder = FrameBuilder(to: FrameBuilder.station(2), from: FrameBuilder.station(source), tags: tags)
    let (from, to) = isVersion6 ? Self.addresses6 : Self.addresses4
    let payload = [UInt8](repeating: UInt8(truncatingIfNeeded: size), count: size)
    return isTCP
      ? builder.tcp(from: from, to: to, ports: ports, payload: payload).frame
      : builder.udp(from: from, to: to, ports: ports, payload: payload).frame
  }

  @Test(arguments: [false, true], tags)
  func portsTellFlowsApart(isVersion6: Bool, tags: [FrameBuilder.Tag]) {
    let one = hash(packet((4000, 5000), isVersion6: isVersion6, tags: tags))
    #expect(one != hash(packet((4001, 5000), isVersion6: isVersion6, tags: tags)))
    #expect(one != hash(packet((4000, 5000), isVersion6: isVersion6, isTCP: false, tags: tags)))
    // Whatever else a frame of the flow has: its size, its other addresses, more of it in scratch.
    #expect(one == hash(packet((4000, 5000), isVersion6: isVersion6, tags: tags, size: 900)))
    #expect(one == hash(packet((4000, 5000), isVersion6: isVersion6, tags: tags, size: 0)))
    #expect(one == hash(packet((4000, 5000), isVersion6: isVersion6, tags: tags, source: 3)))
    #expect(one == hash(packet((4000, 5000), isVersion6: isVersion6, tags: tags, size: 900), depth: 256))
    if tags.count < 2 || !isVersion6 {
      #expect(one != hash(packet((4000, 5001), isVersion6: isVersion6, tags: tags)))
    }
    if tags.count < 2 { #expect(one == hash(packet((4000, 5000), isVersion6: isVersion6))) }
  }

  /// Only the first fragment has ports, so none goes by them.
  @Test(arguments: tags) func fragmentsAreOfOneFlow(tags: [FrameBuilder.Tag]) {
    func fragment(_ ports: (UInt16, UInt16), _ field: UInt16) -> [UInt8] {
      var frame = packet(ports, isVersion6: false, isTCP: false, tags: tags)
      let place = 14 + 4 * tags.count + 6
      frame[place] = UInt8(field >> 8)
      frame[place + 1] = UInt8(truncatingIfNeeded: field)
      return frame
    }
    let first = hash(fragment((4000, 5000), 0x2000))
    #expect(first == hash(fragment((1, 2), 0x2001)))
    #expect(first == hash(fragment((3, 4), 0x0007)))
    #expect(first != hash(fragment((4000, 5000), 0x4000)), "don't fragment is no fragment")
  }

  @Test func otherFramesGoByAddressesAndType() {
    let one = hash(frame(1, to: 2, size: 80, seed: 1))
    #expect(one == hash(frame(1, to: 2, size: 1000, seed: 2)))
    #expect(one != hash(frame(1, to: 3, size: 80)))
    #expect(one != hash(frame(3, to: 2, size: 80)))
    let builder = FrameBuilder(to: FrameBuilder.station(2), from: FrameBuilder.station(1))
    #expect(one != hash(builder.frame(type: 0x88B6, payload: [UInt8](repeating: 1, count: 60))))
  }

  /// Headers that end too early, or lie: no look behind what there is of the frame.
  @Test func shortFramesAndLiesAreHashedAllTheSame() {
    let whole = packet((4000, 5000), isVersion6: false, tags: [.init(7), .init(8)])
    for size in 14..<whole.count { _ = hash(Array(whole.prefix(size))) }
    for length in 0...15 {
      var lie = packet((4000, 5000), isVersion6: false)
      lie[14] = 0x40 | UInt8(length)
      _ = hash(lie)
      _ = hash(Array(lie.prefix(34)))
    }
    #expect(hash(Array(whole.prefix(14))) != hash(whole))
  }
}
