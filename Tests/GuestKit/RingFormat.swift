import VhostUser

/// The formats of rings that there is a driver for.
///
/// The one list of them: a test that is for every format runs over `allCases`, and its guests take the one that is
/// `current` while it does.
package enum RingFormat: String, Sendable, CaseIterable, CustomStringConvertible {
  /// VIRTIO 1.2 section 2.7.
  case split
  /// VIRTIO 1.2 section 2.8.
  case packed

  /// The format of guests that are not told another.
  @TaskLocal package static var current = RingFormat.split

  package var description: String { rawValue }

  /// Makes a driver.
  ///
  /// - Parameter region: index of the memory region to put the ring in.
  package func driver(memory: SharedMemory, index: Int, size: Int, region: Int = 0) throws -> any RingDriver {
    switch self {
    case .split: try SplitDriver(memory: memory, index: index, size: size, region: region)
    case .packed: try PackedDriver(memory: memory, index: index, size: size, region: region)
    }
  }

  /// The features that a front-end wants, of those it may have, for its rings to be of this format.
  package func features(of wanted: UInt64) -> UInt64 {
    switch self {
    case .split: wanted & ~VirtioFeature.packedRing
    case .packed: wanted | VirtioFeature.packedRing
    }
  }
}
