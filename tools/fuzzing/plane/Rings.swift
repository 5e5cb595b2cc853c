import GuestKit
import LinuxHost
import TestSupport
import VhostUser

@testable import Dataplane

/// Drivers that write anything anywhere between breaths of a worker: whatever they do, two honest guests at the same
/// worker exchange their frames, and what the driver's neighbours get is well made.
func fuzzRings(_ bytes: [UInt8], _ format: RingFormat) {
  RingFormat.$current.withValue(format) {
    demandNoDescriptorKept {
      var choices = Choices(bytes)
      demanded("the bench") {
        let plane = try HostilePlane(&choices)
        try plane.run(&choices)
      }
    }
  }
}

/// A worker without a thread: port 0 is the hostile driver's, ports 1 and 2 are honest, all on one switch.
private final class HostilePlane {
  private var worker: DrivenWorker
  private let bad: VirtualGuest
  private let honest: [VirtualGuest]
  private let badFeatures: UInt64
  private let log: DirtyPages?
  private let inflight: InflightRegion?
  /// Where the driver's frames and tables lie.
  private let buffer: UInt64
  private static let bufferSize = 0x4000

  private static let features =
    VirtioFeature.offloads | VirtioFeature.mergeableBuffers | VirtioFeature.indirectDescriptors
    | VirtioFeature.eventIndex | VirtioFeature.version1 | VirtioFeature.inOrder

  init(_ choices: inout Choices) throws {
    let wishes = choices.byte()
    var features = Self.features
    for (bit, feature) in [
      VirtioFeature.mergeableBuffers, VirtioFeature.indirectDescriptors, VirtioFeature.eventIndex,
      VirtioFeature.version1, VirtioFeature.checksum, VirtioFeature.guestChecksum,
    ].enumerated() where wishes & 1 << UInt8(bit) != 0 {
      features &= ~feature
    }
    badFeatures = RingFormat.current.features(of: VirtioFeature.consistent(features))
    worker = try DrivenWorker()
    bad = try Self.guest(firstIndex: choices.flag() ? 0xFFF8 : UInt16(choices.byte()))
    honest = try (0..<2).map { _ in try Self.guest(firstIndex: 0) }
    buffer = bad.memory.allocate(Self.bufferSize, alignment: 64)
    log = wishes & 0x40 != 0 ? try DirtyPages(of: bad.memory) : nil
    inflight = wishes & 0x80 != 0 ? try Self.region() : nil
    for guest in [bad] + honest {
      let port = worker.addPort(.access(vlan: 1))
      let features = guest === bad ? badFeatures : RingFormat.current.features(of: Self.features)
      guest.assume(features: features)
      for ring in guest.rings { ring.usesEventIndex = features & VirtioFeature.eventIndex != 0 }
      try guest.postReceiveBuffers()
      try worker.start(
        port: port, memory: DrivenBench.regions(guest.memory),
        rings: guest.rings.map { DrivenBench.start($0, features) }, inflight: guest === bad ? inflight : nil)
    }
    if let log {
      try worker.log(port: 0, in: LogRequest(size: UInt64(log.size), offset: 0, descriptor: log.descriptor))
    }
  }

  private static func guest(firstIndex: UInt16) throws -> VirtualGuest {
    var options = VirtualGuest.Options()
    options.ringSize = 16
    options.memorySize = 1 << 20
    options.transmitSize = 2048
    options.firstIndex = firstIndex
    let guest = try VirtualGuest(options)
    for ring in guest.rings {
      ring.reset()
      ring.start(after: firstIndex)
    }
    return guest
  }

  private static func region() throws -> InflightRegion {
    let size = UInt64(2 * InflightLayout(isPacked: RingFormat.current == .packed).stride(entries: 16))
    return InflightRegion(
      size: size, fileOffset: 0, ringCount: 2, ringSize: 16, descriptor: try Descriptor.sealedMemoryFile(size: size))
  }

  func run(_ choices: inout Choices) throws {
    // The switch knows where everybody is.
    for guest in [1, 2] { try expectTraffic(from: guest) }
    var count = 0
    while !choices.isEmpty, count < 200 {
      count += 1
      try act(&choices)
    }
    breathe()
    for guest in [1, 2] { try expectTraffic(from: guest) }
    worker.remove(port: 0)
    breathe()
    for guest in [1, 2] { try expectTraffic(from: guest) }
  }

  private func breathe() {
    for _ in 0..<3 where worker.breathe() == 0 { break }
    _ = worker.payDebts()
    _ = worker.takeFaults()
  }

  private static func frame(_ source: Int, to destination: Int) -> [UInt8] {
    FrameBuilder(to: FrameBuilder.station(destination), from: FrameBuilder.station(source)).plain(size: 80)
  }

  /// From one honest guest to the other, whatever of the driver's comes before it.
  private func expectTraffic(from sender: Int) throws {
    let (source, destination) = (100 + sender, 103 - sender)
    // What the driver has offered may fill the rings of all others, once.
    for _ in 0..<4 {
      breathe()
      try drain()
    }
    let frame = Self.frame(source, to: destination)
    try honest[sender - 1].send(frame)
    // What the driver offers is bounded by its ring, and so are the turns until this one is taken.
    for _ in 0..<20 {
      breathe()
      while let received = try honest[2 - sender].receive(timeout: 0) { if received.frame == frame { return } }
    }
    fatalError("an honest guest's frame is lost")
  }

  private func drain() throws {
    for guest in honest {
      while try guest.receive(timeout: 0) != nil {}
      try guest.reclaim()
    }
  }

  private func act(_ choices: inout Choices) throws {
    let ring = bad.rings[choices.number(below: 2)]
    switch choices.byte() % 16 {
    case 0...3: ring.write(descriptor(&choices, ring))
    case 4: ring.write(descriptor(&choices, ring), table: buffer + 0x2000)
    case 5...6: ring.offerUnseen((0...choices.number(below: 4)).map { _ in UInt16(choices.number(below: 17)) })
    case 7: ring.writeWord(choices.odd(), choices.odd())
    case 8: ring.writeWishes { choices.word() }
    case 9: fill(&choices)
    case 10: try neighbourSends(&choices)
    case 11: try honestSend(&choices)
    case 12: restart(ring, &choices)
    case 13: worker.setCarrier(port: 0, up: choices.flag())
    default: breathe()
    }
  }

  private func descriptor(_ choices: inout Choices, _ ring: any RingDriver) -> RawDescriptor {
    let usual: UInt16 = ring.index % 2 == 0 ? RawDescriptor.write : 0
    let flags = choices.byte()
    let region = bad.memory.regions[0]
    let address: UInt64 =
      switch choices.byte() {
      case 0xFF: choices.odd()
      case 0xFE: region.guestAddress + region.size - UInt64(choices.word() % 300)
      case 0xFD: region.guestAddress &- UInt64(choices.byte())
      case 0xFC: buffer + 0x2000
      case let page: buffer + UInt64(page) * 0x20
      }
    let length = choices.byte()
    return RawDescriptor(
      slot: choices.number(below: 16), address: address,
      length: length < 0xF0 ? UInt32(length) * 8 : UInt32(truncatingIfNeeded: choices.odd()),
      flags: flags < 0x80 ? usual | UInt16(flags & 1) : flags < 0xF0 ? UInt16(flags & 7) : choices.word(),
      next: UInt16(choices.number(below: 18)))
  }

  /// A header and the beginning of a frame; what lies behind it is what was there.
  private func fill(_ choices: inout Choices) {
    let place = buffer + UInt64(choices.byte()) * 0x20
    var header = NetworkHeader()
    if choices.flag() {
      header.flags = choices.byte()
      header.segmentationType = choices.pick([0, 1, 4, 5, 0x81, 3, 0xFF])
      header.headerSize = choices.word()
      header.segmentSize = choices.word()
      header.checksumStart = UInt16(choices.byte())
      header.checksumOffset = UInt16(choices.byte())
    }
    let destination = choices.pick([FrameBuilder.broadcast, FrameBuilder.station(101), FrameBuilder.station(77)])
    let tag: [UInt8] = choices.flag() ? [0x81, 0, choices.byte(), choices.byte()] : []
    let frame = destination + FrameBuilder.station(21) + tag + choices.bytes(choices.number(below: 64))
    bad.memory.write(header.bytes + frame, at: place)
  }

  /// A frame to the driver, to all, or a large one.
  private func neighbourSends(_ choices: inout Choices) throws {
    try drain()
    let destination = choices.flag() ? FrameBuilder.broadcast : FrameBuilder.station(21)
    guard choices.flag() else {
      try honest[0].send(
        FrameBuilder(to: destination, from: FrameBuilder.station(101)).plain(size: 14 + Int(choices.word() % 1500)))
      return breathe()
    }
    var model = LargeFrameModel()
    (model.destination, model.source) = (destination, FrameBuilder.station(101))
    model.segmentSize = 100 + Int(choices.byte())
    model.payload = [UInt8](repeating: 7, count: 1 + Int(choices.word() % 1800))
    try honest[0].send(model.whole, header: model.header)
    breathe()
  }

  /// What a driver by the rules would do; its own view of its rings may be wrong by now.
  private func honestSend(_ choices: inout Choices) throws {
    guard bad.transmitFree > 4 else { return }
    try? bad.send(Self.frame(21, to: choices.pick([101, 102, 99])), isIndirect: choices.flag())
    breathe()
  }

  /// The ring starts anew where the front-end says.
  private func restart(_ ring: any RingDriver, _ choices: inout Choices) {
    if choices.flag() { ring.reset() }
    var starts = bad.rings.map { DrivenBench.start($0, badFeatures) }
    if choices.flag() { starts[ring.index].base = UInt32(truncatingIfNeeded: choices.odd()) }
    // What a session would refuse never comes here.
    starts[ring.index].base &= RingFormat.current == .packed ? 0x800F_800F : 0xFFFF
    try? worker.start(port: 0, memory: DrivenBench.regions(bad.memory), rings: starts, inflight: inflight)
    breathe()
  }
}

extension VirtualGuest {
  fileprivate var transmitFree: Int { rings[1].freeCount }
}
