import Frames
import GuestKit
import TestSupport
import Testing

@testable import Dataplane

/// Large frames on their way out of a port: whole where it takes them, cut elsewhere, against segments that were built anew.
@Suite struct LargeFrameTests {
  private static let edits: [TagEdit.Kind] = [.keep, .remove, .insert, .rewrite]

  private func random(_ numbers: inout SeededRandom) -> LargeFrameModel {
    var model = LargeFrameModel()
    model.isVersion4 = .random(using: &numbers)
    model.transport = LargeFrameModel.Transport.allCases.randomElement(using: &numbers) ?? .tcp
    let tags: [(UInt16, UInt16)] = [(0x8100, 0x2005), (0x88A8, 7)]
    model.tags = [[], [], [tags[0]], [tags[1], tags[0]]].randomElement(using: &numbers) ?? []
    model.networkOptions = [UInt8](repeating: 1, count: 8 * Int.random(in: 0...2, using: &numbers))
    if !model.isVersion4, Int.random(in: 0..<4, using: &numbers) == 0 {
      model.routedTo = [0xFC] + [UInt8](repeating: .random(in: .min ... .max, using: &numbers), count: 15)
    }
    model.transportOptions = [UInt8](repeating: 1, count: 4 * Int.random(in: 0...10, using: &numbers))
    model.flags = [0x10, 0x18, 0x11, 0x19, 0x90, 0x98].randomElement(using: &numbers) ?? 0x10
    model.isECN = model.transport == .tcp && model.flags & 0x80 != 0
    model.identification = .random(in: .min ... .max, using: &numbers)
    model.sequence = .random(in: .min ... .max, using: &numbers)
    model.segmentSize = [8, 100, 536, 1000, 1448, 8948].randomElement(using: &numbers) ?? 536
    let size = Int.random(in: 1...(model.segmentSize * 40), using: &numbers)
    model.payload = (0..<min(size, 65_000)).map { _ in UInt8.random(in: .min ... .max, using: &numbers) }
    return model
  }

  private func edited(_ frame: [UInt8], _ edit: TagEdit) -> [UInt8] {
    ModelFrame(bytes: frame, pieces: []).leaving(edit, takesPartial: true)
  }

  private func pieces(_ size: Int, _ numbers: inout SeededRandom) -> [Int] {
    guard Bool.random(using: &numbers) else { return [size] }
    var pieces: [Int] = []
    while pieces.reduce(0, +) < size {
      pieces.append(min(size - pieces.reduce(0, +), Int.random(in: 1...max(size / 5, 1), using: &numbers)))
    }
    return pieces
  }

  /// Both versions, both transports, options, tags in and out, any pieces, any size of segments.
  @Test(arguments: 0..<8) func segmentsAreThoseOfAKernel(seed: UInt64) throws {
    var numbers = SeededRandom(seed: 100 + seed)
    let bench = EgressBench()
    for turn in 0..<40 {
      bench.burst.reset()
      let model = random(&numbers)
      let pieces = pieces(model.whole.count, &numbers)
      let index = bench.add(model, pieces: pieces)
      #expect(bench.burst.frames[index].isLarge, "\(model)")
      let isTagged = model.tags.first?.0 == 0x8100
      let kinds: [TagEdit.Kind] = isTagged ? [.keep, .remove, .rewrite] : [.keep, .insert]
      let edit = TagEdit(kind: kinds.randomElement(using: &numbers) ?? .keep, tag: TagControl(bits: 0x6009))
      let takesPartial = Bool.random(using: &numbers)
      let wanted = model.segments(takesPartial ? .partial : .full).map { edited($0, edit) }
      var leaving = bench.edit(index, edit, for: EgressTraits(mtu: 9200, takesPartialChecksums: takesPartial))
      var count = 0
      while let frame = leaving.next(of: bench.burst) {
        let what: Comment =
          "seed \(seed) turn \(turn) segment \(count) of \(wanted.count), \(edit.kind) \(pieces.count)"
        guard count < wanted.count else { break }
        #expect(frame.refusal == nil && frame.size == wanted[count].count, what)
        #expect(bench.pieces(frame) == wanted[count], what)
        #expect(bench.copy(frame) == wanted[count] + EgressBench.guardBytes, what)
        #expect(frame.header.needsChecksum == takesPartial && frame.header.segmentationType == 0, what)
        if takesPartial { #expect(Int(frame.header.checksumStart) == model.transportStart + edit.growth, what) }
        count += 1
        #expect(leaving.lost == wanted.count - count + 1)
      }
      #expect(count == wanted.count)
    }
  }

  /// What the port takes leaves as it came, and its header says so with offsets as it leaves.
  @Test(arguments: [TagEdit.Kind.keep, .insert]) func whatThePortTakesLeavesWhole(kind: TagEdit.Kind) throws {
    let bench = EgressBench()
    var model = LargeFrameModel()
    model.payload = [UInt8](repeating: 7, count: 20_000)
    let edit = TagEdit(kind: kind, tag: TagControl(bits: 5))
    for (transport, isVersion4, types) in [
      (.tcp, true, .tcp4), (.tcp, false, .tcp6), (.udp, true, .udp4), (.udp, false, .udp6),
    ] as [(LargeFrameModel.Transport, Bool, LargeFrameTypes)] {
      (model.transport, model.isVersion4, model.segmentSize) = (transport, isVersion4, isVersion4 ? 1448 : 1428)
      bench.burst.reset()
      let index = bench.add(model, pieces: [model.whole.count])
      for (takes, isWhole) in [(types, true), (LargeFrameTypes.all.subtracting(types), false), ([], false)] {
        let traits = EgressTraits(mtu: 1500, takesPartialChecksums: true, takesLarge: takes)
        var leaving = bench.edit(index, edit, for: traits)
        let given = leaving.next(of: bench.burst)
        let first = try #require(given)
        #expect(first.refusal == nil)
        guard isWhole else {
          #expect(first.header.segmentationType == 0 && first.size <= 1518)
          continue
        }
        #expect(bench.copy(first) == edited(model.whole, edit) + EgressBench.guardBytes)
        #expect(first.header.segmentationType == model.type && Int(first.header.segmentSize) == model.segmentSize)
        #expect(Int(first.header.checksumStart) == model.transportStart + edit.growth)
        #expect(first.header.word >> 16 & 0xFFFF == UInt64(model.headerSize + edit.growth))
        #expect(leaving.next(of: bench.burst) == nil)
      }
    }
  }

  /// CWR is for the first segment alone: who does not know of it gets frames that are cut.
  @Test func aFrameWithECNIsCutForWhoDoesNotKnowIt() {
    let bench = EgressBench()
    var model = LargeFrameModel()
    model.payload = [UInt8](repeating: 7, count: 3000)
    (model.flags, model.isECN) = (0x98, true)
    let index = bench.add(model, pieces: [model.whole.count])
    let cases: [(LargeFrameTypes, Int)] = [
      ([.tcp4, .ecn], model.whole.count), (.tcp4, model.headerSize + 1448),
    ]
    for (takes, size) in cases {
      var leaving = bench.edit(
        index, .keep, for: EgressTraits(mtu: 1500, takesPartialChecksums: true, takesLarge: takes))
      #expect(leaving.next(of: bench.burst)?.size == size)
    }
  }

  /// Segments longer than the port's MTU are refused, cut or not, whatever the frame's own length.
  @Test func noSegmentIsLongerThanTheMTU() {
    let bench = EgressBench()
    var model = LargeFrameModel()
    model.payload = [UInt8](repeating: 7, count: 20_000)
    for (size, mtu, fits) in [(1460, 1500, true), (1461, 1500, false), (8960, 9000, true), (8960, 1500, false)] {
      bench.burst.reset()
      model.segmentSize = size
      let index = bench.add(model, pieces: [model.whole.count])
      for takes in [LargeFrameTypes.all, []] {
        var leaving = bench.edit(
          index, .keep, for: EgressTraits(mtu: mtu, takesPartialChecksums: true, takesLarge: takes))
        #expect(leaving.next(of: bench.burst)?.refusal == (fits ? nil : .tooBig), "\(size) \(mtu)")
        if !fits { #expect(leaving.next(of: bench.burst) == nil) }
      }
    }
  }

  /// A kernel takes 128 datagrams in one, and no large frame that is one segment.
  @Test func whatAKernelWouldRefuseIsCut() throws {
    let bench = EgressBench()
    var model = LargeFrameModel()
    model.transport = .udp
    model.segmentSize = 100
    for (count, isWhole) in [(12_800, true), (12_801, false), (100, false), (101, true), (30, false)] {
      bench.burst.reset()
      model.payload = [UInt8](repeating: 7, count: count)
      let index = bench.add(model, pieces: [model.whole.count])
      var leaving = bench.edit(
        index, .keep, for: EgressTraits(mtu: 1500, takesPartialChecksums: true, takesLarge: .all))
      let given = leaving.next(of: bench.burst)
      let first = try #require(given)
      #expect((first.header.segmentationType != 0) == isWhole, "\(count)")
      #expect(bench.copy(first).dropLast(8).elementsEqual(isWhole ? model.whole : model.segments(.partial)[0]))
    }
  }

  /// The headers that were judged are those that leave, in every segment; of its payload a sender may make what it likes.
  @Test func theSenderCannotChangeTheHeaders() throws {
    let bench = EgressBench()
    var model = LargeFrameModel()
    model.payload = [UInt8](repeating: 7, count: 5000)
    let index = bench.add(model, pieces: [model.whole.count])
    bench.spoil(index, with: 0x5A)
    var leaving = bench.edit(index, .keep, for: EgressTraits(mtu: 1500, takesPartialChecksums: true))
    for wanted in model.segments(.partial) {
      let given = leaving.next(of: bench.burst)
      let frame = try #require(given)
      let bytes = bench.pieces(frame)
      #expect(bytes.prefix(model.headerSize) == wanted.prefix(model.headerSize))
      #expect(bytes.dropFirst(model.headerSize).allSatisfy { $0 == 0x5A })
    }
  }

  /// A delivery is never more work than it may be.
  @Test func workIsBounded() {
    let bench = EgressBench()
    var model = LargeFrameModel()
    model.payload = [UInt8](repeating: 7, count: 20_000)
    let index = bench.add(model, pieces: [model.whole.count])
    let segments = model.segments(.partial).count
    let works: [(LargeFrameTypes, Int)] = [([], segments), (.all, model.whole.count / 2048)]
    for (takes, work) in works {
      let limits: [(Int, EgressDrop?)] = [(work, nil), (work - 1, .noBuffer), (0, .noBuffer)]
      for (limit, refusal) in limits {
        var traits = EgressTraits(mtu: 1500, takesPartialChecksums: true, takesLarge: takes)
        traits.workLimit = limit
        var leaving = bench.edit(index, .keep, for: traits)
        #expect(leaving.next(of: bench.burst)?.refusal == refusal, "\(limit)")
      }
    }
  }
}

/// Large frames as they come in: each is what it says, or is dropped.
@Suite struct LargeFrameJudgementTests {
  private func isTaken(
    _ model: LargeFrameModel, _ types: LargeFrameTypes = .all, _ change: (inout [UInt8], inout NetworkHeader) -> Void
  ) -> Bool {
    let bench = EgressBench()
    var (bytes, header) = (model.whole, model.header)
    change(&bytes, &header)
    let index = bench.add(bytes, header, pieces: [bytes.count], types)
    #expect(bench.burst.frames[index].isLarge != bench.burst.frames[index].isHeaderInvalid)
    return bench.burst.frames[index].isLarge
  }

  private static var model: LargeFrameModel {
    var model = LargeFrameModel()
    model.payload = [UInt8](repeating: 3, count: 4000)
    return model
  }

  struct Lie: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var change: @Sendable (inout [UInt8], inout NetworkHeader) -> Void
    init(_ text: String, _ change: @escaping @Sendable (inout [UInt8], inout NetworkHeader) -> Void) {
      (testDescription, self.change) = (text, change)
    }
  }

  static let lies = [
    Lie("no checksum to complete") { $1.flags = 0 },
    Lie("segments of no bytes") { $1.segmentSize = 0 },
    Lie("more segments than a frame may have") { $1.segmentSize = 1 },
    Lie("UFO") { $1.segmentationType = 3 }, Lie("type 2") { $1.segmentationType = 2 },
    Lie("type 6") { $1.segmentationType = 6 }, Lie("type 7F") { $1.segmentationType = 0x7F },
    Lie("ECN alone") { $1.segmentationType = 0x80 }, Lie("UDP with ECN") { $1.segmentationType = 0x85 },
    Lie("version 6") { $1.segmentationType = 4 }, Lie("UDP") { $1.segmentationType = 5 },
    Lie("sum from elsewhere") { $1.checksumStart = 33 }, Lie("another field") { $1.checksumOffset = 6 },
    Lie("sum behind the end") { $1.checksumStart = 65_000 },
    Lie("no IP") {
      $0[12] = 9; _ = $1
    },
    Lie("another version") {
      $0[14] = 0x65; _ = $1
    },
    Lie("an IP header of 16 bytes") {
      $0[14] = 0x44; _ = $1
    },
    Lie("a fragment") {
      $0[20] = 0x20; _ = $1
    },
    Lie("the rest of a fragment") {
      $0[21] = 1; _ = $1
    },
    Lie("another protocol") {
      $0[23] = 17; _ = $1
    },
    Lie("longer than it is") {
      $0[17] &+= 1; _ = $1
    },
    Lie("shorter than it is") {
      $0[17] &-= 1; _ = $1
    },
    Lie("a TCP header of 16 bytes") {
      $0[46] = 0x40; _ = $1
    },
    Lie("SYN") {
      $0[47] |= 2; _ = $1
    },
    Lie("URG") {
      $0[47] |= 0x20; _ = $1
    },
    Lie("headers alone") { bytes, _ in
      bytes.removeLast(4000)
      bytes.replaceSubrange(16..<18, with: [0, 40])
    },
    Lie("headers cut short") { bytes, _ in
      bytes.removeLast(bytes.count - 53)
      bytes.replaceSubrange(16..<18, with: [0, 39])
    },
  ]

  @Test(arguments: lies) func aLieIsNotBelieved(_ lie: Lie) {
    #expect(isTaken(Self.model) { _, _ in })
    #expect(!isTaken(Self.model, .all, lie.change))
  }

  /// Whatever is said of the headers' size: it is found in the frame.
  @Test(arguments: [0, 1, 54, 65_535] as [UInt16]) func theSaidSizeOfHeadersIsNotLookedAt(size: UInt16) {
    #expect(isTaken(Self.model) { $1.headerSize = size })
  }

  @Test func whatWasNotNegotiatedIsRefused() {
    var model = Self.model
    let cases: [(LargeFrameModel.Transport, Bool, LargeFrameTypes)] = [
      (.tcp, true, .tcp4), (.tcp, false, .tcp6), (.udp, true, .udp4), (.udp, false, .udp4),
    ]
    for (transport, isVersion4, types) in cases {
      (model.transport, model.isVersion4) = (transport, isVersion4)
      #expect(isTaken(model, types) { _, _ in })
      #expect(!isTaken(model, transport == .udp ? [.tcp4, .tcp6, .ecn] : .all.subtracting(types)) { _, _ in })
    }
    (model.transport, model.isECN, model.flags) = (.tcp, true, 0x90)
    model.isVersion4 = true
    #expect(isTaken(model, [.tcp4, .ecn]) { _, _ in } && !isTaken(model, .tcp4) { _, _ in })
  }

  /// Three tags, or headers of more than 255 bytes, are more than is looked at.
  @Test func headersThatAreTooLongAreRefused() {
    var model = Self.model
    model.tags = [(0x88A8, 1), (0x8100, 2)]
    #expect(isTaken(model) { _, _ in })
    model.tags.append((0x8100, 3))
    #expect(!isTaken(model) { _, _ in })
    model = Self.model
    model.isVersion4 = false
    for (headers, isTaken) in [(8, true), (9, false), (20, false)] {
      model.networkOptions = [UInt8](repeating: 0, count: 8 * headers)
      #expect(self.isTaken(model) { _, _ in } == isTaken, "\(headers)")
    }
  }

  /// Any byte of the headers changed: taken or not, and never a trap.
  @Test func anyByteMayBeAnything() {
    for isVersion4 in [true, false] {
      var model = Self.model
      model.isVersion4 = isVersion4
      for place in 12..<model.headerSize {
        for value in [0, 1, 15, 43, 60, 127, 128, 255] as [UInt8] {
          _ = isTaken(model) { bytes, _ in bytes[place] = value }
        }
      }
      for count in 0..<(model.headerSize + 2) {
        _ = isTaken(model) { bytes, _ in bytes = Array(bytes.prefix(max(count, 14))) }
      }
    }
  }
}
