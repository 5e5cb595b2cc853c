import CLinux
import Dataplane
import Frames
import GuestKit

/// Ports on one switch, worked by this thread, with a guest at each that does nothing but what it is told to.
struct World: ~Copyable {
  var worker: DrivenWorker
  private(set) var stations: [Station] = []
  private let started = ContinuousClock.now
  private let firstTick: UInt32
  /// TSC ticks of the breaths since `clear`, how many there were, and the longest.
  private(set) var cycles: UInt64 = 0
  private(set) var breaths = 0
  private(set) var longest: UInt64 = 0
  /// Of each breath since `clear`.
  private var samples: [UInt32] = []

  /// - Parameter configure: settings of the switch that are not the usual ones.
  static func with(
    ports: Int, _ configure: (inout SwitchConfiguration) -> Void = { _ in }
  ) throws -> World {
    var world = World(try DrivenWorker(configure))
    for _ in 0..<ports { try world.addPort(memorySize: 8 << 20) }
    return world
  }

  private init(_ worker: consuming DrivenWorker) {
    firstTick = worker.tick
    self.worker = worker
  }

  mutating func addPort(memorySize: Int) throws {
    var shape = Station.Shape()
    (shape.transmitSize, shape.receiveSize, shape.memorySize) = (128, 128, memorySize)
    let station = try Station(shape)
    let port = worker.addPort(.access(vlan: 1))
    try worker.start(port: port, memory: station.regions, rings: station.starts)
    stations.append(station)
  }

  mutating func clear() {
    (cycles, breaths, longest) = (0, 0, 0)
    samples.removeAll(keepingCapacity: true)
  }

  /// TSC ticks that this ratio of the breaths since `clear` took at most.
  ///
  /// The middle one does not know of those in which somebody else had the processor.
  func quantile(_ ratio: Double) -> Double {
    let sorted = samples.sorted()
    return sorted.isEmpty ? 0 : Double(sorted[min(Int(Double(sorted.count) * ratio), sorted.count - 1)])
  }

  /// Writes the addresses of the frame that is `ahead` places after those offered so far.
  func address(_ port: Int, ahead: Int, to destination: UInt64, from source: UInt64) {
    let slot = Int(stations[port].rings[1].split.availableIndex &+ UInt16(ahead)) % Station.ringSize
    let frame = stations[port].frame(slot)
    frame.storeBytes(of: destination | source << 48, as: UInt64.self)
    frame.storeBytes(of: UInt32(truncatingIfNeeded: source >> 16), toByteOffset: 8, as: UInt32.self)
  }

  /// Frames that a port's ring has room for.
  func room(_ port: Int) -> Int {
    let ring = stations[port].rings[1].split
    return Station.ringSize - Int(ring.availableIndex &- ring.usedIndex)
  }

  /// Makes the next frames of a port available.
  func offer(_ port: Int, _ count: Int) { stations[port].rings[1].split.availableIndex &+= UInt16(count) }

  /// Gives a port's guest room for so many frames more.
  func makeRoom(_ port: Int, _ count: Int) { stations[port].rings[0].split.availableIndex &+= UInt16(count) }

  /// Frames of a port that the worker has given back so far, as a number that wraps.
  func taken(_ port: Int) -> UInt16 { stations[port].rings[1].split.usedIndex }

  /// Frames that came to a port's guest so far, as a number that wraps.
  func arrived(_ port: Int) -> UInt16 { stations[port].rings[0].split.usedIndex }

  /// One breath by the clock of ageing; returns the frames taken.
  mutating func breathe() -> Int {
    worker.tick = firstTick &+ UInt32((ContinuousClock.now - started).components.seconds)
    let start = clinux_rdtsc()
    let moved = worker.breathe()
    let spent = clinux_rdtsc() &- start
    cycles &+= spent
    breaths += 1
    samples.append(UInt32(clamping: spent))
    longest = max(longest, spent)
    return moved
  }

  /// A station's address, its first byte in the lowest bits; none is a group's.
  static func address(_ number: Int) -> UInt64 {
    // An odd factor: no two of 2^24 are the same, and neighbours are nowhere near each other.
    let mixed = UInt64(truncatingIfNeeded: number &* 0x9E_3779_B1) & 0xFF_FFFF
    return 0x02 | mixed << 24
  }
}

/// Numbers that look random, fast.
struct Random {
  private var state: UInt64
  init(seed: UInt64) { state = seed | 1 }

  mutating func below(_ limit: Int) -> Int {
    state ^= state << 13
    state ^= state >> 7
    state ^= state << 17
    return Int(truncatingIfNeeded: ((state >> 32) &* UInt64(limit)) >> 32)
  }
}

/// TSC ticks a microsecond, measured once.
let ticksPerMicrosecond: Double = {
  let (start, clock) = (clinux_rdtsc(), clinux_monotonic())
  while clinux_monotonic() &- clock < 20_000_000 {}
  return Double(clinux_rdtsc() &- start) * 1000 / Double(clinux_monotonic() &- clock)
}()
