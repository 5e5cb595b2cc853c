import Frames
import GuestKit
import Testing

@testable import Dataplane

/// Large frames from interface to interface, with a virtio-net header in front of each.
@Suite struct TAPLargeFrameTests {
  private func model(_ size: Int) -> LargeFrameModel {
    var model = LargeFrameModel()
    model.payload = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 13 &+ 7) }
    return model
  }

  /// What an interface that takes such types gets of a frame from another one.
  private func passed(_ model: LargeFrameModel, _ types: LargeFrameTypes) throws -> [[UInt8]] {
    let bench = try ContractBench()
    bench.add(0, .tap)
    try bench.open(0, hasOffload: true, takesLarge: .all)
    bench.add(1, .tap)
    try bench.open(1, hasOffload: true, takesLarge: types)
    bench.core.coldConnect(0, 1)
    #expect(try bench.send(model.header.bytes + model.whole, from: 0))
    return try bench.received(1)
  }

  /// Of all sizes: within the first place of the pool, across its end, and as long as there are.
  @Test(arguments: [1449, 1990, 2000, 2048, 5000, 65_000]) func whatIsTakenPassesWhole(size: Int) throws {
    for isVersion4 in [true, false] {
      var model = model(size)
      (model.isVersion4, model.segmentSize) = (isVersion4, isVersion4 ? 1448 : 1428)
      #expect(try passed(model, .all) == [model.header.bytes + model.whole])
    }
  }

  @Test(arguments: [0, 4]) func whatIsNotTakenIsCut(tagSize: Int) throws {
    var model = model(20_000)
    if tagSize > 0 { model.tags = [(0x8100, 7)] }
    #expect(try passed(model, [.tcp6, .udp4]) == model.segments(.partial).map { model.segmentHeader.bytes + $0 })
  }

  /// The kernel refuses more than 128 datagrams in one.
  @Test func tooManyDatagramsAreCut() throws {
    var model = model(12_801)
    (model.transport, model.segmentSize) = (.udp, 100)
    #expect(try passed(model, .all).count == 129)
    model.payload.removeLast()
    #expect(try passed(model, .all) == [model.header.bytes + model.whole])
  }

  /// hdr_len is what the kernel says wrong of a tagged frame: ours is right.
  @Test func theSizeOfHeadersIsTold() throws {
    var model = model(5000)
    model.tags = [(0x88A8, 3), (0x8100, 7)]
    var header = model.header
    header.headerSize = 58
    let bench = try ContractBench()
    try bench.wire(0, .tap, 1, .tap, hasOffload: true)
    bench.remove(1)
    bench.add(1, .tap)
    try bench.open(1, hasOffload: true, takesLarge: .all)
    bench.core.coldConnect(0, 1)
    #expect(try bench.send(header.bytes + model.whole, from: 0))
    #expect(try bench.received(1) == [model.header.bytes + model.whole])
  }
}
