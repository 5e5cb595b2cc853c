/// A frame that is kept for later, as a plain value.
package struct HeldFrameState: Codable, Equatable, Sendable {
  private var packed: PackedBytes
  /// Nanoseconds until it leaves; 0 = it is due.
  package var remaining: UInt64
  /// Where its checksum is still to be completed: from which byte on, and the field from there; nil = it is whole.
  package var checksum: Checksum?
  /// It is to be cut where it leaves, if its receiver does not take it whole; nil = it is a frame as on a wire.
  package var large: Large?
  /// What its keeper wants to know again: of a frame that crosses a patch, VLAN, priority and hops.
  package var note: UInt32
  /// It may leave before frames that came before it.
  package var overtakes: Bool

  /// A checksum that is partial; both in bytes.
  package struct Checksum: Codable, Equatable, Sendable {
    package var start: UInt16
    package var offset: UInt16
  }

  /// How a large frame is cut.
  package struct Large: Codable, Equatable, Sendable {
    /// VIRTIO_NET_HDR_GSO_*, with its ECN bit.
    package var type: UInt8
    /// Bytes of payload of a segment.
    package var size: UInt16
  }

  package init(
    _ bytes: [UInt8], remaining: UInt64 = 0, checksum: Checksum? = nil, note: UInt32 = 0, overtakes: Bool = false
  ) {
    packed = PackedBytes(bytes)
    (self.remaining, self.checksum, self.note, self.overtakes) = (remaining, checksum, note, overtakes)
  }

  /// From the destination address to the end of the payload.
  package var bytes: [UInt8] { packed.bytes }
}

/// Frames that wait for a node in switch-over, as a plain value.
package struct HeldStoreState: Codable, Equatable, Sendable {
  /// Name of the port.
  package var port: String
  /// In order.
  package var frames: [HeldFrameState]
  /// By `Dataplane.holdFrames`: they wait until they are released.
  package var isAsked: Bool
  /// Nanoseconds that they wait at most.
  package var remaining: UInt64
}

/// An impaired direction of a port, as a plain value: the frames that it holds, and what comes next.
///
/// Times are relative to the moment at which it was made.
package struct LineState: Codable, Equatable, Sendable {
  package enum Direction: String, Codable, Sendable { case fromNode = "from-node", toNode = "to-node" }

  /// Where chances and rate have come to, so that they go on as if nothing had been.
  package struct Schedule: Codable, Equatable, Sendable {
    /// State of the chances.
    package var random: UInt64
    /// Nanoseconds until the latest frame of each kind leaves; 0 = it has left.
    package var lastInOrder: UInt64
    package var lastOvertaking: UInt64
    /// Nanoseconds until the rate is free again, and the fraction of a nanosecond beyond, in 1/rate.
    package var passed: UInt64
    package var passedRest: UInt64
  }

  /// Frames so far.
  package struct Counts: Codable, Equatable, Sendable {
    /// Held, copies too.
    package var held: UInt64
    package var duplicated: UInt64
    package var lost: UInt64
    package var refused: UInt64
  }

  /// Name of the port.
  package var port: String
  package var direction: Direction
  /// In the order in which they came.
  package var frames: [HeldFrameState]
  package var schedule: Schedule
  package var counts: Counts
}

extension LineState {
  /// The same after some nanoseconds.
  func after(_ elapsed: UInt64) -> LineState {
    func left(_ time: UInt64) -> UInt64 { time > elapsed ? time - elapsed : 0 }
    var later = self
    for index in later.frames.indices { later.frames[index].remaining = left(frames[index].remaining) }
    later.schedule.lastInOrder = left(schedule.lastInOrder)
    later.schedule.lastOvertaking = left(schedule.lastOvertaking)
    later.schedule.passed = left(schedule.passed)
    return later
  }
}
