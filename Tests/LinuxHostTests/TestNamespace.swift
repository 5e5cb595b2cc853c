import Glibc
import LinuxHost
import Synchronization

/// Names for interfaces and namespaces that no other test, and no other run at the same time, uses.
enum UniqueName {
  private static let last = Atomic<Int>(0)

  /// At most 15 bytes.
  static func next() -> String {
    let number = last.add(1, ordering: .relaxed).newValue
    return "aph\(getpid())x\(number)"
  }
}

/// A named network namespace, deleted with all that is in it when dropped.
final class TestNamespace: Sendable {
  let name: String

  init() throws {
    name = UniqueName.next()
    try NetworkNamespace.create(name)
  }

  deinit {
    try? NetworkNamespace.delete(name)
  }

  /// A persistent TAP in this namespace.
  func makeTAP(_ name: String) throws {
    _ = try TAPDevice.open(TAPRequest(name: name, namespace: self.name))
  }
}
