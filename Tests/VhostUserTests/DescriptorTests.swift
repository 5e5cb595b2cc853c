import Glibc
import GuestKit
import LinuxHost
import Testing
import VhostUser

/// Descriptors that come with messages (M3, M18): counts, kinds, and that none is kept.
@Suite struct DescriptorTests {
  /// Descriptors that each message accepts; those not named accept none.
  private static func accepted(_ request: Request) -> ClosedRange<Int> {
    switch request {
    case .setMemoryTable: 1...8
    case .setRingKick, .setRingCall, .setRingError, .removeMemoryRegion: 0...1
    case .setBackendChannel, .addMemoryRegion, .setLogBase, .setLogDescriptor: 1...1
    default: 0...0
    }
  }

  private static func size(_ request: Request) -> Int {
    switch request {
    case .getFeatures, .setOwner, .resetOwner, .getProtocolFeatures, .getQueueCount, .setBackendChannel, .resetDevice,
      .getMaximumMemorySlots, .getStatus, .setLogDescriptor:
      0
    case .setLogBase: 16
    case .setMemoryTable, .setRingAddress, .addMemoryRegion, .removeMemoryRegion: 40
    case .getConfiguration, .setConfiguration: 13
    default: 8
    }
  }

  @Test func aNumberThatIsNotDefinedIsRefusedAndNothingIsKept() throws {
    let event = try EventDescriptor().descriptor
    for request in Request.allCases {
      for count in [0, 1, 2, 8] where !Self.accepted(request).contains(count) {
        let bench = try Bench(acknowledges: true)
        let descriptors = [Descriptor](repeating: event, count: count)
        let payload = [UInt8](repeating: 0, count: Self.size(request))
        try bench.frontEnd.send(request.rawValue, payload: payload, descriptors: descriptors, flags: 9)
        let name = "\(request.specificationName) with \(count) descriptors"
        #expect(bench.transport.failure != nil || bench.session?.refusalCount == 1, "\(name)")
        #expect(bench.owner.events.isEmpty, "\(name)")
        #expect(openCopies(of: event) == 1, "\(name)")
      }
    }
  }

  @Test func descriptorsInTheMiddleOfAMessageEndTheSession() throws {
    for position in [1, 5, 12, 15] {
      let owner = RecordingOwner()
      let session = Session(owner: owner)
      let event = try EventDescriptor().descriptor
      let bytes = MessageHeader(request: 8, flags: 1, size: 8).bytes + words32(0, 64)
      var start = 0
      while start < position {
        let count = min(session.wantedSize, position - start)
        try session.receive(Array(bytes[start..<(start + count)]))
        start += count
      }
      #expect(throws: ProtocolError.strayDescriptors(1)) {
        try session.receive([bytes[position]], descriptors: [event.duplicate()])
      }
      #expect(openCopies(of: event) == 1)
    }
  }

  @Test func nobodyKeepsDescriptorsOfASessionThatIsOver() throws {
    let memory = try SharedMemory(size: 1 << 20)
    let rings = try (0..<4).map { try SplitDriver(memory: memory, index: $0, size: 64) }
    for _ in 0..<50 {
      let bench = try Bench(acknowledges: true)
      try bench.frontEnd.startLikeCloudHypervisor(StartPlan(memory: memory, rings: rings))
      #expect(openCopies(of: rings[0].kickEvent.descriptor) >= 2)
      bench.transport.close()
      bench.owner.lastStart = nil
      #expect(rings.allSatisfy { openCopies(of: $0.kickEvent.descriptor) == 1 })
      #expect(rings.allSatisfy { openCopies(of: $0.callEvent.descriptor) == 1 })
      #expect(openCopies(of: memory.descriptors[0]) == 1)
    }
  }

  @Test func repeatedDescriptorsReplaceEachOther() throws {
    let bench = try Bench(acknowledges: true)
    let events = try (0..<3).map { _ in try EventDescriptor().descriptor }
    for turn in 0..<3000 { try bench.frontEnd.setRingCall(1, events[turn % 3]) }
    #expect(events.map { openCopies(of: $0) } == [1, 1, 2])
    try bench.frontEnd.setRingCall(1, nil)
    #expect(events.map { openCopies(of: $0) } == [1, 1, 1])
    #expect(bench.session?.ring(1)?.hasCall == false)
  }

  @Test func kickCallAndErrorMustBeEventDescriptors() throws {
    var ends: [CInt] = [0, 0]
    try #require(pipe(&ends) == 0)
    close(ends[1])
    let others = [
      Descriptor(owning: ends[0]), try makeMemoryFile(size: 4096), try UnixSocket.pair().0,
    ]
    for other in others {
      let bench = try Bench(acknowledges: true)
      for request in [Request.setRingKick, .setRingCall, .setRingError] {
        try bench.frontEnd.setRingSize(0, 64)
        try bench.frontEnd.setRingAddress(0, .init(flags: 0, descriptors: 0, used: 0, available: 0, log: 0))
        let reason = try bench.refusal { try $0.tell(request, payload: words64(0), descriptors: [other]) }
        #expect(reason?.hasSuffix("expected an eventfd") == true)
      }
      #expect(openCopies(of: other) == 1)
      #expect(bench.owner.events.isEmpty)
    }
  }

  @Test func eventDescriptorsAreSetNonBlocking() throws {
    let event = try EventDescriptor().descriptor
    _ = fcntl(event.raw, F_SETFL, fcntl(event.raw, F_GETFL) & ~O_NONBLOCK)
    let bench = try Bench(acknowledges: true)
    try bench.frontEnd.setRingCall(0, event)
    #expect(fcntl(event.raw, F_GETFL) & O_NONBLOCK != 0)
  }

  @Test func theFlagForNoDescriptorAndADescriptorExcludeEachOther() throws {
    let event = try EventDescriptor().descriptor
    for request in [Request.setRingKick, .setRingCall, .setRingError] {
      let bench = try Bench(acknowledges: true)
      #expect(try bench.refusal { try $0.tell(request, payload: words64(0x100), descriptors: [event]) } != nil)
      #expect(try bench.refusal { try $0.tell(request, payload: words64(0)) } != nil)
    }
    #expect(openCopies(of: event) == 1)
  }
}
