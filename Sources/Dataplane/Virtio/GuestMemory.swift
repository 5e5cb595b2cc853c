/// One mapped region of guest memory.
@safe
struct GuestRegion: BitwiseCopyable {
  let guestBase: UInt64
  let size: UInt64
  let hostBase: UnsafeMutableRawPointer

  init(guestBase: UInt64, size: UInt64, hostBase: UnsafeMutableRawPointer) {
    self.guestBase = guestBase
    self.size = size
    unsafe self.hostBase = hostBase
  }

  /// What is to be added to a host address in the region to have the guest's.
  @inline(__always)
  var guestAddressShift: UInt64 { unsafe guestBase &- UInt64(UInt(bitPattern: hostBase)) }

  /// The host address of `size` bytes at a guest address, or nil unless this region holds them all.
  @unsafe @inline(__always)
  func translate(_ address: UInt64, size: UInt64) -> UnsafeMutableRawPointer? {
    let offset = address &- guestBase
    // SAFETY: offset < self.size and size <= self.size - offset keep the range inside the mapping.
    guard offset < self.size, size <= self.size &- offset else { return nil }
    return unsafe hostBase + Int(truncatingIfNeeded: offset)
  }
}

/// The only way from an address that a guest named to memory: a table of regions, looked up with checks.
///
/// Unsafe code. Invariants: `regions` points at `count` regions, and at the same once more in the order of their host
/// addresses, that a `MemoryTable` keeps mapped for as long as this view is installed in a port; the worker replaces view
/// and table together, between breaths.
@safe
struct GuestMemory: BitwiseCopyable {
  private let regions: UnsafePointer<GuestRegion>
  private let count: Int

  @unsafe
  init(regions: UnsafePointer<GuestRegion>, count: Int) {
    unsafe self.regions = regions
    self.count = count
  }

  /// The host address of `size` bytes at a guest address, or nil unless one region holds them all.
  ///
  /// `hint` is the region tried first, and is set to the one that was found.
  @unsafe @inline(__always)
  func translate(_ address: UInt64, size: UInt64, hint: inout Int) -> UnsafeMutableRawPointer? {
    if hint < count {
      // SAFETY: hint < count.
      if let base = unsafe regions[hint].translate(address, size: size) { return unsafe base }
    }
    return unsafe translateSlowly(address, size: size, hint: &hint)
  }

  @unsafe @inline(never)
  private func translateSlowly(_ address: UInt64, size: UInt64, hint: inout Int) -> UnsafeMutableRawPointer? {
    guard let index = region(of: address) else { return nil }
    // SAFETY: as above.
    guard let base = unsafe regions[index].translate(address, size: size) else { return nil }
    hint = index
    return unsafe base
  }

  /// Region `hint`, for loops that look into one only; one of no bytes if there is none.
  @inline(__always)
  func likelyRegion(_ hint: Int) -> GuestRegion {
    // SAFETY: hint < count; the other is never reached, since it holds no byte.
    guard hint < count else {
      return unsafe GuestRegion(guestBase: 0, size: 0, hostBase: UnsafeMutableRawPointer(mutating: regions))
    }
    return unsafe regions[hint]
  }

  /// The longest piece at a guest address, at most `size` bytes: a buffer may cross from one region to the next.
  @unsafe
  func piece(at address: UInt64, size: UInt64) -> Segment? {
    guard let index = region(of: address) else { return nil }
    // SAFETY: as above.
    let region = unsafe regions[index]
    let offset = address &- region.guestBase
    let count = min(size, region.size &- offset)
    return unsafe Segment(
      base: region.hostBase + Int(truncatingIfNeeded: offset), size: Int(truncatingIfNeeded: count))
  }

  /// The guest address of what was translated before.
  func guestAddress(of piece: Segment) -> UInt64? {
    let address = unsafe UInt(bitPattern: piece.base)
    var (low, high) = (0, count)
    while low < high {
      let middle = (low + high) / 2
      // SAFETY: 0 <= middle < count, and behind the regions they are once more.
      if unsafe UInt(bitPattern: regions[count + middle].hostBase) <= address {
        low = middle + 1
      } else {
        high = middle
      }
    }
    guard low > 0 else { return nil }
    // SAFETY: 0 < low <= count.
    let region = unsafe regions[count + low - 1]
    let offset = unsafe UInt64(address &- UInt(bitPattern: region.hostBase))
    return offset < region.size ? region.guestBase &+ offset : nil
  }

  /// Index of the region that holds an address; regions are sorted by guest address and do not overlap.
  private func region(of address: UInt64) -> Int? {
    var low = 0
    var high = count
    while low < high {
      let middle = (low + high) / 2
      // SAFETY: 0 <= middle < count.
      if unsafe regions[middle].guestBase <= address { low = middle + 1 } else { high = middle }
    }
    guard low > 0 else { return nil }
    // SAFETY: 0 < low <= count.
    let region = unsafe regions[low - 1]
    return address &- region.guestBase < region.size ? low - 1 : nil
  }
}
