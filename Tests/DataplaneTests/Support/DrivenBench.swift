@testable import Dataplane
import GuestKit
import LinuxHost
import VhostUser

/// A worker without a thread, with mock guests at its ports: the test draws each breath and moves the clock.
final class DrivenBench {
  var worker: DrivenWorker
  private(set) var guests: [VirtualGuest] = []

  /// Nanoseconds in a millisecond.
  static let millisecond: UInt64 = 1_000_000

  /// - Parameters:
  ///   - workers: how many; `worker` is the first.
  ///   - configure: settings of the switch that are not the usual ones.
  init(workers: Int = 1, recorderSize: Int = 0, _ configure: (inout SwitchConfiguration) -> Void = { _ in }) throws {
    worker = try DrivenWorker(workers: workers, recorderSize: recorderSize, configure)
  }

  /// Changes something, as a command does: while all workers stand still.
  func alone(_ body: (DrivenBench) throws -> Void) rethrows {
    worker.beginAlone()
    defer { worker.endAlone() }
    try body(self)
  }

  /// Adds a port with a guest that is up; returns its number.
  @discardableResult
  func addGuest(
    _ mode: PortMode, takesPartialChecksums: Bool = true, ringSize: Int = 256, bufferSize: Int = 2048
  ) throws -> Int {
    try addGuest(
      mode, features: VirtioFeature.checksum | (takesPartialChecksums ? VirtioFeature.guestChecksum : 0)
    ) { options in
      options.ringSize = ringSize
      options.receiveLayout = [bufferSize]
      options.transmitSize = bufferSize
    }
  }

  /// The same with any features beside VERSION_1.
  @discardableResult
  func addGuest(
    _ mode: PortMode, features: UInt64, _ configure: (inout VirtualGuest.Options) -> Void
  ) throws -> Int {
    var options = VirtualGuest.Options()
    configure(&options)
    let guest = try VirtualGuest(options)
    for pair in 0..<options.pairs { try guest.postReceiveBuffers(pair: pair) }
    let port = worker.addPort(mode)
    let features = options.format.features(of: features | VirtioFeature.version1)
    guest.assume(features: features)
    try worker.start(
      port: port, memory: Self.regions(guest.memory), rings: guest.rings.map { Self.start($0, features) })
    guests.append(guest)
    return port
  }

  /// Two guests joined by a wire: ports 0 and 1.
  static func wire(ringSize: Int = 256, bufferSize: Int = 2048) throws -> DrivenBench {
    let bench = try DrivenBench()
    let first = try bench.addGuest(.wire, ringSize: ringSize, bufferSize: bufferSize)
    let second = try bench.addGuest(.wire, ringSize: ringSize, bufferSize: bufferSize)
    bench.worker.connect(first, second)
    return bench
  }

  static func start(_ ring: any RingDriver, _ features: UInt64) -> RingStart {
    var addresses = ring.addresses
    // Says nothing where nothing is logged.
    addresses.flags = RingAddresses.logFlag
    return RingStart(
      index: ring.index, size: ring.size, base: ring.startBase, addresses: addresses,
      kick: ring.kickEvent.descriptor, call: ring.callEvent.descriptor, error: nil, isEnabled: true,
      features: features)
  }

  static func regions(_ memory: SharedMemory) -> [MemoryRegionRequest] {
    zip(memory.regions, memory.descriptors).map { region, descriptor in
      MemoryRegionRequest(
        guestAddress: region.guestAddress, size: region.size, userAddress: region.userAddress,
        fileOffset: region.fileOffset, descriptor: descriptor)
    }
  }

  // Time.

  /// Sets the clock and breathes until nothing moves.
  func breathe(at now: UInt64) {
    worker.now = now
    while worker.breathe() > 0 {}
  }

  // Frames.

  func send(_ frames: [[UInt8]], from port: Int, at now: UInt64) throws {
    try guests[port].send(burst: frames)
    breathe(at: now)
  }

  /// What a guest got since the last call, by one of its receive rings.
  func received(_ port: Int, pair: Int = 0) throws -> [VirtualGuest.Received] {
    var frames: [VirtualGuest.Received] = []
    while let frame = try guests[port].receive(timeout: 0, pair: pair) { frames.append(frame) }
    return frames
  }

  /// The frames of `received`.
  func frames(_ port: Int) throws -> [[UInt8]] { try received(port).map(\.frame) }

  func drops(_ port: Int) -> [String: UInt64] { worker.counts(port: port).drops }

  // The worker, whose own calls change it.

  func impair(_ port: Int, fromNode: Impairment? = nil, toNode: Impairment? = nil, seed: UInt64 = 1) {
    worker.impair(port: port, fromNode: fromNode, toNode: toNode, seed: seed)
  }

  func setCarrier(_ port: Int, up: Bool) { worker.setCarrier(port: port, up: up) }

  func remove(_ port: Int) { worker.remove(port: port) }
}

extension Impairment {
  /// An impairment with some of its settings.
  static func with(_ configure: (inout Impairment) -> Void) -> Impairment {
    var impairment = Impairment()
    configure(&impairment)
    return impairment
  }
}
