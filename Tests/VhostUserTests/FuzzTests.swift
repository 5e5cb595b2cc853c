import GuestKit
import LinuxHost
import TestSupport
import Testing
import VhostUser

/// Sessions under random input: whatever happens, the process goes on and no descriptor is kept.
@Suite struct FuzzTests {
  /// The same numbers in every run.
  private struct Generator: RandomNumberGenerator {
    private var random: SeededRandom

    init(state: UInt64) { random = SeededRandom(seed: state) }

    mutating func next() -> UInt64 { random.next() }

    /// Numbers that break things, more often than others.
    mutating func number() -> UInt64 {
      let odd: [UInt64] = [0, 1, 2, 3, 4, 8, 0xFF, 0x100, 0x101, 0x1000, 0x8000, 0xFFFF, 0x1_0000, 0xFFFF_FFFF, .max]
      return Bool.random(using: &self) ? odd[Int(next() % UInt64(odd.count))] : next() >> (next() % 64)
    }
  }

  /// Requests whose payload or descriptors there is something to say about, yes and no.
  private static let judged: Set<Request> = [
    .setMemoryTable, .addMemoryRegion, .removeMemoryRegion, .setRingSize, .setRingBase, .setRingAddress, .setRingKick,
    .setRingCall, .setRingError, .setRingEnable, .setFeatures, .setMTU, .setInflightDescriptor,
  ]

  /// Whole messages by chance, laid out as the specification says, with the descriptors that belong to them: each is
  /// answered, or ends the session for a reason; and every method that reads a payload says yes to some and no to some.
  @Test func wholeMessagesByChanceReachEveryMethod() throws {
    let files = try HostileFiles()
    var random = Generator(state: 7)
    var (accepted, refused, ended): (Set<UInt32>, Set<UInt32>, Int) = ([], [], 0)
    for _ in 0..<600 {
      let bench = try Bench(acknowledges: true) { $0.offersKeeping() }
      bench.transport.readSize = Int(random.next() % 60) + 1
      var choices = Choices((0..<1500).map { _ in UInt8(truncatingIfNeeded: random.next()) })
      for _ in 0..<40 where bench.session != nil {
        let message = HostileMessage(&choices, files)
        // Without REPLY_ACK there would be no more answers.
        guard message.request != Request.setProtocolFeatures.rawValue else { continue }
        let before = bench.session?.refusalCount ?? 0
        try bench.frontEnd.send(
          message.request, payload: message.payload, descriptors: message.descriptors, flags: 9)
        guard let session = bench.session else {
          ended += 1
          #expect(bench.transport.failure != nil)
          continue
        }
        let reply = try bench.frontEnd.readReply(message.request)
        _ = bench.transport.takeDescriptors()
        #expect(bench.transport.output.isEmpty, "one answer to \(Request.name(message.request))")
        if session.refusalCount > before { refused.insert(message.request) }
        if reply == words64(0) { accepted.insert(message.request) }
      }
      bench.transport.close()
      bench.owner.lastStart = nil
    }
    #expect(Self.judged.filter { !accepted.contains($0.rawValue) }.isEmpty)
    #expect(Self.judged.filter { !refused.contains($0.rawValue) }.isEmpty)
    #expect(ended > 10, "\(ended) ended")
    #expect([files.event, files.memory, files.socket].allSatisfy { openCopies(of: $0) == 1 })
  }

  /// Good headers, often good sizes, odd values, and descriptors of every kind.
  @Test(arguments: 0..<16)
  func randomMessages(seed: UInt64) throws {
    var random = Generator(state: 1000 + seed)
    let files = [
      try EventDescriptor().descriptor, try makeMemoryFile(size: 1 << 16), try UnixSocket.pair().0,
    ]
    let sizes = [0, 8, 8, 8, 12, 16, 20, 24, 40, 40, 72, 264, 268]
    for _ in 0..<60 {
      let bench = try Bench(acknowledges: random.next() % 4 > 0) { $0.offersKeeping() }
      for _ in 0..<60 where bench.session != nil {
        bench.owner.pending = random.next() % 3 == 0 ? Set(RecordingOwner.Kind.allCases) : [.stop]
        bench.owner.refused = random.next() % 8 == 0 ? Set(RecordingOwner.Kind.allCases) : []
        let size = sizes[Int(random.next() % UInt64(sizes.count))]
        var payload: [UInt8] = []
        while payload.count < size {
          let number = random.number()
          payload += random.next() % 2 == 0 ? words32(UInt32(truncatingIfNeeded: number)) : words64(number)
        }
        let count = random.next() % 2 == 0 ? 0 : Int(random.next() % 9)
        let descriptors = (0..<count).map { _ in files[Int(random.next() % 3)] }
        let request = random.next() % 20 == 0 ? random.number() : random.next() % 46
        try bench.frontEnd.send(
          UInt32(truncatingIfNeeded: request), payload: Array(payload.prefix(size)), descriptors: descriptors,
          flags: random.next() % 16 == 0 ? UInt32(truncatingIfNeeded: random.next()) : 9)
      }
      bench.transport.close()
      bench.owner.lastStart = nil
    }
    #expect(files.allSatisfy { openCopies(of: $0) == 1 })
  }

  /// A real session whose bytes are changed here and there.
  @Test(arguments: 0..<8)
  func aSessionOfQEMUWithBytesChanged(seed: UInt64) throws {
    var random = Generator(state: 2000 + seed)
    let recording = try recordedSession()
    var (unharmed, refused, ended) = (0, 0, 0)
    for _ in 0..<100 {
      let transport = SessionTransport(RecordingOwner())
      var changes = 0
      // One in eight goes through as it is.
      let isLeftAlone = random.next() % 8 == 0
      for chunk in recording where transport.session != nil {
        var bytes = chunk.bytes
        if !isLeftAlone, random.next() % 12 == 0, !bytes.isEmpty {
          bytes[Int(random.next() % UInt64(bytes.count))] ^= UInt8(random.next() % 255 + 1)
          changes += 1
        }
        try transport.send(bytes, descriptors: chunk.descriptors)
      }
      if transport.failure != nil {
        ended += 1
        #expect(changes > 0)
      } else if let session = transport.session, session.refusalCount > 0 {
        refused += 1
        #expect(changes > 0 && session.lastRefusal != nil)
      } else {
        unharmed += 1
      }
      transport.close()
      transport.owner.lastStart = nil
    }
    #expect(unharmed > 0 && ended > 0, "\(unharmed) unharmed, \(refused) refused, \(ended) ended")
    let copies = recording.flatMap(\.descriptors).map { openCopies(of: $0) }
    #expect(copies.allSatisfy { $0 == 1 }, "nothing that came is kept")
  }

  /// A start and stop of QEMU 7.2 with two pairs, as it goes over the wire.
  private func recordedSession() throws -> [SessionTransport.Chunk] {
    let bench = try Bench()
    let memory = try SharedMemory.likeQEMU(size: 2 << 20)
    let rings = try (0..<4).map { try SplitDriver(memory: memory, index: $0, size: 256) }
    let plan = StartPlan(memory: memory, rings: rings)
    try bench.frontEnd.startLikeQEMU(plan)
    try bench.frontEnd.stopLikeQEMU(plan)
    return bench.transport.recording
  }

  /// M16: the front-end goes away after each byte of a session, with every answer early or late.
  @Test func disconnectAfterEveryByteOfASession() throws {
    let recording = try recordedSession()
    let total = recording.map(\.bytes.count).reduce(0, +)
    #expect(total > 1000)
    for length in 0...total {
      let transport = SessionTransport(RecordingOwner())
      var rest = length
      for chunk in recording where rest > 0 {
        let bytes = Array(chunk.bytes.prefix(rest))
        rest -= bytes.count
        try transport.send(bytes, descriptors: chunk.descriptors)
      }
      #expect(transport.failure == nil, "after \(length) bytes")
      transport.close()
    }
    let copies = recording.flatMap(\.descriptors).map { openCopies(of: $0) }
    #expect(copies.allSatisfy { $0 == 1 })
  }
}
