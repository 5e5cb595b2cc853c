/// A TAP interface to be opened.
package struct TAPRequest: Sendable, Equatable {
  /// Interface name, 1 to 15 bytes.
  package var name: String
  /// Named network namespace; nil for the host's.
  package var namespace: String?
  /// Whether each frame follows a virtio-net header of 12 bytes, little endian (VIRTIO 1.2 section 5.1.6).
  package var hasHeader: Bool
  /// What the kernel may hand over as it is; nothing without the header.
  package var offloads: TAPOffloads
  /// Whether the interface outlives its descriptor.
  package var isPersistent: Bool

  package init(
    name: String, namespace: String? = nil, hasHeader: Bool = true, offloads: TAPOffloads = .checksum,
    isPersistent: Bool = true
  ) {
    self.name = name
    self.namespace = namespace
    self.hasHeader = hasHeader
    self.offloads = offloads
    self.isPersistent = isPersistent
  }
}
