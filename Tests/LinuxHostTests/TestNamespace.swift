import Glibc
import LinuxHost
import TestSupport

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
