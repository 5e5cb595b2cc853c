import Frames
import Testing

@testable import Dataplane

/// Frames that wait: in order, as many as there is room for, and memory only while they do.
@Suite struct HeldQueueTests {
  private func frame(_ number: Int, size: Int) -> [UInt8] {
    (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ number &* 13 &+ $0 >> 8) }
  }

  /// The bytes of each frame of a burst, from scratch and from where it lies.
  private func contents(_ burst: borrowing Burst) -> [[UInt8]] {
    (0..<burst.count).map { index in
      var bytes: [UInt8] = []
      burst.forEachTailPiece(burst.frames[index], from: 0) { base, size in
        bytes += Array(UnsafeRawBufferPointer(start: base, count: size))
      }
      let first = burst.frames[index].scratchSize
      #expect(
        Array(UnsafeRawBufferPointer(start: burst.scratchSlot(index), count: first)) == Array(bytes.prefix(first)))
      return bytes
    }
  }

  /// Sizes of all sorts, put in and taken out in turns, so that pieces of memory come and go.
  @Test func framesComeOutAsTheyWentIn() {
    var queue = HeldQueue(limit: 64 << 20)
    let burst = Burst()
    let numbers = FixedArray<UInt64>(count: Burst.capacity) { _ in 0 }
    var (put, taken) = (0, 0)
    func size(_ number: Int) -> Int { [14, 60, 63, 64, 65, 1514, 9000, 65_539][number % 8] - number / 8 % 9 }
    for round in 0..<40 {
      for _ in 0..<(round * 7 % 50) {
        var entry = HeldQueue.Entry()
        entry.packetID = UInt64(put)
        let isThere = queue.append(entry, frame(put, size: size(put)))
        #expect(isThere)
        put += 1
      }
      burst.reset()
      queue.load(into: burst, numbers, limit: round * 5 % 64 + 1)
      let found = contents(burst)
      for (place, bytes) in found.enumerated() {
        let isSame = bytes == frame(taken + place, size: size(taken + place))
        #expect(isSame, "frame \(taken + place)")
        #expect(numbers[place] == UInt64(taken + place))
      }
      queue.removeFirst(found.count)
      taken += found.count
      #expect(queue.count == put - taken)
    }
    var rest: [[UInt8]] = []
    queue.coldForEach { _, bytes in rest.append(bytes) }
    #expect(rest == (taken..<put).map { frame($0, size: size($0)) })
    #expect(queue.bytes == rest.map(\.count).reduce(0, +))
    queue.removeFirst(put)
    #expect(queue.count == 0 && queue.bytes == 0 && queue.firstEntry == nil)
    burst.reset()
    queue.load(into: burst, numbers)
    #expect(burst.count == 0)
  }

  /// Small frames count more than their bytes.
  @Test func theLimitIsKept() {
    var queue = HeldQueue(limit: 10 * (60 + HeldQueue.overhead))
    var count = 0
    while queue.append(HeldQueue.Entry(), frame(count, size: 60)) { count += 1 }
    #expect(count == 10 && queue.count == 10)
    queue.removeFirst(1)
    let (fits, next) = (queue.append(HeldQueue.Entry(), frame(10, size: 60)), queue.append(HeldQueue.Entry(), []))
    #expect(fits && !next)
    queue.removeAll()
    #expect(queue.count == 0)
    var none = HeldQueue(limit: 0)
    let isTaken = none.append(HeldQueue.Entry(), [1])
    #expect(!isTaken)
  }

  /// What a frame's sender left to others is known again when it leaves.
  @Test func whatASenderLeftToOthersStays() {
    var queue = HeldQueue(limit: 1 << 20)
    var entry = HeldQueue.Entry()
    (entry.needsChecksum, entry.checksumStart, entry.checksumOffset) = (true, 34, 16)
    _ = queue.append(entry, frame(1, size: 400))
    let burst = Burst()
    let numbers = FixedArray<UInt64>(count: Burst.capacity) { _ in 0 }
    queue.load(into: burst, numbers)
    #expect(burst.frames[0].needsChecksum && burst.frames[0].checksumStart == 34)
    #expect(burst.frames[0].checksumOffset == 16 && burst.frames[0].scratchSize == Burst.scratchSlotSize)
  }
}
