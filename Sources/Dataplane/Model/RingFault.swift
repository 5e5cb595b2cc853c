import Frames

/// What is wrong with a ring, or with the peer at a socket, found while working on it; the ring stops, or the connection
/// ends.
///
/// Trivial, so that reporting it costs the worker nothing; `description` is made off the hot path.
struct RingFault: Error, BitwiseCopyable, CustomStringConvertible {
  enum Kind: UInt8 {
    case availableIndex, headOutOfRange, nextOutOfRange, chainTooLong, chainNotAvailable, bufferOutsideMemory,
      writableInTransmit
    case readableInReceive, indirectNotNegotiated, indirectNested, indirectWithNext, indirectSize
    case positionBeyond, inflightTooSmall, inflightVersion, inflightTruncated
    case indirectOutsideMemory, shorterThanHeader, emptyReceiveBuffer, memoryTruncated, callBlocked, ringOutsideMemory
    case logTruncated, ringOutsideLog
    /// Of sockets; that a peer has left is no fault of anybody.
    case lengthInvalid, peerLeft
  }
  var kind: Kind
  var seen: UInt64
  var limit: UInt64

  init(_ kind: Kind, seen: UInt64 = 0, limit: UInt64 = 0) {
    self.kind = kind
    self.seen = seen
    self.limit = limit
  }

  var description: String {
    switch kind {
    case .availableIndex: "available index advanced by \(seen) but the ring has \(limit) entries"
    case .headOutOfRange: "available ring names descriptor \(seen) of \(limit)"
    case .nextOutOfRange: "descriptor chain goes on to descriptor \(seen) of \(limit)"
    case .chainTooLong: "descriptor chain is longer than \(limit) descriptors or loops"
    case .chainNotAvailable: "descriptor chain goes on to descriptor \(seen) of \(limit), which was not made available"
    case .bufferOutsideMemory: "buffer of \(limit) bytes at 0x\(String(seen, radix: 16)) is outside guest memory"
    case .writableInTransmit: "device-writable descriptor in the transmit ring"
    case .readableInReceive: "device-readable descriptor in the receive ring"
    case .indirectNotNegotiated: "indirect descriptor without VIRTIO_F_INDIRECT_DESC"
    case .indirectNested: "indirect descriptor inside an indirect table"
    case .indirectWithNext: "descriptor is both indirect and chained"
    case .indirectSize: "indirect table of \(seen) bytes; expected a multiple of 16 from 16 to \(limit)"
    case .indirectOutsideMemory: "indirect table at 0x\(String(seen, radix: 16)) is outside guest memory"
    case .positionBeyond:
      "started at position \(seen), but the driver has come to \(limit): whoever served it before said another place"
    case .inflightTooSmall: "\(seen) entries, but the inflight region has room for rings of \(limit)"
    case .inflightVersion: "inflight region of version \(seen), expected at most \(limit)"
    case .inflightTruncated: "inflight region was truncated while mapped, or its disk is full or failed"
    case .shorterThanHeader: "chain of \(seen) bytes is shorter than the virtio-net header of \(limit)"
    case .emptyReceiveBuffer: "receive buffer without a byte"
    case .memoryTruncated: "guest memory file was truncated while mapped, or its disk is full or failed"
    case .ringOutsideMemory: "new memory table does not hold the ring"
    case .logTruncated: "log of dirty pages was truncated while mapped"
    case .ringOutsideLog:
      "used ring at 0x\(String(seen, radix: 16)), as SET_VRING_ADDR says it, is outside the log of \(limit) bytes"
    case .callBlocked: "call descriptor blocked a write"
    case .lengthInvalid:
      "the peer announced a frame of \(seen) bytes, expected \(Ethernet.headerSize) to \(limit), so the connection was closed"
    case .peerLeft: "the peer has left"
    }
  }
}
