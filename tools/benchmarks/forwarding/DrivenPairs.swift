import Dataplane
import Glibc
import GuestKit
import LinuxHost
import Synchronization

/// Pairs of guests at one switch, whose workers' threads play the guests too: a processor has one thread and no other work.
///
/// So nothing is measured but how well workers go side by side: they share the switch and its table of stations, and each pair
/// is of one worker. Frames are counted by the second of their thread's processor time, which is a second if nobody else wants
/// the processor, so that what others do here spoils less of it.
enum DrivenPairs {
  /// Frames that a guest sends before each breath.
  private static let turn = 64
  /// Turns between looks at the clock of the run.
  private static let turnsALook = 256

  /// Prints the frames a second of all workers together, over `options.seconds`.
  static func run(_ count: Int, _ options: Options) throws {
    let team = try DrivenTeam(workers: options.workers)
    let pairs = try (0..<count).map { try Pair($0, of: team, worker: $0 % options.workers, size: options.size) }
    for pair in pairs { try pair.introduce(to: team) }
    for pair in pairs { pair.begin(with: team) }
    let results = try measure(pairs, team, options)
    let faults = team.takeFaults()
    guard faults.isEmpty, pairs.allSatisfy({ $0.hasAll(of: team) }) else {
      Options.fail("frames were lost, or a ring was failed: \(faults)", status: 1)
    }
    let rates = results.map { Double($0.frames) / $0.seconds }
    print(
      "pairs \(count) workers \(options.workers) driven size \(options.size) frames/s \(Int(rates.reduce(0, +))) "
        + "each worker \(rates.map { String(Int($0)) }.joined(separator: ",")) "
        + "with \(Int(results.map(\.share).min().map { $0 * 100 } ?? 0)) % of a processor at least")
  }

  /// Two guests, touched by the thread of their worker.
  private final class Pair: @unchecked Sendable {
    let worker: Int
    private let sender: Station
    private let receiver: Station
    private var port = 0
    /// Frames that were sent.
    private var sent: UInt64 = 0

    init(_ number: Int, of team: DrivenTeam, worker: Int, size: Int) throws {
      self.worker = worker
      var shape = Station.Shape()
      shape.memorySize = 4 << 20
      shape.transmitSize = size + NetworkHeader.size
      shape.receiveSize = max(shape.transmitSize, 128)
      (sender, receiver) = (try Station(shape), try Station(shape))
      let stations = [2 * number + 1, 2 * number + 2].map { FrameBuilder.station($0) }
      for (guest, ends) in [(sender, stations), (receiver, stations.reversed())] {
        guest.prepare(PreparedFrame(bytes: FrameBuilder(to: ends[1], from: ends[0]).plain(size: size)))
        port = try team.addPort(servedBy: worker, memory: guest.regions, rings: guest.starts)
        guest.take(Station.ringSize)
      }
    }

    /// Has both speak once, so that their addresses are known; all others hear the first word.
    func introduce(to team: DrivenTeam) throws {
      for guest in [receiver, sender] {
        guest.send(1)
        guard team.breathe(worker) == 1 else { throw GuestKitError.timeout("no frame comes through") }
      }
      sender.take(1)
      receiver.take(1)
    }

    /// Counts from here.
    func begin(with team: DrivenTeam) { sent = team.transmitted(port: port) }

    func send() {
      sender.send(DrivenPairs.turn)
      sent += UInt64(DrivenPairs.turn)
    }

    /// Makes room for what `send` sent.
    func take() { receiver.take(DrivenPairs.turn) }

    func hasAll(of team: DrivenTeam) -> Bool { team.transmitted(port: port) == sent }
  }

  /// What a worker did in the time that was measured.
  private struct Result {
    var frames: Int
    /// Processor time of its thread.
    var seconds: Double
    /// Of the time that was measured.
    var share: Double
  }

  /// What a worker's thread and the one that measures tell each other.
  private final class Run: Sendable {
    private let frames = Atomic<Int>(0)
    /// Nanoseconds of the thread's processor time.
    private let time = Atomic<Int>(0)
    let isEnding = Atomic<Bool>(false)

    /// Frames and processor time so far, a few turns apart at most.
    var account: (frames: Int, time: Int) { (frames.load(ordering: .relaxed), time.load(ordering: .relaxed)) }

    func drive(_ pairs: [Pair], _ team: DrivenTeam, _ worker: Int) {
      while !isEnding.load(ordering: .relaxed) {
        var moved = 0
        for _ in 0..<DrivenPairs.turnsALook {
          for pair in pairs { pair.send() }
          moved += team.breathe(worker)
          for pair in pairs { pair.take() }
        }
        frames.wrappingAdd(moved, ordering: .relaxed)
        var used = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used)
        time.store(used.tv_sec * 1_000_000_000 + used.tv_nsec, ordering: .relaxed)
      }
    }
  }

  /// Runs a thread for each worker; returns what each did in the time that is measured.
  private static func measure(_ pairs: [Pair], _ team: DrivenTeam, _ options: Options) throws -> [Result] {
    let runs = (0..<options.workers).map { _ in Run() }
    let threads = try runs.enumerated().map { worker, run in
      let own = pairs.filter { $0.worker == worker }
      return try HostThread.start(name: "worker-\(worker)", cpu: worker) { run.drive(own, team, worker) }
    }
    sleep(1)
    let (before, start) = (runs.map(\.account), HostClock.monotonic)
    sleep(UInt32(options.seconds))
    let (after, end) = (runs.map(\.account), HostClock.monotonic)
    for run in runs { run.isEnding.store(true, ordering: .relaxed) }
    for thread in threads { thread.join() }
    return zip(before, after).map { before, after in
      let used = Double(max(after.time - before.time, 1)) / 1e9
      return Result(frames: after.frames - before.frames, seconds: used, share: used * 1e9 / Double(end - start))
    }
  }
}
