import Foundation
import Frames
import Glibc
import GuestKit
import LinuxHost
import TestSupport
import Testing

@testable import Dataplane

/// Ports of each kind that go to another process in the middle of what they do.
@Suite struct PortHandOverTests {
  private static func numbered(_ number: Int, _ source: Int, to destination: Int, size: Int = 100) -> [UInt8] {
    let payload = [UInt8(number >> 8), UInt8(number & 255)] + [UInt8](repeating: 7, count: size - 16)
    return FrameBuilder.station(destination) + FrameBuilder.station(source) + [0x88, 0xB5] + payload
  }

  private static func number(_ frame: [UInt8]) -> Int { Int(frame[14]) << 8 | Int(frame[15]) }

  /// Numbers of frames that a guest gets until none comes for a while.
  private static func numbers(_ guest: VirtualGuest, count: Int) throws -> [Int] {
    var numbers: [Int] = []
    while numbers.count < count, let got = try guest.receive() { numbers.append(number(got.frame)) }
    return numbers + (try guest.receiveAll(quiet: 30).map { number($0.frame) })
  }

  /// A frame of which half has come, and more than the peer has read, half of a frame too.
  @Test(arguments: [VhostUserSocket.Role.listen, .connect])
  func aStreamGoesOnWithinItsFrames(role: VhostUserSocket.Role) async throws {
    try await Relay.with { relay in
      try await relay.addSwitch()
      let guest = try await relay.addGuest("near", .access(vlan: 1))
      var socket = SocketPeer(stream: relay.path("far"))
      socket.role = role
      let listener =
        role == .connect ? try UnixSocket.listen(path: socket.path, mode: 0o600, owner: nil) : nil
      try await relay.addPort("far", .access(vlan: 1), number: 9, .stream(socket))
      let peer: StreamPeer
      if let listener {
        var accepted: Descriptor?
        #expect(
          await eventually {
            accepted = try? UnixSocket.accept(listener)
            return accepted != nil
          })
        peer = StreamPeer(try #require(accepted))
      } else {
        peer = try StreamPeer(path: socket.path)
      }
      #expect(try await eventually { try await relay.status("far").carrier })
      var (sent, received, back): (Int, [Int], [Int]) = (0, [], [])
      for turn in 0..<8 {
        // From the peer: whole frames, and half of one.
        let bytes = (0..<5).flatMap { StreamPeer.framed(Self.numbered(5 * turn + $0, 9, to: 1, size: 400)) }
        try peer.sendBytes(Array(bytes.dropLast(turn * 40)))
        // To the peer, which reads nothing: until its socket is full.
        for _ in 0..<400 {
          try guest.send(Self.numbered(sent, 1, to: 9, size: 1400))
          sent += 1
        }
        #expect(try guest.waitForTransmitted())
        try await relay.handOver(workers: 1 + turn % 2)
        if turn > 0 { try peer.sendBytes(Array(bytes.suffix(turn * 40))) }
        received += try Self.numbers(guest, count: 5)
        if turn % 2 == 1 { back += try peer.receive().map(Self.number) }
      }
      #expect(received == Array(0..<40))
      #expect(
        try await eventually {
          back += try peer.receive().map(Self.number)
          let status = try await relay.status("far")
          return back.count == Int(status.transmitPackets)
        })
      let dropped = try await relay.status("far").dropsOut["tap-busy"] ?? 0
      #expect(dropped > 0, "the socket was full")
      #expect(back == back.sorted() && Set(back).count == back.count, "in order, and none twice")
      #expect(back.count + Int(dropped) == sent)
      #expect(try await relay.status("far").carrier)
      if role == .listen {
        // Who comes behind it finds the socket.
        let next = try StreamPeer(path: socket.path)
        try next.send([Self.numbered(77, 9, to: 1)])
        _ = shutdown(peer.socket.raw, Int32(SHUT_RDWR))
        #expect(try Self.numbers(guest, count: 1) == [77])
      }
      #expect(await relay.stopAndHear().filter { $0.contains("portDown") && !$0.contains("far") } == [])
    }
  }

  @Test func datagramsGoOnInOrder() async throws {
    try await Relay.with { relay in
      try await relay.addSwitch()
      let guest = try await relay.addGuest("near", .access(vlan: 1))
      let (path, peerPath) = (relay.path("far"), relay.path("far.peer"))
      let peer = try UnixSocket.bind(path: peerPath, mode: 0o600, owner: nil)
      try await relay.addPort(
        "far", .access(vlan: 1), number: 9, .dgram(SocketPeer(datagrams: path, peerPath: peerPath)))
      try UnixSocket.join(peer, path: path)
      #expect(try await eventually { try await relay.status("far").carrier })
      var (sent, got, back): (Int, [Int], [Int]) = (0, [], [])
      var buffer = [UInt8](repeating: 0, count: 70_000)
      func read() {
        while case let size = recv(peer.raw, &buffer, buffer.count, 0), size > 0 {
          back.append(Self.number(Array(buffer[..<size])))
        }
      }
      for turn in 0..<6 {
        for item in 0..<5 {
          let frame = Self.numbered(5 * turn + item, 9, to: 1)
          #expect(send(peer.raw, frame, frame.count, 0) == frame.count)
        }
        // More than the kernel's queue holds: the rest waits in the port's store.
        for _ in 0..<30 {
          try guest.send(Self.numbered(sent, 1, to: 9, size: 700))
          sent += 1
        }
        #expect(try guest.waitForTransmitted())
        try await relay.handOver(workers: 1 + turn % 2)
        got += try Self.numbers(guest, count: 5)
        if turn % 2 == 1 { read() }
      }
      #expect(got == Array(0..<30))
      #expect(
        await eventually {
          read()
          return back.count >= sent
        })
      #expect(back == Array(0..<sent), "all, in order, none twice")
      #expect(try await relay.status("far").carrier)
      #expect(HostFacts.entries(of: relay.directory.path).contains("far.sock"))
      #expect(await relay.stopAndHear() == [])
      #expect(!HostFacts.entries(of: relay.directory.path).contains("far.sock"))
      SocketFile.remove(peerPath)
    }
  }

  @Test(arguments: [OffloadLevel.on, .off])
  func aTAPGoesOnWithoutACarrierChange(offload: OffloadLevel) async throws {
    let namespace = try TestNamespace()
    try await Relay.with { relay in
      try await relay.addSwitch()
      let guest = try await relay.addGuest("near", .access(vlan: 1))
      var interface = TAPInterface(name: "tap0")
      interface.namespace = namespace.name
      interface.offload = offload
      try await relay.addPort("tap", .access(vlan: 1), number: 9, .tap(interface))
      try Netlink.setNoIPv6Noise(link: "tap0", namespace: namespace.name)
      func setUp(_ isUp: Bool) throws {
        try Netlink.configure(
          link: "tap0", namespace: namespace.name, mtu: 1500, address: "02:00:00:00:00:77", up: isUp)
      }
      try setUp(true)
      await relay.plane.settleInterfaces()
      let wire = try PacketSocket("tap0", in: namespace.name)
      let monitor = try LinkMonitor(namespace: namespace.name)
      var (sent, received, back): (Int, [Int], [Int]) = (0, [], [])
      for turn in 0..<6 {
        for item in 0..<40 {
          try guest.send(Self.numbered(sent, 1, to: 9))
          sent += 1
          try wire.send(Self.numbered(40 * turn + item, 9, to: 1))
          if item == 20 { try await relay.handOver(workers: 1 + turn % 2) }
        }
        #expect(try guest.waitForTransmitted())
        received += try Self.numbers(guest, count: 40)
        while back.count < sent, let frame = wire.receive() { back.append(Self.number(frame)) }
      }
      #expect(received == Array(0..<240) && back == Array(0..<240))
      let news = monitor.take()
      #expect(news.allSatisfy { if case .state(_, true, true) = $0 { true } else { false } }, "\(news)")
      let status = try await relay.status("tap")
      #expect(status.carrier && status.receivePackets == 240 && status.transmitPackets == 240)
      // The one that has it now hears of the interface too.
      try setUp(false)
      await relay.plane.settleInterfaces()
      #expect(try await relay.status("tap").carrier == false)
      try setUp(true)
      #expect(try await eventually { try await relay.status("tap").carrier })
    }
  }

  /// Two switches, a patch, a wire with a held guest, VLANs: what configurations say is made anew, the rest is handed over.
  @Test func wiresPatchesAndStationsAreAsTheyWere() async throws {
    try await Relay.with { relay in
      try await relay.addSwitch { $0.aging = 100 }
      try await relay.addSwitch("far")
      try await relay.addGuest("a", .access(vlan: 1))
      try await relay.addGuest("b", .access(vlan: 1), on: "far")
      let trunk = PortMode.trunk(allowed: .all, native: nil)
      try await relay.addPatch(PatchEnd("sw:far", on: "sw", trunk), PatchEnd("far:sw", on: "far", trunk))
      try await relay.addGuest("w", .wire, toldByOwner: true)
      try await relay.addGuest("x", .wire, toldByOwner: true)
      try await relay.connectWire("w", "x")
      let (a, b) = (try relay.guest("a"), try relay.guest("b"))
      try a.send(frame(1))
      #expect(try b.receive() != nil)
      try b.send(frame(2))
      #expect(try a.receive() != nil)
      try await relay.plane.addStation(FrameBuilder.address(5), vlan: 1, behind: "a", on: "sw")
      try await relay.plane.setForwarding(port: "a", vlans: VLANSet([7...9]), .discarding)
      let before = await relay.plane.fdb(switchName: nil).map {
        "\($0.switchName) \($0.address) \($0.port) \($0.isStatic)"
      }
      for _ in 0..<3 {
        try await relay.handOver()
        let after = await relay.plane.fdb(switchName: nil).map {
          "\($0.switchName) \($0.address) \($0.port) \($0.isStatic)"
        }
        #expect(after.sorted() == before.sorted() && after.count == 5)
        try a.send(frame(1, to: 2))
        #expect(try b.receive()?.frame == frame(1, to: 2))
        try relay.guest("w").send(frame(3, to: 4))
        #expect(try relay.guest("x").receive()?.frame == frame(3, to: 4))
        #expect(try await relay.status("a").states?.discarding.ranges == [7...9])
        #expect(await relay.plane.heldPorts() == [])
      }
      #expect(await relay.stopAndHear() == [])
    }
  }

  /// Frames on impaired links leave when they were to leave, whoever lets them go.
  @Test func heldFramesLeaveWhenTheyWereTo() async throws {
    try await Relay.with { relay in
      try await relay.addSwitch()
      let (a, b) = (
        try await relay.addGuest("a", .access(vlan: 1)), try await relay.addGuest("b", .access(vlan: 1))
      )
      try b.send(frame(2))
      #expect(try a.receive() != nil)
      try await relay.impair("b", toNode: .with { $0.delay = 1_500_000_000 })
      try await relay.impair("a", fromNode: .with { $0.delay = 500_000_000 })
      let start = ContinuousClock.now
      for number in 0..<100 { try a.send(Self.numbered(number, 1, to: 2, size: 60 + 13 * number)) }
      #expect(try a.waitForTransmitted())
      for _ in 0..<4 { try await relay.handOver() }
      // One of them while frames cross from the first line to the second.
      try await Task.sleep(for: .milliseconds(700))
      try await relay.handOver()
      #expect(try Self.numbers(b, count: 100) == Array(0..<100))
      #expect(ContinuousClock.now - start >= .seconds(2))
      let status = try await relay.status("b")
      #expect(status.impairments.first?.delayed == 100 && status.impairments.first?.held == 0)
      #expect(status.dropsOut.isEmpty && status.transmitPackets == 100)
    }
  }

  /// Frames that wait for a machine in switch-over wait on; while there are two front-ends, nothing is handed over.
  @Test func framesThatWaitForAMachineWaitOn() async throws {
    try await Relay.with { relay in
      try await relay.addSwitch()
      let (a, b) = (
        try await relay.addGuest("a", .access(vlan: 1)), try await relay.addGuest("b", .access(vlan: 1))
      )
      try b.send(frame(2))
      #expect(try a.receive() != nil)
      try await relay.plane.holdFrames(ports: ["b"])
      for number in 0..<50 { try a.send(Self.numbered(number, 1, to: 2, size: 60 + 20 * number)) }
      #expect(try a.waitForTransmitted())
      try await relay.plane.addStandby(port: "b", socket: VhostUserSocket(path: relay.path("other")))
      await #expect(throws: DataplaneError.invalid("port b: its machine is being moved")) {
        _ = try await relay.plane.handOver()
      }
      try await relay.plane.removeStandby(port: "b")
      for _ in 0..<2 {
        try await relay.handOver()
        #expect(try await relay.status("b").held?.frames == 50)
        #expect(try b.receive(timeout: 50) == nil)
      }
      for number in 50..<60 { try a.send(Self.numbered(number, 1, to: 2)) }
      try await relay.plane.releaseFrames(ports: ["b"])
      #expect(try Self.numbers(b, count: 60) == Array(0..<60))
      #expect(try await relay.status("b").dropsOut.isEmpty)
    }
  }

  /// What nobody asks for is closed; what another kind of port has the name of now is opened anew.
  @Test func portsThatNobodyAsksForAreClosed() async throws {
    try await Relay.with { relay in
      try await relay.addSwitch()
      try await relay.addGuest("a", .access(vlan: 1))
      let gone = try await relay.addGuest("b", .access(vlan: 1))
      try await relay.addPort("c", .access(vlan: 1), .stream(SocketPeer(stream: relay.path("c"))))
      let peer = try StreamPeer(path: relay.path("c"))
      #expect(try await eventually { try await relay.status("c").carrier })
      try await relay.handOver(without: ["b", "c"])
      #expect(throws: GuestKitError.self) { try gone.frontEnd?.barrier() }
      #expect(
        try await eventually {
          _ = try peer.receive()
          return peer.hasEnded
        })
      #expect(HostFacts.entries(of: relay.directory.path).filter { $0.hasSuffix(".sock") } == ["a.sock"])
      #expect(await relay.plane.ports().map(\.name) == ["a"])
      #expect(try await relay.status("a").carrier)
    }
  }
}
