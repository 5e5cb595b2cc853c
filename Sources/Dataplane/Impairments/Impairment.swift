/// What is done to the frames of one direction of a port, in the manner of netem.
///
/// The chances are judged frame by frame and apart from each other; a lost frame is neither duplicated nor corrupted.
package struct Impairment: Sendable, Equatable {
  /// Nanoseconds that each frame is held, up to `longestDelay`.
  package var delay: UInt64 = 0
  /// Nanoseconds by which the delay varies at most, evenly up and down, up to `longestDelay`.
  ///
  /// A frame never overtakes the one before it for that, nor leaves before it came.
  package var jitter: UInt64 = 0
  /// Share of frames that are dropped, 0...1: `impaired-loss`.
  package var loss = 0.0
  /// Share of frames that are sent twice, 0...1.
  package var duplicate = 0.0
  /// Share of frames that skip delay and jitter and so overtake others, 0...1.
  package var reorder = 0.0
  /// Share of frames in which one bit is flipped, 0...1; a partial checksum is completed before.
  package var corrupt = 0.0
  /// Bits per second at which frames pass one after the other; 0 = unlimited, otherwise `lowestRate` or more.
  ///
  /// Counts the bytes from destination address to payload: no preamble, no frame check sequence, no gap.
  package var rate: UInt64 = 0
  /// Frames held at most, 1...`largestQueue`; one more is dropped: `impaired-queue`.
  ///
  /// Frames above 2 KiB take more of the room, which is that of as many usual frames, and 16 MiB at least.
  package var queueCount = 1000

  /// One hour, in nanoseconds.
  package static let longestDelay: UInt64 = 3_600_000_000_000
  package static let lowestRate: UInt64 = 1000
  package static let largestQueue = 100_000

  /// Impairs nothing.
  package init() {}

  /// The first value that is out of range, in words; nil = all are in range.
  package var problem: String? {
    for (name, share) in [("loss", loss), ("duplicate", duplicate), ("reorder", reorder), ("corrupt", corrupt)]
    where !(0...1).contains(share) {
      return "\(name) \(share) is outside 0...1"
    }
    for (name, time) in [("delay", delay), ("jitter", jitter)] where time > Self.longestDelay {
      return "\(name) \(time) ns is longer than an hour"
    }
    if rate != 0, rate < Self.lowestRate { return "rate \(rate) bit/s is below \(Self.lowestRate)" }
    guard (1...Self.largestQueue).contains(queueCount) else {
      return "queue \(queueCount) is outside 1...\(Self.largestQueue)"
    }
    return nil
  }
}
