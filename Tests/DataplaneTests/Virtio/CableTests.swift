import Dataplane
import GuestKit
import TestSupport
import Testing

/// Wires between front-ends: both ends follow, and none waits for the other.
@Suite struct CableTests {
  /// Two guests on a wire, which are told of their carrier by who made the ports, as machines of a lab are.
  private func withWire(_ body: (Bench, VirtualGuest, VirtualGuest) async throws -> Void) async throws {
    try await Bench.with { bench in
      var guests: [VirtualGuest] = []
      for name in ["a", "b"] {
        var port = PortConfiguration(
          name: name, switchName: nil, mode: .wire, address: FrameBuilder.address(1),
          backend: .vhostUser(VhostUserSocket(path: bench.path(name))))
        port.carrierIsTold = true
        try await bench.dataplane.addPort(port)
        var options = VirtualGuest.Options()
        options.ringSize = 64
        options.memorySize = 16 << 20
        guests.append(try VirtualGuest(options))
        bench.add(guests[guests.count - 1], name: name)
      }
      try await bench.dataplane.connectWire("a", "b")
      try await body(bench, guests[0], guests[1])
    }
  }

  private func expect(_ bench: Bench, held: Set<String>, ends: [Bool], carriers: Bool) async -> Bool {
    func isSo() async -> Bool {
      await eventually {
        let ports = await bench.dataplane.ports()
        return await bench.dataplane.heldPorts() == held && ports.map(\.hasEnd) == ends
          && ports.allSatisfy { $0.carrier == carriers }
      }
    }
    // The longest wait is of six seconds, on a host that has nothing else to do.
    if await isSo() { return true }
    return await isSo()
  }

  /// QEMU stops the rings of a guest whose link is set down: that end is there all the same.
  @Test func machinesThatBootAtDifferentTimesMeet() async throws {
    try await withWire { bench, a, b in
      // Nobody is held whose driver has not started: it never would.
      #expect(await bench.dataplane.heldPorts() == [])
      try a.connect(path: bench.path("a"))
      #expect(await expect(bench, held: ["a"], ends: [true, false], carriers: false))
      try a.frontEnd?.stopLikeQEMU(a.plan)
      #expect(await expect(bench, held: ["a"], ends: [true, false], carriers: false))
      try b.connect(path: bench.path("b"))
      // The first is let go and comes back; the second was never held for it.
      #expect(await expect(bench, held: [], ends: [true, true], carriers: true))
      try a.reboot()
      let frame = FrameBuilder(to: FrameBuilder.broadcast, from: FrameBuilder.station(1)).plain(size: 60)
      try bench.expect(frame, from: "a", reaches: ["b": frame])
      #expect(await expect(bench, held: [], ends: [true, true], carriers: true))

      b.disconnect()
      #expect(await expect(bench, held: ["a"], ends: [true, false], carriers: false))
      try a.frontEnd?.stopLikeQEMU(a.plan)
      // A machine that ends while it is held is held no more.
      a.disconnect()
      #expect(await expect(bench, held: [], ends: [false, false], carriers: false))
    }
  }

  /// A guest that was let go and does not come back has no end.
  @Test func aGuestThatStaysAwayIsGivenUp() async throws {
    try await withWire { bench, a, b in
      try a.connect(path: bench.path("a"))
      #expect(await expect(bench, held: ["a"], ends: [true, false], carriers: false))
      try a.frontEnd?.stopLikeQEMU(a.plan)
      try b.connect(path: bench.path("b"))
      #expect(await expect(bench, held: ["b"], ends: [false, true], carriers: false))
      // It does after all.
      try a.reboot()
      #expect(await expect(bench, held: [], ends: [true, true], carriers: true))
    }
  }

  /// What a person sets ends no session of a machine, and both ends show it.
  @Test func whatIsSetKeepsTheSession() async throws {
    try await withWire { bench, a, b in
      try a.connect(path: bench.path("a"))
      try b.connect(path: bench.path("b"))
      #expect(await expect(bench, held: [], ends: [true, true], carriers: true))
      try await bench.dataplane.setCarrier(port: "a", up: false)
      #expect(await expect(bench, held: ["b"], ends: [true, true], carriers: false))
      try a.frontEnd?.stopLikeQEMU(a.plan)
      try b.frontEnd?.stopLikeQEMU(b.plan)
      #expect(await expect(bench, held: ["b"], ends: [true, true], carriers: false))
      #expect(try await bench.status("a").vhostUser?.isConnected == true)
      try await bench.dataplane.setCarrier(port: "a", up: true)
      #expect(await expect(bench, held: [], ends: [true, true], carriers: true))
    }
  }

  /// The session of an end that somebody else starts is not closed for the other one: two of them would wait for ever.
  @Test func externalEndsKeepTheirSession() async throws {
    try await Bench.with { bench in
      let (_, b) = try await bench.addWire()
      #expect(try await eventually { try await bench.status("a").carrier })
      b.disconnect()
      #expect(try await eventually { try await bench.status("a").carrier == false })
      let status = try await bench.status("a")
      #expect(status.hasEnd)
      #expect(status.vhostUser?.isConnected == true)
      #expect(await bench.dataplane.heldPorts() == [])
      try b.connect(path: bench.path("b"))
      #expect(try await eventually { try await bench.status("a").carrier })
      try await bench.dataplane.setCarrier(port: "b", up: false)
      #expect(try await eventually { try await bench.status("b").vhostUser?.isConnected == false })
      #expect(try await bench.status("a").carrier == false)
      #expect(try await bench.status("a").vhostUser?.isConnected == true)
    }
  }
}
