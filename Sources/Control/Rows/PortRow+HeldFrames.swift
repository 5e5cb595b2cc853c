import Dataplane
import Topology

extension PortRow {
  /// What waits for a machine that moves.
  package struct HeldFrames: Described, Equatable {
    package var frames: Int
    package var bytes: Int
    /// Bytes that may wait.
    package var limit: Int

    package static let shape = Shape.object(
      "HeldFrames", "Frames that wait for a machine that moves.",
      [
        Field("frames", .count, "How many."), Field("bytes", .count, "Their bytes."),
        Field("limit", .count, "Bytes that may wait, with 64 for each frame."),
      ])

    init(_ status: HeldStatus) { (frames, bytes, limit) = (status.frames, status.bytes, status.limit) }

    /// `12 frames, 1.4 KiB of 4 MiB`.
    var text: String {
      "\(frames) \(frames == 1 ? "frame" : "frames"), \(Units.describe(bytes: UInt64(max(0, bytes)))) of "
        + Units.describe(bytes: UInt64(max(0, limit)))
    }
  }
}
