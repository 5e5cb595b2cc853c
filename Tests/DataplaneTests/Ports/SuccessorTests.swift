import GuestKit
import TestSupport
import Testing

@testable import Dataplane

/// A port that has the number or the name of one that went is not taken for it.
@Suite struct SuccessorTests {
  /// What a trace found has the names of the moment when it was found, however late it is told.
  @Test func aTraceHasTheNamesOfItsMoment() async throws {
    try await Bench.with { bench in
      try await bench.addSwitch()
      try await bench.addGuest("a", .access(vlan: 1))
      let plane = bench.dataplane
      let worker = await plane.worker
      for round in 0..<20 {
        let (old, new) = ("old\(round)", "new\(round)")
        try await bench.addPort(old, .access(vlan: 1))
        let number = try await plane.record(old).index
        let successor = PortConfiguration(
          name: new, switchName: "sw", mode: .access(vlan: 1), address: FrameBuilder.address(1),
          backend: .vhostUser(VhostUserSocket(path: bench.path(new))))
        // The worker is still to hear of the new port, by the actor and by the reactor; then only the trace is waiting.
        await plane.reactor.settle()
        await worker.run { _ in }
        let hold = Hold()
        worker.commands.submit { _ in hold.wait() }
        #expect(await hold.reached())
        // Of low priority, so that the data plane's actor, which has much to do, hears of the answer last.
        let trace = Task.detached(priority: .background) { try await plane.trace(port: "a", frame: frame(1, to: nil)) }
        #expect(await eventually { worker.commands.isWaiting })
        let isOver = Flag()
        defer { isOver.set() }
        let others = (0..<4).map { _ in
          Task.detached(priority: .high) { while !isOver.isSet { _ = await plane.switches() } }
        }
        hold.end()
        try await Task.detached(priority: .high) {
          try await plane.removePort(old)
          try await plane.addPort(successor)
        }.value
        isOver.set()
        for task in others { await task.value }
        #expect(try await plane.record(new).index == number)
        let text = try await trace.value.steps.map(\.text).joined(separator: "\n")
        #expect(text.contains("down are \(old)"), "\(text)")
        try await plane.removePort(new)
      }
    }
  }

  /// An end of a patch that is made anew, while the one before it is still on its way out, is part of the capture that
  /// asks for it, with counts of its own.
  @Test func aCaptureTakesInThePortThatHasTheNameNow() async throws {
    try await Bench.with { bench in
      for name in ["s1", "s2"] { try await bench.addSwitch(name) }
      let plane = bench.dataplane
      let mode = PortMode.trunk(allowed: VLANSet([1...1]), native: nil)
      try await plane.addPatch(name: "t", between: "s1", and: "s2", mode: mode)
      try await bench.addGuest("a", .access(vlan: 1), on: "s1")
      try await bench.addGuest("b", .access(vlan: 1), on: "s2")
      var configuration = CaptureConfiguration()
      configuration.endsWithPorts = false
      let capture = try await plane.startCapture(ports: ["s1:t"], configuration)
      try bench.expect(frame(1, to: 2), from: "a", reaches: ["b": frame(1, to: 2)])
      #expect(capture.interfaces.map(\.counts.captured) == [1])

      let hold = Hold()
      await plane.reactor.commands.submit { _ in hold.wait() }
      #expect(await hold.reached())
      async let first: Void = plane.removePort("s1:t")
      async let second: Void = plane.removePort("s2:t")
      // Refused as long as the names are taken.
      #expect(
        await eventually { (try? await plane.addPatch(name: "t", between: "s1", and: "s2", mode: mode)) != nil })
      let interface = try await plane.addPort("s1:t", to: capture)
      hold.end()
      _ = try await (first, second)

      try bench.expect(frame(1, to: 2, seed: 1), from: "a", reaches: ["b": frame(1, to: 2, seed: 1)])
      #expect(capture.interfaces.map(\.name) == ["s1:t", "s1:t"])
      #expect(capture.interfaces.map(\.isEnded) == [true, false])
      #expect(capture.interfaces.map(\.counts.captured) == [1, 1])
      #expect(interface === capture.interfaces.last)
      // Who asks again gets the same.
      #expect(try await plane.addPort("s1:t", to: capture) === interface)
    }
  }
}
