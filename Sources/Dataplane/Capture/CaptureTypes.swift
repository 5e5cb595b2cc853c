/// Which way a frame went past a port: from its node into the switch, or from the switch to its node.
package struct CaptureDirections: OptionSet, Sendable, BitwiseCopyable {
  package var rawValue: UInt8
  package init(rawValue: UInt8) { self.rawValue = rawValue }

  /// From the node into the switch, as it was received.
  package static let fromNode = CaptureDirections(rawValue: 1)
  /// From the switch to the node, as it was delivered.
  package static let toNode = CaptureDirections(rawValue: 2)
  package static let both: CaptureDirections = [.fromNode, .toNode]
}

/// What a capture does with frames that are dropped.
package enum DroppedFrames: Sendable, BitwiseCopyable {
  /// Frames from the node are recorded without their fate; frames that do not reach the node are not.
  case ignored
  /// As they come, each with its reason.
  case included
  /// Nothing else is recorded.
  case only
}

/// What is known of one captured frame beside its bytes.
package struct CaptureRecord: Sendable, Equatable, BitwiseCopyable {
  /// Bytes of the record in its ring, this structure included; an odd number marks a gap.
  var storedSize: UInt32 = 0
  /// Number of the interface in its session; see `CaptureInterface`.
  package var interface: UInt32 = 0
  /// Nanoseconds since 1970 when its burst was handled.
  package var timestamp: UInt64 = 0
  /// The same for a frame on its way in and on all its ways out; never 0.
  package var packetID: UInt64 = 0
  /// Bytes of the frame, and of those that follow.
  package var originalLength: UInt32 = 0
  package var capturedLength: UInt32 = 0
  /// Ring pair that it came by or went to.
  package var queue: UInt16 = 0
  /// One of `.fromNode` and `.toNode`.
  package var direction = CaptureDirections.fromNode
  package var drop = FrameDrop.none
  /// The checksum field holds only the pseudo header's sum, as the virtio-net header said.
  package var needsChecksum = false
  /// VIRTIO_NET_HDR_GSO_*: 0 = the frame is not to be cut.
  package var segmentationType: UInt8 = 0
  /// Bytes of payload of each segment.
  package var segmentSize: UInt16 = 0
  /// Where the sum starts, in bytes from the frame's first; and the field, from there.
  package var checksumStart: UInt16 = 0
  package var checksumOffset: UInt16 = 0
  /// How often the capture's filter was changed before.
  package var filterNumber: UInt16 = 0
  /// Of a punt: the VLAN that the frame was classified to; 0 = none.
  var vlan: UInt16 = 0

  package init() {}
}

/// Settings of one capture.
package struct CaptureConfiguration: Sendable {
  package var directions = CaptureDirections.both
  /// Bytes of each frame that are kept; 0 = all.
  package var snapLength = 0
  /// Frames that are wanted; nil = all.
  package var filter: FilterProgram?
  package var drops = DroppedFrames.ignored
  /// Bytes that wait to be drained at most, rounded up to a power of two; 256 KiB to 1 GiB.
  ///
  /// Workers share them, but none has less than 256 KiB.
  package var ringSize = 8 << 20
  /// The capture ends when the last of its ports was removed.
  package var endsWithPorts = true
  /// It sees what comes to the switch; see `WorkerState.punt`.
  var isPunt = false
  package init() {}
}

/// What became of the frames that passed one port of a capture.
///
/// `received == filtered + dropped + captured` at every moment between breaths.
package struct CaptureCounts: Sendable, Equatable {
  /// Frames in the wanted directions.
  package var received: UInt64 = 0
  /// Not wanted by the filter.
  package var filtered: UInt64 = 0
  /// Wanted, but the ring was full.
  package var dropped: UInt64 = 0
  /// Put into the ring.
  package var captured: UInt64 = 0

  package init() {}

  package static func + (first: CaptureCounts, second: CaptureCounts) -> CaptureCounts {
    var sum = first
    sum.received &+= second.received
    sum.filtered &+= second.filtered
    sum.dropped &+= second.dropped
    sum.captured &+= second.captured
    return sum
  }
}

/// Why a capture gives no more records.
package enum CaptureEnd: UInt8, Sendable {
  /// `stopCapture`, or the data plane stopped.
  case stopped = 1
  /// All its ports were removed.
  case portsRemoved = 2
}
