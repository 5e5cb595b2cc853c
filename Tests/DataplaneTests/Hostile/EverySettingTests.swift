import Dataplane
import GuestKit
import LinuxHost
import TestSupport
import Testing
import VhostUser

/// Every fault of a ring, under every setting: split and packed, with large frames, several queues, a log of dirtied pages
/// and inflight regions, each alone and all of them at once.
///
/// What each of the cases is, the suites of rings say; `docs/testing.md` lists them.
@Suite(.everyRingFormat) struct EverySettingTests {
  /// A victim whose front-ends come and go, each with a fault of its own.
  private final class Series {
    let victim: Victim
    private let setting: Setting
    private var faults: UInt64 = 0
    /// The front-end before, whose files nobody may hold once the next one is served.
    private var last: (guest: VirtualGuest, held: Setting.Held)?

    init(_ victim: Victim, _ setting: Setting) {
      self.victim = victim
      self.setting = setting
    }

    /// The next front-end, each of whose rings has carried a frame.
    func next(features: UInt64 = .max, _ configure: (inout VirtualGuest.Options) -> Void = { _ in }) async throws
      -> VirtualGuest
    {
      let before = last
      var options = setting.options(features: features)
      configure(&options)
      let guest = try victim.replaceBad(with: options)
      last = (guest, try setting.turnOn(guest))
      for pair in 0..<options.pairs {
        let frame = Victim.frame(21, to: 22, seed: pair)
        try guest.send(frame, pair: pair)
        #expect(try victim.neighbour.receive()?.frame == frame)
        #expect(try guest.waitForTransmitted(pair: pair))
      }
      if let before { try await expectNothingKept(before) }
      return guest
    }

    /// Demands one more fault, of these words, and that nobody else has noticed.
    func expectFault(_ reasons: [String], _ what: Comment) async throws {
      let error = try await victim.bench.fault("bad", after: faults)
      #expect(reasons.allSatisfy(error.contains), "\(what): \(error)")
      faults += 1
      #expect(try await victim.bench.status("bad").vhostUser?.faults == faults, what)
      #expect(try await victim.bench.status("neighbour").error == nil, what)
      try victim.expectOthersUnharmed()
    }

    private func expectNothingKept(_ last: (guest: VirtualGuest, held: Setting.Held)) async throws {
      try await victim.expectNothingKept(of: last.guest)
      #expect(await eventually { last.held.descriptors.allSatisfy { openCopies(of: $0) == 1 } })
      #expect(await eventually { last.held.descriptors.allSatisfy { mappings(of: $0.raw) <= 1 } })
    }

    /// An honest guest is served at the end, and of the last one nothing is kept.
    func end() async throws {
      let guest = try await next()
      let frame = Victim.frame(22, to: 21, seed: 77)
      try victim.neighbour.send(frame)
      #expect(try guest.receiveAny()?.frame.frame == frame)
      #expect(try await victim.bench.status("bad").vhostUser?.faults == faults)
    }
  }

  /// `bad` offers as many pairs as the setting has.
  private func with(_ setting: Setting, _ body: (Series) async throws -> Void) async throws {
    try await Victim.with(pairs: setting.pairs) { victim in
      let series = Series(victim, setting)
      try await body(series)
      try await series.end()
    }
  }

  @Test(arguments: Setting.all) func everyTransmitRingStopsWithItsReason(setting: Setting) async throws {
    try await with(setting) { series in
      for attack in TransmitRingTests.attacks where attack.formats.contains(.current) {
        let bad = try await series.next(features: attack.features)
        let ring = bad.transmitRing(setting.pairs - 1)
        let error = try EventDescriptor()
        try bad.say { try $0.setRingError(UInt32(ring.index), error.descriptor) }
        try attack.act(bad, ring)
        #expect(Deadline(milliseconds: 5000).waitReadable([error.raw]), "\(attack.name): no word")
        try await series.expectFault(["ring \(ring.index): ", attack.reason], "\(attack.name)")
      }
    }
  }

  /// Large frames and small ones, into whatever pair their flow goes to.
  @Test(arguments: Setting.all) func everyReceiveRingStopsWithItsReason(setting: Setting) async throws {
    var large = LargeFrameModel()
    (large.destination, large.source) = (FrameBuilder.station(21), FrameBuilder.station(22))
    large.payload = [UInt8](repeating: 7, count: 30_000)
    try await with(setting) { series in
      for (number, attack) in ReceiveRingTests.attacks.enumerated() where attack.formats.contains(.current) {
        let bad = try await series.next(features: attack.features)
        for pair in 0..<setting.pairs {
          let ring = bad.receiveRing(pair)
          attack.act(bad, ring, ring.slotToTake(after: 0))
        }
        if number % 2 == 0 {
          try series.victim.neighbour.send(large.whole, header: large.header)
        } else {
          try series.victim.neighbour.send(Victim.frame(22, to: 21))
        }
        #expect(try series.victim.neighbour.waitForTransmitted())
        try await series.expectFault(["ring ", attack.reason], "\(attack.name)")
      }
    }
  }

  /// Headers that make no sense: each frame is dropped and counted, on every pair, and nothing fails.
  @Test(arguments: Setting.all) func framesWithImpossibleHeadersAreDropped(setting: Setting) async throws {
    try await with(setting) { series in
      let bad = try await series.next()
      let before = try await series.victim.bench.status("bad").dropsIn["header-invalid"] ?? 0
      let frame = FrameBuilder(to: FrameBuilder.broadcast, from: FrameBuilder.station(21)).plain(size: 200)
      for (number, row) in HeaderTests.cases.enumerated() {
        let pair = number % setting.pairs
        try bad.send(frame, header: row.header, pieces: number % 2 == 0 ? [] : [12, 30], pair: pair)
        #expect(try bad.waitForTransmitted(pair: pair))
      }
      let status = try await series.victim.bench.status("bad")
      #expect(status.dropsIn["header-invalid"] == before + UInt64(HeaderTests.cases.count) && status.error == nil)
      #expect(try series.victim.neighbour.receive(timeout: 0) == nil)
    }
  }

  /// Memory that goes while rings run: cut (M9), or taken out of the table (R12).
  @Test(arguments: Setting.all, [true, false])
  func memoryThatGoesStopsThePort(setting: Setting, isCut: Bool) async throws {
    try await with(setting) { series in
      for _ in 0..<3 {
        let bad = try await series.next()
        if isCut {
          bad.memory.truncate(region: 0, to: 0)
          for pair in 0..<setting.pairs { bad.transmitRing(pair).kick() }
        } else {
          try bad.say { try $0.removeMemory(bad.memory.regions[0]) }
        }
        try await series.expectFault(
          [isCut ? "guest memory file was truncated while mapped" : "new memory table does not hold the ring"],
          "\(setting.name)")
      }
    }
  }

  /// R8: what a packed ring calls a chain is its driver's own affair; it comes back as it was, twice in flight or not.
  @Test(arguments: Setting.all) func anyNameOfAPackedChainComesBack(setting: Setting) async throws {
    guard RingFormat.current == .packed else { return }
    try await with(setting) { series in
      let bad = try await series.next()
      let ring = bad.transmitRing(setting.pairs - 1)
      let buffer = bad.memory.allocate(4096)
      let frame = Victim.frame(21, to: 22)
      bad.memory.write(NetworkHeader().bytes + frame, at: buffer)
      for id in [64, 0xFFFF, 0xFFFF, 0] as [UInt16] {
        let length = UInt32(NetworkHeader.size + frame.count)
        bad.offerRaw([RawDescriptor(slot: 0, address: buffer, length: length)], ring: ring, id: id)
      }
      for _ in 0..<4 { #expect(try series.victim.neighbour.receive()?.frame == frame) }
      #expect(await eventually { ring.peekUsed(4).map(\.id) == [64, 0xFFFF, 0xFFFF, 0] })
      #expect(try await series.victim.bench.status("bad").error == nil)
    }
  }

  /// R13: chains of hundreds of descriptors in a table, every one of which is written and logged.
  @Test(arguments: Setting.all) func longTablesAreFilled(setting: Setting) async throws {
    try await with(setting) { series in
      let bad = try await series.next {
        // No chain is longer than its ring.
        $0.ringSize = 512
        $0.receiveLayout = Array(repeating: 6, count: 250)
        $0.receivesIndirect = true
        $0.receiveCount = 16
      }
      for size in [60, 800, 1480] {
        let frame = FrameBuilder(to: FrameBuilder.station(21), from: FrameBuilder.station(22)).plain(size: size)
        try series.victim.neighbour.send(frame)
        #expect(try bad.receiveAny()?.frame.frame == frame)
      }
      #expect(try await series.victim.bench.status("bad").error == nil)
    }
  }
}
