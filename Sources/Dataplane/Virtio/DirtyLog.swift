internal import LinuxHost
import Synchronization
internal import VhostUser

/// The log of dirty pages of one session: a file of the front-end's, in which a bit stands for each page of guest
/// memory.
///
/// Mapped by the reactor, then installed in the port by its worker. The front-end may cut the file; what was marked
/// since is lost then, and the port fails as it does for lost memory.
final class DirtyLog: Sendable {
  private let mapping: MemoryMapping
  /// Bytes.
  let size: UInt64

  /// - Throws: EINVAL, EOVERFLOW or ENXIO if the file is none for a log, or not as long, as `MemoryMapping` has it.
  init(_ request: LogRequest) throws(SystemError) {
    mapping = try MemoryMapping(descriptor: request.descriptor, fileOffset: request.offset, size: request.size)
    size = request.size
  }

  /// The view that the worker marks with; good for as long as this lives.
  var pages: PageLog { unsafe PageLog(base: mapping.base, size: size) }

  /// The file was cut, and touched since.
  var hasFaulted: Bool { mapping.hasFaulted }

  /// Marks what is marked in another log, which nobody marks in any more.
  ///
  /// What was taken out of that one meanwhile may be marked once more, which costs its reader a page.
  func carry(from old: DirtyLog) {
    pages.mark(old.pages)
  }
}

/// Where a log's bits are.
///
/// Unsafe code. Invariants: `count` words at `words` are mapped, and 8-byte aligned, for as long as the `DirtyLog` is
/// installed; no bit is reached but through `mark(word:)`, which compares.
@safe
struct PageLog: BitwiseCopyable {
  /// Bytes of a page are 2 to this power, whatever the guest's own are (vhost-user, "Migration").
  static var pageShift: UInt64 { 12 }

  private let words: UnsafeMutablePointer<Atomic<UInt64>>
  /// Bits before that of page 0: a log may begin at any byte, and words are aligned.
  private let lead: UInt64
  private let bits: UInt64

  /// A log of no page.
  init() {
    // SAFETY: never dereferenced, as there is no bit.
    unsafe words = UnsafeMutablePointer(bitPattern: 16).unsafelyUnwrapped
    (lead, bits) = (0, 0)
  }

  /// - Parameter size: bytes from `base` to the log's end.
  @unsafe
  init(base: UnsafeMutableRawPointer, size: UInt64) {
    let before = UInt(bitPattern: base) & 7
    // SAFETY: mappings begin and end with a page, so the whole words at both ends of the log are within.
    unsafe words = (base - Int(before)).assumingMemoryBound(to: Atomic<UInt64>.self)
    lead = 8 &* UInt64(before)
    // More than the address space holds cannot be mapped.
    bits = lead &+ 8 &* size
  }

  /// The number of the bit of the page at a guest address.
  @inline(__always)
  func bit(of address: UInt64) -> UInt64 { address &>> Self.pageShift &+ lead }

  /// There is a bit for each page of `size` bytes at a guest address.
  func holds(_ address: UInt64, size: UInt64) -> Bool {
    let (last, isOver) = address.addingReportingOverflow(max(size, 1) &- 1)
    return !isOver && bit(of: last) < bits
  }

  /// Sets bits of one word, always, and by one instruction that nothing comes in between of.
  ///
  /// Whoever reads the log empties it at the same time: it exchanges a word by 0, then copies the pages whose bits it
  /// has found. To store a changed word would bring back what it has taken, and lose what others mark. To leave out a
  /// bit that is set already would lose a page: the look at the bit may come before what was written is visible to
  /// others, and the exchange, and the copy of the old page, between the two. So the bit is set anew: an exchange that
  /// comes before leaves it for the next round; one that comes behind finds it, and what was written before it
  /// (release, to the reader's acquire).
  @inline(__always)
  func mark(word: UInt64, _ mask: UInt64) {
    guard word &<< 6 < bits else { return }
    // SAFETY: the word holds a bit of the log.
    _ = unsafe words[Int(truncatingIfNeeded: word)].bitwiseOr(mask, ordering: .releasing)
  }

  /// Marks the pages of `size` bytes at a guest address; such as are beyond the log are left out.
  func mark(_ address: UInt64, size: UInt64) {
    guard size > 0, holds(address, size: size) else { return }
    let (first, last) = (bit(of: address), bit(of: address &+ size &- 1))
    for word in first >> 6...last >> 6 {
      let from = word == first >> 6 ? first & 63 : 0
      let to = word == last >> 6 ? last & 63 : 63
      mark(word: word, ~0 &<< from & ~0 &>> (63 &- to))
    }
  }

  /// Marks all that is marked in another log, as far as there is room.
  func mark(_ other: PageLog) {
    let pages = min(bits &- lead, other.bits &- other.lead)
    var page: UInt64 = 0
    while page < pages {
      let (from, to) = (page &+ other.lead, page &+ lead)
      // SAFETY: the bit is one of the other log's.
      let found = unsafe other.words[Int(truncatingIfNeeded: from >> 6)].load(ordering: .acquiring) >> (from & 63)
      // As many as lie in one word of both.
      let count = min(64 &- from & 63, 64 &- to & 63, pages &- page)
      let wanted = found & ~0 &>> (64 &- count)
      if wanted != 0 { mark(word: to >> 6, wanted &<< (to & 63)) }
      page &+= count
    }
  }
}
