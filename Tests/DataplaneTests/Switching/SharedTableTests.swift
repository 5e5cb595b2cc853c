import Frames
import GuestKit
import LinuxHost
import Synchronization
import TestSupport
import Testing

@testable import Dataplane

/// What the control side does with a table, and what the worker does with one that the control side is busy with.
@Suite struct SharedTableTests {
  private func key(_ station: Int, vlan: UInt16 = 1) -> UInt64 {
    FDB.key(vlan: vlan, MACAddress(bytes: FrameBuilder.station(station)) ?? .broadcast)
  }

  /// Three access ports of VLAN 1 named a, b and c, and the switch's table.
  private func threePorts(_ body: (Bench, FDB) async throws -> Void) async throws {
    try await Bench.with { bench in
      try await bench.addSwitch()
      for name in ["a", "b", "c"] { try await bench.addGuest(name, .access(vlan: 1)) }
      try await body(bench, try #require(await bench.dataplane.table(of: "sw")).fdb)
    }
  }

  /// Runs `body` while another writer has the table.
  private func whileBusy(_ fdb: FDB, _ body: () throws -> Void) throws {
    try fdb.writer.coldWithLock { _ in Result { try body() } }.get()
  }

  /// Of changes that overlap, the last one's sizes hold, also where an earlier one has more to forget.
  @Test func overlappingChangesLeaveTheSizesOfTheLast() async throws {
    try await threePorts { bench, fdb in
      let plane = bench.dataplane
      let port = try await plane.record("a").index
      for round in 0..<40 {
        for station in 0..<2000 { _ = fdb.learn(key(station), port: port, tick: TickClock.first) }
        await withTaskGroup(of: Void.self) { group in
          for number in 0..<8 {
            group.addTask {
              var configuration = SwitchConfiguration(name: "sw")
              configuration.fdbLimit = number % 2 == 0 ? 100 + round : 4000 + number
              await #expect(throws: Never.self) { try await plane.changeSwitch(configuration) }
            }
          }
        }
        let last = try #require(await plane.switches().first)
        #expect((fdb.limit, fdb.portLimit) == (last.fdbLimit, last.fdbPortLimit))
        #expect(fdb.count <= last.fdbPortLimit)
      }
    }
  }

  /// The frames of a million stations go on moving while they are listed, or forgotten.
  @Test func aMillionStationsAreListedAndForgottenWithoutTheWorker() async throws {
    let count = 1_000_000
    try await Bench.with { bench in
      try await bench.addSwitch("sw") { $0.fdbLimit = count }
      for name in ["a", "b"] { try await bench.addPort(name, .access(vlan: 1)) }
      let plane = bench.dataplane
      let fdb = try #require(await plane.table(of: "sw")).fdb
      let ports = [try await plane.record("a").index, try await plane.record("b").index]
      for station in 0..<count {
        let key = FDB.key(vlan: UInt16(1 + station % 2), MACAddress(bits: UInt64(station) << 8 | 2))
        // The worker, which ages them once a second, may have the table at that moment.
        while fdb.learn(key, port: ports[station % 2], tick: TickClock.first) == nil {}
      }
      let worker = await plane.worker
      let commands = worker.commands.count
      #expect(await plane.switchStatus().map(\.fdbEntries) == [UInt64(count)])
      let rows = await plane.fdb(switchName: "sw")
      #expect(rows.count == count)
      #expect(rows.count { $0.port == "a" && $0.vlan == 1 } == count / 2)
      await plane.flushFDB(switchName: "sw", port: "a", vlan: nil)
      #expect(await plane.switchStatus().map(\.fdbEntries) == [UInt64(count / 2)])
      await plane.flushFDB(switchName: nil, port: nil, vlan: 2)
      #expect(await plane.fdb(switchName: nil).isEmpty)
      try await plane.changeSwitch(SwitchConfiguration(name: "sw"))
      #expect(worker.commands.count == commands)
      #expect(fdb.longestHold <= FDB.pieceCount)
    }
  }

  /// A station whose frame comes while the table is busy is noted with its next one; meanwhile it is flooded to.
  @Test func aStationThatCouldNotBeNotedIsNotedWithItsNextFrame() async throws {
    try await threePorts { bench, fdb in
      try bench.exchange(frame(2, to: 9), from: "b")
      try whileBusy(fdb) {
        for seed in 0..<3 {
          let known = frame(1, to: 2, seed: seed)
          try bench.expect(known, from: "a", reaches: ["b": known])
          let unknown = frame(2, to: 1, seed: seed)
          try bench.expect(unknown, from: "b", reaches: ["a": unknown, "c": unknown])
        }
      }
      #expect(await bench.stations() == [Station(1, 2): "b"])
      try bench.exchange(frame(1, to: 2), from: "a")
      #expect(await bench.stations() == [Station(1, 1): "a", Station(1, 2): "b"])
      let answer = frame(2, to: 1)
      try bench.expect(answer, from: "b", reaches: ["a": answer])
    }
  }

  /// A station that moves while the table is busy is followed when it is free again, without another frame of it.
  @Test func aMoveThatCouldNotBeNotedIsNotedWhenTheTableIsFree() async throws {
    try await threePorts { bench, fdb in
      try bench.exchange(frame(1, to: 9), from: "a")
      try bench.expect(frame(3, to: 1), from: "c", reaches: ["a": frame(3, to: 1)])
      let old = try await bench.dataplane.record("a").index
      try whileBusy(fdb) {
        try bench.exchange(frame(1, to: 9), from: "b")
        #expect(fdb.lookup(key(1))?.port == old)
      }
      #expect(await eventually { await bench.stations()[Station(1, 1)] == "b" })
      try bench.expect(frame(3, to: 1), from: "c", reaches: ["b": frame(3, to: 1)])
    }
  }

  /// A conversation that was on its way without a look at the table ends with a flush, at once.
  @Test func aFlushEndsWhatIsRemembered() async throws {
    try await threePorts { bench, _ in
      try bench.exchange(frame(1, to: 9), from: "a")
      try bench.exchange(frame(2, to: 1), from: "b")
      for round in 0..<50 {
        let known = frame(1, to: 2, seed: round)
        try bench.expect(known, from: "a", reaches: ["b": known])
        await bench.dataplane.flushFDB(switchName: "sw", port: round % 2 == 0 ? nil : "b", vlan: nil)
        try bench.expect(known, from: "a", reaches: ["b": known, "c": known])
        try bench.exchange(frame(2, to: 1), from: "b")
      }
    }
  }

  /// A carrier that goes while the table is busy: its stations are forgotten as soon as it is free.
  @Test func stationsOfAPortThatWentAreForgottenWhenTheTableIsFree() async throws {
    try await threePorts { bench, fdb in
      try bench.exchange(frame(1, to: 9), from: "a")
      try bench.exchange(frame(2, to: 9), from: "b")
      let index = try await bench.dataplane.record("a").index
      let commands = await bench.dataplane.worker.commands
      try whileBusy(fdb) {
        let before = commands.count
        commands.submit { $0.coldSetWanted(index, false) }
        let deadline = Deadline(milliseconds: 60_000)
        while commands.count == before, deadline.remaining > 0 {}
        // The worker goes on: others' frames pass, and those for the station are dropped at its port.
        try bench.expect(frame(2, to: 1), from: "b", reaches: [:])
        try bench.expect(frame(9, to: 2), from: "c", reaches: ["b": frame(9, to: 2)])
        #expect(fdb.lookup(key(1)) != nil)
      }
      #expect(await eventually { await bench.stations()[Station(1, 1)] == nil })
      try bench.expect(frame(2, to: 1), from: "b", reaches: ["c": frame(2, to: 1)])
    }
  }

  /// Who gets the number of a port that was removed inherits none of its stations, however busy the table is.
  @Test func aPortInheritsNoStations() async throws {
    try await threePorts { bench, fdb in
      try bench.exchange(frame(1, to: 9), from: "a")
      bench.dropGuest("a")
      let commands = await bench.dataplane.worker.commands
      let (isHeld, isOver) = (Flag(), Flag())
      let holder = try HostThread.start(name: "holder", cpu: nil) {
        fdb.writer.coldWithLock { _ in
          let before = commands.count
          isHeld.set()
          // Until the worker has removed the port, and a little more.
          let deadline = Deadline(milliseconds: 60_000)
          while commands.count == before, deadline.remaining > 0 {}
          let rest = Deadline(milliseconds: 20)
          while rest.remaining > 0 {}
          isOver.set()
        }
      }
      #expect(await eventually { isHeld.isSet })
      try await bench.dataplane.removePort("a")
      #expect(isOver.isSet)
      holder.join()
      #expect(fdb.lookup(key(1)) == nil)
      #expect(await bench.stations().isEmpty)
    }
  }

  /// What a worker owes of a port goes with the port: paid later, it would meet the next one with the number.
  @Test func aPortThatGoesLeavesNoDebt() async throws {
    try await threePorts { bench, fdb in
      let port = try await bench.dataplane.record("a").index
      let debts = await bench.dataplane.worker.run { core in
        fdb.writer.coldWithLock { _ in
          core.coldForgetStations(of: port)
          let before = core.forwarder.owedFlushes.count
          core.coldRemovePort(port)
          return [before, core.forwarder.owedFlushes.count]
        }
      }
      #expect(debts == [1, 0])
      bench.dropGuest("a")
      try await bench.dataplane.removePort("a")
    }
  }

  /// Of a switch that was removed while another one came, the other stays.
  @Test func aSwitchThatComesWhileAnotherGoesIsAlive() async throws {
    try await Bench.with { bench in
      let plane = bench.dataplane
      for round in 0..<50 {
        try await plane.addSwitch(SwitchConfiguration(name: "old\(round)"))
        async let gone: Void = plane.removeSwitch("old\(round)")
        async let come: Void = plane.addSwitch(SwitchConfiguration(name: "new\(round)"))
        _ = try await (gone, come)
        let index = try await plane.switchIndex("new\(round)")
        let table = try #require(await plane.table(of: "new\(round)"))
        #expect(await plane.worker.run { $0.forwarder.switches[index].table === table })
        try await plane.removeSwitch("new\(round)")
      }
    }
  }
}
