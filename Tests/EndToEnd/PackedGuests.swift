import Foundation
import GuestKit
import LinuxHost
import TestSupport
import Testing

extension RealThings {
  /// A Linux guest under QEMU with `packed=on`, and one with split rings beside it.
  @Suite struct PackedGuests {
    private static let lab = "ape-ext"
    private static let file = """
      version: 1
      name: ape-ext
      switches: { sw1: {} }
      nodes:
        a: { kind: external, nics: { eth0: { switch: sw1, socket: FOLDER/a.sock } } }
        b: { kind: external, nics: { eth0: { switch: sw1, socket: FOLDER/b.sock } } }
        probe: { kind: netns, nics: { eth0: { switch: sw1, address: 10.8.0.9/24 } } }

      """

    /// Many megabytes both ways; then the guest is reset, and then the daemon is killed under a guest that goes on.
    @Test(.timeLimit(.minutes(5))) func trafficResetAndALostDaemon() async throws {
      try await Sandbox.use { sandbox in
        let file = try sandbox.write(Self.file.replacing("FOLDER", with: sandbox.folder))
        try await sandbox.apus("up", file, expecting: 0)
        let variant = QEMUFrontEnds.Variant(isServer: false, queues: 1)
        let monitor = "\(sandbox.folder)/a.monitor"
        let machine = try QEMUFrontEnds.boot(
          1, "a", variant, sandbox, device: ",packed=on", extra: ["-monitor", "unix:\(monitor),server=on,wait=off"])
        _ = try QEMUFrontEnds.boot(2, "b", variant, sandbox)
        for number in 1...2 { try await sandbox.pings("probe", "10.8.0.\(number)", lab: Self.lab, within: 90) }
        try await Self.check(sandbox)
        try Self.move("a", "b", to: "10.8.0.2", sandbox)
        try Self.move("b", "a", to: "10.8.0.1", sandbox)

        let connection = try UnixSocket.connect(path: monitor)
        _ = try UnixSocket.send(connection, Array("system_reset\n".utf8))
        try await eventually("the guest is down") { try await sandbox.port("a.eth0", Self.lab).carrier == "down" }
        try await sandbox.pings("probe", "10.8.0.1", lab: Self.lab, within: 90)
        try await Self.check(sandbox)

        // In the middle of bursts, as the chance will have it.
        try Self.flood("a", "b", to: "10.8.0.2", sandbox)
        for _ in 0..<3 {
          let before = try await sandbox.port("a.eth0", Self.lab).receive_packets
          try await eventually("the flood flows", within: 60) {
            try await sandbox.port("a.eth0", Self.lab).receive_packets > before + 1000
          }
          let daemon = try sandbox.daemon(Self.lab)
          daemon.signal(SIGKILL)
          #expect(await daemon.wait(timeoutSeconds: 20))
          try await sandbox.apus("up", file, expecting: 0)
          for number in 1...2 { try await sandbox.pings("probe", "10.8.0.\(number)", lab: Self.lab, within: 60) }
        }
        try await Self.check(sandbox)
        #expect(machine.isAlive)
        try await sandbox.apus("down", Self.lab, expecting: 0)
      }
    }

    /// Each guest has the rings that it asked for, and none of them broke.
    private static func check(_ sandbox: Sandbox) async throws {
      for (name, ring) in [("a", "packed"), ("b", "split")] {
        let port = try await sandbox.port("\(name).eth0", lab)
        #expect(port.queue_status?.map(\.ring) == [ring, ring], "\(port)")
        #expect(port.features?.contains("RING_PACKED") == (ring == "packed"), "\(port)")
        #expect(port.carrier == "up" && port.error == nil, "\(port)")
      }
    }

    /// Zeros by TCP, until the guests end.
    private static func flood(_ from: String, _ to: String, to address: String, _ sandbox: Sandbox) throws {
      let (sender, receiver) = (
        Agent(path: "\(sandbox.folder)/\(from).agent"), Agent(path: "\(sandbox.folder)/\(to).agent")
      )
      #expect(try receiver.status(of: "(nc -l -p 4001 <>/tmp/open >/dev/null 2>&1) >/dev/null 2>&1 &", within: 60) == 0)
      let sends = "(until nc \(address) 4001 </dev/zero >/dev/null 2>&1; do sleep 1; done) >/dev/null 2>&1 &"
      #expect(try sender.status(of: sends, within: 60) == 0)
    }

    /// About 7 MB by TCP; what comes is what was sent.
    private static func move(_ from: String, _ to: String, to address: String, _ sandbox: Sandbox) throws {
      let lines = "seq 1 1000000"
      let (sender, receiver) = (
        Agent(path: "\(sandbox.folder)/\(from).agent"), Agent(path: "\(sandbox.folder)/\(to).agent")
      )
      // A listener whose input ends ends the connection; this one's never does.
      let listens =
        "rm -f /tmp/sum; [ -p /tmp/open ] || mkfifo /tmp/open; "
        + "(nc -l -p 4000 <>/tmp/open | sha256sum >/tmp/sum.new; mv /tmp/sum.new /tmp/sum) >/dev/null 2>&1 &"
      #expect(try receiver.status(of: listens, within: 60) == 0)
      // Until the listener is there.
      let sends =
        "n=0; until \(lines) | nc \(address) 4000 >/dev/null; do n=$((n+1)); [ $n -lt 20 ] || exit 1; sleep 1; done"
      #expect(try sender.status(of: sends, within: 120) == 0, "\(from) to \(to)")
      let compares =
        "n=0; until [ -e /tmp/sum ]; do n=$((n+1)); [ $n -lt 60 ] || exit 1; sleep 1; done; "
        + "[ \"$(cat /tmp/sum)\" = \"$(\(lines) | sha256sum)\" ]"
      #expect(try receiver.status(of: compares, within: 120) == 0, "\(from) to \(to)")
    }
  }
}
