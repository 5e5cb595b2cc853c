import Foundation
import Glibc
import GuestKit
import LinuxHost
import TestSupport
import Testing

extension RealThings {
  /// What a silent lab costs.
  @Suite struct Idle {
    private static let count = 8

    /// Clock ticks that a process has used.
    private static func ticks(_ process: ProcessIdentity) throws -> Int {
      let fields = (text(of: "/proc/\(process.pid)/stat") ?? "").split(separator: ")").last?.split(separator: " ") ?? []
      guard fields.count > 12, let user = Int(fields[11]), let system = Int(fields[12]) else {
        throw Failure("no /proc/\(process.pid)/stat")
      }
      return user + system
    }

    @Test(.timeLimit(.minutes(2))) func eightSilentGuests() async throws {
      try await Sandbox.use { sandbox in
        let file = try sandbox.write(
          """
          version: 1
          name: ape-idle
          switches: { sw1: {} }
          nodes:
            g[1-8]: { kind: external, nics: { eth0: { switch: sw1 } } }

          """)
        try await sandbox.apus("up", file, expecting: 0)
        let guests = try (1...Self.count).map { number in
          let guest = try VirtualGuest()
          try guest.connect(path: "\(sandbox.state)/ape-idle/g\(number).eth0.sock")
          return guest
        }
        // All of them have spoken once.
        for (number, guest) in guests.enumerated() {
          try guest.send(
            FrameBuilder(to: FrameBuilder.broadcast, from: FrameBuilder.station(number + 1)).plain(size: 64))
        }
        try await eventually("every guest's frame has come to every other") {
          try await sandbox.ports("ape-idle").allSatisfy { $0.transmit_packets == Self.count - 1 }
        }
        let daemon = try sandbox.daemon("ape-idle")
        // The least of three: what others do on this machine makes it more, never less.
        var used = Int.max
        for _ in 0..<3 {
          let before = try Self.ticks(daemon)
          // Not a wait for something: the length of the measurement.
          try await Task.sleep(for: .seconds(5))
          used = min(used, try Self.ticks(daemon) - before)
        }
        let perSecond = sysconf(Int32(_SC_CLK_TCK))
        #expect(Double(used) / Double(perSecond) / 5 < 0.01, "\(used) ticks in 5 s")
        let status = text(of: "/proc/\(daemon.pid)/status") ?? ""
        let memory = status.split(separator: "\n").first { $0.hasPrefix("RssAnon:") }?.split(
          whereSeparator: \.isWhitespace)
        let kibibytes = try #require((memory?.dropFirst().first).flatMap { Int($0) })
        #expect(kibibytes < 40 * 1024)
        withExtendedLifetime(guests) {}
      }
    }
  }
}
