import LinuxHost
import VhostUser

/// The driver's side of one packed virtqueue in shared memory (VIRTIO 1.2 section 2.8), honest or not.
///
/// Descriptors lie one behind the other; which of them a chain has is told by the order in which chains were added, since
/// the device uses them in it. Every descriptor and every event word can be written raw.
package final class PackedDriver: RingDriver, @unchecked Sendable {
  package let format = RingFormat.packed
  package let memory: SharedMemory
  package let index: Int
  package let size: Int
  /// Guest addresses of the three areas.
  package let descriptorTable: UInt64
  package let driverEvent: UInt64
  package let deviceEvent: UInt64
  package let kickEvent: EventDescriptor
  package let callEvent: EventDescriptor
  package var usesEventIndex = false
  package private(set) var kickCount = 0
  package private(set) var startBase: UInt32 = 0x8000_8000

  /// A place and its lap: the device's and the driver's wrap counters are 1 in the first.
  struct Position: Equatable {
    var place = 0
    var isWrapOne = true

    /// As `off_wrap` and SET_VRING_BASE say it.
    var word: UInt16 { UInt16(place) | (isWrapOne ? 0x8000 : 0) }

    func advanced(by count: Int, in size: Int) -> Position {
      let laps = (place + count) / size
      return Position(place: (place + count) % size, isWrapOne: laps % 2 == 0 ? isWrapOne : !isWrapOne)
    }
  }

  /// AVAIL and USED.
  package static let available: UInt16 = 1 << 7
  package static let used: UInt16 = 1 << 15

  /// Where the next chain goes; what was added and not published is behind `published`.
  private var next = Position()
  private var published = Position()
  /// `published` when the device was last kicked, or asked whether it wants to be.
  private var asked = Position()
  private var lastUsed = Position()
  /// Flags of the first descriptor that was added since the last publication: written last.
  private var firstFlags: UInt16?
  /// Chains that were made available and not collected, oldest first: identity, and places.
  private var order: [(id: UInt16, places: Int)] = []
  private var chains: [UInt16: (places: Int, segments: [RingSegment])] = [:]
  private var freeIDs: [UInt16]
  private var freePlaces: Int
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
    driverEvent = memory.allocate(4, alignment: 4, region: region)
    deviceEvent = memory.allocate(4, alignment: 4, region: region)
    kickEvent = try EventDescriptor()
    callEvent = try EventDescriptor()
    freeIDs = (0..<UInt16(size)).map { $0 }
    freePlaces = size
  }

  package func reset() {
    memory.fill(descriptorTable, count: 16 * size, with: 0)
    memory.fill(driverEvent, count: 4, with: 0)
    memory.fill(deviceEvent, count: 4, with: 0)
    start(at: Position())
    freeIDs = (0..<UInt16(size)).map { $0 }
    freePlaces = size
    chains = [:]
    callEvent.drain()
    kickEvent.drain()
  }

  package func start(after count: UInt16) {
    let position = Position().advanced(by: Int(count), in: size)
    // As they lie there when all was used: this lap's before the position, those of the lap before from it on.
    for place in 0..<size {
      let isWrapOne = place < position.place ? position.isWrapOne : !position.isWrapOne
      memory.store16(isWrapOne ? Self.available | Self.used : 0, at: descriptor(place) + 14)
    }
    start(at: position)
  }

  private func start(at position: Position) {
    (next, published, asked, lastUsed) = (position, position, position, position)
    startBase = UInt32(position.word) << 16 | UInt32(position.word)
    firstFlags = nil
    order = []
  }

  package var addresses: RingAddresses {
    RingAddresses(
      flags: 0, descriptors: memory.userAddress(descriptorTable), used: memory.userAddress(deviceEvent),
      available: memory.userAddress(driverEvent), log: deviceEvent)
  }

  package var base: UInt32 { UInt32(published.word) << 16 | UInt32(published.word) }
  package var freeCount: Int { min(freePlaces, freeIDs.count) }
  package var outstandingCount: Int { chains.count }

  /// Guest address of a descriptor.
  private func descriptor(_ place: Int) -> UInt64 { descriptorTable + 16 * UInt64(place) }

  // MARK: - As a driver must

  @discardableResult
  package func add(_ segments: [RingSegment], isIndirect: Bool) throws(GuestKitError) -> UInt16 {
    let needed = isIndirect ? 1 : segments.count
    guard needed > 0, freePlaces >= needed, let id = freeIDs.first else { throw .full }
    freeIDs.removeFirst()
    freePlaces -= needed
    chains[id] = (needed, segments)
    if isIndirect {
      let table = indirectTable(id)
      writeTable(table, segments)
      offer(
        [
          RawDescriptor(
            slot: 0, address: table, length: UInt32(16 * segments.count), flags: RawDescriptor.indirect)
        ], id: id)
    } else {
      offer(
        segments.map {
          RawDescriptor(slot: 0, address: $0.address, length: $0.length, flags: $0.isWritable ? RawDescriptor.write : 0)
        }, id: id)
    }
    return id
  }

  package func publish() {
    if let firstFlags { memory.store16(firstFlags, at: descriptor(published.place) + 14) }
    firstFlags = nil
    published = next
  }

  package func kickIfWanted() {
    let (old, new) = (asked, published)
    asked = published
    let wish = deviceFlags & 3
    let isWanted: Bool
    if usesEventIndex, wish == 2 {
      // Places of the event and of the last kick behind the new position, as a driver of 16 bits has them.
      let event = Position(place: Int(deviceOffset & 0x7FFF), isWrapOne: deviceOffset & 0x8000 != 0)
      isWanted = behind(new, event) >= 1 && behind(new, event) <= behind(new, old)
    } else {
      isWanted = wish != 1
    }
    if isWanted { kick() }
  }

  /// Places from `old` to `new`, which is at most a lap on.
  private func behind(_ new: Position, _ old: Position) -> Int {
    new.place - old.place + (new.isWrapOne == old.isWrapOne ? 0 : size)
  }

  package func kick() {
    kickCount += 1
    kickEvent.signal()
  }

  /// Used descriptors that are there, and their places, oldest first.
  private func usedPositions(atMost limit: Int) -> [Position] {
    var found: [Position] = []
    var position = lastUsed
    while found.count < min(limit, order.count), isUsed(position) {
      found.append(position)
      position = position.advanced(by: order[found.count - 1].places, in: size)
    }
    return found
  }

  private func isUsed(_ position: Position) -> Bool {
    let flags = memory.load16(descriptor(position.place) + 14)
    return (flags & Self.available != 0) == position.isWrapOne && (flags & Self.used != 0) == position.isWrapOne
  }

  package var usedCount: Int { usedPositions(atMost: .max).count }

  package func collect(atMost limit: Int) throws(GuestKitError) -> [UsedChain] {
    var taken: [UsedChain] = []
    for position in usedPositions(atMost: limit) {
      let entry = entry(position)
      let id = UInt16(truncatingIfNeeded: entry.id)
      guard id == order[0].id, let chain = chains.removeValue(forKey: id) else {
        throw .violation("used descriptor \(position.place) names \(id), which is not the next that the device has")
      }
      order.removeFirst()
      freeIDs.append(id)
      freePlaces += chain.places
      lastUsed = position.advanced(by: chain.places, in: size)
      taken.append(UsedChain(id: id, length: entry.length, segments: chain.segments))
    }
    return taken
  }

  /// A used descriptor; without WRITE its length means nothing.
  private func entry(_ position: Position) -> UsedEntry {
    let address = descriptor(position.place)
    let isWritten = memory.load16(address + 14) & RawDescriptor.write != 0
    return UsedEntry(id: UInt32(memory.load16(address + 12)), length: isWritten ? memory.load32(address + 8) : 0)
  }

  package func armCalls(after count: Int) {
    let places = (0..<max(count - 1, 0)).reduce(0) { $0 + ($1 < order.count ? order[$1].places : 1) }
    driverOffset = lastUsed.advanced(by: places, in: size).word
    driverFlags = usesEventIndex ? 2 : 0
  }

  package func disarmCalls() { driverFlags = 1 }

  // MARK: - Against the rules, and raw words of the ring

  /// Leaves to the descriptor what tells whose it is, and its id.
  package func write(_ descriptor: RawDescriptor) {
    let address = self.descriptor(descriptor.slot)
    memory.store(descriptor.address, at: address)
    memory.store(descriptor.length, at: address + 8)
    let owner = memory.load16(address + 14) & (Self.available | Self.used)
    memory.store16(descriptor.flags & ~(Self.available | Self.used) | owner, at: address + 14)
  }

  package func write(_ descriptor: RawDescriptor, table: UInt64) {
    let place = table + 16 * UInt64(descriptor.slot)
    memory.store(descriptor.address, at: place)
    memory.store(descriptor.length, at: place + 8)
    memory.store(UInt16(0), at: place + 12)
    memory.store(descriptor.flags, at: place + 14)
  }

  /// The chain's descriptors go behind each other, whatever slots they name, each but the last with NEXT if it says so.
  package func offer(_ chain: [RawDescriptor], id: UInt16?) {
    let id = id ?? UInt16(truncatingIfNeeded: chain.first?.slot ?? 0)
    for (number, descriptor) in chain.enumerated() {
      let address = self.descriptor(next.place)
      let isChained = number < chain.count - 1
      let flags =
        descriptor.flags | (isChained ? RawDescriptor.next : 0) | (next.isWrapOne ? Self.available : Self.used)
      memory.store(descriptor.address, at: address)
      memory.store(descriptor.length, at: address + 8)
      memory.store16(id, at: address + 12)
      if firstFlags == nil { firstFlags = flags } else { memory.store16(flags, at: address + 14) }
      next = next.advanced(by: 1, in: size)
    }
    order.append((id, chain.count))
  }

  /// Places follow each other: how many there are counts, not which.
  package func offerUnseen(_ slots: [UInt16]) {
    publish()
    for _ in slots {
      let address = descriptor(next.place)
      let owner = next.isWrapOne ? Self.available : Self.used
      memory.store16(memory.load16(address + 14) & ~(Self.available | Self.used) | owner, at: address + 14)
      order.append((memory.load16(address + 12), 1))
      next = next.advanced(by: 1, in: size)
    }
    published = next
  }

  package func slotToTake(after ahead: Int) -> Int {
    let before = order.prefix(usedCount + ahead)
    return lastUsed.advanced(by: before.reduce(0) { $0 + $1.places }, in: size).place
  }

  package func slot(behind slot: Int) -> Int { (slot + 1) % size }

  package func peekUsed(_ count: Int) -> [UsedEntry] {
    var (entries, position): ([UsedEntry], Position) = ([], lastUsed)
    for number in 0..<count {
      entries.append(entry(position))
      position = position.advanced(by: number < order.count ? order[number].places : 1, in: size)
    }
    return entries
  }

  package func writeWord(_ choice: UInt64, _ value: UInt64) {
    let word = UInt16(truncatingIfNeeded: value)
    switch choice % 6 {
    case 0: driverOffset = word
    case 1: driverFlags = word
    case 2: deviceOffset = word
    case 3: deviceFlags = word
    case 4: memory.store16(word, at: descriptor(Int(choice / 6 % UInt64(size))) + 12)
    default: memory.store16(word, at: descriptor(Int(choice / 6 % UInt64(size))) + 14)
    }
  }

  package func writeWishes(_ value: () -> UInt16) {
    driverOffset = value()
    driverFlags = value()
    deviceOffset = value()
    deviceFlags = value()
  }

  /// A descriptor's flags, whole.
  package func flags(at slot: Int) -> UInt16 { memory.load16(descriptor(slot) + 14) }
  package func setFlags(_ flags: UInt16, at slot: Int) { memory.store16(flags, at: descriptor(slot) + 14) }

  /// The driver's wish for calls (`off_wrap` and flags), and the device's for kicks.
  package var driverOffset: UInt16 {
    get { memory.load16(driverEvent) }
    set { memory.store16(newValue, at: driverEvent) }
  }
  package var driverFlags: UInt16 {
    get { memory.load16(driverEvent + 2) }
    set { memory.store16(newValue, at: driverEvent + 2) }
  }
  package var deviceOffset: UInt16 {
    get { memory.load16(deviceEvent) }
    set { memory.store16(newValue, at: deviceEvent) }
  }
  package var deviceFlags: UInt16 {
    get { memory.load16(deviceEvent + 2) }
    set { memory.store16(newValue, at: deviceEvent + 2) }
  }

  private func indirectTable(_ id: UInt16) -> UInt64 {
    if let table = indirectTables[id] { return table }
    let table = memory.allocate(16 * Self.indirectCapacity)
    indirectTables[id] = table
    return table
  }
}

extension RingDriver {
  /// The driver of a packed ring, for tests of that format alone.
  package var packed: PackedDriver {
    guard let driver = self as? PackedDriver else { preconditionFailure("ring \(index) is \(format)") }
    return driver
  }
}
