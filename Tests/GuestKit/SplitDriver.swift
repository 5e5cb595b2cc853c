import LinuxHost

/// The driver's side of one split virtqueue in shared memory (VIRTIO 1.2 section 2.7), honest or not.
///
/// `add`, `publish`, `kick` and `collect` behave as a driver must. Everything else about the ring can be written raw:
/// any descriptor, any available entry, any index and any event word.
package final class SplitDriver: @unchecked Sendable {
  /// One descriptor of a chain.
  package struct Segment: Sendable, Equatable {
    package var address: UInt64
    package var length: UInt32
    /// The device writes it (VIRTQ_DESC_F_WRITE).
    package var isWritable: Bool

    package init(_ address: UInt64, _ length: Int, isWritable: Bool) {
      self.address = address
      self.length = UInt32(truncatingIfNeeded: length)
      self.isWritable = isWritable
    }
  }

  /// A used entry that the driver took.
  package struct Used: Sendable, Equatable {
    package var head: UInt16
    /// Bytes that the device says it wrote.
    package var length: UInt32
    package var segments: [Segment]
  }

  package static let nextFlag: UInt16 = 1
  package static let writeFlag: UInt16 = 2
  package static let indirectFlag: UInt16 = 4

  package let memory: SharedMemory
  /// Ring index of vhost-user.
  package let index: Int
  /// Entries.
  package let size: Int
  /// Guest addresses of the three parts.
  package let descriptorTable: UInt64
  package let availableRing: UInt64
  package let usedRing: UInt64
  package let kickEvent: EventDescriptor
  package let callEvent: EventDescriptor
  /// VIRTIO_F_EVENT_IDX is negotiated.
  package var usesEventIndex = false
  /// Next position in the available ring, not yet published.
  package private(set) var nextAvailable: UInt16 = 0
  /// Position in the used ring up to which entries were collected.
  package private(set) var lastUsed: UInt16 = 0
  /// Kicks that were sent.
  package private(set) var kickCount = 0

  private var published: UInt16 = 0
  private var free: [UInt16]
  private var chains: [UInt16: (slots: [UInt16], segments: [Segment])] = [:]
  private var indirectTables: [UInt16: UInt64] = [:]
  private static let indirectCapacity = 256

  /// Lays the ring out in `memory`.
  ///
  /// - Parameter region: index of the memory region to put it in.
  package init(memory: SharedMemory, index: Int, size: Int, region: Int = 0) throws {
    self.memory = memory
    self.index = index
    self.size = size
    descriptorTable = memory.allocate(16 * size, alignment: 16, region: region)
    availableRing = memory.allocate(6 + 2 * size, alignment: 2, region: region)
    usedRing = memory.allocate(6 + 8 * size, alignment: 4, region: region)
    kickEvent = try EventDescriptor()
    callEvent = try EventDescriptor()
    free = (0..<UInt16(size)).map { $0 }
  }

  /// Empties the ring as after a reset of the device: indices 0, every descriptor free.
  package func reset() {
    memory.fill(availableRing, count: 6 + 2 * size, with: 0)
    memory.fill(usedRing, count: 6 + 8 * size, with: 0)
    nextAvailable = 0
    published = 0
    lastUsed = 0
    free = (0..<UInt16(size)).map { $0 }
    chains = [:]
    callEvent.drain()
    kickEvent.drain()
  }

  /// Descriptors that nobody holds.
  package var freeCount: Int { free.count }
  /// Chains that the device has.
  package var outstandingCount: Int { chains.count }

  // MARK: - As a driver must

  /// Puts a chain into the ring, not yet visible to the device.
  ///
  /// - Parameter isIndirect: the chain goes into a table of its own and takes one descriptor.
  /// - Throws: `full` without enough free descriptors.
  @discardableResult
  package func add(_ segments: [Segment], isIndirect: Bool = false) throws(GuestKitError) -> UInt16 {
    let needed = isIndirect ? 1 : segments.count
    guard needed > 0, free.count >= needed else { throw .full }
    let slots = Array(free.prefix(needed))
    free.removeFirst(needed)
    let head = slots[0]
    if isIndirect {
      let table = indirectTable(head)
      writeTable(table, segments)
      writeDescriptor(
        Int(head), address: table, length: UInt32(16 * segments.count), flags: Self.indirectFlag, next: 0)
    } else {
      for (position, segment) in segments.enumerated() {
        let isLast = position == segments.count - 1
        writeDescriptor(
          Int(slots[position]), address: segment.address, length: segment.length,
          flags: (segment.isWritable ? Self.writeFlag : 0) | (isLast ? 0 : Self.nextFlag),
          next: isLast ? 0 : slots[position + 1])
      }
    }
    chains[head] = (slots, segments)
    offer(head)
    return head
  }

  /// Writes the head of a chain to the next position of the available ring; any number may be given.
  package func offer(_ head: UInt16) {
    writeAvailableEntry(Int(nextAvailable) % size, head)
    nextAvailable &+= 1
  }

  /// Shows the device all that was added.
  package func publish() {
    availableIndex = nextAvailable
  }

  /// Kicks if the device wants it for what was published since the last call.
  package func kickIfWanted() {
    let old = published
    let new = nextAvailable
    published = new
    let isWanted =
      usesEventIndex ? new &- availableEvent &- 1 < new &- old : usedFlags & 1 == 0
    if isWanted { kick() }
  }

  /// Kicks.
  package func kick() {
    kickCount += 1
    kickEvent.signal()
  }

  /// Adds, publishes and kicks if wanted.
  package func submit(_ segments: [Segment], isIndirect: Bool = false) throws(GuestKitError) {
    try add(segments, isIndirect: isIndirect)
    publish()
    kickIfWanted()
  }

  /// Used entries that have not been taken.
  package var usedCount: Int { Int(usedIndex &- lastUsed) }

  /// Takes used entries, oldest first, and frees their descriptors.
  ///
  /// - Throws: `violation` for an entry that names no chain the device has, or more entries than the ring has.
  package func collect(atMost limit: Int = .max) throws(GuestKitError) -> [Used] {
    let count = usedCount
    guard count <= size else { throw .violation("used index advanced by \(count) in a ring of \(size)") }
    var entries: [Used] = []
    while entries.count < min(count, limit) {
      let entry = usedRing + 4 + 8 * UInt64(Int(lastUsed) % size)
      let head = memory.load32(entry)
      guard let slot = UInt16(exactly: head), let chain = chains.removeValue(forKey: slot) else {
        throw .violation("used entry \(lastUsed) names \(head), which the device does not have")
      }
      free += chain.slots
      lastUsed &+= 1
      entries.append(Used(head: slot, length: memory.load32(entry + 4), segments: chain.segments))
    }
    return entries
  }

  /// Waits for `count` used entries that have not been taken, asking the device for a call at the last of them.
  ///
  /// - Returns: false if the time is over; also if the entries are there and the call for them has not come, on which a
  ///   driver would sleep on.
  package func waitForUsed(_ count: Int = 1, until deadline: Deadline) -> Bool {
    while usedCount < count {
      armCalls(at: lastUsed &+ UInt16(count - 1))
      guard usedCount < count else { break }
      guard deadline.waitReadable([callEvent.raw]) else { return false }
      callEvent.drain()
    }
    return true
  }

  /// Asks for a call once the used entry at `position` is there.
  package func armCalls(at position: UInt16) {
    availableFlags = 0
    usedEvent = position
  }

  /// Asks for no calls.
  package func disarmCalls() {
    availableFlags = 1
    usedEvent = lastUsed &- 1
  }

  // MARK: - Raw words of the ring

  package func writeDescriptor(_ slot: Int, address: UInt64, length: UInt32, flags: UInt16, next: UInt16) {
    writeDescriptor(at: descriptorTable + 16 * UInt64(slot), address, length, flags, next)
  }

  /// Any entry of the available ring; `position` counts from the ring's start.
  package func writeAvailableEntry(_ position: Int, _ head: UInt16) {
    memory.store(head, at: availableRing + 4 + 2 * UInt64(position))
  }

  package var availableFlags: UInt16 {
    get { memory.load16(availableRing) }
    set { memory.store16(newValue, at: availableRing) }
  }
  package var availableIndex: UInt16 {
    get { memory.load16(availableRing + 2) }
    set { memory.store16(newValue, at: availableRing + 2) }
  }
  /// `used_event`, behind the available ring: the driver's wish for calls.
  package var usedEvent: UInt16 {
    get { memory.load16(availableRing + 4 + 2 * UInt64(size)) }
    set { memory.store16(newValue, at: availableRing + 4 + 2 * UInt64(size)) }
  }
  package var usedFlags: UInt16 {
    get { memory.load16(usedRing) }
    set { memory.store16(newValue, at: usedRing) }
  }
  package var usedIndex: UInt16 {
    get { memory.load16(usedRing + 2) }
    set { memory.store16(newValue, at: usedRing + 2) }
  }
  /// `avail_event`, behind the used ring: the device's wish for kicks.
  package var availableEvent: UInt16 {
    get { memory.load16(usedRing + 4 + 8 * UInt64(size)) }
    set { memory.store16(newValue, at: usedRing + 4 + 8 * UInt64(size)) }
  }

  /// Starts at any index, as a driver that takes over a ring, or wraps soon.
  package func setIndices(_ index: UInt16) {
    nextAvailable = index
    published = index
    lastUsed = index
    availableIndex = index
    usedIndex = index
  }

  /// Writes a table of descriptors anywhere, chained in order.
  package func writeTable(_ table: UInt64, _ segments: [Segment]) {
    for (position, segment) in segments.enumerated() {
      let isLast = position == segments.count - 1
      writeDescriptor(
        at: table + 16 * UInt64(position), segment.address, segment.length,
        (segment.isWritable ? Self.writeFlag : 0) | (isLast ? 0 : Self.nextFlag),
        isLast ? 0 : UInt16(position + 1))
    }
  }

  private func writeDescriptor(
    at address: UInt64, _ buffer: UInt64, _ length: UInt32, _ flags: UInt16, _ next: UInt16
  ) {
    memory.store(buffer, at: address)
    memory.store(length, at: address + 8)
    memory.store(flags, at: address + 12)
    memory.store(next, at: address + 14)
  }

  private func indirectTable(_ head: UInt16) -> UInt64 {
    if let table = indirectTables[head] { return table }
    let table = memory.allocate(16 * Self.indirectCapacity)
    indirectTables[head] = table
    return table
  }
}
