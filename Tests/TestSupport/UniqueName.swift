import Glibc
import Synchronization

/// Names for interfaces and namespaces that no other test, and no other run at the same time, uses.
package enum UniqueName {
  private static let last = Atomic<Int>(0)

  /// At most 15 bytes, which is what an interface's name may have.
  package static func next() -> String { "apu\(getpid())x\(last.add(1, ordering: .relaxed).newValue)" }
}
