import Glibc
import GuestKit
import LinuxHost
import Synchronization
import TestSupport
import Testing

@testable import Dataplane

/// Interfaces of TAP ports that are set up and down, and what carrier they see.
@Suite struct InterfaceTests {
  private static let address: [UInt8] = [0x02, 0, 0, 0, 0, 0x77]

  /// A port with a TAP of its name in the namespace, which is up.
  private func addTAP(
    _ name: String, _ mode: PortMode, _ bench: Bench, _ namespace: TestNamespace, carrier: Bool = true
  ) async throws {
    var interface = TAPInterface(name: name)
    interface.namespace = namespace.name
    var port = PortConfiguration(
      name: name, switchName: mode == .wire ? nil : "sw", mode: mode, address: FrameBuilder.address(0x77),
      backend: .tap(interface))
    port.carrier = carrier
    try await bench.dataplane.addPort(port)
    try Netlink.setNoIPv6Noise(link: name, namespace: namespace.name)
    try set(name, up: true, namespace)
    await bench.dataplane.settleInterfaces()
  }

  private func set(_ name: String, up: Bool, _ namespace: TestNamespace) throws {
    try Netlink.configure(link: name, namespace: namespace.name, mtu: nil, address: nil, up: up)
  }

  private func carrier(_ name: String, _ namespace: TestNamespace) throws -> Bool? {
    try Netlink.links(namespace: namespace.name).first { $0.name == name }?.hasCarrier
  }

  /// Down inside its node: no carrier, no stations, and a trace that says so; up again reverses it.
  @Test func anInterfaceThatIsDownHasNoCarrier() async throws {
    let namespace = try TestNamespace()
    try await Bench.with { bench in
      try await bench.addSwitch()
      try await bench.addGuest("a", .access(vlan: 5))
      try await addTAP("tap0", .access(vlan: 5), bench, namespace)
      let wire = try PacketSocket("tap0", in: namespace.name)
      try wire.send(frame(7))
      #expect(try bench.guest("a").receive()?.frame == frame(7))
      #expect(await bench.stations() == [Station(5, 7): "tap0"])
      #expect(try await bench.status("tap0").carrier)

      try set("tap0", up: false, namespace)
      #expect(try await eventually { try await bench.status("tap0").carrier == false })
      #expect(try await bench.status("tap0").hasEnd == false)
      #expect(await bench.stations().isEmpty)
      // A station that is fixed there, and so not forgotten, would be a `carrier-down`; others are not sent there.
      let trace = try await bench.dataplane.trace(port: "a", frame: frame(1, to: 7))
      #expect(trace.outputs.isEmpty)
      #expect(trace.steps.contains { $0.text.contains("down are tap0") }, "\(trace.steps.map(\.text))")
      try bench.exchange(frame(1, to: 7), from: "a")
      #expect(try await bench.status("tap0").dropsOut == [:])
      #expect(try await bench.dataplane.trace(port: "tap0", frame: frame(7)).drops == ["port-down"])

      try set("tap0", up: true, namespace)
      #expect(try await eventually { try await bench.status("tap0").carrier })
      try bench.exchange(frame(1, to: 7), from: "a")
      #expect(wire.receive() == frame(1, to: 7))

      try TAPDevice.remove(name: "tap0", namespace: namespace.name)
      #expect(try await eventually { try await bench.status("tap0").carrier == false })
    }
  }

  /// The same on the host, among interfaces that are nobody's here.
  @Test func interfacesOfTheHost() async throws {
    let names = [UniqueName.next(), UniqueName.next()]
    defer { for name in names { try? TAPDevice.remove(name: name, namespace: nil) } }
    try await Bench.with { bench in
      try await bench.addSwitch()
      for name in names {
        try await bench.dataplane.addPort(
          PortConfiguration(
            name: name, switchName: "sw", mode: .access(vlan: 5), address: FrameBuilder.address(0x77),
            backend: .tap(TAPInterface(name: name))))
        try Netlink.setNoIPv6Noise(link: name, namespace: nil)
      }
      func set(_ name: String, up: Bool) async throws -> [Bool] {
        try Netlink.configure(link: name, namespace: nil, mtu: nil, address: nil, up: up)
        await bench.dataplane.settleInterfaces()
        return await bench.dataplane.ports().map(\.carrier)
      }
      #expect(try await set(names[1], up: true) == [false, true])
      #expect(try await set(names[0], up: true) == [true, true])
      #expect(try await set(names[1], up: false) == [true, false])
      try TAPDevice.remove(name: names[0], namespace: nil)
      await bench.dataplane.settleInterfaces()
      #expect(await bench.dataplane.ports().map(\.hasEnd) == [false, false])
    }
  }

  /// The first frames of an interface that was just set up are not lost, whoever is faster.
  @Test func aFrameShowsThatAnInterfaceIsUp() async throws {
    let namespace = try TestNamespace()
    try await Bench.with { bench in
      try await bench.addSwitch()
      try await bench.addGuest("a", .access(vlan: 5))
      try await addTAP("tap0", .access(vlan: 5), bench, namespace)
      for _ in 0..<20 {
        try set("tap0", up: false, namespace)
        try set("tap0", up: true, namespace)
        try PacketSocket("tap0", in: namespace.name).send(frame(7))
        #expect(try bench.guest("a").receive()?.frame == frame(7))
      }
      await bench.dataplane.settleInterfaces()
      #expect(try await bench.status("tap0").carrier)
      #expect(try await bench.status("tap0").dropsIn == [:])
    }
  }

  /// What is set reaches the kernel before the call returns, from the start, and a port made anew begins up.
  @Test func whatIsSetIsSeen() async throws {
    let namespace = try TestNamespace()
    try await Bench.with { bench in
      try await bench.addSwitch()
      try await bench.addGuest("a", .access(vlan: 5))
      try await addTAP("tap0", .access(vlan: 5), bench, namespace)
      #expect(try carrier("tap0", namespace) == true)
      try await bench.dataplane.setCarrier(port: "tap0", up: false)
      #expect(try carrier("tap0", namespace) == false)
      #expect(try await bench.status("tap0").carrier == false)
      #expect(try await bench.status("tap0").hasEnd)
      try bench.exchange(frame(1), from: "a")
      try await bench.dataplane.setCarrier(port: "tap0", up: true)
      #expect(try carrier("tap0", namespace) == true)
      let wire = try PacketSocket("tap0", in: namespace.name)
      try bench.exchange(frame(2), from: "a")
      #expect(wire.receive() == frame(2))

      try await bench.dataplane.setCarrier(port: "tap0", up: false)
      try await bench.dataplane.removePort("tap0")
      try await addTAP("tap0", .access(vlan: 5), bench, namespace)
      #expect(try carrier("tap0", namespace) == true)
      try await addTAP("tap1", .wire, bench, namespace, carrier: false)
      #expect(try carrier("tap1", namespace) == false)
      #expect(try await bench.status("tap1").carrier == false)
    }
  }

  /// A wire is a cable: whatever takes one end away takes the carrier of the other.
  @Test func bothEndsOfAWireFollow() async throws {
    let namespace = try TestNamespace()
    try await Bench.with { bench in
      try await addTAP("tap0", .wire, bench, namespace)
      try await addTAP("tap1", .wire, bench, namespace)
      try await bench.dataplane.connectWire("tap0", "tap1")
      await bench.dataplane.settleInterfaces()
      func expect(_ first: Bool, _ second: Bool, _ isUp: Bool, _ place: SourceLocation = #_sourceLocation) async throws
      {
        await bench.dataplane.settleInterfaces()
        #expect(try carrier("tap0", namespace) == first, sourceLocation: place)
        #expect(try carrier("tap1", namespace) == second, sourceLocation: place)
        for name in ["tap0", "tap1"] {
          #expect(try await bench.status(name).carrier == isUp, "\(name)", sourceLocation: place)
        }
      }
      try await expect(true, true, true)
      try await bench.dataplane.setCarrier(port: "tap0", up: false)
      try await expect(false, false, false)
      try await bench.dataplane.setCarrier(port: "tap0", up: true)
      try await expect(true, true, true)
      try set("tap0", up: false, namespace)
      try await expect(false, false, false)
      #expect(try await bench.status("tap1").hasEnd)
      // A cold end that still sends meets the one that is down.
      try await bench.dataplane.inject(port: "tap1", frames: [frame(1)])
      #expect(try await bench.status("tap0").dropsOut == ["carrier-down": 1])
      #expect(try await bench.dataplane.trace(port: "tap1", frame: frame(1)).drops == ["carrier-down"])
      // Both down, then up in either order: neither waits for the other.
      try set("tap1", up: false, namespace)
      try set("tap0", up: true, namespace)
      try set("tap1", up: true, namespace)
      try await expect(true, true, true)
      try await bench.dataplane.removePort("tap0")
      await bench.dataplane.settleInterfaces()
      #expect(try carrier("tap1", namespace) == false)
      #expect(try await bench.status("tap1").carrier == false)
    }
  }

  /// News that had no room are asked for, also of more interfaces than there is room for at once; and what interfaces
  /// sent before they were set down does not count as a sign that they are up.
  @Test func newsThatAreLostAreMadeUpFor() async throws {
    let namespace = try TestNamespace()
    let names = (0..<200).map { "tap\($0)" }
    try await Bench.with { bench in
      try await bench.addSwitch()
      for name in names { try await addTAP(name, .access(vlan: 5), bench, namespace) }
      let (worker, keeper) = (await bench.dataplane.worker, await bench.dataplane.interfaces)
      let gate = StopFlag()
      worker.commands.submit { _ in while !gate.value.load(ordering: .relaxed) { usleep(1000) } }
      keeper.commands.submit { _ in while !gate.value.load(ordering: .relaxed) { usleep(1000) } }
      for name in names {
        try set(name, up: false, namespace)
        try set(name, up: true, namespace)
        try PacketSocket(name, in: namespace.name).send(frame(7))
        try set(name, up: false, namespace)
      }
      for name in names.prefix(100) { try set(name, up: true, namespace) }
      gate.value.store(true, ordering: .relaxed)
      let wanted = names.indices.map { $0 < 100 }
      #expect(await eventually { await bench.dataplane.ports().map(\.carrier) == wanted })
      // And that was all: what came of it at once is not looked for again and again, and nothing comes later.
      for _ in 0..<100 { await bench.dataplane.settleInterfaces() }
      #expect(await keeper.run { !$0.isBehind })
      #expect(await bench.dataplane.ports().map(\.carrier) == wanted)
    }
  }
}
