import Foundation
import GuestKit
import LinuxHost
import TestSupport
import Testing

extension RealThings {
  /// Guests and programs with several queues: `ethtool -L` in a Linux guest under load, and all queues of a DPDK program.
  @Suite struct ManyQueues {
    private static let lab = "ape-queues"
    private static let file = """
      version: 1
      name: ape-queues
      switches: { sw1: {}, sw2: {} }
      nodes:
        vm1: { kind: vm, image: builtin, cpus: 2, nics: { eth0: { switch: sw1, queues: 4, address: 10.0.20.1/24 } } }
        ns: { kind: netns, nics: { eth0: { switch: sw1, address: 10.0.20.4/24 } } }
        near: { kind: external, nics: { eth0: { switch: sw2 } } }
        pmd: { kind: external, nics: { p0: { switch: sw2 } } }

      """

    @Test(.timeLimit(.minutes(5))) func areUsedAsTheGuestSays() async throws {
      try await Sandbox.use { sandbox in
        try await sandbox.apus("up", try sandbox.write(Self.file), expecting: 0)
        try await Self.flipsUnderLoad(sandbox)
        try await Self.testpmdHasAll(sandbox)
        try await sandbox.apus("down", Self.lab, expecting: 0)
      }
    }

    /// Queues by number that are enabled, to the node and from it.
    private static func enabled(_ sandbox: Sandbox) async throws -> [Int] {
      try await sandbox.port("vm1.eth0", lab).queue_status?.filter(\.enabled).map(\.index) ?? []
    }

    private static func flipsUnderLoad(_ sandbox: Sandbox) async throws {
      for count in [4, 1, 3] {
        try await sandbox.shell("vm1", "ethtool -L eth0 combined \(count)", lab: lab)
        // The guest has its answer from QEMU, whose words to the switch may still be on their way.
        try await eventually("\(count) pairs are enabled") { try await enabled(sandbox) == Array(0..<(2 * count)) }
        try await sandbox.pings("ns", "10.0.20.1", lab: lab)
      }
      let told = try await sandbox.shell("vm1", "ethtool -l eth0", lab: lab)
      #expect(told.contains("Combined:\t4") && told.contains("Combined:\t3"), "\(told)")
      // Eight streams to the guest while the number changes again and again.
      try await sandbox.shell(
        "vm1",
        """
        (while :; do for n in 1 4 2 3; do ethtool -L eth0 combined $n; sleep 0.1; done; done) >/dev/null 2>&1 &
        echo $! >/tmp/flips
        for p in 1 2 3 4 5 6 7 8; do (nc -l -p 500$p -e sha256sum >/dev/null 2>&1 </dev/null) & done >/dev/null 2>&1
        """, lab: lab)
      try await sandbox.shell(
        "ns",
        """
        f=\(sandbox.folder)/data; dd if=/dev/urandom of=$f bs=65536 count=64 2>/dev/null; sum=$(sha256sum <$f)
        for p in 1 2 3 4 5 6 7 8; do
          (n=0; until [ "$(busybox nc 10.0.20.1 500$p <$f)" = "$sum" ]; do
            n=$((n+1)); [ $n -lt 3 ] || exit 1; sleep 1
          done) & pids="$pids $!"
        done
        for pid in $pids; do wait $pid || exit 1; done
        """, lab: lab, within: 120)
      try await sandbox.shell("vm1", "kill $(cat /tmp/flips); ethtool -L eth0 combined 4", lab: lab)
      try await eventually("all pairs are enabled") { try await enabled(sandbox) == Array(0..<8) }
      let port = try await sandbox.port("vm1.eth0", lab)
      #expect(port.carrier == "up" && port.error == nil && port.drops.in.values.allSatisfy { $0 == 0 }, "\(port)")
      // Eight streams do not reach each of eight rings for sure; more than one pair did, both ways.
      for direction in 0..<2 {
        let used = port.queue_status?.filter { $0.index % 2 == direction && $0.used_index > 0 }
        #expect((used?.count ?? 0) > 1, "\(port)")
      }
    }

    /// Frames of many flows, which testpmd sends back.
    private static func testpmdHasAll(_ sandbox: Sandbox) async throws {
      let sockets = "\(sandbox.state)/\(lab)"
      let testpmd = try Testpmd.start(
        sandbox, sockets: ["\(sockets)/pmd.p0.sock"], virtio: "queues=4",
        forwarding: ["--forward-mode=macswap", "--auto-start", "--rxq=4", "--txq=4", "--nb-cores=1"])
      try await eventually("all queues of testpmd run", within: 30) {
        let queues = try await sandbox.port("pmd.p0", lab).queue_status ?? []
        return queues.count == 8 && queues.allSatisfy { $0.enabled && $0.size > 0 }
      }
      let near = try VirtualGuest()
      try near.connect(path: "\(sockets)/near.eth0.sock")
      let builder = FrameBuilder(to: FrameBuilder.station(2), from: FrameBuilder.station(1))
      let frames = (0..<64).map { flow in
        builder.udp(
          from: [10, 0, 0, 1], to: [10, 0, 0, 2], ports: (UInt16(1000 + flow), 7),
          payload: [UInt8](repeating: 1, count: 40)
        ).frame
      }
      // testpmd says that it forwards before it does; and rings get flows as these pause.
      try await eventually("every queue of testpmd has had frames", within: 60) {
        try near.send(burst: frames)
        var count = 0
        while count < frames.count, try near.receive(timeout: 500) != nil { count += 1 }
        let queues = try await sandbox.port("pmd.p0", lab).queue_status ?? []
        return count == frames.count && queues.allSatisfy { $0.used_index > 0 }
      }
      let port = try await sandbox.port("near.eth0", lab)
      #expect(port.queue_status?.count == 2 && port.error == nil, "\(port)")
      testpmd.signal(SIGTERM)
      #expect(await testpmd.wait(timeoutSeconds: 20))
    }
  }
}
