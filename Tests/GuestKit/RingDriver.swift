import LinuxHost
import VhostUser

/// The driver's side of one virtqueue in shared memory, honest or not, in some format.
///
/// As a driver must behave: `add`, `publish`, `kick`, `collect` and what is made of them. What follows in the second half
/// breaks the rules that every format has; a driver of a format lets its own words be written besides.
package protocol RingDriver: AnyObject, Sendable {
  var format: RingFormat { get }
  var memory: SharedMemory { get }
  /// Ring index of vhost-user.
  var index: Int { get }
  /// Entries.
  var size: Int { get }
  /// What SET_VRING_ADDR says of the ring; with its guest address for the log, as QEMU says it in any case.
  var addresses: RingAddresses { get }
  /// What SET_VRING_BASE says of the ring as it was at its last reset or start.
  var startBase: UInt32 { get }
  /// What GET_VRING_BASE says when the device has used all that was published.
  var base: UInt32 { get }
  var kickEvent: EventDescriptor { get }
  var callEvent: EventDescriptor { get }
  /// VIRTIO_F_EVENT_IDX is negotiated.
  var usesEventIndex: Bool { get set }
  /// Kicks that were sent.
  var kickCount: Int { get }
  /// Descriptors that nobody holds.
  var freeCount: Int { get }
  /// Chains that the device has.
  var outstandingCount: Int { get }
  /// Used chains that were not collected.
  var usedCount: Int { get }

  /// Empties the ring as after a reset of the device: at its beginning, every descriptor free.
  func reset()
  /// Goes on as if `count` chains of one descriptor had been made available and used since a reset: as a driver that
  /// takes over a ring, or whose positions wrap soon.
  func start(after count: UInt16)

  /// Puts a chain into the ring, not yet visible to the device.
  ///
  /// - Parameter isIndirect: the chain goes into a table of its own and takes one descriptor.
  /// - Returns: its identity, as `UsedChain` has it.
  /// - Throws: `full` without enough free descriptors.
  @discardableResult
  func add(_ segments: [RingSegment], isIndirect: Bool) throws(GuestKitError) -> UInt16
  /// Shows the device all that was added.
  func publish()
  /// Kicks if the device wants it for what was published since the last call.
  func kickIfWanted()
  /// Kicks.
  func kick()
  /// Takes used chains, oldest first, and frees their descriptors.
  ///
  /// - Throws: `violation` for a chain that the device does not have, or more of them than the ring has.
  func collect(atMost limit: Int) throws(GuestKitError) -> [UsedChain]
  /// Asks for a call once `count` more chains are used than were collected.
  func armCalls(after count: Int)
  /// Asks for no calls.
  func disarmCalls()

  // Against the rules.

  /// Guest address of the descriptors: 16 bytes each, of which the first twelve are address and length.
  var descriptorTable: UInt64 { get }
  /// Writes one descriptor of the ring, whatever is there.
  func write(_ descriptor: RawDescriptor)
  /// Writes one descriptor of an indirect table at guest address `table`.
  func write(_ descriptor: RawDescriptor, table: UInt64)
  /// Writes descriptors and adds them as one chain, not yet visible to the device, without any check.
  ///
  /// - Parameter id: what the ring says the chain is; nil = the slot of its first descriptor.
  func offer(_ chain: [RawDescriptor], id: UInt16?)
  /// Makes descriptors available as they are: one chain each, that begins at these slots.
  func offerUnseen(_ slots: [UInt16])
  /// Slot of the first descriptor of a chain that was published: the one that the device takes after `ahead` others.
  func slotToTake(after ahead: Int) -> Int
  /// A slot that a chain may go on to from this one.
  func slot(behind slot: Int) -> Int
  /// Used entries that were not collected, oldest first, as they lie there.
  func peekUsed(_ count: Int) -> [UsedEntry]
  /// Writes a value to a word of the ring that is no descriptor: an index, an event word, flags, an entry.
  ///
  /// - Parameter choice: any number; which word it is.
  func writeWord(_ choice: UInt64, _ value: UInt64)
  /// Writes the driver's wishes for calls and the device's for kicks, word by word.
  func writeWishes(_ value: () -> UInt16)
}

extension RingDriver {
  @discardableResult
  package func add(_ segments: [RingSegment]) throws(GuestKitError) -> UInt16 {
    try add(segments, isIndirect: false)
  }

  /// Adds, publishes and kicks if wanted.
  package func submit(_ segments: [RingSegment], isIndirect: Bool = false) throws(GuestKitError) {
    try add(segments, isIndirect: isIndirect)
    publish()
    kickIfWanted()
  }

  package func collect() throws(GuestKitError) -> [UsedChain] { try collect(atMost: .max) }

  /// Waits for `count` used chains that have not been taken, asking the device for a call at the last of them.
  ///
  /// - Returns: false if the time is over; also if the chains are there and the call for them has not come, on which a
  ///   driver would sleep on.
  package func waitForUsed(_ count: Int = 1, until deadline: Deadline) -> Bool {
    while usedCount < count {
      armCalls(after: count)
      guard usedCount < count else { break }
      guard deadline.waitReadable([callEvent.raw]) else { return false }
      callEvent.drain()
    }
    return true
  }

  /// Writes a table of descriptors anywhere, chained in order.
  package func writeTable(_ table: UInt64, _ segments: [RingSegment]) {
    for (position, segment) in segments.enumerated() {
      let isLast = position == segments.count - 1
      write(
        RawDescriptor(
          slot: position, address: segment.address, length: segment.length,
          flags: (segment.isWritable ? RawDescriptor.write : 0) | (isLast ? 0 : RawDescriptor.next),
          next: isLast ? 0 : UInt16(position + 1)), table: table)
    }
  }
}

/// One descriptor of a chain.
package struct RingSegment: Sendable, Equatable {
  package var address: UInt64
  package var length: UInt32
  /// The device writes it.
  package var isWritable: Bool

  package init(_ address: UInt64, _ length: Int, isWritable: Bool) {
    self.address = address
    self.length = UInt32(truncatingIfNeeded: length)
    self.isWritable = isWritable
  }
}

/// A used chain that the driver took.
package struct UsedChain: Sendable, Equatable {
  package var id: UInt16
  /// Bytes that the device says it wrote.
  package var length: UInt32
  package var segments: [RingSegment]

  package init(id: UInt16, length: UInt32, segments: [RingSegment]) {
    self.id = id
    self.length = length
    self.segments = segments
  }
}

/// One used entry as it lies in the ring.
package struct UsedEntry: Sendable, Equatable {
  package var id: UInt32
  package var length: UInt32

  package init(id: UInt32, length: UInt32) {
    self.id = id
    self.length = length
  }
}

/// One descriptor as it lies in its table.
package struct RawDescriptor: Sendable {
  /// VIRTQ_DESC_F_NEXT, _WRITE, _INDIRECT (VIRTIO 1.2 sections 2.7.5 and 2.8.5).
  package static let next: UInt16 = 1
  package static let write: UInt16 = 2
  package static let indirect: UInt16 = 4

  package var slot: Int
  package var address: UInt64
  package var length: UInt32
  package var flags: UInt16
  /// Where the chain goes on, in a format that says so.
  package var next: UInt16

  package init(slot: Int, address: UInt64, length: UInt32, flags: UInt16 = 0, next: UInt16 = 0) {
    self.slot = slot
    self.address = address
    self.length = length
    self.flags = flags
    self.next = next
  }
}
