import Testing
import VhostUser

@testable import Dataplane

/// Acknowledged features, as a queue understands them.
@Suite struct QueueTraitsTests {
  private typealias Feature = VirtioFeature

  private func traits(_ features: UInt64, ring: Int = 0) -> QueueTraits {
    let addresses = RingAddresses(flags: 0, descriptors: 0, used: 0, available: 0, log: 0)
    return QueueTraits(
      RingStart(
        index: ring, size: 256, base: 0, addresses: addresses, kick: nil, call: nil, error: nil, isEnabled: true,
        features: features))
  }

  @Test func eachFeatureIsItsType() {
    let sent: [(UInt64, LargeFrameTypes)] = [
      (Feature.hostTSO4, .tcp4), (Feature.hostTSO6, .tcp6), (Feature.hostUSO, [.udp4, .udp6]),
      (Feature.hostTSO4 | Feature.hostECN, [.tcp4, .ecn]), (Feature.hostTSO6 | Feature.hostECN, [.tcp6, .ecn]),
    ]
    for (features, types) in sent {
      #expect(traits(Feature.checksum | features, ring: 1).sendsLarge == types)
      #expect(traits(Feature.checksum | features, ring: 1).takesLarge == [])
    }
    let taken: [(UInt64, LargeFrameTypes)] = [
      (Feature.guestTSO4, .tcp4), (Feature.guestTSO6, .tcp6), (Feature.guestUSO4, .udp4), (Feature.guestUSO6, .udp6),
      (Feature.guestTSO4 | Feature.guestECN, [.tcp4, .ecn]), (Feature.guestTSO6 | Feature.guestECN, [.tcp6, .ecn]),
    ]
    for (features, types) in taken {
      #expect(traits(Feature.guestChecksum | features).takesLarge == types)
      #expect(traits(Feature.guestChecksum | features).sendsLarge == [])
    }
    let all: LargeFrameTypes = [.tcp4, .tcp6, .ecn, .udp4, .udp6]
    for ring in 0..<2 {
      #expect(traits(Feature.offloads, ring: ring).takesLarge == all)
      #expect(traits(Feature.offloads, ring: ring).sendsLarge == all)
      #expect(traits(Feature.offloads, ring: ring).allowsPartialChecksum)
    }
  }

  /// VIRTIO 1.2 section 5.1.3.1: what a feature needs, or it is none.
  @Test func aFeatureWithoutWhatItNeedsIsNone() {
    let withoutHost = Feature.offloads & ~Feature.checksum
    #expect(traits(withoutHost, ring: 1).sendsLarge == [])
    #expect(traits(withoutHost).takesLarge.contains([.tcp4, .udp6]))
    let withoutGuest = Feature.offloads & ~Feature.guestChecksum
    #expect(traits(withoutGuest).takesLarge == [])
    #expect(traits(withoutGuest, ring: 1).sendsLarge.contains([.tcp4, .udp6]))
    #expect(traits(Feature.checksum | Feature.hostECN | Feature.hostUSO, ring: 1).sendsLarge == [.udp4, .udp6])
    #expect(traits(Feature.guestChecksum | Feature.guestECN).takesLarge == [])
    #expect(traits(Feature.checksum | Feature.guestChecksum).takesLarge == [])
  }
}
