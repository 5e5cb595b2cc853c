import Dataplane
import Glibc
import GuestKit
import LinuxHost
import TestSupport
import Testing
import VhostUser

/// TAP ports, looked at from inside their namespace.
@Suite struct TAPPortTests {
  /// A TAP in a namespace of its own, a guest on an access port of VLAN 5 and one on a trunk.
  private struct Setup {
    let bench: Bench
    let namespace: TestNamespace
    let wire: PacketSocket

    func guest(_ name: String) throws -> VirtualGuest { try bench.guest(name) }
  }

  private static let address: [UInt8] = [0x02, 0, 0, 0, 0, 0x77]

  private func withTAP(
    _ mode: PortMode = .access(vlan: 5), offload: OffloadLevel = .on, mtu: Int = 65_521,
    guestOffload: OffloadLevel = .on,
    _ body: (Setup) async throws -> Void
  ) async throws {
    let namespace = try TestNamespace()
    try await Bench.with { bench in
      try await bench.addSwitch()
      try await bench.addGuest("a", .access(vlan: 5), offload: guestOffload)
      try await bench.addGuest("t", .trunk(allowed: .all, native: nil), offload: guestOffload)
      var interface = TAPInterface(name: "tap0")
      interface.namespace = namespace.name
      interface.offload = offload
      var port = PortConfiguration(
        name: "tap", switchName: "sw", mode: mode, address: FrameBuilder.address(0x77), backend: .tap(interface))
      port.mtu = mtu
      try await bench.dataplane.addPort(port)
      // Silent: what is seen is what the tests send.
      try Netlink.setNoIPv6Noise(link: "tap0", namespace: namespace.name)
      try Netlink.configure(
        link: "tap0", namespace: namespace.name, mtu: 65_521, address: "02:00:00:00:00:77", up: true)
      await bench.dataplane.settleInterfaces()
      let wire = try PacketSocket("tap0", in: namespace.name)
      try await body(Setup(bench: bench, namespace: namespace, wire: wire))
    }
  }

  private func frame(_ size: Int, tags: [FrameBuilder.Tag] = [], seed: Int = 0) -> [UInt8] {
    GuestKit.frame(3, tags: tags, size: size, seed: seed)
  }

  private static let sizes = [
    14, 15, 59, 60, 63, 64, 65, 255, 256, 1514, 1515, 2035, 2036, 2037, 2048, 2049, 9014, 65_535,
  ]

  @Test(arguments: OffloadLevel.allCases)
  func framesGoBothWaysByteExact(offload: OffloadLevel) async throws {
    try await withTAP(offload: offload) { setup in
      for size in Self.sizes {
        let sent = frame(size, seed: size)
        // The kernel does not give shorter ones than a header to a socket.
        try setup.guest("a").send(sent, pieces: size % 2 == 0 ? [] : [12, size / 2])
        #expect(setup.wire.receive() == sent, "\(size)")
        _ = try setup.bench.collect(after: setup.guest("a"))
        try setup.wire.send(sent)
        #expect(try setup.guest("a").receive()?.frame == sent, "\(size)")
        let tagged = Array(sent[..<12] + [0x81, 0, 0, 5] + sent[12...])
        #expect(try setup.guest("t").receive()?.frame == tagged, "\(size)")
      }
      let status = try await setup.bench.status("tap")
      #expect(status.kind == .tap)
      #expect(status.carrier)
      #expect(status.receivePackets == UInt64(Self.sizes.count))
      #expect(status.transmitPackets == UInt64(Self.sizes.count))
      #expect(status.dropsIn.isEmpty && status.dropsOut.isEmpty)
    }
  }

  @Test(arguments: OffloadLevel.allCases)
  func impairedFramesGoBothWays(offload: OffloadLevel) async throws {
    try await withTAP(offload: offload) { setup in
      let impairment = Impairment.with { $0.delay = 3_000_000 }
      try await setup.bench.dataplane.setImpairment(port: "tap", fromNode: impairment, toNode: impairment)
      for size in Self.sizes {
        let sent = frame(size, seed: size)
        let start = ContinuousClock.now
        try setup.guest("a").send(sent)
        #expect(setup.wire.receive() == sent, "\(size)")
        #expect(ContinuousClock.now - start >= .milliseconds(3))
        let again = ContinuousClock.now
        try setup.wire.send(sent)
        #expect(try setup.guest("a").receive()?.frame == sent, "\(size)")
        #expect(ContinuousClock.now - again >= .milliseconds(3))
      }
    }
  }

  @Test(arguments: OffloadLevel.allCases)
  func tagsPassATrunk(offload: OffloadLevel) async throws {
    try await withTAP(.trunk(allowed: VLANSet([5...6]), native: 6), offload: offload) { setup in
      let tag = FrameBuilder.Tag(5, priority: 3)
      try setup.guest("t").send(frame(64, tags: [tag]))
      #expect(setup.wire.receive() == frame(64, tags: [tag]))
      try setup.guest("t").send(frame(64, tags: [.init(6)]))
      #expect(setup.wire.receive() == Array(frame(64, tags: [.init(6)])[..<12] + frame(64, tags: [.init(6)])[16...]))
      try setup.guest("t").send(frame(64, tags: [.init(7)]))
      #expect(try setup.guest("t").waitForTransmitted())
      _ = try setup.bench.collect(after: setup.guest("t"))

      try setup.wire.send(frame(64, tags: [tag]))
      #expect(try setup.guest("t").receive()?.frame == frame(64, tags: [tag]))
      let plain = Array(frame(64, tags: [tag])[..<12] + frame(64, tags: [tag])[16...])
      #expect(try setup.guest("a").receive()?.frame == plain)
      try setup.wire.send(plain)
      let native = Array(plain[..<12] + [0x81, 0, 0, 6] + plain[12...])
      #expect(try setup.guest("t").receive()?.frame == native)
      for vlan in [7, 4095] as [UInt16] { try setup.wire.send(frame(64, tags: [.init(vlan)])) }
      #expect(
        try await eventually {
          try await setup.bench.status("tap").dropsIn == ["vlan-filtered": 1, "vlan-invalid": 1]
        })
      #expect(setup.wire.receive(timeout: 0) == nil)
    }
  }

  /// What a TAP's user takes is its MTU and a tag, no more.
  @Test func longerPayloadsThanTheMTUAreDropped() async throws {
    try await withTAP(.trunk(allowed: .all, native: 5), mtu: 1500) { setup in
      try setup.guest("a").send(frame(1515))
      try setup.guest("a").send(frame(1518))
      try setup.guest("t").send(frame(1519, tags: [.init(8)]))
      try setup.guest("a").send(frame(1514))
      try setup.guest("t").send(frame(1518, tags: [.init(8)]))
      #expect(setup.wire.receive() == frame(1514))
      #expect(setup.wire.receive() == frame(1518, tags: [.init(8)]))
      #expect(try await setup.bench.status("tap").dropsOut == ["too-big": 3])
    }
  }

  /// Bursts longer than one breath, in order.
  @Test func burstsKeepTheirOrder() async throws {
    try await withTAP { setup in
      let frames = (0..<300).map { frame(100, seed: $0) }
      for part in 0..<10 {
        try setup.guest("a").send(burst: Array(frames[(30 * part)..<(30 * part + 30)]))
        for expected in frames[(30 * part)..<(30 * part + 30)] { #expect(setup.wire.receive() == expected) }
      }
      for expected in frames {
        try setup.wire.send(expected)
        #expect(try setup.guest("a").receive()?.frame == expected)
        _ = try setup.guest("t").receive(timeout: 0)
      }
    }
  }

  // Checksums, with the kernel as the other side.

  private static let hosts: (tap: [UInt8], guest: [UInt8]) = ([192, 0, 2, 1], [192, 0, 2, 2])

  /// A UDP socket in the namespace, bound to port 5000 of the TAP's address.
  private func udpSocket(_ setup: Setup) throws -> Descriptor {
    try Netlink.addAddress("192.0.2.1/24", link: "tap0", namespace: setup.namespace.name)
    let raw = try NetworkNamespace.run(in: setup.namespace.name) { () throws(SystemError) -> CInt in
      let raw = socket(AF_INET, CInt(SOCK_DGRAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
      guard raw >= 0 else { throw SystemError(call: "socket", code: errno, context: "udp") }
      return raw
    }
    let descriptor = Descriptor(owning: raw)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = UInt16(5000).bigEndian
    let result = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(raw, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
    }
    guard result == 0 else { throw SystemError(call: "bind", code: errno, context: "port 5000") }
    return descriptor
  }

  private func receive(_ socket: Descriptor) -> [UInt8]? {
    guard Deadline(milliseconds: 5000).waitReadable([socket.raw]) else { return nil }
    var buffer = [UInt8](repeating: 0, count: 65_536)
    let size = recv(socket.raw, &buffer, buffer.count, 0)
    return size >= 0 ? Array(buffer.prefix(size)) : nil
  }

  /// Partial checksums are handed to the kernel where it takes them, completed where not; it drops wrong ones.
  @Test(arguments: OffloadLevel.allCases)
  func theKernelTakesAGuestsDatagrams(offload: OffloadLevel) async throws {
    try await withTAP(offload: offload) { setup in
      let socket = try udpSocket(setup)
      for size in [0, 1, 2, 17, 100, 213, 1400, 9001, 40_000] {
        let payload = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 13 &+ size) }
        let built = FrameBuilder(to: Self.address, from: FrameBuilder.station(9))
          .udp(from: Self.hosts.guest, to: Self.hosts.tap, payload: payload, checksum: .partial)
        let expected = FrameBuilder(to: Self.address, from: FrameBuilder.station(9))
          .udp(
            from: Self.hosts.guest, to: Self.hosts.tap, payload: payload, checksum: offload == .off ? .full : .partial)
        try setup.guest("a").send(built.frame, header: built.header)
        #expect(receive(socket) == payload, "\(size)")
        #expect(setup.wire.receive() == expected.frame, "\(size)")
      }
      // A wrong one is dropped by the kernel, so what came before was right.
      let wrong = FrameBuilder(to: Self.address, from: FrameBuilder.station(9))
        .udp(from: Self.hosts.guest, to: Self.hosts.tap, payload: [1], checksum: .wrong)
      let last = FrameBuilder(to: Self.address, from: FrameBuilder.station(9))
        .udp(from: Self.hosts.guest, to: Self.hosts.tap, payload: [2], checksum: .full)
      try setup.guest("a").send(wrong.frame)
      try setup.guest("a").send(last.frame)
      #expect(receive(socket) == [2])
    }
  }

  /// Datagrams of the kernel arrive complete or, at a guest that takes them so, partial.
  @Test(arguments: OffloadLevel.allCases, [OffloadLevel.on, .off])
  func aGuestTakesTheKernelsDatagrams(offload: OffloadLevel, guestOffload: OffloadLevel) async throws {
    try await withTAP(offload: offload, guestOffload: guestOffload) { setup in
      let socket = try udpSocket(setup)
      // The guest tells its address before anybody asks.
      let station = FrameBuilder.station(9)
      try setup.guest("a").send(
        FrameBuilder(to: FrameBuilder.broadcast, from: station).arp(
          operation: 1, senderAddress: station, senderIP: Self.hosts.guest, targetAddress: [0, 0, 0, 0, 0, 0],
          targetIP: Self.hosts.tap))
      let answer = try #require(try setup.guest("a").receive(timeout: 5000))
      #expect(Array(answer.frame.prefix(14)) == station + Self.address + [8, 6])
      for size in [1, 2, 100, 1400] {
        let payload = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ size) }
        try send(payload, from: socket)
        let received = try #require(try setup.guest("a").receive(timeout: 5000))
        #expect(Array(received.frame.suffix(size)) == payload)
        let isPartial = offload != .off && guestOffload != .off
        #expect(received.header.flags == (isPartial ? NetworkHeader.needsChecksum : 0))
        if isPartial {
          #expect(received.header.checksumStart == 34)
          #expect(received.header.checksumOffset == 6)
        } else {
          #expect(checksumState(received.frame) == .right)
        }
        _ = try setup.bench.collect(after: setup.guest("a"))
      }
    }
  }

  private func send(_ payload: [UInt8], from socket: Descriptor) throws {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = UInt16(6000).bigEndian
    address.sin_addr.s_addr = Self.hosts.guest.reversed().reduce(0) { $0 << 8 | UInt32($1) }
    let size = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        sendto(socket.raw, payload, payload.count, 0, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    guard size == payload.count else {
      throw SystemError(call: "sendto", code: errno, context: "\(payload.count) bytes")
    }
  }

  // The port's life.

  @Test func framesBetweenTwoTAPs() async throws {
    let namespace = try TestNamespace()
    try await Bench.with { bench in
      try await bench.addSwitch()
      var wires: [PacketSocket] = []
      for (number, offload) in [OffloadLevel.on, .off].enumerated() {
        var interface = TAPInterface(name: "tap\(number)")
        interface.namespace = namespace.name
        interface.offload = offload
        try await bench.dataplane.addPort(
          PortConfiguration(
            name: "tap\(number)", switchName: "sw", mode: .access(vlan: 1), address: FrameBuilder.address(0x77),
            backend: .tap(interface)))
        try Netlink.setNoIPv6Noise(link: interface.name, namespace: namespace.name)
        try Netlink.configure(link: interface.name, namespace: namespace.name, mtu: 9000, address: nil, up: true)
        await bench.dataplane.settleInterfaces()
        wires.append(try PacketSocket(interface.name, in: namespace.name))
      }
      for size in [60, 1514, 3000, 9014] {
        try wires[0].send(frame(size, seed: size))
        #expect(wires[1].receive() == frame(size, seed: size))
        try wires[1].send(frame(size, seed: size + 1))
        #expect(wires[0].receive() == frame(size, seed: size + 1))
      }
    }
  }

  @Test func anInterfaceThatIsTakenIsNamed() async throws {
    try await withTAP { setup in
      var interface = TAPInterface(name: "lo")
      interface.namespace = setup.namespace.name
      for name in ["lo", "tap0"] {
        interface.name = name
        let error = await #expect(throws: DataplaneError.self) {
          try await setup.bench.dataplane.addPort(
            PortConfiguration(
              name: "other", switchName: "sw", mode: .access(vlan: 1), address: FrameBuilder.address(0x77),
              backend: .tap(interface)))
        }
        guard case .host(let text) = error else { throw GuestKitError.violation("\(String(describing: error))") }
        #expect(text.hasPrefix("port other: TUNSETIFF \(name) in namespace"), "\(text)")
      }
      #expect(await setup.bench.dataplane.ports().map(\.name) == ["a", "t", "tap"])
    }
  }

  @Test func theInterfaceStaysWhenThePortGoes() async throws {
    try await withTAP { setup in
      try await setup.bench.dataplane.removePort("tap")
      #expect(TAPDevice.exists(name: "tap0", namespace: setup.namespace.name))
      var interface = TAPInterface(name: "tap0")
      interface.namespace = setup.namespace.name
      try await setup.bench.dataplane.addPort(
        PortConfiguration(
          name: "again", switchName: "sw", mode: .access(vlan: 5), address: FrameBuilder.address(0x77),
          backend: .tap(interface)))
      try setup.guest("a").send(frame(60))
      #expect(setup.wire.receive() == frame(60))
    }
  }

  /// A frame whose memory the kernel cannot read is its sender's loss; the next one passes.
  @Test func cutMemoryIsTheSendersLoss() async throws {
    try await withTAP { setup in
      let path = setup.bench.path("a")
      try setup.guest("a").disconnect()
      setup.bench.dropGuest("a")
      var options = VirtualGuest.Options()
      options.ringSize = 16
      options.receiveCount = 0
      let memory = try SharedMemory([
        .init(guestAddress: 0x10_0000, size: 0x40_0000, userAddress: 0x7F00_0000_0000),
        .init(guestAddress: 0x100_0000, size: 0x10_0000, userAddress: 0x7E00_0000_0000),
      ])
      let guest = try VirtualGuest(options, memory: memory)
      try guest.connect(path: path)
      // The station behind the TAP is known, so that nobody else reads the frame first.
      try setup.wire.send(frame(60))
      #expect(try setup.guest("t").receive() != nil)
      let unicast = FrameBuilder(to: FrameBuilder.station(3), from: FrameBuilder.station(4)).plain(size: 64)
      let head = memory.allocate(128)
      memory.write(NetworkHeader().bytes + unicast, at: head)
      let rest = memory.allocate(4096, alignment: 4096, region: 1)
      memory.truncate(region: 1, to: 0)
      try guest.transmitRing().submit([.init(head, 76, isWritable: false), .init(rest, 1000, isWritable: false)])
      #expect(guest.transmitRing().waitForUsed(until: Deadline(milliseconds: 10_000)))
      #expect(try await setup.bench.status("tap").dropsOut == ["guest-fault": 1])
      try guest.transmitRing().submit([.init(head, 76, isWritable: false)])
      #expect(setup.wire.receive() == unicast)
    }
  }
}
