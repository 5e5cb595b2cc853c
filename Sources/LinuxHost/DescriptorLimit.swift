import CLinux
import Synchronization

/// How many descriptors this process may have, and those that it starts (the soft limit of RLIMIT_NOFILE).
package enum DescriptorLimit {
  private static let former = Atomic<UInt64>(0)

  /// Lets this process have as many as the system allows: each namespace takes two, and 1024 is what most shells give.
  ///
  /// Programs that it starts from now on have the limit that it had, since some cannot bear another.
  package static func raise() {
    var limit: UInt64 = 0
    // SAFETY: the call writes one number and keeps no pointer.
    guard unsafe clinux_raise_descriptor_limit(&limit) == 0 else { return }
    // The first one counts, should there be several.
    _ = former.compareExchange(expected: 0, desired: limit, ordering: .relaxed)
    // Once, in place of four times while ports are added: 2,000 of them find room. Less is no harm.
    _ = clinux_reserve_descriptors(4096)
  }

  /// Limit of processes that are started; 0 = as our own.
  static var ofChildren: UInt64 { former.load(ordering: .relaxed) }
}
