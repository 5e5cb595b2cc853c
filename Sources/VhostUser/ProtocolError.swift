/// Why a connection ends.
///
/// The description is the reason that is logged and shown.
///
/// After any of these the stream cannot be trusted, or the front-end did not ask for a reply, so that closing is the
/// only way to say no (vhost-user, "Communication").
package enum ProtocolError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The header's version bits are not 1.
  case version(UInt32)
  /// The front-end set the reply flag on a request.
  case replyFlag(request: UInt32)
  /// Request number 0.
  case requestZero
  /// The header announces more payload than any message has.
  case oversized(request: UInt32, size: UInt32)
  /// Descriptors came with bytes that do not begin a message.
  case strayDescriptors(Int)
  /// More bytes were handed over than `wantedSize`.
  case overrun(count: Int, wanted: Int)
  /// A message was not acted upon, and why.
  case refused(request: UInt32, reason: String)
  /// A session that was taken out elsewhere cannot go on here, and why.
  case notTakenUp(String)
  /// `complete` without a pending request, or bytes for a session that is over.
  case outOfTurn(String)

  package var description: String {
    switch self {
    case .version(let version):
      "vhost-user header has version \(version), expected 1"
    case .replyFlag(let request):
      "\(Request.name(request)) came with the reply flag set"
    case .requestZero:
      "vhost-user header has request 0, expected 1 to 45"
    case .oversized(let request, let size):
      "\(Request.name(request)) announces \(size) bytes of payload, at most \(Session.maximumPayloadSize) are accepted"
    case .strayDescriptors(let count):
      "\(count) descriptors came in the middle of a message, expected them with its first byte"
    case .overrun(let count, let wanted):
      "\(count) bytes were read where \(wanted) were wanted"
    case .refused(let request, let reason):
      "\(Request.name(request)): \(reason)"
    case .notTakenUp(let reason):
      "session is not taken up: \(reason)"
    case .outOfTurn(let what):
      what
    }
  }
}

/// Why one message is not acted upon; nacked if the front-end asked for a reply, otherwise the connection ends.
struct Refusal: Error {
  let reason: String

  init(_ reason: String) {
    self.reason = reason
  }
}
