import CLinux
import Dataplane
import LinuxHost

/// What a frame costs the worker, in cycles; callgrind counts instructions.
enum Forwarding {
  /// Sends `options.frames` frames and prints cycles a frame and a byte: those of all breaths, and of the best sixteenth.
  static func run(_ scenario: Scenario, _ options: Options) throws {
    var field = try scenario.lay(options)
    for _ in 0..<options.idlePorts { _ = field.worker.addPort(.access(vlan: 1)) }
    let capture = try start(&field, options)
    var drained: [UInt8] = []
    field.begin()
    let clock = Stopwatch(of: options.frames)
    let (begin, ticks) = (HostClock.monotonic, clinux_rdtsc())
    while clock.frames < options.frames {
      field.send(options.burst)
      var left = options.burst
      while left > 0 {
        if field.hasInterface { field.worker.takeEvents() }
        let start = clinux_rdtsc()
        let taken = field.worker.breathe()
        clock.add(clinux_rdtsc() - start)
        guard taken > 0 else { fail(scenario, field) }
        left -= taken
      }
      clock.count(options.burst)
      while capture?.next(into: &drained) != nil {}
    }
    // What was held on its way.
    for _ in 0..<2 where field.nanosecondsATurn > 0 {
      field.worker.now += field.nanosecondsATurn
      _ = field.breathe()
    }
    guard field.result().arrived >= clock.frames * (field.ports.count - 1) * field.pieces,
      field.worker.takeFaults().isEmpty
    else {
      fail(scenario, field)
    }
    let ticksANanosecond = Double(clinux_rdtsc() - ticks) / Double(HostClock.monotonic - begin)
    let cyclesAByte = clock.best / Double(options.size)
    print(
      "frames \(clock.frames) size \(options.size) mode \(scenario.rawValue) cycles/frame \(tenths(clock.mean)) "
        + "best \(tenths(clock.best)) cycles/byte \(thousandths(cyclesAByte)) "
        + "Gbit/s \(tenths(8 * ticksANanosecond / cyclesAByte))")
  }

  /// Starts the capture that is asked for; a port is added where it says so.
  private static func start(_ field: inout Field, _ options: Options) throws -> CaptureHandle? {
    var configuration = CaptureConfiguration()
    if options.capture == "filtered" { configuration.filter = try FilterProgram([FilterInstruction(6)]) }
    switch options.capture {
    case "idle":
      _ = field.worker.addPort(.access(vlan: 1))
      return nil
    case "other": return field.worker.capture(ports: [field.worker.addPort(.access(vlan: 1))], configuration)
    case "full", "filtered": return field.worker.capture(ports: field.ports, configuration)
    default: return nil
    }
  }

  private static func fail(_ scenario: Scenario, _ field: borrowing Field) -> Never {
    let (arrived, drops) = field.result()
    let what = "\(scenario.rawValue): frames were lost, \(arrived) arrived; drops \(drops)"
    guard arrived == 0, scenario == .tso || scenario == .tsoCut else { Options.fail(what, status: 1) }
    let reasons = drops.keys.sorted().joined(separator: ", ")
    Options.fail("not supported by this build: no large frame arrived; they are dropped as \(reasons)", status: 3)
  }

  private static func tenths(_ value: Double) -> Double { (value * 10).rounded() / 10 }
  private static func thousandths(_ value: Double) -> Double { (value * 1000).rounded() / 1000 }
}

/// Cycles of breaths, by sixteenths of a run: the machine is not always ours alone.
private final class Stopwatch {
  private(set) var frames = 0
  private(set) var best = Double.infinity
  private var cycles: UInt64 = 0
  private let partSize: Int
  private var (partFrames, partCycles): (Int, UInt64) = (0, 0)

  init(of frames: Int) { partSize = max(frames / 16, 1) }

  var mean: Double { Double(cycles + partCycles) / Double(max(frames, 1)) }

  func add(_ taken: UInt64) { partCycles += taken }

  func count(_ moved: Int) {
    frames += moved
    partFrames += moved
    guard partFrames >= partSize else { return }
    best = min(best, Double(partCycles) / Double(partFrames))
    cycles += partCycles
    (partFrames, partCycles) = (0, 0)
  }
}
