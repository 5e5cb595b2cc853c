/// Why a ring does not run, in the words of `port show`.
enum RingStop: BitwiseCopyable, CustomStringConvertible {
  case neverStarted
  /// GET_VRING_BASE, a reset, or the session was handed over.
  case byFrontEnd
  /// The front-end left, was turned away, or its port lost the carrier.
  case sessionEnded
  case fault(RingFault)

  var description: String {
    switch self {
    case .neverStarted: "never started"
    case .byFrontEnd: "stopped by its front-end"
    case .sessionEnded: "its session ended"
    case .fault(let fault): fault.description
    }
  }
}
