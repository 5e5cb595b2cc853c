import Dataplane
import GuestKit
import LinuxHost
import TestSupport
import Testing
import VhostUser

/// A machine that moves while frames pass: the copy that is made of marked pages is the memory in the end.
///
/// Somebody else empties the log all the time, as QEMU does. A page that is written and not marked, or marked before it is
/// written, or whose mark is lost, is an old one in the copy.
@Suite(.everyRingFormat) struct LogMigrationTests {
  /// Empties logs and copies pages until the machine has stopped.
  private final class Mover: Sendable {
    private let hasStopped = Flag()
    private let thread: HostThread

    init(_ copy: MemoryCopy) throws {
      let hasStopped = hasStopped
      thread = try HostThread.start(name: "mover", cpu: nil) {
        while !hasStopped.isSet { if copy.copyMarked() == 0 { HostClock.pause(microseconds: 20) } }
        copy.copyMarked()
      }
    }

    /// The last round, of a machine that writes nothing any more.
    func end() {
      hasStopped.set()
      thread.join()
    }
  }

  /// How the rings of the machine come to be logged.
  private enum Beginning: CaseIterable {
    /// They run, as when a migration begins.
    case running
    /// They start again in the middle of it, and the log comes last.
    case starting
  }

  private let names = ["a", "b", "c", "d"]

  private func stop(_ guest: VirtualGuest) throws -> [UInt32] {
    let frontEnd = try #require(guest.frontEnd)
    return try guest.rings.map { try frontEnd.getRingBase(UInt32($0.index)) }
  }

  private func start(_ guest: VirtualGuest, at bases: [UInt32], log: DirtyPages?) throws {
    let frontEnd = try #require(guest.frontEnd)
    let features = frontEnd.features & ~VirtioFeature.logAll
    try frontEnd.setFeatures(log == nil ? features : features | VirtioFeature.logAll)
    for (driver, base) in zip(guest.rings, bases) {
      let ring = UInt32(driver.index)
      try frontEnd.setRingSize(ring, UInt32(driver.size))
      try frontEnd.setRingBase(ring, base)
      try frontEnd.setRingAddress(driver, isLogged: log != nil)
      try frontEnd.setRingKick(ring, driver.kickEvent.descriptor)
      driver.kickEvent.signal()
      try frontEnd.setRingCall(ring, driver.callEvent.descriptor)
    }
    if let log { try frontEnd.setLog(log) }
    try frontEnd.barrier()
  }

  /// All of them talk until each has had all; then each is silent.
  private func talk(_ bench: Bench, frames: Int) throws {
    let counts = TalkCounts(guests: names.count)
    let talkers = try names.enumerated().map { Talker(try bench.guest($1), number: $0, counts) }
    for talker in talkers { try talker.introduce() }
    for talker in talkers { try talker.drain() }
    for talker in talkers { try talker.start(frames: frames) }
    for talker in talkers { talker.join() }
    for talker in talkers { #expect(talker.problem == nil) }
  }

  @Test(arguments: [1, 3], [[2048], [24, 2048]])
  func aCopyOfTheMarkedPagesIsTheMemory(workers: Int, layout: [Int]) async throws {
    try await Bench.with(workers: workers) { bench in
      try await bench.addSwitch()
      for name in names {
        try await bench.addGuest(name, .access(vlan: 1)) {
          $0.ringSize = 512
          $0.receiveLayout = layout
          $0.transmitSize = 2048
          $0.memorySize = 8 << 20
          $0.firstIndex = 0xFF00
        }
      }
      let guest = try bench.guest("a")
      let frontEnd = try #require(guest.frontEnd)
      var bases = try stop(guest)
      for round in 0..<10 {
        let beginning = Beginning.allCases[round % 2]
        let what: Comment = "round \(round), \(beginning)"
        let (log, own) = (try DirtyPages(of: guest.memory, offset: round * 1021), try DirtyPages(of: guest.memory))
        guest.memory.ownPages = own
        try start(guest, at: bases, log: beginning == .starting ? log : nil)
        if beginning == .running {
          try frontEnd.setLog(log)
          try frontEnd.setLogging(true, guest.rings)
        }
        let copy = MemoryCopy(of: guest.memory, logs: [log, own])
        let mover = try Mover(copy)
        try talk(bench, frames: 300)
        bases = try stop(guest)
        mover.end()
        #expect(copy.stalePages.isEmpty, what)
        #expect(log.strayBytes == 0, what)
        guest.memory.ownPages = nil
      }
      #expect(try await bench.status("a").vhostUser?.refusals == 0)
      #expect(try await bench.status("a").vhostUser?.faults == 0)
    }
  }
}
