internal import LinuxHost

/// The worker's part of a TAP port.
struct TAPPort: ~Copyable {
  /// Holds the interface open; nil = no interface.
  var descriptor: Descriptor?
  var raw: Int32 = -1
  /// The last read found something, or the kernel said that there is.
  var isReadable = false
  /// The interface is set up (IFF_UP), as the kernel told last.
  var isInterfaceUp = false
  /// Each read and write begins with a virtio-net header of 12 bytes, and may hand over a partial checksum.
  var hasHeader = false
  /// Large frames that are left whole in both directions (TUNSETOFFLOAD).
  var takesLarge: LargeFrameTypes = []

  init() {}

  /// The interface is open.
  var isOpen: Bool { raw >= 0 }

  mutating func open(_ descriptor: Descriptor, hasHeader: Bool) {
    raw = descriptor.raw
    self.descriptor = descriptor
    self.hasHeader = hasHeader
    isReadable = true
  }
}
