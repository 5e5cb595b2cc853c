import Dataplane
import FoundationEssentials
import GuestKit
import Logging
import Testing

@testable import Lab

/// Guests that come back to a daemon that was started again.
@Suite struct TakeoverWatchTests {
  /// An ARP request of the first station for the second, and its answer.
  private let request = FrameBuilder(to: FrameBuilder.broadcast, from: FrameBuilder.station(1)).arp(
    operation: 1, senderAddress: FrameBuilder.station(1), senderIP: [10, 0, 0, 1],
    targetAddress: [0, 0, 0, 0, 0, 0], targetIP: [10, 0, 0, 2])
  private let reply = FrameBuilder(to: FrameBuilder.station(1), from: FrameBuilder.station(2)).arp(
    operation: 2, senderAddress: FrameBuilder.station(2), senderIP: [10, 0, 0, 2],
    targetAddress: FrameBuilder.station(1), targetIP: [10, 0, 0, 1])

  /// A switch with ports `vm1` and `vm2`, watched for as long as `body` runs; the paths of their sockets.
  private func with(
    recorderSize: Int = 1 << 20, _ body: (Dataplane, [String]) async throws -> Void
  ) async throws {
    try await withTemporaryDirectories { directories in
      try Files.makeDirectory(directories.stateRoot)
      var configuration = DataplaneConfiguration()
      configuration.recorderSize = recorderSize
      let plane = try Dataplane(configuration)
      try await plane.addSwitch(SwitchConfiguration(name: "sw1"))
      let paths = (1...2).map { "\(directories.stateRoot)/vm\($0).sock" }
      for (index, path) in paths.enumerated() {
        try await plane.addPort(
          PortConfiguration(
            name: "vm\(index + 1)", switchName: "sw1", mode: .access(vlan: 1),
            address: FrameBuilder.address(index + 1), backend: .vhostUser(VhostUserSocket(path: path))))
      }
      var watch = TakeoverWatch(plane: plane, nodes: [], logger: Logger(label: "test"))
      // Tests may keep each other from their processor for seconds.
      watch.length = .seconds(60)
      watch.requests.lifetime = 60_000_000_000
      let task = Task { [watch] in await watch.run() }
      let result: Result<Void, any Error>
      do { result = .success(try await body(plane, paths)) } catch { result = .failure(error) }
      task.cancel()
      await task.value
      await plane.stop()
      try result.get()
    }
  }

  /// The next frame for a guest, without holding the thread that the watch may need; nil if none comes in time.
  private func frame(for guest: VirtualGuest, within limit: Duration = .seconds(60)) async throws -> [UInt8]? {
    let end = ContinuousClock.now + limit
    while ContinuousClock.now < end {
      if let received = try guest.receive(timeout: 0) { return received.frame }
      try await Task.sleep(for: .milliseconds(10))
    }
    return nil
  }

  private func guest(_ path: String) throws -> VirtualGuest {
    let guest = try VirtualGuest()
    try guest.connect(path: path)
    return guest
  }

  /// A guest at the first port that has asked while nobody else was there.
  private func asking(_ plane: Dataplane, _ path: String) async throws -> VirtualGuest {
    let guest = try guest(path)
    let end = ContinuousClock.now + .seconds(60)
    while await plane.ports().first?.carrier == false, ContinuousClock.now < end {
      try await Task.sleep(for: .milliseconds(10))
    }
    try guest.send(request)
    #expect(try guest.waitForTransmitted())
    return guest
  }

  @Test func aRequestReachesAPortThatCameBackLate() async throws {
    try await with { plane, paths in
      let first = try await asking(plane, paths[0])
      defer { first.disconnect() }
      let second = try guest(paths[1])
      let got = try await frame(for: second)
      #expect(got == request)
      try second.send(reply)
      let answer = try await frame(for: first)
      #expect(answer == reply)
    }
  }

  @Test func aRequestThatNobodyAnswersIsAskedAFewTimes() async throws {
    try await with { plane, paths in
      let first = try await asking(plane, paths[0])
      defer { first.disconnect() }
      let second = try guest(paths[1])
      var count = 0
      while let got = try await frame(for: second, within: count == 0 ? .seconds(60) : .seconds(1)) {
        #expect(got == request)
        count += 1
      }
      // After 100 and after 300 ms, or once for both; the return of the first may count as well.
      #expect((1...4).contains(count))
    }
  }

  @Test func nothingIsAskedAgainWithoutARecorder() async throws {
    try await with(recorderSize: 0) { plane, paths in
      let first = try await asking(plane, paths[0])
      defer { first.disconnect() }
      let second = try guest(paths[1])
      let got = try await frame(for: second, within: .seconds(1))
      #expect(got == nil)
    }
  }
}
