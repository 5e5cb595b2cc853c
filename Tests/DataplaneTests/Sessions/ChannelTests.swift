import Foundation
import GuestKit
import LinuxHost
import Synchronization
import TestSupport
import Testing
import VhostUser

@testable import Dataplane

/// Messages of our own to a front-end.
@Suite struct ChannelTests {
  private func tell(_ plane: Dataplane, _ message: OutgoingMessage) async throws -> Bool {
    let index = try await plane.record("a").index
    return await plane.reactor.run { $0.endpoints[index]?.tellFrontEnd(message) ?? false }
  }

  private func read(_ socket: Descriptor) throws -> [UInt8]? {
    guard Deadline(milliseconds: 5000).waitReadable([socket.raw]) else { return nil }
    guard case .data(let bytes, _) = try UnixSocket.receive(socket, size: 65536, maximumDescriptors: 8) else {
      return nil
    }
    return bytes
  }

  @Test func theChannelIsWrittenTo() async throws {
    try await Bench.with { bench in
      try await bench.addSwitch()
      let guest = try await bench.addGuest("a", .access(vlan: 1))
      let (plane, frontEnd) = (bench.dataplane, try #require(guest.frontEnd))
      let (near, far) = try UnixSocket.pair()
      try frontEnd.setBackendChannel(far)
      #expect(try await tell(plane, .request(2)))
      #expect(try read(near) == words32(2, 1, 0))
      // No front-end has agreed to descriptors here.
      let event = try EventDescriptor().descriptor
      #expect(try await tell(plane, .request(2, descriptors: [event])) == false)

      // Unread: so many messages wait, and the session goes on; then they come, without another word to us.
      let payload = [UInt8](repeating: 3, count: 4000)
      var sent = 0
      while try await tell(plane, .request(5, payload: payload)) { sent += 1 }
      #expect(sent >= BackendChannel.capacity)
      try frontEnd.barrier()
      var got = 0
      while got < sent * 4012, let bytes = try read(near) { got += bytes.count }
      #expect(got == sent * 4012)
      #expect(try await eventually { try await tell(plane, .request(6)) })

      // Another channel takes its place; what waits on the old one is gone, and a peer that left is no fault.
      while try await tell(plane, .request(5, payload: payload)) {}
      var (next, other): (Descriptor?, Descriptor) = try UnixSocket.pair()
      try frontEnd.setBackendChannel(other)
      #expect(try await tell(plane, .request(7)))
      #expect(try read(#require(next)) == words32(7, 1, 0))
      while try await tell(plane, .request(5, payload: payload)) {}
      next = nil
      other = far
      #expect(try await eventually { try await tell(plane, .request(8)) == false })
      try frontEnd.barrier()
      #expect(try await bench.status("a").vhostUser?.faults == 0)
      withExtendedLifetime((next, other)) {}
    }
  }

  /// "The back-end MUST NOT send" while no ring runs, nor where there is no channel.
  @Test func aSuspendedDeviceSaysNothing() async throws {
    try await Bench.with { bench in
      try await bench.addSwitch()
      let guest = try await bench.addGuest("a", .access(vlan: 1))
      let (plane, frontEnd) = (bench.dataplane, try #require(guest.frontEnd))
      // The mock's own channel, given at the start, is closed at its other end.
      _ = try await tell(plane, .request(2))
      #expect(try await tell(plane, .request(2)) == false)
      let (near, far) = try UnixSocket.pair()
      try frontEnd.setBackendChannel(far)
      try frontEnd.stopLikeQEMU(guest.plan)
      #expect(try await tell(plane, .request(2)) == false)
      try guest.reboot()
      #expect(try await tell(plane, .request(3)))
      #expect(try read(near) == words32(3, 1, 0))
      // It goes with the session.
      let taken = try #require(try await plane.takeSession(port: "a"))
      #expect(try await tell(plane, .request(4)) == false)
      try await plane.takeUp(taken, port: "a")
      #expect(try await tell(plane, .request(5)))
      #expect(try read(near) == words32(5, 1, 0))
      // But not in the middle of a message, whose rest stays behind.
      #expect(try await tell(plane, .request(6, payload: [UInt8](repeating: 3, count: 1 << 20))))
      let index = try await plane.record("a").index
      #expect(await plane.reactor.run { $0.endpoints[index]?.channel?.isWithinMessage } == true)
      let cut = try #require(try await plane.takeSession(port: "a"))
      #expect(cut.state.channel == nil)
      try await plane.takeUp(cut, port: "a")
      #expect(try await tell(plane, .request(7)) == false)
    }
  }
}
