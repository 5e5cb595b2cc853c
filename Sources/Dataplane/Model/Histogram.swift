/// How often values of each size came, in powers of two.
package struct Histogram: Sendable, Equatable {
  /// Place `n` counts values up to 2^n and above 2^(n-1); the last one all that are larger than those before it take.
  package var counts: [UInt64] = []
  /// Of all values, in a unit that may be a finer one than that of the sizes.
  package var sum: UInt64 = 0

  package init(counts: [UInt64] = [], sum: UInt64 = 0) {
    self.counts = counts
    self.sum = sum
  }
}

/// What an impairment did to the frames of one direction of a port, since it is there.
package struct ImpairmentStatus: Sendable, Equatable {
  /// Frames from the node into the switch, or else to the node.
  package var isFromNode: Bool
  /// Frames, large ones by their segments, that were held for a time.
  package var delayed: UInt64
  /// Copies that were made on purpose.
  package var duplicated: UInt64
  /// Lost on purpose.
  package var lost: UInt64
  /// Not taken, since as many were on their way as its queue allows.
  package var refused: UInt64
  /// On their way now.
  package var held: Int

  package init(isFromNode: Bool, delayed: UInt64, duplicated: UInt64, lost: UInt64, refused: UInt64, held: Int) {
    (self.isFromNode, self.delayed, self.duplicated) = (isFromNode, delayed, duplicated)
    (self.lost, self.refused, self.held) = (lost, refused, held)
  }
}
