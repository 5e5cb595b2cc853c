import CLinux
import Dataplane
import Frames
import GuestKit

/// Two ports that talk beside one that floods broadcast to many: what is left for them, and how long they wait.
enum Floods {
  /// Length of one measurement, in TSC ticks: about half a second.
  private static let slice: UInt64 = 1_200_000_000

  /// What was measured of one load.
  private struct Row {
    var name: String
    /// Frames a second between the two.
    var unicast = 0.0
    /// Copies a second that the flood made.
    var copies = 0.0
    /// Microseconds of a breath, which is what a frame waits at most that finds nobody before it.
    var mean = 0.0
    var longest = 0.0
  }

  static func run(_ options: Options) throws {
    var world = try World.with(ports: 3)
    for _ in 0..<options.flooded { try world.addPort(memorySize: 2 << 20) }
    introduce(&world)
    var best: [Row] = []
    for _ in 0..<options.rounds {
      for (index, row) in [
        measure(&world, "unicast alone", sends: true, floods: false),
        measure(&world, "beside a flood", sends: true, floods: true),
        measure(&world, "the flood alone", sends: false, floods: true),
      ].enumerated() {
        if best.count <= index {
          best.append(row)
        } else if row.unicast + row.copies > best[index].unicast + best[index].copies {
          best[index] = row
        }
      }
    }
    report(best, options)
  }

  /// The two stations learn of each other; all frames that port 2 sends are to everybody.
  private static func introduce(_ world: inout World) {
    for (from, to) in [(0, 1), (1, 0)] {
      for ahead in 0..<Station.ringSize {
        world.address(from, ahead: ahead, to: World.address(to), from: World.address(from))
      }
      world.offer(from, 1)
      while world.breathe() > 0 {}
    }
    for ahead in 0..<Station.ringSize {
      world.address(2, ahead: ahead, to: 0xFFFF_FFFF_FFFF, from: World.address(2))
    }
  }

  private static func measure(_ world: inout World, _ name: String, sends: Bool, floods: Bool) -> Row {
    // What the last one left.
    while world.breathe() > 0 {}
    world.clear()
    let start = clinux_rdtsc()
    var (unicast, copies) = (0, 0)
    var (sent, flooded) = (world.taken(0), world.taken(2))
    while clinux_rdtsc() &- start < slice {
      if sends { fill(world, 0) }
      if floods { fill(world, 2) }
      for port in 0..<world.stations.count where port != 2 { refresh(world, port) }
      _ = world.breathe()
      unicast += Int(world.taken(0) &- sent)
      copies += Int(world.taken(2) &- flooded) * (world.stations.count - 1)
      (sent, flooded) = (world.taken(0), world.taken(2))
    }
    let seconds = Double(world.cycles) / ticksPerMicrosecond / 1e6
    return Row(
      name: name, unicast: Double(unicast) / seconds, copies: Double(copies) / seconds,
      mean: Double(world.cycles) / Double(world.breaths) / ticksPerMicrosecond,
      longest: Double(world.longest) / ticksPerMicrosecond)
  }

  /// Offers a port's whole ring.
  private static func fill(_ world: borrowing World, _ port: Int) {
    let ring = world.stations[port].rings[1].split
    ring.availableIndex = ring.usedIndex &+ UInt16(Station.ringSize)
  }

  /// Gives a port's guest room for a whole ring of frames.
  private static func refresh(_ world: borrowing World, _ port: Int) {
    let ring = world.stations[port].rings[0].split
    ring.availableIndex = ring.usedIndex &+ UInt16(Station.ringSize)
  }

  private static func report(_ rows: [Row], _ options: Options) {
    if options.format == "json" {
      for row in rows {
        print(
          "{\"load\": \"\(row.name)\", \"ports\": \(options.flooded), \"unicast_per_second\": \(Int(row.unicast)), "
            + "\"copies_per_second\": \(Int(row.copies)), \"breath_us\": \(tenths(row.mean)), "
            + "\"longest_breath_us\": \(tenths(row.longest))}")
      }
      return
    }
    print("load             unicast/s  flood copies/s  breath us  longest us")
    for row in rows {
      print(
        columns([
          (row.name, -15), ("\(Int(row.unicast))", 10), ("\(Int(row.copies))", 14), (tenths(row.mean), 9),
          (tenths(row.longest), 10),
        ]))
    }
  }
}
