import LinuxHost
import Synchronization
import Testing

@testable import Dataplane

/// Counters that several workers add to at once.
///
/// `tools/check-races` runs this under the thread sanitizer.
@Suite struct CounterBlockTests {
  /// No addition is lost, and no sum that is read meanwhile goes back.
  @Test(arguments: [1, 2, 3]) func allWorkersAreSummed(_ workers: Int) throws {
    let block = CounterBlock(workers: workers)
    let rounds = 100_000
    let left = Atomic<Int>(workers)
    let counted = Counted(block: block, left: left)
    let threads = try (0..<workers).map { worker in
      try HostThread.start(name: "worker", cpu: nil) { counted.count(worker, rounds) }
    }
    var last: UInt64 = 0
    while counted.left.load(ordering: .acquiring) > 0 {
      let now = block.value(CounterBlock.Slot.receivePackets)
      #expect(now >= last)
      last = now
    }
    for thread in threads { thread.join() }
    let all = UInt64(workers * rounds)
    #expect(block.value(CounterBlock.Slot.receivePackets) == all)
    #expect(block.value(CounterBlock.Slot.receiveBytes) == 60 * all)
    #expect(block.value(CounterBlock.Slot.transmitPackets) == 2 * all)
    #expect(block.ingressDrops == ["runt": all])
    #expect(block.egressDrops == ["no-buffer": UInt64(rounds * (0..<workers).reduce(0, +))].filter { $0.value > 0 })
  }

  private final class Counted: Sendable {
    let block: CounterBlock
    let left: Atomic<Int>

    init(block: CounterBlock, left: consuming Atomic<Int>) {
      self.block = block
      self.left = left
    }

    func count(_ worker: Int, _ rounds: Int) {
      let writer = block.writer(of: worker)
      for _ in 0..<rounds {
        writer.received(packets: 1, bytes: 60)
        writer.transmitted(packets: 2, bytes: 120)
        writer.drop(IngressDrop.runt)
        writer.drop(EgressDrop.noBuffer, worker)
      }
      left.wrappingSubtract(1, ordering: .acquiringAndReleasing)
    }
  }

  /// Workers do not share a cache line; one worker has no more than its words.
  @Test func stripesLieACacheLineApart() {
    for words in [1, 7, 8, 9, 40] {
      let stripes = WorkerStripes(count: words, workerCount: 3)
      let places = (0..<3).map { UInt(bitPattern: stripes.stripe(of: $0)) }
      #expect(places.allSatisfy { $0 % 64 == 0 })
      #expect(
        zip(places, places.dropFirst()).allSatisfy { $0 + UInt(8 * words) <= $1 && $1 - $0 < UInt(8 * words + 64) })
    }
  }
}
