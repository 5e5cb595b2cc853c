import Dataplane
import GuestKit
import LinuxHost
import Testing
import VhostUser

/// Descriptor chains of any layout in both directions (VIRTIO 1.2 sections 2.7.4, 2.7.5 and 5.1.6).
@Suite(.everyRingFormat) struct LayoutTests {
  private let builder = FrameBuilder(to: FrameBuilder.station(2), from: FrameBuilder.station(1))

  private static let splits: [[Int]] = [
    [], [12], [11], [13], [1, 11], [6, 6], [10, 2], [12, 1], [12, 13, 1], [12, 64], [12, 63, 1], [26], [75], [76], [77],
    [0, 12], [0, 0, 5, 0, 7, 0], [12, 0, 0, 100], Array(repeating: 1, count: 12), Array(repeating: 1, count: 40),
    Array(repeating: 7, count: 30), [12, 300, 300, 300],
  ]

  @Test(arguments: [false, true], [false, true])
  func framesAreTakenInAnySplit(isIndirect: Bool, isSwitched: Bool) async throws {
    try await Bench.with { bench in
      if isSwitched {
        try await bench.addSwitch()
        for name in ["a", "b"] { try await bench.addGuest(name, .access(vlan: 1)) }
      } else {
        _ = try await bench.addWire()
      }
      let (a, b) = (try bench.guest("a"), try bench.guest("b"))
      for pieces in Self.splits {
        for size in [60, 64, 65, 300, 1514] {
          let frame = builder.plain(size: size, seed: size)
          try a.send(frame, pieces: pieces, isIndirect: isIndirect)
          let received = try #require(try b.receive(), "\(pieces) of \(size)")
          #expect(received.frame == frame, "\(pieces) of \(size)")
          #expect(received.header == plainHeader)
        }
      }
      #expect(try a.waitForTransmitted())
      #expect(try await bench.status("a").error == nil)
    }
  }

  /// All zero but for `num_buffers`.
  private var plainHeader: NetworkHeader {
    var header = NetworkHeader()
    header.bufferCount = 1
    return header
  }

  /// A chain may begin with plain descriptors and end in a table (VIRTIO 1.2 section 2.7.5.3.1).
  @Test func aChainMayEndInATable() async throws {
    try await Bench.with { bench in
      let (a, b) = try await bench.addWire()
      let frame = builder.plain(size: 200)
      let bytes = NetworkHeader().bytes + frame
      let buffer = a.memory.allocate(bytes.count)
      a.memory.write(bytes, at: buffer)
      let table = a.memory.allocate(64, alignment: 1)
      let ring = a.transmitRing()
      ring.writeTable(
        table,
        [
          .init(buffer + 30, 50, isWritable: false), .init(buffer + 80, 0, isWritable: false),
          .init(buffer + 80, bytes.count - 80, isWritable: false),
        ])
      a.offerRaw(
        [
          RawDescriptor(slot: 3, address: buffer, length: 20, flags: RawDescriptor.next, next: 9),
          RawDescriptor(slot: 9, address: buffer + 20, length: 10, flags: RawDescriptor.next, next: 1),
          RawDescriptor(slot: 1, address: table, length: 48, flags: RawDescriptor.indirect),
        ], ring: ring)
      #expect(try b.receive()?.frame == frame)
      #expect(ring.waitForUsed(until: Deadline(milliseconds: 10_000)))
      #expect(ring.peekUsed(1) == [UsedEntry(id: 3, length: 0)])
    }
  }

  /// A table's descriptors need not be aligned; those of a split ring may be chained in any order, a packed one's are all
  /// there are.
  @Test func aTableMayBeInAnyOrderAndPlace() async throws {
    try await Bench.with { bench in
      let (a, b) = try await bench.addWire()
      let frame = builder.plain(size: 100)
      let bytes = NetworkHeader().bytes + frame
      let buffer = a.memory.allocate(bytes.count)
      a.memory.write(bytes, at: buffer)
      let table = a.memory.allocate(128) + 3
      func write(_ slot: Int, _ address: UInt64, _ length: Int, _ next: UInt16?) {
        a.transmitRing().write(
          RawDescriptor(
            slot: slot, address: address, length: UInt32(length), flags: next == nil ? 0 : RawDescriptor.next,
            next: next ?? 0), table: table)
      }
      let order = RingFormat.current == .split ? [0, 4, 2] : [0, 1, 2]
      write(order[0], buffer, 12, UInt16(order[1]))
      write(order[1], buffer + 12, 30, UInt16(order[2]))
      write(order[2], buffer + 42, bytes.count - 42, nil)
      let length = UInt32(16 * ((order.max() ?? 0) + 1))
      a.offerRaw(
        [RawDescriptor(slot: 0, address: table, length: length, flags: RawDescriptor.indirect)], ring: a.transmitRing())
      #expect(try b.receive()?.frame == frame)
    }
  }

  /// Layouts of receive chains, and the buffers that a frame of 1000 bytes takes of them when they are merged.
  @Test(
    arguments: [
      ([2048], 1), ([12, 2048], 1), ([1, 2048], 1), ([1012], 1), ([1011], 2), ([100], 11), ([12], 85), ([13], 78),
      ([5, 5, 5, 5], 51), ([64, 0, 64], 8), ([8, 3, 1, 7], 54), ([1500, 1], 1), ([16], 64), ([11, 1, 500], 2),
    ] as [([Int], Int)], [false, true])
  func framesAreDeliveredIntoAnyLayout(layout: ([Int], Int), isIndirect: Bool) async throws {
    try await Bench.with { bench in
      let (a, b) = try await bench.addWire("a", "b") {
        $0.ringSize = 512
        $0.receiveLayout = layout.0
        $0.receivesIndirect = isIndirect
      }
      let chain = layout.0.reduce(0, +)
      for seed in 0..<6 {
        let frame = builder.plain(size: 1000, seed: seed)
        try a.send(frame)
        let received = try #require(try b.receive())
        #expect(received.frame == frame)
        #expect(Int(received.header.bufferCount) == layout.1)
        let last = 1012 - chain * (layout.1 - 1)
        #expect(received.bufferSizes == Array(repeating: chain, count: layout.1 - 1) + [last])
      }
      #expect(try await bench.status("b").error == nil)
    }
  }

  @Test func oneFrameFillsManySmallBuffersAndAFullRing() async throws {
    try await Bench.with { bench in
      let (a, b) = try await bench.addWire("a", "b") { $0.receiveLayout = [16] }
      // 64 buffers of 16 bytes: 1012 bytes of frame fit exactly.
      for turn in 0..<3 {
        let frame = builder.plain(size: 1012, seed: turn)
        try a.send(frame)
        let received = try #require(try b.receive())
        #expect(received.frame == frame)
        #expect(received.header.bufferCount == 64)
        #expect(received.bufferSizes == Array(repeating: 16, count: 64))
      }
      // One byte more finds no room; nothing of it is shown, nothing is lost of the next.
      try a.send(builder.plain(size: 1013))
      try a.send(builder.plain(size: 60))
      #expect(try b.receive()?.frame == builder.plain(size: 60))
      #expect(try await bench.status("b").dropsOut == ["no-buffer": 1])
    }
  }

  @Test func framesThatDoNotFitLeaveTheirBuffersToTheNext() async throws {
    try await Bench.with { bench in
      try await bench.addSwitch()
      try await bench.addGuest("a", .access(vlan: 1))
      try await bench.addGuest("b", .access(vlan: 1)) {
        $0.receiveLayout = [200]
        $0.receiveCount = 3
      }
      let a = try bench.guest("a")
      let frames = [60, 700, 60, 400, 60].map { builder.plain(size: $0, seed: $0) }
      try a.send(burst: frames)
      let got = try bench.collect(after: a)
      // The first takes a buffer; 700 find no room in two, 60 and then 188 do, 400 do not.
      #expect(got["b"]?.map(\.frame) == [frames[0], frames[2], frames[4]])
      #expect(try await bench.status("b").dropsOut == ["no-buffer": 2])
    }
  }

  /// Without merging a frame must fit its chain.
  @Test(arguments: [[1000], [12, 988], [10, 2, 988], [6, 500, 494]])
  func withoutMergingAFrameTakesOneChain(layout: [Int]) async throws {
    try await Bench.with { bench in
      let (a, b) = try await bench.addWire("a", "b") {
        $0.features = ~VirtioFeature.mergeableBuffers
        $0.receiveLayout = layout
      }
      for size in [60, 64, 65, 100, 500, 987, 988] {
        let frame = builder.plain(size: size, seed: size)
        try a.send(frame)
        let received = try #require(try b.receive())
        #expect(received.frame == frame)
        #expect(received.bufferSizes == [12 + size])
        // VIRTIO 1.2 section 5.1.6.4: "If VIRTIO_NET_F_MRG_RXBUF was not negotiated, the device MUST set num_buffers to 1."
        #expect(received.header == plainHeader)
      }
      try a.send(builder.plain(size: 989))
      try a.send(builder.plain(size: 60))
      #expect(try b.receive()?.frame == builder.plain(size: 60))
      #expect(try await bench.status("b").dropsOut == ["too-big": 1])
    }
  }

  /// Guest memory of two regions side by side, which are apart in the memory of the device.
  private func twoRegions() throws -> SharedMemory {
    try SharedMemory([
      .init(guestAddress: 0x10_0000, size: 0x40_0000, userAddress: 0x7F00_0000_0000),
      .init(guestAddress: 0x50_0000, size: 0x40_0000, userAddress: 0x7E00_0000_0000),
    ])
  }

  private static let border: UInt64 = 0x50_0000

  @Test(arguments: [1, 5, 12, 13, 40, 75, 76, 77, 500, 1511])
  func framesMayCrossFromRegionToRegion(before: Int) async throws {
    try await Bench.with { bench in
      for name in ["a", "b"] {
        let path = try await bench.addPort(name, .wire)
        var options = VirtualGuest.Options()
        options.ringSize = 16
        options.receiveCount = 0
        options.transmitSize = 2048
        let guest = try VirtualGuest(options, memory: try twoRegions())
        try guest.connect(path: path)
        bench.add(guest, name: name)
      }
      try await bench.dataplane.connectWire("a", "b")
      let (a, b) = (try bench.guest("a"), try bench.guest("b"))
      let frame = builder.plain(size: 1500)
      let bytes = NetworkHeader().bytes + frame
      let start = Self.border - UInt64(before)
      a.memory.write(Array(bytes.prefix(before)), at: start)
      a.memory.write(Array(bytes.dropFirst(before)), at: Self.border)
      try b.receiveRing().submit([.init(start, 1600, isWritable: true)])
      try a.transmitRing().submit([.init(start, bytes.count, isWritable: false)])
      #expect(b.receiveRing().waitForUsed(until: Deadline(milliseconds: 10_000)))
      let used = try b.receiveRing().collect()
      #expect(used.map(\.length) == [1512])
      let got = b.memory.bytes(start, count: before) + b.memory.bytes(Self.border, count: 1512 - before)
      #expect(got == plainHeader.bytes + frame)
    }
  }
}
