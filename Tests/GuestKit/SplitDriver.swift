import LinuxHost
import VhostUser

/// The driver's side of one split virtqueue in shared memory (VIRTIO 1.2 section 2.7), honest or not.
///
/// Everything about the ring can be written raw: any descriptor, any available entry, any index and any event word.
package final class SplitDriver: RingDriver, @unchecked Sendable {
  package let format = RingFormat.split
  package let memory: SharedMemory
  package let index: Int
  package let size: Int
  /// Guest addresses of the three parts.
  package let descriptorTable: UInt64
  package let availableRing: UInt64
  package let usedRing: UInt64
  package let kickEvent: EventDescriptor
  package let callEvent: EventDescriptor
  package var usesEventIndex = false
  /// Next position in the available ring, not yet published.
  package private(set) var nextAvailable: UInt16 = 0
  /// Position in the used ring up to which entries were collected.
  package private(set) var lastUsed: UInt16 = 0
  package private(set) var kickCount = 0

  private var published: UInt16 = 0
  private var free: [UInt16]
  private var chains: [UInt16: (slots: [UInt16], segments: [RingSegment])] = [:]
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

  package func reset() {
    memory.fill(availableRing, count: 6 + 2 * size, with: 0)
    memory.fill(usedRing, count: 6 + 8 * size, with: 0)
    nextAvailable = 0
    published = 0
    lastUsed = 0
    startBase = 0
    free = (0..<UInt16(size)).map { $0 }
    chains = [:]
    callEvent.drain()
    kickEvent.drain()
  }

  package var addresses: RingAddresses {
    RingAddresses(
      flags: 0, descriptors: memory.userAddress(descriptorTable), used: memory.userAddress(usedRing),
      available: memory.userAddress(availableRing), log: usedRing)
  }

  package private(set) var startBase: UInt32 = 0
  package var base: UInt32 { UInt32(nextAvailable) }

  package var freeCount: Int { free.count }
  package var outstandingCount: Int { chains.count }

  // MARK: - As a driver must

  @discardableResult
  package func add(_ segments: [RingSegment], isIndirect: Bool) throws(GuestKitError) -> UInt16 {
    let needed = isIndirect ? 1 : segments.count
    guard needed > 0, free.count >= needed else { throw .full }
    let slots = Array(free.prefix(needed))
    free.removeFirst(needed)
    let head = slots[0]
    if isIndirect {
      let table = indirectTable(head)
      writeTable(table, segments)
      write(
        RawDescriptor(
          slot: Int(head), address: table, length: UInt32(16 * segments.count), flags: RawDescriptor.indirect))
    } else {
      for (position, segment) in segments.enumerated() {
        let isLast = position == segments.count - 1
        write(
          RawDescriptor(
            slot: Int(slots[position]), address: segment.address, length: segment.length,
            flags: (segment.isWritable ? RawDescriptor.write : 0) | (isLast ? 0 : RawDescriptor.next),
            next: isLast ? 0 : slots[position + 1]))
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

  package func publish() {
    availableIndex = nextAvailable
  }

  package func kickIfWanted() {
    let old = published
    let new = nextAvailable
    published = new
    let isWanted =
      usesEventIndex ? new &- availableEvent &- 1 < new &- old : usedFlags & 1 == 0
    if isWanted { kick() }
  }

  package func kick() {
    kickCount += 1
    kickEvent.signal()
  }

  package var usedCount: Int { Int(usedIndex &- lastUsed) }

  package func collect(atMost limit: Int) throws(GuestKitError) -> [UsedChain] {
    let count = usedCount
    guard count <= size else { throw .violation("used index advanced by \(count) in a ring of \(size)") }
    var entries: [UsedChain] = []
    while entries.count < min(count, limit) {
      let entry = usedRing + 4 + 8 * UInt64(Int(lastUsed) % size)
      let head = memory.load32(entry)
      guard let slot = UInt16(exactly: head), let chain = chains.removeValue(forKey: slot) else {
        throw .violation("used entry \(lastUsed) names \(head), which the device does not have")
      }
      free += chain.slots
      lastUsed &+= 1
      entries.append(UsedChain(id: slot, length: memory.load32(entry + 4), segments: chain.segments))
    }
    return entries
  }

  package func armCalls(after count: Int) {
    armCalls(at: lastUsed &+ UInt16(truncatingIfNeeded: count - 1))
  }

  /// Asks for a call once the used entry at `position` is there.
  package func armCalls(at position: UInt16) {
    availableFlags = 0
    usedEvent = position
  }

  package func disarmCalls() {
    availableFlags = 1
    usedEvent = lastUsed &- 1
  }

  // MARK: - Against the rules, and raw words of the ring

  package func write(_ descriptor: RawDescriptor) { write(descriptor, table: descriptorTable) }

  package func write(_ descriptor: RawDescriptor, table: UInt64) {
    let place = table + 16 * UInt64(descriptor.slot)
    memory.store(descriptor.address, at: place)
    memory.store(descriptor.length, at: place + 8)
    memory.store(descriptor.flags, at: place + 12)
    memory.store(descriptor.next, at: place + 14)
  }

  package func offer(_ chain: [RawDescriptor], id: UInt16?) {
    for descriptor in chain { write(descriptor) }
    offer(id ?? UInt16(truncatingIfNeeded: chain.first?.slot ?? 0))
  }

  package func offerUnseen(_ slots: [UInt16]) {
    for slot in slots {
      writeAvailableEntry(Int(availableIndex) % size, slot)
      availableIndex &+= 1
    }
  }

  package func slotToTake(after ahead: Int) -> Int {
    Int(memory.load16(availableRing + 4 + 2 * UInt64((Int(usedIndex) + ahead) % size)))
  }

  /// Any will do.
  package func slot(behind slot: Int) -> Int { slot ^ 1 }

  package func peekUsed(_ count: Int) -> [UsedEntry] {
    (0..<count).map {
      let entry = usedRing + 4 + 8 * UInt64((Int(lastUsed) + $0) % size)
      return UsedEntry(id: memory.load32(entry), length: memory.load32(entry + 4))
    }
  }

  package func writeWord(_ choice: UInt64, _ value: UInt64) {
    let word = UInt16(truncatingIfNeeded: value)
    switch choice % 5 {
    case 0: availableIndex = word
    case 1: usedIndex = word
    case 2: usedEvent = word
    case 3: availableFlags = word
    default: writeAvailableEntry(Int(choice / 5 % UInt64(size)), word)
    }
  }

  package func writeWishes(_ value: () -> UInt16) {
    usedEvent = value()
    availableFlags = value()
    availableEvent = value()
    usedFlags = value()
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

  package func start(after index: UInt16) {
    nextAvailable = index
    published = index
    lastUsed = index
    startBase = UInt32(index)
    availableIndex = index
    usedIndex = index
  }

  private func indirectTable(_ head: UInt16) -> UInt64 {
    if let table = indirectTables[head] { return table }
    let table = memory.allocate(16 * Self.indirectCapacity)
    indirectTables[head] = table
    return table
  }
}

extension RingDriver {
  /// The driver of a split ring, for tests of that format alone.
  package var split: SplitDriver {
    guard let driver = self as? SplitDriver else { preconditionFailure("ring \(index) is \(format)") }
    return driver
  }
}
