import GuestKit
import LinuxHost
import Testing
import VhostUser

/// The other side itself: a driver that is wrong would hide what a device does wrong.
@Suite struct GuestKitTests {
  private func makeGuest(
    _ configure: (inout VirtualGuest.Options) -> Void = { _ in }
  ) throws -> (VirtualGuest, Bench, LoopbackDevice) {
    var options = VirtualGuest.Options()
    options.ringSize = 16
    options.memorySize = 16 << 20
    configure(&options)
    let guest = try VirtualGuest(options)
    let bench = try Bench()
    try guest.start(bench.frontEnd)
    return (guest, bench, LoopbackDevice(guest))
  }

  private let builder = FrameBuilder(to: FrameBuilder.station(2), from: FrameBuilder.station(1))

  @Test func framesComeBackByteExact() throws {
    let (guest, bench, device) = try makeGuest { $0.firstIndex = 0xFFF0 }
    for turn in 0..<100 {
      let frame = builder.plain(size: 60 + turn, seed: turn)
      try guest.send(frame)
      device.run()
      let received = try #require(try guest.receive(timeout: 1000))
      #expect(received.frame == frame)
      #expect(received.header.bufferCount == 1)
    }
    #expect(try guest.waitForTransmitted())
    #expect(bench.session?.refusalCount == 0)
  }

  @Test(arguments: [[], [12], [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1], [5, 20, 100], [0, 12]], [false, true])
  func chainsOfAnyLayoutCarryTheSameBytes(pieces: [Int], isIndirect: Bool) throws {
    let (guest, _, device) = try makeGuest()
    let frame = builder.plain(size: 700)
    try guest.send(frame, pieces: pieces, isIndirect: isIndirect)
    device.run()
    #expect(try guest.receive(timeout: 1000)?.frame == frame)
  }

  @Test(arguments: [[100], [12, 100], [7, 5, 88]], [false, true])
  func receiveBuffersAreMerged(layout: [Int], isIndirect: Bool) throws {
    let (guest, _, device) = try makeGuest {
      $0.receiveLayout = layout
      $0.receivesIndirect = isIndirect
    }
    let frame = builder.plain(size: 250)
    for _ in 0..<20 {
      try guest.send(frame)
      device.run()
      let received = try #require(try guest.receive(timeout: 1000))
      #expect(received.frame == frame)
      #expect(received.bufferSizes.count == 3)
    }
  }

  @Test func deviceFaultsAreSeen() throws {
    let (guest, _, device) = try makeGuest()
    device.miscountsBuffers = true
    try guest.send(builder.plain(size: 60))
    device.run()
    #expect(throws: GuestKitError.self) { try guest.receive(timeout: 1000) }
    device.lengthOfTransmitted = 1
    try guest.send(builder.plain(size: 60))
    device.run()
    #expect(throws: GuestKitError.self) { try guest.reclaim() }
    guest.rings[1].split.usedIndex &+= 100
    #expect(throws: GuestKitError.self) { try guest.rings[1].collect() }
    #expect(try makeGuest().0.receive(timeout: 0) == nil)
  }

  @Test func kicksFollowTheDevicesWish() throws {
    let memory = try SharedMemory(size: 1 << 20)
    let ring = try SplitDriver(memory: memory, index: 0, size: 16)
    let buffer = memory.allocate(64)
    func submit() throws -> Int {
      try ring.submit([.init(buffer, 64, isWritable: true)])
      return ring.kickCount
    }
    #expect(try submit() == 1)
    ring.usedFlags = 1
    #expect(try submit() == 1)
    ring.usesEventIndex = true
    ring.availableEvent = 2
    #expect(try submit() == 2, "entry 2 is there")
    #expect(try submit() == 2)
    ring.availableEvent = 4
    #expect(try submit() == 3)
    #expect(ring.kickEvent.drain() == 3)
  }

  @Test func checksumsAreRightPartialOrWrong() {
    for (sender, receiver) in [
      ([10, 0, 0, 1], [10, 0, 0, 2]),
      ([UInt8](repeating: 0xFD, count: 16), [UInt8](repeating: 0xFC, count: 16)),
    ] as [([UInt8], [UInt8])] {
      for payload in [[], [1], [1, 2, 3], [UInt8](repeating: 0xAB, count: 1400)] as [[UInt8]] {
        let builder = FrameBuilder(to: FrameBuilder.broadcast, from: FrameBuilder.station(1), tags: [.init(10)])
        #expect(checksumState(builder.udp(from: sender, to: receiver, payload: payload).frame) == .right)
        #expect(checksumState(builder.tcp(from: sender, to: receiver, payload: payload).frame) == .right)
        let wrong = builder.tcp(from: sender, to: receiver, payload: payload, checksum: .wrong)
        #expect(checksumState(wrong.frame) == .wrong)
        // A partial checksum becomes right when the sum from checksum_start on is filled in.
        let partial = builder.udp(from: sender, to: receiver, payload: payload, checksum: .partial)
        #expect(checksumState(partial.frame) == .wrong)
        var frame = partial.frame
        let start = Int(partial.header.checksumStart)
        let place = start + Int(partial.header.checksumOffset)
        let sum = ~internetSum(Array(frame[start...]))
        frame[place] = UInt8(sum >> 8)
        frame[place + 1] = UInt8(truncatingIfNeeded: sum)
        #expect(checksumState(frame) == .right)
      }
    }
    let none = builder.udp(from: [10, 0, 0, 1], to: [10, 0, 0, 2], payload: [1], checksum: .absent)
    #expect(checksumState(none.frame) == .absent)
  }

  @Test func knownFrames() {
    let arp = builder.arp(
      operation: 1, senderAddress: FrameBuilder.station(1), senderIP: [10, 0, 0, 1],
      targetAddress: [0, 0, 0, 0, 0, 0], targetIP: [10, 0, 0, 2])
    #expect(arp.count == 60)
    #expect(Array(arp.prefix(22)) == [2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 6, 0, 1, 8, 0, 6, 4, 0, 1])
    // The IPv4 header checksum of a known packet.
    #expect(
      internetSum([
        0x45, 0, 0, 0x3C, 0x1C, 0x46, 0x40, 0, 0x40, 6, 0, 0, 0xAC, 0x10, 0x0A, 0x63, 0xAC, 0x10, 0x0A, 0x0C,
      ]) == ~0xB1E6)
    let tagged = FrameBuilder(to: FrameBuilder.station(2), from: FrameBuilder.station(1), tags: [.init(5, priority: 3)])
    #expect(Array(tagged.frame(type: 0x0800, payload: []).suffix(6)) == [0x81, 0, 0x60, 5, 8, 0])
    #expect(NetworkHeader(NetworkHeader(checksumStart: 34, checksumOffset: 16).bytes).checksumStart == 34)
  }
}
