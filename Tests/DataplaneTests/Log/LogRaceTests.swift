import GuestKit
import LinuxHost
import Synchronization
import TestSupport
import Testing
import VhostUser

@testable import Dataplane

/// One burst after the other, while somebody else empties the log and copies: after each the copy is the memory.
///
/// What a later burst would mark again is not there to hide a page that was marked too early, or not at all.
@Suite(.everyRingFormat) struct LogRaceTests {
  /// Empties logs and copies pages all the time, but while somebody looks at the copy.
  private final class Mover: Sendable {
    private let copy: Mutex<MemoryCopy>
    private let isEnding = Flag()
    private let thread = Mutex<HostThread?>(nil)

    init(_ memory: SharedMemory, _ logs: [DirtyPages]) throws {
      copy = Mutex(MemoryCopy(of: memory, logs: logs))
      let started = try HostThread.start(name: "mover", cpu: nil) { [self] in
        while !isEnding.isSet { copy.withLock { _ = $0.copyMarked() } }
      }
      thread.withLock { $0 = started }
    }

    /// The last round of a machine that has stopped: pages that are old nevertheless.
    func stalePages() -> [Int] {
      copy.withLock { copy in
        copy.copyMarked()
        return copy.stalePages
      }
    }

    func end() {
      isEnding.set()
      thread.withLock { $0?.join() }
    }
  }

  @Test(arguments: [[256], [20, 256]], [0, VirtioFeature.eventIndex])
  func theCopyIsTheMemoryAfterEachBurst(layout: [Int], features: UInt64) throws {
    let bench = try DrivenBench()
    for _ in 0..<2 {
      try bench.addGuest(.wire, features: features | VirtioFeature.mergeableBuffers) {
        $0.memorySize = 128 << 10
        $0.ringSize = 16
        $0.receiveLayout = layout
        $0.transmitSize = 256
      }
    }
    bench.worker.connect(0, 1)
    let memory = bench.guests[1].memory
    let (log, own) = (try DirtyPages(of: memory, offset: 5), try DirtyPages(of: memory))
    memory.ownPages = own
    try bench.worker.log(
      port: 1, in: LogRequest(size: UInt64(log.size), offset: UInt64(log.offset), descriptor: log.descriptor))
    let mover = try Mover(memory, [log, own])
    defer { mover.end() }
    for round in 0..<1500 {
      for number in 0..<(1 + round % 3) { try bench.guests[0].add(frame(1, to: 2, seed: round + number)) }
      bench.guests[0].rings[1].publish()
      try bench.guests[1].add(frame(2, to: 1, seed: round))
      bench.guests[1].rings[1].publish()
      bench.breathe(at: UInt64(round + 1))
      let stale = mover.stalePages()
      #expect(stale.isEmpty, "round \(round)")
      guard stale.isEmpty else { return }
      for port in 0..<2 {
        _ = try bench.received(port)
        try bench.guests[port].reclaim()
      }
    }
  }
}
