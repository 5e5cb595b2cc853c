import Dataplane
import Foundation
import Frames
import Glibc
import GuestKit
import LinuxHost
import Synchronization

/// Pairs of guests at one switch of a data plane with its threads; one of each pair sends to the other, as fast as they go.
///
/// Each pair has a thread that does no more than move two indices. It shares a processor with the worker that serves the sender,
/// and which sleeps when it finds nothing: so one worker has one processor, whatever drives it, and two workers have two.
enum GuestPairs {
  private static let ringSize = 1024
  /// Frames that a driver makes available at once.
  private static let turn = 512

  /// Prints the frames a second of all pairs together, over `options.seconds`.
  static func run(_ count: Int, _ options: Options) async throws {
    let folder = "/dev/shm/apus-pairs-\(getpid())"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let plane = try start(workers: options.workers)
    try await plane.addSwitch(SwitchConfiguration(name: "sw"))
    var pairs: [Pair] = []
    for number in 0..<count {
      var guests: [PolledGuest] = []
      for end in 0..<2 {
        let path = "\(folder)/\(number)-\(end).sock"
        try await plane.addPort(
          PortConfiguration(
            name: "\(number).\(end)", switchName: "sw", mode: .access(vlan: 1),
            address: FrameBuilder.address(2 * number + end), backend: .vhostUser(VhostUserSocket(path: path))))
        guests.append(
          try PolledGuest(
            path: path, number: 2 * number + end + 1, peer: 2 * number + (1 - end) + 1, size: options.size,
            ringSize: ringSize))
      }
      try introduce(guests[1], to: guests[0])
      pairs.append(
        Pair(sender: guests[0], receiver: guests[1], port: "\(number).0", processor: number % options.workers))
    }
    try await settle(pairs, at: plane, options)
    let (frames, seconds) = try measure(pairs, options)
    let places = Set(pairs.map(\.processor)).count
    await plane.stop()
    print(
      "pairs \(count) workers \(options.workers) size \(options.size) frames/s "
        + "\(Int(Double(frames.reduce(0, +)) / seconds)) each \(frames.map { String(Int(Double($0) / seconds)) }.joined(separator: ",")) "
        + "senders on \(places) processor\(places == 1 ? "" : "s")")
  }

  /// Has a guest speak until it is heard, so that its address is known.
  private static func introduce(_ guest: PolledGuest, to other: PolledGuest) throws {
    let start = HostClock.monotonic
    repeat {
      guard HostClock.monotonic - start < 10_000_000_000 else { throw GuestKitError.timeout("no frame comes through") }
      guest.send()
    } while !other.waitForFrame(nanoseconds: 20_000_000)
  }

  private static func start(workers: Int) throws -> Dataplane {
    var configuration = DataplaneConfiguration()
    configuration.workerCount = workers
    configuration.cpus = Array(0..<workers)
    configuration.poll = .sleep
    do throws(DataplaneError) {
      return try Dataplane(configuration)
    } catch {
      guard workers > 1 else { throw error }
      Options.fail("not supported by this build: \(error)", status: 3)
    }
  }

  /// Two guests, and the flag that ends their driver.
  private final class Pair: Sendable {
    let sender: PolledGuest
    let receiver: PolledGuest
    /// The sender's.
    let port: String
    let frames = Atomic<Int>(0)
    let isEnding = Atomic<Bool>(false)
    /// Where the driver runs, and the worker that serves the sender.
    private let place: Atomic<Int>

    init(sender: PolledGuest, receiver: PolledGuest, port: String, processor: Int) {
      self.sender = sender
      self.receiver = receiver
      self.port = port
      place = Atomic(processor)
    }

    var processor: Int {
      get { place.load(ordering: .relaxed) }
      set { place.store(newValue, ordering: .relaxed) }
    }

    func drive() {
      while !isEnding.load(ordering: .relaxed) {
        guard sender.unsent == 0 else {
          sched_yield()
          continue
        }
        let arrived = receiver.arrived
        receiver.take(arrived)
        frames.wrappingAdd(arrived, ordering: .relaxed)
        sender.send(turn)
      }
    }
  }

  /// Has the drivers run until the workers have the senders spread evenly, for a while at most, and finds where each belongs.
  private static func settle(_ pairs: [Pair], at plane: Dataplane, _ options: Options) async throws {
    let start = HostClock.monotonic
    var least = 0
    repeat {
      let threads = try startDrivers(pairs)
      try await Task.sleep(for: .seconds(1))
      end(pairs, threads)
      for worker in await plane.workers() {
        for pair in pairs where worker.ports.contains(pair.port) { pair.processor = worker.cpu ?? worker.index }
      }
      let counts = Dictionary(grouping: pairs, by: \.processor).values.map(\.count)
      least = counts.count < min(options.workers, pairs.count) ? 0 : counts.min() ?? 0
    } while least < pairs.count / options.workers && HostClock.monotonic - start < 15_000_000_000
  }

  private static func startDrivers(_ pairs: [Pair]) throws -> [HostThread] {
    try pairs.enumerated().map { number, pair in
      pair.isEnding.store(false, ordering: .relaxed)
      return try HostThread.start(name: "driver-\(number)", cpu: pair.processor) { pair.drive() }
    }
  }

  private static func end(_ pairs: [Pair], _ threads: [HostThread]) {
    for pair in pairs { pair.isEnding.store(true, ordering: .relaxed) }
    for thread in threads { thread.join() }
  }

  /// Runs a driver for each pair; returns the frames of each in the time that is measured, and that time.
  private static func measure(_ pairs: [Pair], _ options: Options) throws -> ([Int], Double) {
    let threads = try startDrivers(pairs)
    sleep(1)
    let (before, start) = (pairs.map { $0.frames.load(ordering: .relaxed) }, HostClock.monotonic)
    sleep(UInt32(options.seconds))
    let (after, stop) = (pairs.map { $0.frames.load(ordering: .relaxed) }, HostClock.monotonic)
    end(pairs, threads)
    return (zip(after, before).map { $0 - $1 }, Double(stop - start) / 1e9)
  }
}
