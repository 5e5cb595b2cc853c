import CLinux

/// What the reader of a TAP takes besides frames as they are on a wire (TUNSETOFFLOAD); without it the kernel cuts frames
/// and completes checksums before it hands them over.
///
/// What may be written does not depend on it: the kernel takes each form that it knows.
package struct TAPOffloads: OptionSet, Sendable {
  package var rawValue: UInt32

  package init(rawValue: UInt32) { self.rawValue = rawValue }

  /// Checksums that are still to be completed; large frames need it.
  package static var checksum: TAPOffloads { TAPOffloads(CLINUX_TAP_CSUM) }
  /// Large TCP frames over IPv4.
  package static var tcp4: TAPOffloads { TAPOffloads(CLINUX_TAP_TSO4) }
  /// The same over IPv6.
  package static var tcp6: TAPOffloads { TAPOffloads(CLINUX_TAP_TSO6) }
  /// Large TCP frames with CWR.
  package static var ecn: TAPOffloads { TAPOffloads(CLINUX_TAP_ECN) }
  /// Datagrams of UDP_SEGMENT, over IPv4 and IPv6; the kernel has both or, before 6.2, none.
  package static var udp4: TAPOffloads { TAPOffloads(CLINUX_TAP_USO4) }
  package static var udp6: TAPOffloads { TAPOffloads(CLINUX_TAP_USO6) }

  /// Everything that a kernel can have.
  package static var all: TAPOffloads { [.checksum, .tcp4, .tcp6, .ecn, .udp4, .udp6] }

  private init<Bit: FixedWidthInteger>(_ bit: Bit) { self.init(rawValue: UInt32(truncatingIfNeeded: bit)) }
}

/// A TAP that was opened, and what the kernel hands over there.
package struct OpenTAP: Sendable {
  package var descriptor: Descriptor
  /// What was asked for, without what this kernel does not know.
  package var offloads: TAPOffloads
}
