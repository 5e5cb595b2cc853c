import Foundation
import GuestKit
import LinuxHost
import TestSupport
import Testing

extension RealThings {
  /// dpdk-testpmd's virtio-user ports: their receive and transmit paths, with and without hugepages.
  ///
  /// testpmd forwards between its two ports, each on a switch of its own with a guest of GuestKit behind it, which
  /// compare what they get with what the other one sent:
  /// `near - swa - testpmd port 0 - testpmd port 1 - swb - far`.
  @Suite struct VirtioUser {
    struct Variant: Sendable, CustomTestStringConvertible {
      var isMergeable: Bool
      var isInOrder: Bool
      var isPacked = false

      static let split = [false, true].flatMap { isMergeable in
        [false, true].map { Variant(isMergeable: isMergeable, isInOrder: $0) }
      }
      static let packed = split.map { Variant(isMergeable: $0.isMergeable, isInOrder: $0.isInOrder, isPacked: true) }

      /// As virtio-user is told.
      var options: String {
        "mrg_rxbuf=\(isMergeable ? 1 : 0),in_order=\(isInOrder ? 1 : 0),packed_vq=\(isPacked ? 1 : 0)"
      }

      var testDescription: String { options }
    }

    /// Pages of 2 MiB that a run with hugepages needs.
    private static let pageCount = 256

    @Test(.timeLimit(.minutes(3)), arguments: Variant.split + Variant.packed) func withoutHugepages(_ variant: Variant)
      async throws
    {
      try await Sandbox.use { sandbox in
        try await Self.passFrames(variant, memory: Testpmd.smallPages, sandbox)
      }
    }

    @Test(.timeLimit(.minutes(3)), arguments: Variant.split) func withHugepages(_ variant: Variant) async throws {
      try await Sandbox.use { sandbox in
        let setting = "/proc/sys/vm/nr_hugepages"
        let before = text(of: setting).flatMap { Int($0.dropLast()) } ?? 0
        if before < Self.pageCount {
          // Whole pages are made of what small ones leave, so that a machine that ran for long has them too.
          try? "1".write(toFile: "/proc/sys/vm/compact_memory", atomically: false, encoding: .utf8)
          try "\(Self.pageCount)".write(toFile: setting, atomically: false, encoding: .utf8)
        }
        defer {
          if before < Self.pageCount { try? "\(before)".write(toFile: setting, atomically: false, encoding: .utf8) }
        }
        let words = text(of: "/proc/meminfo")?.split(separator: "\n").first { $0.hasPrefix("HugePages_Free:") }
        let free = words?.split(separator: " ").last.flatMap { Int($0) } ?? 0
        try #require(free >= Self.pageCount, "only \(free) of \(Self.pageCount) hugepages are free")
        let folder = "\(sandbox.folder)/huge"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
        let mounted = try await execute(["mount", "-t", "hugetlbfs", "hugetlbfs", folder])
        try #require(mounted.status == 0, "\(mounted)")
        let result: Result<Void, any Error>
        do {
          let memory = ["--huge-dir", folder, "--single-file-segments", "-m", "256"]
          result = .success(try await Self.passFrames(variant, memory: memory, sandbox))
        } catch {
          result = .failure(error)
        }
        // Not cancelled with a test whose time is over.
        _ = try await Task { try await execute(["umount", "--lazy", folder]) }.value
        try result.get()
      }
    }

    private static func passFrames(_ variant: Variant, memory: [String], _ sandbox: Sandbox) async throws {
      let file = try sandbox.write(
        """
        version: 1
        name: ape-dpdk
        switches: { swa: {}, swb: {} }
        nodes:
          near: { kind: external, nics: { eth0: { switch: swa, mtu: 9000 } } }
          far: { kind: external, nics: { eth0: { switch: swb, mtu: 9000 } } }
          pmd: { kind: external, nics: { p0: { switch: swa, mtu: 9000 }, p1: { switch: swb, mtu: 9000 } } }

        """)
      try await sandbox.apus("up", file, expecting: 0)
      let sockets = "\(sandbox.state)/ape-dpdk"
      let testpmd = try start(variant, memory, sockets, sandbox)
      try await eventually("testpmd forwards", within: 30) {
        (text(of: "\(sandbox.folder)/\(Testpmd.log)") ?? "").contains("io packet forwarding")
      }
      try await eventually("its ports are up") {
        try await sandbox.ports("ape-dpdk").filter { $0.name.hasPrefix("pmd.") }.allSatisfy { $0.carrier == "up" }
      }
      let near = try VirtualGuest()
      let far = try VirtualGuest()
      try near.connect(path: "\(sockets)/near.eth0.sock")
      try far.connect(path: "\(sockets)/far.eth0.sock")
      try await exchange(near, far, sizes: Array(64...1518) + (variant.isMergeable ? [2048, 4096, 9000] : []))
      for port in try await sandbox.ports("ape-dpdk") {
        #expect(port.error == nil && port.drops.in.values.allSatisfy { $0 == 0 }, "\(port)")
      }
      let rings = try await sandbox.port("pmd.p0", "ape-dpdk").queue_status?.map(\.ring)
      #expect(rings == Array(repeating: variant.isPacked ? "packed" : "split", count: 2))
      testpmd.signal(SIGTERM)
      #expect(await testpmd.wait(timeoutSeconds: 20))
    }

    /// Every frame comes out at the other end as it went in, both ways.
    private static func exchange(_ near: VirtualGuest, _ far: VirtualGuest, sizes: [Int]) async throws {
      let stations = [near, far].indices.map { FrameBuilder.station($0 + 1) }
      let forth = FrameBuilder(to: stations[1], from: stations[0])
      let back = FrameBuilder(to: stations[0], from: stations[1])
      // testpmd says that it forwards before it does.
      try await eventually("a first frame passes") {
        try near.send(forth.plain(size: 60))
        return try far.receive(timeout: 200) != nil
      }
      _ = try far.receiveAll(quiet: 300)
      // A few at a time: as many as every ring on the way holds without a drop.
      for start in stride(from: 0, to: sizes.count, by: 32) {
        let part = sizes[start..<min(start + 32, sizes.count)]
        for (from, to, builder) in [(near, far, forth), (far, near, back)] {
          let frames = part.map { builder.plain(size: $0, seed: start) }
          try from.send(burst: frames)
          for frame in frames {
            var received = try to.receive(timeout: 20_000)
            // One of those that were sent until the first came.
            while received?.frame.count == 60 { received = try to.receive(timeout: 20_000) }
            guard received?.frame == frame else {
              throw Failure("a frame of \(frame.count) bytes came as \(received?.frame.count.description ?? "nothing")")
            }
          }
        }
      }
    }

    private static func start(
      _ variant: Variant, _ memory: [String], _ sockets: String, _ sandbox: Sandbox
    ) throws -> ProcessIdentity {
      var forwarding = ["--forward-mode=io", "--auto-start"]
      if variant.isMergeable { forwarding += ["--max-pkt-len=9018", "--enable-scatter", "--tx-offloads=0x8000"] }
      return try Testpmd.start(
        sandbox, sockets: ["p0", "p1"].map { "\(sockets)/pmd.\($0).sock" }, virtio: variant.options, memory: memory,
        forwarding: forwarding)
    }
  }
}
