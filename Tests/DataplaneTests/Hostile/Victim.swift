import Dataplane
import GuestKit
import LinuxHost
import TestSupport
import Testing

/// A port under attack, its honest neighbour, and two guests elsewhere that must notice nothing.
///
/// `bad` and `neighbour` are access ports of one switch, `near` and `far` of another.
struct Victim {
  let bench: Bench

  static func with(
    pairs: Int = 1, _ configure: @escaping (inout VirtualGuest.Options) -> Void = { _ in },
    _ body: (Victim) async throws -> Void
  ) async throws {
    try await Bench.with { bench in
      for name in ["sw", "elsewhere"] { try await bench.addSwitch(name) }
      try await bench.addGuest("bad", .access(vlan: 1)) {
        $0.pairs = pairs
        configure(&$0)
      }
      try await bench.addGuest("neighbour", .access(vlan: 1))
      for name in ["near", "far"] { try await bench.addGuest(name, .access(vlan: 1), on: "elsewhere") }
      let victim = Victim(bench: bench)
      try victim.expectTraffic()
      try await body(victim)
      try victim.expectOthersUnharmed()
    }
  }

  var bad: VirtualGuest {
    get throws { try bench.guest("bad") }
  }
  var neighbour: VirtualGuest {
    get throws { try bench.guest("neighbour") }
  }

  static func frame(_ source: Int, to destination: Int, seed: Int = 0) -> [UInt8] {
    GuestKit.frame(source, to: destination, seed: seed)
  }

  /// The two guests elsewhere exchange frames.
  func expectOthersUnharmed(sourceLocation: SourceLocation = #_sourceLocation) throws {
    for (sender, receiver, source) in [("near", "far", 31), ("far", "near", 32)] {
      let frame = Self.frame(source, to: 63 - source)
      try bench.guest(sender).send(frame)
      #expect(try bench.guest(receiver).receive()?.frame == frame, sourceLocation: sourceLocation)
    }
  }

  /// The port under attack and its neighbour exchange frames.
  func expectTraffic(sourceLocation: SourceLocation = #_sourceLocation) throws {
    for (sender, receiver, source) in [(try bad, try neighbour, 21), (try neighbour, try bad, 22)] {
      let frame = Self.frame(source, to: 43 - source)
      try sender.send(frame)
      let received = try receiver.receiveAny()?.frame.frame
      #expect(received == frame, sourceLocation: sourceLocation)
    }
  }

  /// Demands that the port failed once with these words, that others go on, and that the next guest at it is served and
  /// nothing of the last one is kept.
  func expectFault(_ reasons: String..., sourceLocation: SourceLocation = #_sourceLocation) async throws {
    let error = try await bench.fault("bad")
    #expect(reasons.allSatisfy(error.contains), "\(error)", sourceLocation: sourceLocation)
    #expect(try await eventually { try await bench.status("bad").carrier == false }, sourceLocation: sourceLocation)
    try expectOthersUnharmed(sourceLocation: sourceLocation)
    try await recover(sourceLocation: sourceLocation)
    let status = try await bench.status("bad")
    #expect(status.vhostUser?.faults == 1, sourceLocation: sourceLocation)
  }

  /// Connects a new guest to the port; the old one is gone, with all that the data plane held of it.
  func recover(sourceLocation: SourceLocation = #_sourceLocation) async throws {
    let node = try #require(bench.nodes.first { $0.name == "bad" })
    let old = node.guest
    old.disconnect()
    var options = old.options
    options.features = .max
    options.firstIndex = 0
    options.receiveCount = nil
    options.receiveLayout = [2048]
    node.guest = try VirtualGuest(options)
    try node.guest.connect(path: node.path)
    try expectTraffic(sourceLocation: sourceLocation)
    try await expectNothingKept(of: old, sourceLocation: sourceLocation)
  }

  /// A guest of its own memory takes the place of the one at the port, at once.
  @discardableResult
  func replaceBad(with options: VirtualGuest.Options? = nil, memory: SharedMemory? = nil) throws -> VirtualGuest {
    let node = try #require(bench.nodes.first { $0.name == "bad" })
    node.guest.disconnect()
    node.guest = try VirtualGuest(options ?? node.guest.options, memory: memory)
    try node.guest.connect(path: node.path)
    return node.guest
  }

  /// Demands that only this test still holds a guest's memory and events.
  func expectNothingKept(of guest: VirtualGuest, sourceLocation: SourceLocation = #_sourceLocation) async throws {
    let files =
      guest.memory.descriptors + guest.rings.flatMap { [$0.kickEvent.descriptor, $0.callEvent.descriptor] }
    let isAlone = await eventually { files.allSatisfy { openCopies(of: $0) == 1 } }
    #expect(isAlone, "\(files.map(openCopies))", sourceLocation: sourceLocation)
    let isUnmapped = await eventually { guest.memory.descriptors.allSatisfy { mappings(of: $0.raw) == 1 } }
    #expect(isUnmapped, sourceLocation: sourceLocation)
  }
}
