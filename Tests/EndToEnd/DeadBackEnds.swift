import Foundation
import Glibc
import GuestKit
import LinuxHost
import Synchronization
import TestSupport
import Testing

extension RealThings {
  /// Daemons that are killed under load, and front-ends that keep what they had in hand (INFLIGHT_SHMFD), as Cloud
  /// Hypervisor does: the next daemon goes on.
  @Suite struct DeadBackEnds {
    private static let lab = "ape-dead"
    private static let file = """
      version: 1
      name: ape-dead
      switches: { sw1: {} }
      nodes:
        a: { kind: external, nics: { eth0: { switch: sw1 } } }
        b: { kind: external, nics: { eth0: { switch: sw1 } } }

      """
    /// Frames on their way at most: fewer than a ring has buffers, so that none is dropped for want of one.
    private static let window = 100
    private static let kills = 12

    private static func frame(_ number: Int) -> [UInt8] {
      let digits = (0..<8).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
      return FrameBuilder.station(2) + FrameBuilder.station(1) + [0x88, 0xB5] + digits
        + (0..<38).map { UInt8(truncatingIfNeeded: $0 &* number) }
    }

    /// What has come to a receiver of numbered frames.
    private struct Tally {
      /// The number that comes next.
      var next = 0
      /// Frames that came once more.
      var repeats = 0
      var problem: String?

      mutating func take(_ guest: VirtualGuest, timeout: Int) throws {
        while let received = try guest.receive(timeout: timeout)?.frame {
          guard received.count == 60 else { continue }
          let number = (0..<8).reduce(0) { $0 | Int(received[14 + $1]) << (8 * $1) }
          if received != DeadBackEnds.frame(number) { problem = problem ?? "frame \(number) is not as it was sent" }
          if number > next { problem = problem ?? "frame \(number) came after \(next - 1): those between are lost" }
          if number < next { repeats += 1 }
          next = max(next, number + 1)
        }
      }
    }

    /// Ends the daemon at some moment, from a thread of its own.
    private static func kill(_ daemon: ProcessIdentity, after microseconds: UInt32) throws -> (HostThread, Flag) {
      let isDone = Flag()
      let thread = try HostThread.start(name: "killer", cpu: nil) {
        HostClock.pause(microseconds: microseconds)
        daemon.signal(SIGKILL)
        isDone.set()
      }
      return (thread, isDone)
    }

    /// Every frame whose descriptor came back has come to the other side; what was in hand comes once more at most; and the
    /// drivers of both find each of their descriptors given back once.
    @Test(.timeLimit(.minutes(5)), arguments: RingFormat.allCases)
    func leaveNothingUndone(format: RingFormat) async throws {
      try await Sandbox.use { sandbox in
        let file = try sandbox.write(Self.file)
        try await sandbox.apus("up", file, expecting: 0)
        let paths = ["a", "b"].map { "\(sandbox.state)/\(Self.lab)/\($0).eth0.sock" }
        var options = VirtualGuest.Options()
        options.order = .cloudHypervisor
        options.format = format
        options.transmitSize = 2048
        options.memorySize = 4 << 20
        let (a, b) = (try VirtualGuest(options), try VirtualGuest(options))
        try b.connect(path: paths[1])
        try a.connect(path: paths[0])
        var (tally, sent) = (Tally(), 0)
        for round in 0..<Self.kills {
          let (killer, isDone) = try Self.kill(try sandbox.daemon(Self.lab), after: UInt32.random(in: 0..<20_000))
          while !isDone.isSet {
            let room = min(Self.window - (sent - tally.next), a.rings[1].freeCount, 20)
            if room > 0 {
              try a.send(burst: (0..<room).map { Self.frame(sent + $0) })
              sent += room
            }
            try tally.take(b, timeout: 0)
            try a.reclaim()
          }
          killer.join()
          let regions = [a, b].map { $0.frontEnd?.inflight }
          for guest in [a, b] { guest.disconnect() }
          _ = await (try? sandbox.daemon(Self.lab))?.wait(timeoutSeconds: 10)
          try await sandbox.apus("up", file, expecting: 0)
          // Who is to receive is there first.
          try b.reconnect(path: paths[1], inflight: regions[1])
          try a.reconnect(path: paths[0], inflight: regions[0])
          #expect(try a.waitForTransmitted(), "round \(round)")
          try await eventually("all have come in round \(round): \(tally) of \(sent)") {
            try tally.take(b, timeout: 0)
            return tally.next == sent || tally.problem != nil
          }
          try #require(tally.problem == nil, "round \(round)")
        }
        #expect(tally.repeats <= Self.window * Self.kills)
        // All buffers of both are where they were.
        for seed in 0..<600 {
          try b.send(GuestKit.frame(2, to: 1, seed: seed))
          #expect(try a.receive()?.frame == GuestKit.frame(2, to: 1, seed: seed))
        }
        for name in ["a.eth0", "b.eth0"] {
          let port = try await sandbox.port(name, Self.lab)
          #expect(port.error == nil, "\(port)")
        }
        try await sandbox.apus("down", Self.lab, expecting: 0)
      }
    }
  }
}

/// A word that one thread says to another, once.
private final class Flag: Sendable {
  private let value = Atomic(false)
  var isSet: Bool { value.load(ordering: .acquiring) }
  func set() { value.store(true, ordering: .releasing) }
}
