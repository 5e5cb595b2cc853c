import LinuxHost
import Testing

/// What the kernel leaves to the reader of a TAP, as `ethtool -k` shows it.
@Suite struct TAPOffloadTests {
  private static let checksum: Set = ["tx-checksum-ip-generic"]
  private static let tcp: Set = ["tx-tcp-segmentation", "tx-tcp6-segmentation", "tx-tcp-ecn-segmentation"]
  private static let udp: Set = ["tx-udp-segmentation"]

  /// Those of interest that are on.
  private func active(_ namespace: TestNamespace) throws -> Set<String> {
    try LinkFeatures.active("tap0", in: namespace.name).intersection(Self.checksum.union(Self.tcp).union(Self.udp))
  }

  private func open(
    _ namespace: TestNamespace, _ offloads: TAPOffloads, hasHeader: Bool = true
  ) throws -> OpenTAP {
    try TAPDevice.open(
      TAPRequest(name: "tap0", namespace: namespace.name, hasHeader: hasHeader, offloads: offloads))
  }

  @Test func theKernelLeavesWhatTheReaderTakes() throws {
    let namespace = try TestNamespace()
    let tap = try open(namespace, .all)
    // UDP came with Linux 6.2; whether it is there is told.
    let hasUDP = tap.offloads == .all
    #expect(hasUDP || tap.offloads == [.checksum, .tcp4, .tcp6, .ecn])
    #expect(try active(namespace) == Self.checksum.union(Self.tcp).union(hasUDP ? Self.udp : []))
    withExtendedLifetime(tap) {}
  }

  /// An interface that an earlier daemon made has what this one asks for.
  @Test func aPersistentOneGetsTheNewSetting() throws {
    let namespace = try TestNamespace()
    let steps: [(TAPOffloads, Bool, Set<String>)] = [
      (.checksum, true, Self.checksum), ([.checksum, .tcp4, .tcp6, .ecn], true, Self.checksum.union(Self.tcp)),
      ([], false, []), (.checksum, true, Self.checksum), ([], true, []),
    ]
    for (offloads, hasHeader, expected) in steps {
      let tap = try open(namespace, offloads, hasHeader: hasHeader)
      #expect(tap.offloads == offloads)
      #expect(try active(namespace) == expected)
      withExtendedLifetime(tap) {}
    }
  }

  @Test func withoutAHeaderNothingIsLeft() throws {
    let namespace = try TestNamespace()
    let tap = try open(namespace, .all, hasHeader: false)
    #expect(tap.offloads == [])
    #expect(try active(namespace) == [])
    withExtendedLifetime(tap) {}
  }

  /// A kernel says of bits that it does not know that they are invalid, and of all at once.
  @Test func whatNoKernelKnowsIsAnError() throws {
    let namespace = try TestNamespace()
    let error = #expect(throws: SystemError.self) { try open(namespace, [.all, TAPOffloads(rawValue: 1 << 30)]) }
    #expect(error?.call == "TUNSETOFFLOAD")
  }
}
