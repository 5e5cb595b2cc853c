import Foundation
import GuestKit
import LinuxHost
import TestSupport
import Testing

extension RealThings {
  /// A switch with a thousand ports.
  @Suite struct ManyPorts {
    private static let lab = "ape-many"
    private static let guests = 80

    private static func file(_ table: String) -> String {
      """
      version: 1
      name: \(lab)
      switches: { sw1: { \(table) } }
      nodes:
        e[1-1022]: { kind: external, nics: { eth0: { switch: sw1 } } }
        a: { kind: netns, nics: { eth0: { switch: sw1, address: 10.0.0.1/24 } } }
        b: { kind: netns, nics: { eth0: { switch: sw1, address: 10.0.0.2/24 } } }

      """
    }

    /// 1,024 ports, most of them without anybody: namespaces and guests talk, all hear a broadcast, and the size of the
    /// table changes under them.
    @Test(.timeLimit(.minutes(4))) func aThousandPorts() async throws {
      try await Sandbox.use { sandbox in
        let file = try sandbox.write(Self.file("fdb-size: 1048576, fdb-per-port: 1000000"))
        try await sandbox.apus("up", file, expecting: 0)
        #expect(try await sandbox.ports(Self.lab).count == 1024)
        try await sandbox.pings("a", "10.0.0.2", lab: Self.lab)
        let guests = try Self.connect(sandbox)
        try guests[0].send(frame(1))
        for (number, guest) in guests.enumerated().dropFirst() {
          let heard = try Self.next(guest, from: 1)
          #expect(heard == frame(1), "guest \(number)")
          try guest.send(frame(number + 1, to: 1))
          #expect(try Self.next(guests[0], from: number + 1) == frame(number + 1, to: 1))
        }
        let known = Self.guests + 2
        try await eventually("all are known") { try await Self.stationCount(sandbox) == known }

        _ = try sandbox.write(Self.file("fdb-size: 64"))
        let plan = try await sandbox.apus("up", file, "--dry-run", expecting: 3)
        #expect(plan.output.contains("fdb-size 1048576 -> 64, fdb-per-port 1000000 -> 32"), "\(plan)")
        try await sandbox.apus("up", file, expecting: 0)
        #expect(try await Self.stationCount(sandbox) <= 64)
        try await sandbox.pings("b", "10.0.0.1", lab: Self.lab)

        _ = try sandbox.write(Self.file("fdb-size: 64, fdb-per-port: 65"))
        let refused = try await sandbox.apus("up", file, expecting: 2)
        #expect(refused.errors.contains("L006"), "\(refused)")
        try await sandbox.pings("a", "10.0.0.2", lab: Self.lab)
      }
    }

    private static func connect(_ sandbox: Sandbox) throws -> [VirtualGuest] {
      try (1...guests).map { number in
        var options = VirtualGuest.Options()
        options.memorySize = 4 << 20
        options.transmitSize = 2048
        let guest = try VirtualGuest(options)
        try guest.connect(path: "\(sandbox.state)/\(lab)/e\(number * 12).eth0.sock")
        return guest
      }
    }

    /// The next frame of a station; what others say, the namespaces' own among it, is not looked at.
    private static func next(_ guest: VirtualGuest, from station: Int) throws -> [UInt8]? {
      while let received = try guest.receive() {
        if Array(received.frame[6..<12]) == FrameBuilder.station(station) { return received.frame }
      }
      return nil
    }

    private static func stationCount(_ sandbox: Sandbox) async throws -> Int {
      let listing = try await sandbox.apus("fdb", "list", "-j", "--lab", lab, expecting: 0)
      let rows = try JSONSerialization.jsonObject(with: Data(listing.output.utf8)) as? [Any]
      return try #require(rows).count
    }
  }
}
