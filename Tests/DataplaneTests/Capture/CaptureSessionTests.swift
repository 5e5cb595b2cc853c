import Dataplane
import GuestKit
import LinuxHost
import Testing
import VhostUser

/// Captures of a running data plane: its threads, its ports that come and go, its hostile guests.
@Suite struct CaptureSessionTests {
  @Test func portsComeAndGo() async throws {
    try await Bench.with { bench in
      try await bench.addSwitch()
      for name in ["a", "b", "c"] { try await bench.addGuest(name, .access(vlan: 1)) }
      let capture = try await bench.dataplane.startCapture(ports: ["a", "a"])
      #expect(capture.interfaces.map(\.name) == ["a"] && capture.interfaces[0].switchName == "sw")
      _ = try bench.exchange(frame(1), from: "a")
      let added = try await bench.dataplane.addPort("b", to: capture)
      #expect(added.id == 1)
      #expect(try await bench.dataplane.addPort("b", to: capture) === added)
      _ = try bench.exchange(frame(2), from: "a")
      try await bench.dataplane.removePort("a")
      bench.dropGuest("a")
      #expect(capture.end == nil && capture.interfaces.map(\.isEnded) == [true, false])
      _ = try bench.exchange(frame(3), from: "b")
      // A port of the same name is a new interface.
      try await bench.addGuest("a", .access(vlan: 1))
      #expect(try await bench.dataplane.addPort("a", to: capture).id == 2)
      _ = try bench.exchange(frame(4), from: "a")
      try await bench.dataplane.removePort("b", from: capture)
      _ = try bench.exchange(frame(5), from: "b")
      let got = await bench.drain(capture)
      #expect(
        got.map { "\($0.record.interface) \($0.record.direction.rawValue) \($0.bytes[11])" } == [
          "0 1 1", "0 1 2", "1 2 2", "1 1 3", "2 1 4", "1 2 4", "2 2 5",
        ])
      try await bench.dataplane.removePort("a")
      bench.dropGuest("a")
      #expect(capture.end == .portsRemoved)
      #expect(await bench.dataplane.runningCaptures().count == 1)
      await #expect(throws: DataplaneError.self) { try await bench.dataplane.changeFilter(of: capture, to: nil) }
      await bench.dataplane.stopCapture(capture)
      await bench.dataplane.stopCapture(capture)
      #expect(await bench.dataplane.runningCaptures().isEmpty)
      await #expect(throws: DataplaneError.self) { try await bench.dataplane.addPort("b", to: capture) }
    }
  }

  @Test func badRequestsAreRefused() async throws {
    try await Bench.with { bench in
      try await bench.addSwitch()
      try await bench.addPort("a", .access(vlan: 1))
      let dataplane = bench.dataplane
      await #expect(throws: DataplaneError.unknownPort("x")) { try await dataplane.startCapture(ports: ["a", "x"]) }
      await #expect(throws: DataplaneError.self) { try await dataplane.startCapture(ports: []) }
      for configure in [
        { $0.snapLength = -1 }, { $0.ringSize = 0 }, { $0.ringSize = .max }, { $0.directions = [] },
      ] as [(inout CaptureConfiguration) -> Void] {
        await #expect(throws: DataplaneError.self) { try await dataplane.startCapture(ports: ["a"], .with(configure)) }
      }
      #expect(await dataplane.runningCaptures().isEmpty)
      let empty = try await dataplane.startCapture(ports: [], .with { $0.endsWithPorts = false })
      #expect(empty.end == nil)
    }
  }

  /// The capture ends with its data plane, and gives what it has.
  @Test func theEndOfTheDataPlaneEndsTheCapture() async throws {
    var capture: CaptureHandle?
    try await Bench.with { bench in
      try await bench.addSwitch()
      try await bench.addGuest("a", .access(vlan: 1))
      capture = try await bench.dataplane.startCapture(ports: ["a"])
      _ = try bench.exchange(frame(1), from: "a")
    }
    #expect(capture?.end == .stopped)
    #expect(capture?.drain().map(\.bytes) == [frame(1)])
  }

  /// A reader at work while frames pass: what it got and what was dropped are all there were.
  @Test func whatIsReadWhileFramesPassIsWhole() async throws {
    try await Bench.with { bench in
      let (a, b) = try await bench.addWire { $0.ringSize = 256 }
      let capture = try await bench.dataplane.startCapture(ports: ["a"], .with { $0.ringSize = 1 << 18 })
      let reader = Task.detached {
        var got: [[UInt8]] = []
        while capture.end == nil {
          got += capture.drain().map(\.bytes)
          await Task.yield()
        }
        return got + capture.drain().map(\.bytes)
      }
      var sent = 0
      for _ in 0..<150 {
        let burst = (0..<40).map { frame(1, to: 2, size: 100 + (sent + $0) % 900, seed: sent + $0) }
        sent += burst.count
        try a.send(burst: burst)
        #expect(try a.waitForTransmitted())
        #expect(try b.receiveAll(quiet: 0).map(\.frame) == burst)
      }
      await bench.dataplane.stopCapture(capture)
      let got = await reader.value
      #expect(capture.counts.received == UInt64(sent))
      #expect(capture.counts.captured == UInt64(got.count))
      #expect(capture.counts.received == capture.counts.captured + capture.counts.dropped)
      var position = 0
      for frame in got {
        while position < sent, GuestKit.frame(1, to: 2, size: 100 + position % 900, seed: position) != frame {
          position += 1
        }
      }
      #expect(position < sent)
    }
  }

  /// Memory that is taken away under a captured frame fails its port, as without a capture.
  @Test(arguments: [0, 1]) func lostMemoryFailsItsPortOnly(depth: Int) async throws {
    try await Bench.with { bench in
      try await bench.addSwitch()
      try await bench.addGuest("n", .access(vlan: 1))
      let path = try await bench.addPort("bad", .access(vlan: 1))
      let memory = try SharedMemory([
        .init(guestAddress: 0x10_0000, size: 0x10_0000, userAddress: 0x7F00_0000_0000),
        .init(guestAddress: 0x100_0000, size: 0x10_0000, userAddress: 0x7E00_0000_0000),
      ])
      var options = VirtualGuest.Options()
      options.ringSize = 16
      let bad = try VirtualGuest(options, memory: memory)
      try bad.connect(path: path)
      let program = depth == 0 ? nil : try FilterProgram.byte(250, is: 0)
      let capture = try await bench.dataplane.startCapture(ports: ["bad", "n"], .with { $0.filter = program })
      let buffer = memory.allocate(0x8000, region: 1)
      memory.truncate(region: 1, to: 0)
      let ring = bad.transmitRing()
      try ring.submit([.init(buffer, 5000, isWritable: false)])
      _ = try await bench.fault("bad")
      _ = try bench.exchange(frame(1), from: "n")
      #expect(await bench.drain(capture).contains { $0.bytes == frame(1) } == (depth == 0))
      #expect(capture.end == nil)
    }
  }

  /// A chain of many megabytes is refused, and the capture of it copies no more than of the longest frame.
  @Test func anEndlessFrameIsCut() async throws {
    try await Bench.with { bench in
      let (a, _) = try await bench.addWire()
      let capture = try await bench.dataplane.startCapture(
        ports: ["a"],
        .with {
          $0.drops = .included
          $0.ringSize = 64 << 20
        })
      let buffer = a.memory.allocate(1 << 20)
      try a.transmitRing().submit((0..<32).map { _ in .init(buffer, 1 << 20, isWritable: false) })
      #expect(try a.waitForTransmitted())
      await bench.dataplane.stopCapture(capture)
      let got = capture.drain()
      #expect(got.map(\.record.drop.name) == ["header-invalid"])
      #expect(got.map(\.record.originalLength) == [(32 << 20) - 12])
      #expect(got.map(\.bytes.count) == [65_543])
      #expect(try await bench.status("a").dropsIn == ["header-invalid": 1])
    }
  }

  @Test func framesOfATAPAreCaptured() async throws {
    let namespace = try TestNamespace()
    try await Bench.with { bench in
      try await bench.addSwitch()
      try await bench.addGuest("a", .access(vlan: 5))
      var interface = TAPInterface(name: "tap0")
      interface.namespace = namespace.name
      try await bench.dataplane.addPort(
        PortConfiguration(
          name: "tap", switchName: "sw", mode: .access(vlan: 5), address: FrameBuilder.address(0x77),
          backend: .tap(interface)))
      try Netlink.setNoIPv6Noise(link: "tap0", namespace: namespace.name)
      try Netlink.configure(
        link: "tap0", namespace: namespace.name, mtu: 65_521, address: "02:00:00:00:00:77", up: true)
      await bench.dataplane.settleInterfaces()
      let wire = try PacketSocket("tap0", in: namespace.name)
      let capture = try await bench.dataplane.startCapture(ports: ["tap"])
      let out = [60, 1514, 9014].map { frame(1, size: $0) }
      let back = [60, 2037, 9014].map { frame(9, size: $0) }
      for frame in out {
        try bench.guest("a").send(frame)
        #expect(wire.receive() == frame)
      }
      for frame in back {
        try wire.send(frame)
        #expect(try bench.guest("a").receive()?.frame == frame)
      }
      await bench.dataplane.stopCapture(capture)
      let got = capture.drain()
      #expect(got.filter { $0.record.direction == .toNode }.map(\.bytes) == out)
      #expect(got.filter { $0.record.direction == .fromNode }.map(\.bytes) == back)
    }
  }
}
