// Two stations on one switch, one of them sending bursts of 64 frames to the other, on one thread: what a frame costs
// the worker, without sockets, guests or a second processor. `tools/bench instructions` runs it under callgrind and
// counts only what happens inside the worker's breath.
//
// Usage: forwarding-benchmark [--frames COUNT] [--size BYTES] [--mode access|trunk|wire] [--recorder on|off]
//                             [--capture none|idle|other|full|filtered] [--ring split|packed]
//        forwarding-benchmark --add-ports COUNT
//        forwarding-benchmark --macs COUNT,... [--rounds N] [--idle-ports N] [--format table|json]
//        forwarding-benchmark --flood PORTS [--rounds N] [--format table|json]
//
// --add-ports: no frames; how long it takes to add that many ports, to list and to remove them (see AddedPorts.swift).
// --macs: frames between so many stations, both addresses of each at random (see Macs.swift). --flood: a port that floods
// so many others beside two that talk (see Floods.swift).
// idle: there is a third port, where nothing happens; other: it is captured; full, filtered: both ports are, all frames or none of them.

import Dataplane
import Frames
import Glibc
import GuestKit
import LinuxHost
import VhostUser

/// Options of the command line.
struct Options {
  var frames = 64_000
  var size = 64
  var mode = "access"
  var recorder = "off"
  var capture = "none"
  var ring = RingFormat.split
  /// Ports to be added in place of frames that are sent; 0 = frames are sent.
  var addedPorts = 0
  /// Numbers of stations of `--macs`, and ports of `--flood`; none = that is not asked for.
  var macs: [Int] = []
  var flooded = 0
  var rounds = 5
  var idlePorts = 0
  var format = "table"

  init(_ arguments: [String]) {
    var rest = arguments.dropFirst()
    while let name = rest.popFirst() {
      guard let value = rest.popFirst() else { Options.fail("\(name) needs a value") }
      switch name {
      case "--frames": frames = Options.number(name, value, 64...100_000_000)
      case "--size": size = Options.number(name, value, 60...9000)
      case "--mode": mode = value
      case "--add-ports": addedPorts = Options.number(name, value, 1...60_000)
      case "--macs": macs = value.split(separator: ",").map { Options.number(name, String($0), 4...1 << 20) }
      case "--flood": flooded = Options.number(name, value, 1...4096)
      case "--rounds": rounds = Options.number(name, value, 1...1000)
      case "--idle-ports": idlePorts = Options.number(name, value, 0...4096)
      case "--format" where value == "table" || value == "json": format = value
      case "--ring" where RingFormat(rawValue: value) != nil: ring = RingFormat(rawValue: value) ?? .split
      case "--recorder" where value == "on" || value == "off": recorder = value
      case "--capture" where ["none", "idle", "other", "full", "filtered"].contains(value): capture = value
      default: Options.fail("unknown option \(name), or value of it; see the head of main.swift")
      }
    }
  }

  var portMode: PortMode {
    switch mode {
    case "access": .access(vlan: 1)
    case "trunk": .trunk(allowed: .all, native: 1)
    case "wire": .wire
    default: Options.fail("unknown mode \(mode); known: access, trunk, wire")
    }
  }

  static func number(_ name: String, _ text: String, _ range: ClosedRange<Int>) -> Int {
    guard let value = Int(text), range.contains(value) else {
      fail("\(name) takes a number from \(range.lowerBound) to \(range.upperBound), not \(text)")
    }
    return value
  }

  static func fail(_ message: String) -> Never {
    let line = Array("forwarding-benchmark: \(message)\n".utf8)
    _ = write(STDERR_FILENO, line, line.count)
    exit(2)
  }
}

/// A guest whose descriptors stay as they are: each turn makes the same 64 chains available again.
final class Station {
  static let ringSize = 256
  static let burst = 64
  let memory: SharedMemory
  let rings: [any RingDriver]
  private let bufferSize: Int
  /// By ring, the slot that a packed ring's next chain goes to.
  private var next = [0, 0]

  /// - Parameter memorySize: bytes of the guest's memory, which must hold 512 buffers.
  init(bufferSize: Int, _ format: RingFormat = .split, memorySize: Int = 64 << 20) throws {
    self.bufferSize = bufferSize
    let memory = try SharedMemory.likeQEMU(size: memorySize)
    self.memory = memory
    rings = try (0..<2).map { try format.driver(memory: memory, index: $0, size: Self.ringSize) }
    for ring in rings {
      for slot in 0..<Self.ringSize {
        buffers.append(memory.allocate(bufferSize, alignment: 64))
        ring.write(descriptor(ring.index, slot))
        if format == .split { ring.split.writeAvailableEntry(slot, UInt16(slot)) }
      }
      ring.disarmCalls()
    }
  }

  private(set) var buffers: [UInt64] = []

  /// Where the frame of a transmit buffer is; as long as the station lives.
  func frame(_ slot: Int) -> UnsafeMutableRawPointer { memory.pointer(buffers[Self.ringSize + slot] + 12, count: 60) }

  private func descriptor(_ ring: Int, _ slot: Int) -> RawDescriptor {
    RawDescriptor(
      slot: slot, address: buffers[ring * Self.ringSize + slot], length: UInt32(bufferSize),
      flags: ring == 0 ? RawDescriptor.write : 0)
  }

  /// Makes chains of a ring available again; a packed ring's were written over.
  func offer(_ ring: Int, _ count: Int = Station.burst) {
    guard rings[ring].format == .packed else { return rings[ring].split.availableIndex &+= UInt16(count) }
    for _ in 0..<count {
      rings[ring].offer([descriptor(ring, next[ring])], id: UInt16(next[ring]))
      next[ring] = (next[ring] + 1) % Self.ringSize
    }
    rings[ring].publish()
  }

  /// Fills every transmit buffer with a header of zeros and one frame.
  func prepare(_ frame: [UInt8]) {
    for slot in 0..<Self.ringSize {
      memory.write([UInt8](repeating: 0, count: 12) + frame, at: buffers[Self.ringSize + slot])
    }
  }

  var starts: [RingStart] {
    rings.map { ring in
      RingStart(
        index: ring.index, size: Self.ringSize, base: ring.startBase, addresses: ring.addresses,
        kick: ring.kickEvent.descriptor, call: nil, error: nil, isEnabled: true,
        features: ring.format.features(of: VirtioFeature.version1 | VirtioFeature.mergeableBuffers))
    }
  }

  var regions: [MemoryRegionRequest] {
    zip(memory.regions, memory.descriptors).map { region, descriptor in
      MemoryRegionRequest(
        guestAddress: region.guestAddress, size: region.size, userAddress: region.userAddress,
        fileOffset: region.fileOffset, descriptor: descriptor)
    }
  }
}

/// Runs the benchmark and prints cycles per frame.
func run(_ options: Options) throws {
  let sender = try Station(bufferSize: options.size + 12, options.ring)
  let receiver = try Station(bufferSize: max(options.size + 12, 1536), options.ring)
  var worker = try DrivenWorker(recorderSize: options.recorder == "on" ? 8 << 20 : 0)
  let first = worker.addPort(options.portMode)
  let second = worker.addPort(options.portMode)
  if options.mode == "wire" { worker.connect(first, second) }
  try worker.start(port: first, pairs: 1, memory: sender.regions, rings: sender.starts)
  try worker.start(port: second, pairs: 1, memory: receiver.regions, rings: receiver.starts)

  var configuration = CaptureConfiguration()
  if options.capture == "filtered" { configuration.filter = try FilterProgram([FilterInstruction(6)]) }
  var captured: [Int] = []
  if options.capture == "idle" || options.capture == "other" {
    let third = worker.addPort(options.portMode)
    if options.capture == "other" { captured = [third] }
  }
  if options.capture == "full" || options.capture == "filtered" { captured = [first, second] }
  let capture = captured.isEmpty ? nil : worker.capture(ports: captured, configuration)
  var drained: [UInt8] = []

  let (here, there) = (FrameBuilder.station(1), FrameBuilder.station(2))
  // The far station speaks once, so that its address is known.
  receiver.prepare(FrameBuilder(to: here, from: there).plain(size: options.size))
  receiver.offer(1, 1)
  sender.offer(0)
  _ = worker.breathe()

  sender.prepare(FrameBuilder(to: there, from: here).plain(size: options.size))
  var moved = 0
  var turns = 0
  let start = clock()
  while moved < options.frames {
    sender.offer(1)
    receiver.offer(0)
    moved += worker.breathe()
    while capture?.next(into: &drained) != nil {}
    turns += 1
    guard turns <= options.frames else { break }
  }
  let seconds = Double(clock() - start) / Double(CLOCKS_PER_SEC)
  let counts = worker.counts(port: second)
  guard moved >= options.frames, counts.transmitted >= UInt64(moved), worker.takeFaults().isEmpty else {
    Options.fail("only \(counts.transmitted) of \(options.frames) frames arrived; drops \(counts.drops)")
  }
  print(
    "frames \(moved) size \(options.size) mode \(options.mode) nanoseconds per frame "
      + "\(Int(seconds * 1e9 / Double(moved)))")
}

do {
  let options = Options(CommandLine.arguments)
  if options.addedPorts > 0 {
    try await AddedPorts.run(options.addedPorts)
  } else if !options.macs.isEmpty {
    try Macs.run(options)
  } else if options.flooded > 0 {
    try Floods.run(options)
  } else {
    try run(options)
  }
} catch {
  Options.fail("\(error)")
}
