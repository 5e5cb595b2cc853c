/// Where a ring's own words are for the log: guest addresses, which nothing is written by.
struct RingLogAddresses: Sendable, BitwiseCopyable {
  /// Of the descriptors: a packed ring's are written over.
  var descriptors: UInt64 = 0
  /// Of the used ring, or the device's event area, as SET_VRING_ADDR said it for the log; nil = it is not to be marked.
  ///
  /// May be anything.
  var used: UInt64?
  /// Bytes of that.
  var usedSize: UInt64 = 0
}

/// What a queue marks while its port's pages are logged: pages are noted as they are written, those that lie in one word
/// of the log together, and marked before anything tells the driver of them.
struct QueueLog: BitwiseCopyable {
  private var pages = PageLog()
  private var addresses = RingLogAddresses()
  /// Number of the first bit of the word that is noted, and its bits.
  private var first: UInt64 = 0
  private var noted: UInt64 = 0

  init() {}

  /// Marks in `pages` from now on.
  mutating func attach(_ pages: PageLog, _ addresses: RingLogAddresses) {
    self.pages = pages
    self.addresses = addresses
    // What was noted is marked by the end of each delivery and publication.
    (first, noted) = (0, 0)
  }

  /// The log has bits for the ring's own words.
  var holdsRing: Bool { addresses.used.map { pages.holds($0, size: addresses.usedSize) } ?? true }

  /// Notes the pages of `size` bytes that were written at a guest address; 1 byte or more.
  @inline(__always)
  mutating func note(_ address: UInt64, _ size: UInt64) {
    let begin = pages.bit(of: address)
    let end = pages.bit(of: address &+ size &- 1)
    (first, noted) = Self.noted(pages, first, noted, begin, end)
  }

  /// `noted` with the bits from `begin` to `end`; in registers, for loops.
  @inline(__always)
  private static func noted(
    _ pages: PageLog, _ first: UInt64, _ noted: UInt64, _ begin: UInt64, _ end: UInt64
  ) -> (first: UInt64, noted: UInt64) {
    let (from, to) = (begin &- first, end &- first)
    guard from < 64, to < 64 else { return noteApart(pages, first, noted, begin, end) }
    return (first, noted | ~0 &<< from & ~0 &>> (63 &- to))
  }

  /// The same where they lie in another word: what was noted is marked.
  @inline(never)
  private static func noteApart(
    _ pages: PageLog, _ first: UInt64, _ noted: UInt64, _ begin: UInt64, _ end: UInt64
  ) -> (first: UInt64, noted: UInt64) {
    if noted != 0 { pages.mark(word: first >> 6, noted) }
    var word = begin >> 6
    var from = begin & 63
    while word < end >> 6 {
      pages.mark(word: word, ~0 &<< from)
      word &+= 1
      from = 0
    }
    return (word &<< 6, ~0 &<< from & ~0 &>> (63 &- end & 63))
  }

  /// Marks what was noted.
  @inline(__always)
  mutating func flush() {
    if noted != 0 { pages.mark(word: first >> 6, noted) }
    noted = 0
  }

  /// Notes the buffers of `count` frames that were written to the places that `plain` has, in one region.
  @inline(never)
  mutating func note(_ plain: PlainFrames, _ count: Int, in region: GuestRegion) {
    let pages = pages
    let shift = region.guestAddressShift
    var (first, noted) = (first, noted)
    for position in 0..<count {
      let written = plain.written(position)
      let address = UInt64(written.address) &+ shift
      (first, noted) = Self.noted(
        pages, first, noted, pages.bit(of: address), pages.bit(of: address &+ written.size &- 1))
    }
    (self.first, self.noted) = (first, noted)
  }

  // The ring's own words.

  /// Notes bytes of the used ring, or of the device's event area, if it is to be marked.
  mutating func noteUsed(_ offset: Int, _ size: Int) {
    guard size > 0, let used = addresses.used, pages.holds(used, size: addresses.usedSize) else { return }
    note(used &+ UInt64(truncatingIfNeeded: offset), UInt64(truncatingIfNeeded: size))
  }

  /// Notes descriptors of a packed ring, which are always to be marked.
  mutating func noteDescriptors(_ place: Int, _ count: Int) {
    guard count > 0 else { return }
    note(
      addresses.descriptors &+ 16 &* UInt64(truncatingIfNeeded: place), 16 &* UInt64(truncatingIfNeeded: count))
  }
}
