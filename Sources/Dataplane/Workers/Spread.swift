/// Which worker serves each queue of each port, and which one a queue goes to when load has shifted.
///
/// A queue is what frames come in by: a pair of rings, or an interface. It stays with its worker until that one is much busier
/// than another, so that a steady load moves nothing.
struct Spread {
  /// Load of a queue over some time, in cycles.
  struct Load: Equatable {
    var port: Int
    var queue: Int
    var cycles: UInt64
  }

  /// A queue goes to another worker.
  struct Move: Equatable {
    var port: Int
    var queue: Int
    var worker: Int
  }

  /// Queues that are moved at a time.
  static let mostMoves = 16

  private let workerCount: Int
  /// By port, a place for each queue: its worker, -1 = nobody's yet.
  private var owners: [[Int8]] = []
  /// Queues of each worker.
  private(set) var counts: [Int]

  init(workerCount: Int) {
    self.workerCount = workerCount
    counts = Array(repeating: 0, count: workerCount)
  }

  /// The worker of a queue; nil = it has none.
  func worker(_ port: Int, _ queue: Int) -> Int? {
    guard port < owners.count, queue < owners[port].count, owners[port][queue] >= 0 else { return nil }
    return Int(owners[port][queue])
  }

  /// The worker of a queue that has one, or gets one now: of those that have least queues the first.
  mutating func place(_ port: Int, _ queue: Int) -> Int {
    if let worker = worker(port, queue) { return worker }
    let least = counts.min() ?? 0
    let worker = counts.firstIndex(of: least) ?? 0
    set(port, queue, to: worker)
    return worker
  }

  /// A queue is another worker's from now on; -1 = nobody's.
  mutating func set(_ port: Int, _ queue: Int, to worker: Int) {
    while owners.count <= port { owners.append([]) }
    while owners[port].count <= queue { owners[port].append(-1) }
    let old = Int(owners[port][queue])
    if old >= 0 { counts[old] -= 1 }
    if worker >= 0 { counts[worker] += 1 }
    owners[port][queue] = Int8(truncatingIfNeeded: worker)
  }

  /// A port goes: its queues are nobody's.
  mutating func forget(_ port: Int) {
    guard port < owners.count else { return }
    for queue in owners[port].indices { set(port, queue, to: -1) }
  }

  /// Queues of a port that run, one bit each; others are nobody's.
  mutating func keep(_ port: Int, _ running: UInt16) {
    guard port < owners.count else { return }
    for queue in owners[port].indices where running & 1 << UInt16(queue) == 0 { set(port, queue, to: -1) }
  }

  /// Visits every queue that is somebody's, with its worker.
  func forEach(_ body: (_ port: Int, _ queue: Int, _ worker: Int) -> Void) {
    for port in owners.indices {
      for queue in owners[port].indices where owners[port][queue] >= 0 { body(port, queue, Int(owners[port][queue])) }
    }
  }

  /// Ports of which a worker serves a queue.
  func ports(of worker: Int) -> [Int] {
    owners.indices.filter { owners[$0].contains(Int8(truncatingIfNeeded: worker)) }
  }

  /// What is to be moved for workers to have about as much to do, by loads of the last `window` cycles.
  ///
  /// From the busiest to the idlest one, as long as they are an eighth of the window apart and a queue can be moved that
  /// brings them closer: one that is nearly all of what they are apart would only change places, so a queue that is all that a
  /// worker does stays where it is, as do those with next to no load.
  func moves(_ loads: [Load], window: UInt64) -> [Move] {
    var sums = [UInt64](repeating: 0, count: workerCount)
    var queues = [[Load]](repeating: [], count: workerCount)
    for load in loads {
      guard let worker = worker(load.port, load.queue) else { continue }
      sums[worker] += load.cycles
      queues[worker].append(load)
    }
    var moves: [Move] = []
    while moves.count < Self.mostMoves {
      let (busiest, idlest) = extremes(sums)
      let gap = sums[busiest] - sums[idlest]
      guard gap > window / 8 else { break }
      let candidates = queues[busiest].indices.filter {
        queues[busiest][$0].cycles > window / 64 && queues[busiest][$0].cycles <= gap - gap / 8
      }
      let best = candidates.min { distance(queues[busiest][$0], gap) < distance(queues[busiest][$1], gap) }
      guard let best else { break }
      let load = queues[busiest].remove(at: best)
      queues[idlest].append(load)
      sums[busiest] -= load.cycles
      sums[idlest] += load.cycles
      moves.append(Move(port: load.port, queue: load.queue, worker: idlest))
    }
    return moves
  }

  private func extremes(_ sums: [UInt64]) -> (busiest: Int, idlest: Int) {
    var (busiest, idlest) = (0, 0)
    for worker in sums.indices {
      if sums[worker] > sums[busiest] { busiest = worker }
      if sums[worker] < sums[idlest] { idlest = worker }
    }
    return (busiest, idlest)
  }

  /// How far from what would make two workers equal.
  private func distance(_ load: Load, _ gap: UInt64) -> UInt64 {
    load.cycles > gap / 2 ? load.cycles - gap / 2 : gap / 2 - load.cycles
  }
}
