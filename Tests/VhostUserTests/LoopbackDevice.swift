import GuestKit
import LinuxHost

/// The plainest device there can be: each transmitted frame comes back on the receive ring.
///
/// Only to test GuestKit.
final class LoopbackDevice {
  private let memory: SharedMemory
  private let receive: SplitDriver
  private let transmit: SplitDriver
  private var receiveIndex: UInt16
  private var transmitIndex: UInt16
  /// Faults to be made.
  var miscountsBuffers = false
  var lengthOfTransmitted: UInt32 = 0

  init(_ guest: VirtualGuest) {
    memory = guest.memory
    receive = guest.rings[0].split
    transmit = guest.rings[1].split
    receiveIndex = guest.options.firstIndex
    transmitIndex = guest.options.firstIndex
  }

  /// Works off what is there.
  func run() {
    while transmitIndex != transmit.availableIndex {
      let head = entry(transmit, transmitIndex)
      let frame = segments(transmit, head).flatMap { memory.bytes($0.address, count: Int($0.length)) }
      deliver(frame)
      use(transmit, position: transmitIndex, head, lengthOfTransmitted)
      transmitIndex &+= 1
      transmit.usedIndex = transmitIndex
    }
    receive.callEvent.signal()
    transmit.callEvent.signal()
  }

  /// Writes header and frame to as many receive chains as it takes, then shows them together.
  private func deliver(_ frame: [UInt8]) {
    var rest = frame[...]
    var count: UInt16 = 0
    var firstAddress: UInt64?
    while !rest.isEmpty {
      let position = receiveIndex &+ count
      guard position != receive.availableIndex else { return }
      let head = entry(receive, position)
      var written: UInt32 = 0
      for segment in segments(receive, head) {
        let part = rest.prefix(Int(segment.length))
        memory.write(Array(part), at: segment.address)
        if firstAddress == nil { firstAddress = segment.address }
        rest = rest.dropFirst(part.count)
        written += UInt32(part.count)
      }
      use(receive, position: position, head, written)
      count += 1
    }
    if let firstAddress { memory.write([UInt8(count) + (miscountsBuffers ? 1 : 0), 0], at: firstAddress + 10) }
    receiveIndex &+= count
    receive.usedIndex = receiveIndex
  }

  private func entry(_ ring: SplitDriver, _ position: UInt16) -> UInt16 {
    memory.load16(ring.availableRing + 4 + 2 * UInt64(Int(position) % ring.size))
  }

  private func use(_ ring: SplitDriver, position: UInt16, _ head: UInt16, _ length: UInt32) {
    let address = ring.usedRing + 4 + 8 * UInt64(Int(position) % ring.size)
    memory.store(UInt32(head), at: address)
    memory.store(length, at: address + 4)
  }

  private func segments(_ ring: SplitDriver, _ head: UInt16) -> [RingSegment] {
    let first = descriptor(ring.descriptorTable, head)
    guard first.flags & RawDescriptor.indirect == 0 else { return chain(first.segment.address, 0) }
    return chain(ring.descriptorTable, head)
  }

  private func chain(_ table: UInt64, _ head: UInt16) -> [RingSegment] {
    var segments: [RingSegment] = []
    var slot = head
    while true {
      let entry = descriptor(table, slot)
      segments.append(entry.segment)
      guard entry.flags & RawDescriptor.next != 0 else { return segments }
      slot = entry.next
    }
  }

  private func descriptor(
    _ table: UInt64, _ slot: UInt16
  ) -> (segment: RingSegment, flags: UInt16, next: UInt16) {
    let address = table + 16 * UInt64(slot)
    let bytes = WireBytes(memory.bytes(address, count: 16))
    let flags = UInt16(truncatingIfNeeded: bytes.number(12, 2))
    return (
      .init(bytes.number(0, 8), Int(bytes.number(8, 4)), isWritable: flags & RawDescriptor.write != 0), flags,
      UInt16(truncatingIfNeeded: bytes.number(14, 2))
    )
  }
}

/// Little-endian numbers in an array.
private struct WireBytes {
  let bytes: [UInt8]

  init(_ bytes: [UInt8]) {
    self.bytes = bytes
  }

  func number(_ offset: Int, _ size: Int) -> UInt64 {
    bytes[offset..<(offset + size)].reversed().reduce(0) { $0 << 8 | UInt64($1) }
  }
}
