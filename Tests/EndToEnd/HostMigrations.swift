import Foundation
import LinuxHost
import TestSupport
import Testing

extension RealThings {
  /// A machine that QEMU moves from one host to another while it talks to a station, with a daemon on each.
  @Suite struct HostMigrations {
    typealias Variant = MovingMachine.Variant

    /// Nothing of the guest's memory is lost, no connection breaks, and both switches know where it went.
    @Test(
      .timeLimit(.minutes(8)),
      arguments: [
        Variant(queues: 2, announces: true), Variant(isPacked: true, queues: 2, announces: false),
      ])
    func movesUnderLoad(_ variant: Variant) async throws {
      try await Self.repeated { try await Self.moveUnderLoad(variant) }
    }

    /// Does something until it says that it was what it is to be, three times at most.
    private static func repeated(_ body: () async throws -> Bool) async throws {
      for _ in 1...3 {
        if try await body() { return }
      }
      throw Failure("each time the machine had moved before the guest's buffers were filled")
    }

    private static func moveUnderLoad(_ variant: Variant) async throws -> Bool {
      var isFilled = false
      try await HostPair.use { pair in
        let source = try await MovingMachine(on: pair.left, variant)
        try await pair.pings(MovingMachine.address, within: 90)
        let target = try await MovingMachine(on: pair.right, variant, waits: true)
        let load = try await MigrationLoad(pair, to: source)
        try source.move(to: target)
        try await source.reachesSecondPass()
        isFilled = try await load.fillBuffers(of: source)
        guard isFilled else { return }
        try source.hurry()
        let downtime = try await source.arrives(at: target)
        let pings = try await load.ends(at: target)
        print("moved (\(variant)): \(pings), stood still for \(downtime) ms")
        // Frames wait while it stands still, so that hardly more than QEMU's own pause can be missing. A guest that two
        // busy processors emulate has no room for a frame now and then, move or no move.
        let limit = 3 + downtime / MigrationLoad.pingInterval + pings.sent / 100
        #expect(pings.lost <= limit && pings.repeated == 0, "\(pings)")
        #expect(try await pair.place(of: MovingMachine.mac, seenBy: pair.left) == "wire.wire0")
        #expect(try await pair.place(of: MovingMachine.mac, seenBy: pair.right) == "vm.eth0")
        try await Self.check(pair, pair.right, variant)
        #expect(try await pair.left.port("vm.eth0", "ape-left").carrier == "down")
      }
      return isFilled
    }

    /// A move that is called off, that the target does not survive, or that is held up, costs a pause; one back goes as
    /// well.
    @Test(.timeLimit(.minutes(8)), arguments: [Variant(isPacked: true), Variant(queues: 2)])
    func goesOnWhereItIsNotMoved(_ variant: Variant) async throws {
      try await Self.repeated { try await Self.goOnWhereItIsNotMoved(variant) }
    }

    private static func goOnWhereItIsNotMoved(_ variant: Variant) async throws -> Bool {
      var isFilled = false
      try await HostPair.use { pair in
        let source = try await MovingMachine(on: pair.left, variant)
        try await pair.pings(MovingMachine.address, within: 90)
        let load = try await MigrationLoad(pair, to: source, pause: 0.2)

        try await fails(source, pair, variant)
        var target = try await MovingMachine(on: pair.right, variant, waits: true)
        // Called off while memory is copied.
        try source.move(to: target)
        try await source.reachesSecondPass()
        try source.monitor.ask("migrate_cancel")
        try await source.reaches("cancelled")
        try await pair.pings(MovingMachine.address)
        try await target.end()

        // Stopped and continued on the way, with what the switch has written before and after.
        target = try await MovingMachine(on: pair.right, variant, waits: true)
        try source.move(to: target)
        try await source.reachesSecondPass()
        try await source.pauses()
        isFilled = try await load.fillBuffers(of: source)
        guard isFilled else { return }
        try await source.pauses()
        try source.hurry()
        _ = try await source.arrives(at: target)
        try await pair.pings(MovingMachine.address)

        let back = try await MovingMachine(on: pair.left, variant, waits: true)
        try target.move(to: back)
        try await target.reachesSecondPass()
        try target.hurry()
        _ = try await target.arrives(at: back)
        let pings = try await load.ends(at: back)
        print("there and back (\(variant)): \(pings)")
        // It stood still half a dozen times, and what came meanwhile has waited.
        #expect(pings.lost <= pings.sent / 20 && pings.repeated == 0, "\(pings)")
        #expect(try await pair.place(of: MovingMachine.mac, seenBy: pair.left) == "vm.eth0")
        #expect(try await pair.place(of: MovingMachine.mac, seenBy: pair.right) == "wire.wire0")
        try await Self.check(pair, pair.left, variant)
      }
      return isFilled
    }

    /// The target dies, or the move is called off, when the machine stands still already: it goes on where it was.
    private static func fails(_ source: MovingMachine, _ pair: HostPair, _ variant: Variant) async throws {
      try source.enable("pause-before-switchover")
      for targetDies in [true, false] {
        let target = try await MovingMachine(on: pair.right, variant, waits: true)
        try source.move(to: target)
        try source.hurry()
        try await source.reaches("pre-switchover")
        if targetDies {
          try await target.end()
          try source.monitor.ask("migrate-continue", ["state": "pre-switchover"])
          try await source.reaches("failed")
        } else {
          try source.monitor.ask("migrate_cancel")
          try await source.reaches("cancelled")
          try await target.end()
        }
        // QEMU says that a move has ended a moment before the machine goes on.
        try await source.goesOn()
        try await pair.pings(MovingMachine.address)
      }
      try source.disable("pause-before-switchover")
      try await check(pair, pair.left, variant)
    }

    /// The port of the machine where it is now: its rings run as they were negotiated, and nothing was wrong.
    private static func check(_ pair: HostPair, _ host: Sandbox, _ variant: Variant) async throws {
      let port = try await host.port("vm.eth0", pair.lab(of: host))
      #expect(port.carrier == "up" && port.error == nil, "\(port)")
      let queues = port.queue_status?.filter(\.enabled) ?? []
      #expect(queues.count == 2 * variant.queues, "\(port)")
      #expect(queues.allSatisfy { $0.ring == (variant.isPacked ? "packed" : "split") }, "\(port)")
    }
  }
}
