/// A port's forwarding states as the worker asks for them; a port that forwards in every VLAN has no memory here.
///
/// Unsafe code. Invariants: `words` is nil, or points at 128 initialised words from the assignment that made them to the
/// one that replaces them or `deinit`: 64 of the VLANs in which the port discards, then 64 of those in which it learns.
/// A VLAN's word is masked to those 64.
@safe
struct VLANStates: ~Copyable {
  private var words: UnsafeMutablePointer<UInt64>?

  init() { unsafe words = nil }

  deinit { unsafe words?.deallocate() }

  /// The port forwards in every VLAN.
  @inline(__always)
  var isEmpty: Bool { unsafe words == nil }

  @inline(__always)
  func state(_ vlan: UInt16) -> ForwardingState {
    guard let words = unsafe words else { return .forwarding }
    let (word, bit) = (Int(vlan >> 6) & 63, UInt64(1) << UInt64(vlan & 63))
    // SAFETY: word is below 64.
    if unsafe words[word] & bit != 0 { return .discarding }
    return unsafe words[64 + word] & bit != 0 ? .learning : .forwarding
  }

  /// Replaces them; nil = the port forwards in every VLAN.
  mutating func assign(_ states: ForwardingStates?) {
    unsafe words?.deallocate()
    unsafe words = nil
    guard let states, !states.isEmpty else { return }
    let new = UnsafeMutablePointer<UInt64>.allocate(capacity: 128)
    for index in 0..<64 {
      // SAFETY: all 128 are initialised here, before anybody can reach them.
      unsafe (new + index).initialize(to: states.discarding.words[index])
      unsafe (new + 64 + index).initialize(to: states.learning.words[index])
    }
    unsafe words = new
  }

  /// The same as others, of which this is a copy from then on.
  mutating func assign(_ other: borrowing VLANStates) {
    unsafe words?.deallocate()
    unsafe words = nil
    guard let old = unsafe other.words else { return }
    let new = UnsafeMutablePointer<UInt64>.allocate(capacity: 128)
    // SAFETY: all 128 of both are initialised before anybody can reach the new ones.
    unsafe new.initialize(from: old, count: 128)
    unsafe words = new
  }
}
