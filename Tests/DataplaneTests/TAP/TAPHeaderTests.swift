import GuestKit
import Testing

@testable import Dataplane

/// virtio-net headers in front of a TAP's frames: a node can write them itself, through a packet socket.
@Suite struct TAPHeaderTests {
  /// Sends a frame with a partial checksum from an interface over a wire to a guest that takes none; returns what that got
  /// and how many frames were refused.
  private func sent(_ frame: [UInt8], start: UInt8, field: UInt8) throws -> (frames: [[UInt8]], refused: UInt64?) {
    let bench = try ContractBench()
    try bench.wire(0, .tap, 1, .vhostUser, hasOffload: true)
    let header: [UInt8] = [1, 0, 0, 0, 0, 0, start, 0, field, 0, 0, 0]
    #expect(try bench.send(header + frame, from: 0))
    return (try bench.received(1), bench.blocks[0]?.ingressDrops["header-invalid"])
  }

  /// The switch has gone by the addresses: they leave as they were judged.
  @Test(arguments: [(0, 0), (0, 6), (6, 4), (12, 0), (13, 1)] as [(UInt8, UInt8)])
  func aChecksumInFrontOfThePayloadIsRefused(start: UInt8, field: UInt8) throws {
    let outcome = try sent(frame(1, to: 2), start: start, field: field)
    #expect(outcome.frames == [])
    #expect(outcome.refused == 1)
  }

  @Test(arguments: [(14, 0), (34, 6), (98, 0)] as [(UInt8, UInt8)])
  func oneBehindTheHeaderIsCompleted(start: UInt8, field: UInt8) throws {
    let bytes = frame(1, to: 2)
    let outcome = try sent(bytes, start: start, field: field)
    let model = ModelFrame(bytes: bytes, checksum: (Int(start), Int(field)), pieces: [bytes.count])
    #expect(outcome.frames == [model.leaving(.keep, takesPartial: false)])
    #expect(outcome.refused == nil)
  }
}
