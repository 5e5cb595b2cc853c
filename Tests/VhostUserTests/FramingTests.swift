import GuestKit
import LinuxHost
import Testing
import VhostUser

/// Headers, sizes and pieces of messages (hostile case M1).
@Suite struct FramingTests {
  @Test func repliesAreOneBufferWithFlagsFive() throws {
    let owner = RecordingOwner()
    let session = Session(owner: owner)
    #expect(session.wantedSize == 12)
    try session.receive(MessageHeader(request: 1, flags: 1, size: 0).bytes)
    #expect(session.takeOutgoing().map(\.bytes) == [words32(1, 5, 8) + words64(RecordingOwner.features)])
    #expect(session.takeOutgoing().isEmpty)
    #expect(session.wantedSize == 12)
  }

  @Test func needReplyIsNotEchoed() throws {
    let owner = RecordingOwner()
    let session = Session(owner: owner)
    try session.receive(MessageHeader(request: 15, flags: 9, size: 0).bytes)
    #expect(session.takeOutgoing().map(\.bytes) == [words32(15, 5, 8) + words64(RecordingOwner.protocolFeatures)])
  }

  @Test(arguments: [1, 3, 7, 12, 19])
  func messagesMayComeInPieces(readSize: Int) throws {
    let bench = try Bench()
    bench.transport.readSize = readSize
    try bench.frontEnd.setRingSize(1, 256)
    try bench.frontEnd.setRingBase(1, 77)
    #expect(try bench.frontEnd.getRingBase(1) == 77)
    #expect(bench.session?.ring(1)?.size == 256)
  }

  @Test func severalMessagesMayComeInOneSend() throws {
    let bench = try Bench()
    let header = MessageHeader(request: 8, flags: 1, size: 8)
    try bench.frontEnd.sendRaw(header.bytes + words32(0, 128) + header.bytes + words32(3, 1024))
    #expect(bench.session?.ring(0)?.size == 128)
    #expect(bench.session?.ring(3)?.size == 1024)
  }

  @Test(
    arguments: [
      (0, 1, 0, ProtocolError.requestZero),
      (0, 9, 0, .requestZero),
      (1, 0, 0, .version(0)),
      (1, 2, 0, .version(2)),
      (1, 3, 0, .version(3)),
      (1, 5, 0, .replyFlag(request: 1)),
      (1, 13, 0, .replyFlag(request: 1)),
      (5, 1, 4097, .oversized(request: 5, size: 4097)),
      (5, 9, 0xFFFF_FFFF, .oversized(request: 5, size: 0xFFFF_FFFF)),
      (0xFFFF, 9, 0xFFFF_FFFF, .oversized(request: 0xFFFF, size: 0xFFFF_FFFF)),
    ] as [(UInt32, UInt32, UInt32, ProtocolError)])
  func badHeadersEndTheSession(request: UInt32, flags: UInt32, size: UInt32, expected: ProtocolError) throws {
    let bench = try Bench(acknowledges: true)
    try bench.frontEnd.sendRaw(MessageHeader(request: request, flags: flags, size: size).bytes)
    #expect(bench.transport.failure == expected)
    #expect(bench.transport.output.isEmpty)
  }

  /// Everything that is not understood: numbers beyond the last, and messages of features that are not offered.
  @Test(arguments: [22, 23, 26, 28, 33, 35, 41, 42, 43, 44, 45, 46, 0xFFFF, 0xFFFF_FFFF] as [UInt32])
  func unknownMessagesAreNackedOrEndTheSession(request: UInt32) throws {
    let asking = try Bench(acknowledges: true)
    try asking.frontEnd.send(request, payload: [1, 2, 3, 4, 5], flags: 9)
    #expect(try asking.frontEnd.readReply(request) == words64(1))
    #expect(try asking.frontEnd.getFeatures() == RecordingOwner.features)

    let silent = try Bench(acknowledges: true)
    try silent.frontEnd.send(request, payload: [1, 2, 3, 4, 5], flags: 1)
    #expect(silent.transport.failure == .refused(request: request, reason: "is not a message that is understood"))

    let early = try Bench()
    try early.frontEnd.send(request, flags: 9)
    #expect(early.transport.failure != nil, "without REPLY_ACK need_reply means nothing")
  }

  @Test func everyRowRefusesOtherSizes() throws {
    for request in Request.allCases {
      for size in [0, 1, 4, 7, 8, 9, 12, 39, 40, 41, 268, 269, 4096] {
        let bench = try Bench(acknowledges: true)
        try bench.frontEnd.send(request.rawValue, payload: [UInt8](repeating: 0xFF, count: size), flags: 9)
        guard !Self.sizes(request).contains(size) else { continue }
        let name = request.specificationName
        if request == .getConfiguration {
          #expect(try bench.frontEnd.readReply(24).isEmpty, "\(name) with \(size) bytes")
        } else if Self.hasOwnReply.contains(request) {
          #expect(bench.transport.failure != nil, "\(name) with \(size) bytes")
        } else {
          #expect(try bench.frontEnd.readReply(request.rawValue) == words64(1), "\(name) with \(size) bytes")
        }
        #expect(bench.owner.events.isEmpty, "\(name) with \(size) bytes")
      }
    }
  }

  private static let hasOwnReply: Set<Request> = [
    .getFeatures, .getProtocolFeatures, .getQueueCount, .getRingBase, .getMaximumMemorySlots, .getStatus,
  ]

  private static func sizes(_ request: Request) -> Set<Int> {
    switch request {
    case .getFeatures, .setOwner, .resetOwner, .getProtocolFeatures, .getQueueCount, .setBackendChannel, .resetDevice,
      .getMaximumMemorySlots, .getStatus:
      [0]
    case .setFeatures, .setRingSize, .setRingBase, .getRingBase, .setRingKick, .setRingCall, .setRingError,
      .setProtocolFeatures, .setRingEnable, .sendRARP, .setMTU, .setStatus:
      [8]
    case .setRingAddress, .addMemoryRegion, .removeMemoryRegion: [40]
    case .setMemoryTable: [40, 72]
    case .getConfiguration, .setConfiguration: [12, 39, 40, 41, 268]
    default: []
    }
  }

  @Test func aSessionThatIsOverTakesNothing() throws {
    let owner = RecordingOwner()
    let session = Session(owner: owner)
    #expect(throws: ProtocolError.version(0)) { try session.receive([UInt8](repeating: 0, count: 12)) }
    #expect(session.wantedSize == 0)
    #expect(throws: ProtocolError.self) { try session.receive([1]) }
    #expect(throws: ProtocolError.self) { try session.complete(.done) }
  }

  @Test func moreBytesThanWantedEndTheSession() throws {
    let owner = RecordingOwner()
    let session = Session(owner: owner)
    #expect(throws: ProtocolError.overrun(count: 13, wanted: 12)) {
      try session.receive([UInt8](repeating: 1, count: 13))
    }
  }

  @Test func errorsSaySeenAndExpected() {
    #expect(ProtocolError.version(2).description == "vhost-user header has version 2, expected 1")
    #expect(
      ProtocolError.oversized(request: 5, size: 5000).description
        == "SET_MEM_TABLE announces 5000 bytes of payload, at most 4096 are accepted")
    #expect(ProtocolError.refused(request: 99, reason: "is odd").description == "message 99: is odd")
  }
}
