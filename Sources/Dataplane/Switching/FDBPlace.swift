import Synchronization

/// An entry of a forwarding database by its number: where it lies, and its neighbours in its port's list.
struct FDBPlace: ~Copyable, Zeroable, Sendable {
  /// Line and slot, plus one; 0 = there is no entry of this number.
  let position = Atomic<UInt32>(0)
  /// Neighbours in the port's list, plus one, for the writer; 0 = none.
  ///
  /// Of a number that is free, `older` is the next free one.
  let older = Atomic<UInt32>(0)
  let newer = Atomic<UInt32>(0)

  static func position(_ line: Int, _ slot: Int) -> UInt32 { UInt32(4 * line + slot + 1) }

  static func spot(_ position: UInt32) -> (line: Int, slot: Int) {
    (Int(position - 1) / 4, Int(position - 1) % 4)
  }
}
