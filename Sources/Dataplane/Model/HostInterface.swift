/// An interface of this host that a port is made of: physical, a veth, a vif.
///
/// Whoever makes the port has taken it from the host before, and gives it back after.
package struct HostInterface: Sendable {
  /// At most 15 bytes.
  package var name: String
  /// Named network namespace that holds the interface; nil = the host's.
  package var namespace: String?
  /// What may be left to the interface; what its kernel leaves to us is taken whatever this says.
  package var offload = OffloadLevel.on
  package init(name: String) { self.name = name }
}
