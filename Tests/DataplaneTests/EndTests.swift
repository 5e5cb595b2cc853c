import GuestKit
import LinuxHost
import Testing
import TestSupport

@testable import Dataplane

/// The end of a data plane: whoever asks for something then, or is being answered, does not wait for ever.
@Suite(.timeLimit(.minutes(2))) struct EndTests {
  @Test func whatComesAfterTheEndIsRefusedOrFindsNothing() async throws {
    try await Bench.with { bench in
      let plane = bench.dataplane
      try await bench.addSwitch()
      try await bench.addGuest("a", .access(vlan: 1))
      try await bench.addPort("b", .access(vlan: 1))
      let capture = try await plane.startCapture(ports: ["a"])
      await plane.stop()
      #expect(capture.end == .stopped)
      let refused: [() async throws -> Void] = [
        { try await bench.addPort("c", .access(vlan: 1)) }, { try await plane.removePort("a") },
        { try await bench.addPort("w", .wire) }, { try await bench.addSwitch("other") },
        { try await plane.removeSwitch("sw") }, { try await plane.setMode(port: "a", .access(vlan: 2)) },
        { try await plane.setCarrier(port: "a", up: false) }, { _ = try await plane.startCapture(ports: ["a"]) },
        { try await plane.setImpairment(port: "a", fromNode: nil, toNode: nil) },
        { _ = try await plane.takeSession(port: "a") }, { _ = try await plane.trace(port: "a", frame: []) },
        { try await plane.inject(port: "a", frames: [[]]) }, { _ = try await plane.snapshot(switchName: "sw") },
      ]
      for call in refused { await #expect(throws: Dataplane.hasEnded) { try await call() } }
      #expect(throws: SystemError.self) { try UnixSocket.connect(path: bench.path("c")) }
      _ = await plane.ports()
      #expect(await plane.heldPorts().isEmpty)
      await plane.settleInterfaces()
      await plane.stopCapture(capture)
      await plane.stop()
    }
  }

  /// Calls of every kind under way when the end comes: all return, and no socket is left.
  @Test func whatIsUnderWayAtTheEndReturns() async throws {
    for round in 0..<40 {
      try await Bench.with { bench in
        let plane = bench.dataplane
        try await bench.addSwitch()
        for name in ["a", "b"] { try await bench.addPort(name, .access(vlan: 1)) }
        let sockets = (0..<4).map { bench.path("n\($0)") }
        await withTaskGroup(of: Void.self) { group in
          for (number, path) in sockets.enumerated() {
            let port = PortConfiguration(
              name: "n\(number)", switchName: "sw", mode: .access(vlan: 1), address: FrameBuilder.address(1),
              backend: .vhostUser(VhostUserSocket(path: path)))
            group.addTask { while (try? await plane.addPort(port)) != nil { try? await plane.removePort(port.name) } }
          }
          group.addTask { while await !plane.isStopped { _ = await plane.ports() } }
          group.addTask { while (try? await plane.setCarrier(port: "a", up: false)) != nil {} }
          group.addTask {
            while let capture = try? await plane.startCapture(ports: ["b"]) { await plane.stopCapture(capture) }
          }
          group.addTask { while await !plane.isStopped { await plane.settleInterfaces() } }
          group.addTask {
            for _ in 0..<round { _ = await plane.ports() }
            await plane.stop()
          }
        }
        for path in sockets { #expect(throws: SystemError.self) { try UnixSocket.connect(path: path) } }
      }
    }
  }

  /// Nobody else would close its ring any more, and who drains it would wait for that.
  @Test func aCaptureThatBeginsAtTheEndIsClosed() async throws {
    for _ in 0..<40 {
      try await Bench.with { bench in
        let plane = bench.dataplane
        try await bench.addPort("a", .wire)
        async let started = try? plane.startCapture(ports: ["a"])
        await plane.stop()
        if let capture = await started { #expect(capture.end == .stopped) }
      }
    }
  }
}
