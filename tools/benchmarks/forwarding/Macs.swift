import CLinux
import Dataplane
import Frames
import GuestKit
import LinuxHost
import Synchronization

/// What a frame costs where a switch knows many stations: each frame's source and destination are chosen at random, the
/// sources behind one port, the destinations behind another. The clock of ageing runs, so that each station is noted
/// anew once a second.
///
/// Tables of all sizes are measured in turns, in one process, so that a change of the machine's mood meets all of them.
enum Macs {
  /// Length of one measurement, in TSC ticks: about a quarter of a second.
  private static let slice: UInt64 = 600_000_000

  /// What was measured of one number of stations.
  private struct Row {
    var stations: Int
    /// TSC ticks a frame, of each round.
    var cycles: [Double] = []
    /// To learn one station, and the longest breath while all were learnt, in microseconds.
    var learning = 0.0
    var longestLearning = 0.0

    var best: Double { cycles.min() ?? 0 }
    var median: Double { cycles.sorted()[cycles.count / 2] }
  }

  static func run(_ options: Options) throws {
    var rows = options.macs.map { Row(stations: $0) }
    var worlds = InlineWorlds(count: rows.count)
    for index in rows.indices {
      var world = try World.with(ports: 2) { configuration in
        configuration.fdbLimit = max(rows[index].stations, 16)
        configuration.fdbPerPort = configuration.fdbLimit
      }
      for _ in 0..<options.idlePorts { try world.addPort(memorySize: 2 << 20) }
      for port in 0...1 { world.makeRoom(port, 128) }
      learn(&world, &rows[index])
      worlds.append(world)
    }
    for _ in 0..<options.rounds {
      for index in rows.indices { rows[index].cycles.append(measure(&worlds.worlds[index], rows[index].stations)) }
    }
    report(rows, options)
    guard let last = rows.indices.last, options.idlePorts == 0 else { return }
    disturb(&worlds.worlds[last], rows[last].stations, options)
  }

  /// Has both ports' stations speak once.
  private static func learn(_ world: inout World, _ row: inout Row) {
    world.clear()
    let half = row.stations / 2
    var number = 0
    while number < half {
      let count = min(64, half - number)
      for ahead in 0..<count {
        world.address(0, ahead: ahead, to: World.address(half), from: World.address(number + ahead))
        world.address(1, ahead: ahead, to: World.address(0), from: World.address(half + number + ahead))
      }
      for port in 0...1 {
        world.offer(port, count)
        world.makeRoom(port, count)
      }
      while world.breathe() > 0 {}
      number += count
    }
    guard world.worker.stationCount == 2 * half else {
      Options.fail("\(world.worker.stationCount) of \(2 * half) stations were learnt")
    }
    row.learning = Double(world.cycles) / Double(2 * half)
    row.longestLearning = Double(world.longest) / ticksPerMicrosecond
  }

  /// TSC ticks of a frame between stations at random, in the middle one of all breaths of 64 frames.
  private static func measure(_ world: inout World, _ stations: Int) -> Double {
    var random = Random(seed: clinux_rdtsc())
    _ = exchange(&world, stations, &random, for: slice / 8)
    world.clear()
    _ = exchange(&world, stations, &random, for: slice)
    return world.quantile(0.5) / 64
  }

  /// Sends frames for so many ticks; returns how many arrived.
  private static func exchange(
    _ world: inout World, _ stations: Int, _ random: inout Random, for ticks: UInt64
  ) -> Int {
    let half = stations / 2
    let start = clinux_rdtsc()
    var moved = 0
    let arrived = world.arrived(1)
    while clinux_rdtsc() &- start < ticks {
      let count = min(64, world.room(0))
      for ahead in 0..<count {
        world.address(
          0, ahead: ahead, to: World.address(half + random.below(half)), from: World.address(random.below(half)))
      }
      world.offer(0, count)
      let taken = world.breathe()
      world.makeRoom(1, taken)
      moved += taken
    }
    guard world.arrived(1) &- arrived == UInt16(truncatingIfNeeded: moved) else {
      Options.fail("\(moved) frames were sent, not all arrived")
    }
    return moved
  }

  private static func report(_ rows: [Row], _ options: Options) {
    let base = rows.first
    if options.format == "json" {
      let lines = rows.map { row in
        "{\"stations\": \(row.stations), \"idle_ports\": \(options.idlePorts), \"cycles\": \(tenths(row.best)), "
          + "\"median\": \(tenths(row.median)), \"ratio\": \(hundredths(row.best / (base?.best ?? 1))), "
          + "\"median_ratio\": \(hundredths(row.median / (base?.median ?? 1))), "
          + "\"learning_cycles\": \(tenths(row.learning)), \"longest_us\": \(tenths(row.longestLearning))}"
      }
      return print(lines.joined(separator: "\n"))
    }
    print("stations  cycles/frame  median  ratio  median ratio  learning cycles  longest us")
    for row in rows {
      print(
        columns([
          ("\(row.stations)", 8), (tenths(row.best), 12), (tenths(row.median), 6),
          (hundredths(row.best / (base?.best ?? 1)), 5), (hundredths(row.median / (base?.median ?? 1)), 12),
          (tenths(row.learning), 15), (tenths(row.longestLearning), 10),
        ]))
    }
  }

  // What others do with the table meanwhile.

  /// Prints what a frame costs, and how long breaths are, the middle one, 999 of 1000, and the longest, while another thread leaves the table alone,
  /// lists it, and forgets all that is in it.
  private static func disturb(_ world: inout World, _ stations: Int, _ options: Options) {
    let (listing, flushing) = (world.worker.listing, world.worker.flushing)
    var lines: [String] = []
    let works: [(String, (@Sendable () -> Void)?)] = [
      ("nothing", nil), ("listing", { @Sendable in _ = listing() }), ("flushing", flushing),
    ]
    for (name, work) in works {
      guard let line = disturb(&world, stations, name, work, options) else { continue }
      lines.append(line)
    }
    if options.format == "table" { print("\nbeside      cycles/frame  median us  99.9 % us  longest us  times") }
    print(lines.joined(separator: "\n"))
  }

  private static func disturb(
    _ world: inout World, _ stations: Int, _ name: String, _ work: (@Sendable () -> Void)?, _ options: Options
  ) -> String? {
    let (isOver, times) = (Counter(), Counter())
    let thread = work.flatMap { work in
      try? HostThread.start(name: "control", cpu: nil) {
        while isOver.count == 0 {
          work()
          times.add()
        }
      }
    }
    var random = Random(seed: 7)
    world.clear()
    let moved = exchange(&world, stations, &random, for: 4 * slice)
    isOver.add()
    thread?.join()
    let (cycles, longest) = (Double(world.cycles) / Double(moved), Double(world.longest) / ticksPerMicrosecond)
    let (median, most) = (world.quantile(0.5) / ticksPerMicrosecond, world.quantile(0.999) / ticksPerMicrosecond)
    guard options.format == "table" else {
      return "{\"beside\": \"\(name)\", \"stations\": \(stations), \"cycles\": \(tenths(cycles)), "
        + "\"median_us\": \(tenths(median)), \"most_us\": \(tenths(most)), "
        + "\"longest_us\": \(tenths(longest)), \"times\": \(times.count)}"
    }
    return columns([
      (name, -10), (tenths(cycles), 12), (tenths(median), 9), (tenths(most), 9), (tenths(longest), 10),
      ("\(times.count)", 5),
    ])
  }
}

/// A number that two threads share.
private final class Counter: Sendable {
  private let value = Atomic<Int>(0)
  var count: Int { value.load(ordering: .relaxed) }
  func add() { value.add(1, ordering: .relaxed) }
}

/// Worlds, which cannot be copied, in a row.
private struct InlineWorlds: ~Copyable {
  var worlds: UnsafeMutableBufferPointer<World>
  private var count = 0

  init(count: Int) { worlds = .allocate(capacity: count) }

  mutating func append(_ world: consuming World) {
    worlds.initializeElement(at: count, to: world)
    count += 1
  }
}

func tenths(_ value: Double) -> String { "\((value * 10).rounded() / 10)" }
func hundredths(_ value: Double) -> String { "\((value * 100).rounded() / 100)" }

/// Cells of a table's line, each with its width; below 0 = to the left.
func columns(_ cells: [(text: String, width: Int)]) -> String {
  cells.map { cell in
    let padding = String(repeating: " ", count: max(abs(cell.width) - cell.text.count, 0))
    return cell.width < 0 ? cell.text + padding : padding + cell.text
  }.joined(separator: "  ")
}
