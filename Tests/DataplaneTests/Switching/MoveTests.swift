import Frames
import GuestKit
import LinuxHost
import TestSupport
import Testing
import VhostUser

@testable import Dataplane

/// A station that has moved is where it is now from its first frame on, whatever that is, in every switch on the way.
@Suite struct MoveTests {
  /// What a guest that has arrived says of itself, or has said for it.
  enum Word: CaseIterable {
    case reverseARP, request, reply, neighbour

    func frame(_ station: Int) -> [UInt8] {
      let address = FrameBuilder.station(station)
      let all = FrameBuilder(to: FrameBuilder.broadcast, from: address)
      switch self {
      case .reverseARP: return RARP.announcement(of: FrameBuilder.address(station))
      case .request:
        return all.arp(
          operation: 1, senderAddress: address, senderIP: [10, 0, 0, 7], targetAddress: [0, 0, 0, 0, 0, 0],
          targetIP: [10, 0, 0, 7])
      case .reply:
        return all.arp(
          operation: 2, senderAddress: address, senderIP: [10, 0, 0, 7], targetAddress: address,
          targetIP: [10, 0, 0, 7])
      case .neighbour:
        // Unsolicited neighbour advertisement (RFC 4861 section 7.2.6), to all nodes.
        let own: [UInt8] = [0xFE, 0x80] + [UInt8](repeating: 0, count: 14)
        let nodes: [UInt8] = [0xFF, 2] + [UInt8](repeating: 0, count: 13) + [1]
        let message: [UInt8] = [136, 0, 0x12, 0x34, 0x20, 0, 0, 0] + own + [2, 1] + address
        let header: [UInt8] = [0x60, 0, 0, 0, 0, UInt8(message.count), 58, 255] + own + nodes
        return FrameBuilder(to: [0x33, 0x33, 0, 0, 0, 1], from: address).frame(type: 0x86DD, payload: header + message)
      }
    }
  }

  /// Three switches in two data planes, a guest at each and the mover's two places at the ends: `old` on the first, `new` on
  /// the third; the second and third are joined by a stream, as two hosts are by a cable.
  private struct Chain {
    let bench: Bench
    let far: Dataplane
    let mode: PortMode
    /// By switch: those who send to the station that moves.
    var peers: [VirtualGuest] = []

    func guest(_ name: String, on switchName: String, of plane: Dataplane, mode: PortMode? = nil) async throws
      -> VirtualGuest
    {
      let path = bench.path(name)
      try await plane.addPort(
        PortConfiguration(
          name: name, switchName: switchName, mode: mode ?? self.mode, address: FrameBuilder.address(1),
          backend: .vhostUser(VhostUserSocket(path: path))))
      var options = VirtualGuest.Options()
      options.ringSize = 64
      options.memorySize = 16 << 20
      let guest = try VirtualGuest(options)
      try guest.connect(path: path)
      return guest
    }
  }

  private func chain(
    isAware: Bool, workers: Int, _ body: (Chain, _ old: VirtualGuest, _ new: VirtualGuest) async throws -> Void
  ) async throws {
    try await Bench.with(workers: workers) { bench in
      var configuration = DataplaneConfiguration()
      configuration.workerCount = workers
      configuration.recorderSize = 0
      let far = try Dataplane(configuration)
      do {
        var chain = Chain(bench: bench, far: far, mode: isAware ? .access(vlan: 20) : .transparent)
        let joint = isAware ? PortMode.trunk(allowed: VLANSet([20...20]), native: nil) : .transparent
        try await bench.addSwitch("s1")
        try await bench.addSwitch("s2")
        try await far.addSwitch(SwitchConfiguration(name: "s3"))
        try await bench.dataplane.addPatch(name: "patch", between: "s1", and: "s2", mode: joint)
        var peer = SocketPeer(stream: bench.path("cable"))
        for (plane, name, role) in [
          (bench.dataplane, "s2", VhostUserSocket.Role.listen), (far, "s3", .connect),
        ] {
          peer.role = role
          try await plane.addPort(
            PortConfiguration(
              name: "cable", switchName: name, mode: joint, address: FrameBuilder.address(9), backend: .stream(peer)))
        }
        try await eventually("the cable is there") {
          let ports = await (bench.dataplane.ports() + far.ports()).filter { $0.name == "cable" }
          return ports.count == 2 && ports.allSatisfy(\.carrier)
        }
        for (number, plane) in [bench.dataplane, bench.dataplane, far].enumerated() {
          chain.peers.append(try await chain.guest("peer\(number)", on: "s\(number + 1)", of: plane))
        }
        let old = try await chain.guest("old", on: "s1", of: bench.dataplane)
        let new = try await chain.guest("new", on: "s3", of: far)
        try await body(chain, old, new)
      } catch {
        await far.stop()
        throw error
      }
      await far.stop()
    }
  }

  /// Says a word, and waits until all have heard it; then frames of all go to the station at its new place alone.
  private func expect(
    _ word: [UInt8], from here: VirtualGuest, notAt there: VirtualGuest, _ chain: Chain, seed: Int
  ) throws {
    try here.send(word)
    for peer in chain.peers + [there] { #expect(try peer.receive()?.frame == word) }
    for (number, peer) in chain.peers.enumerated() {
      let frame = frame(10 + number, to: 7, seed: seed)
      try peer.send(frame)
      #expect(try here.receive()?.frame == frame, "from switch \(number + 1)")
      #expect(try peer.waitForTransmitted())
    }
    for guest in chain.peers + [there] { #expect(try guest.receive(timeout: 0) == nil) }
  }

  @Test(arguments: [true, false], [1, 3])
  func oneFrameMovesItInEverySwitch(isAware: Bool, workers: Int) async throws {
    try await chain(isAware: isAware, workers: workers) { chain, old, new in
      var seed = 0
      for word in Word.allCases {
        // There and back, at once: an entry may be a moment old, and its port goes on.
        for _ in 0..<5 {
          try expect(word.frame(7), from: old, notAt: new, chain, seed: seed)
          try expect(word.frame(7), from: new, notAt: old, chain, seed: seed + 1)
          seed += 2
        }
      }
    }
  }

  /// A table that is full, as a whole or for the port that it comes to, has room for who moves; a static entry stays.
  @Test func fullTablesDoNotHoldItUp() async throws {
    for (limit, perPort) in [(6, 3), (6, 6), (4, 1)] {
      try await Bench.with { bench in
        try await bench.addSwitch {
          $0.fdbLimit = limit
          $0.fdbPerPort = perPort
        }
        for name in ["a", "b", "c"] { try await bench.addGuest(name, .access(vlan: 1)) }
        for station in 20..<30 { try bench.exchange(frame(station, to: 99), from: "b") }
        for word in Word.allCases {
          try bench.exchange(word.frame(7), from: "a")
          try bench.exchange(word.frame(7), from: "b")
          #expect(await bench.stations()[Station(1, 7)] == "b", "\(limit), \(perPort)")
          try bench.expect(frame(3, to: 7), from: "c", reaches: ["b": frame(3, to: 7)])
        }
        try await bench.dataplane.addStation(FrameBuilder.address(7), vlan: 1, behind: "a", on: "sw")
        try bench.exchange(Word.request.frame(7), from: "b")
        try bench.expect(frame(3, to: 7), from: "c", reaches: ["a": frame(3, to: 7)])
      }
    }
  }

  // MARK: - At a trunk

  /// What is said for a guest at a trunk (SEND_RARP) is said in each VLAN that it was known in, and that the trunk has.
  @Test(arguments: [nil, 5] as [UInt16?]) func aTrunkSaysItInTheStationsVLANs(native: UInt16?) throws {
    let bench = try DrivenBench()
    for vlan in [20, 30, 40, 5] as [UInt16] { try bench.addGuest(.access(vlan: vlan)) }
    let old = try bench.addGuest(.trunk(allowed: .all, native: nil))
    let new = try bench.addGuest(.trunk(allowed: VLANSet([5...35]), native: native))
    let address = FrameBuilder.address(7)
    for vlan in [20, 30, 40] as [UInt16] { bench.worker.know(address.bits, vlan: vlan, port: old) }
    bench.worker.core.coldAnnounce(new, address)
    let word = RARP.announcement(of: address)
    for (port, isReached) in [true, true, false, native != nil].enumerated() {
      #expect(try bench.frames(port) == (isReached ? [word] : []), "port \(port)")
    }
    for (vlan, place) in [(20, new), (30, new), (40, old)] as [(UInt16, Int)] {
      #expect(bench.worker.table.fdb.lookup(FDB.key(vlan: vlan, address))?.port == place, "VLAN \(vlan)")
    }
    #expect(bench.drops(new).isEmpty)
  }

  // MARK: - While another thread has the table

  private static let station = FrameBuilder.address(7).bits

  /// Guests 0, 1 and 2, and the station 7 behind the first.
  private func driven() throws -> DrivenBench {
    let bench = try DrivenBench()
    for _ in 0..<3 { try bench.addGuest(.access(vlan: 1)) }
    try bench.send([Word.request.frame(7)], from: 0, at: 0)
    for port in 1...2 { _ = try bench.frames(port) }
    return bench
  }

  private func port(_ bench: DrivenBench) -> Int? {
    bench.worker.table.fdb.lookup(FDB.key(vlan: 1, MACAddress(bits: Self.station)))?.port
  }

  /// Does what is owed; false if nothing is.
  private func pays(_ bench: DrivenBench) -> Bool { bench.worker.payDebts() }

  /// Does something while another thread holds the table's lock.
  private func busy(_ bench: DrivenBench, _ body: () throws -> Void) throws {
    var failure: (any Error)?
    _ = bench.worker.table.fdb.writer.withLockIfFree { _ in
      do { try body() } catch { failure = error }
    }
    if let failure { throw failure }
  }

  @Test func aMoveThatCouldNotBeNotedIsNotedWithoutAnotherFrame() throws {
    let bench = try driven()
    try busy(bench) { try bench.send([Word.request.frame(7)], from: 1, at: 0) }
    #expect(port(bench) == 0)
    #expect(pays(bench))
    #expect(port(bench) == 1)
    #expect(!pays(bench))
    _ = try bench.frames(1)
    try bench.send([frame(3, to: 7)], from: 2, at: 0)
    #expect(try bench.frames(1) == [frame(3, to: 7)])
  }

  /// It is paid once the table is free, and what is newer counts.
  @Test func theNewestPlaceCounts() throws {
    let bench = try driven()
    try busy(bench) {
      try bench.send([Word.request.frame(7)], from: 1, at: 0)
      try bench.send([Word.request.frame(7)], from: 2, at: 0)
      #expect(pays(bench))
    }
    #expect(port(bench) == 0)
    #expect(pays(bench))
    #expect(port(bench) == 2)
    // Noted at once meanwhile, elsewhere.
    try busy(bench) { try bench.send([Word.request.frame(7)], from: 1, at: 0) }
    try bench.send([Word.request.frame(7)], from: 0, at: 0)
    #expect(!pays(bench))
    #expect(port(bench) == 0)
  }

  @Test func whatIsGoneOrFixedOwesNothing() throws {
    let bench = try driven()
    // New stations are flooded to: nobody misses anything.
    try busy(bench) { try bench.send([Word.request.frame(8)], from: 1, at: 0) }
    #expect(!pays(bench))
    // A port that went down since.
    try busy(bench) { try bench.send([Word.request.frame(7)], from: 1, at: 0) }
    bench.setCarrier(1, up: false)
    _ = pays(bench)
    #expect(port(bench) == 0)
    bench.setCarrier(1, up: true)
    // One that is no more.
    try busy(bench) { try bench.send([Word.request.frame(7)], from: 2, at: 0) }
    bench.remove(2)
    _ = pays(bench)
    #expect(port(bench) == 0)
    // More than are kept: the next frame brings word of the others.
    for station in 100..<200 { bench.worker.know(FrameBuilder.address(station).bits, port: 0) }
    try busy(bench) {
      try bench.send((100..<200).map { Word.request.frame($0) }, from: 1, at: 0)
    }
    #expect(pays(bench))
    func moved() -> Int {
      (100..<200).count {
        bench.worker.table.fdb.lookup(FDB.key(vlan: 1, FrameBuilder.address($0)))?.port == 1
      }
    }
    #expect(moved() == Forwarder.mostOwedMoves)
    try bench.send((100..<200).map { Word.request.frame($0) }, from: 1, at: 0)
    #expect(moved() == 100)
  }
}
