internal import LinuxHost
internal import VhostUser

/// What a port and its node leave to each other: partial checksums, and frames larger than the node's MTU.
package enum OffloadLevel: String, Sendable, CaseIterable {
  /// Checksums, and large frames of TCP (with ECN) and UDP.
  case on
  /// Checksums alone.
  case checksum
  /// Frames as they are on a wire.
  case off

  /// Virtio features to offer.
  var features: UInt64 {
    switch self {
    case .on: VirtioFeature.offloads
    case .checksum: VirtioFeature.checksum | VirtioFeature.guestChecksum
    case .off: 0
    }
  }

  /// What to ask a TAP for.
  var tapOffloads: TAPOffloads {
    switch self {
    case .on: .all
    case .checksum: .checksum
    case .off: []
    }
  }
}
