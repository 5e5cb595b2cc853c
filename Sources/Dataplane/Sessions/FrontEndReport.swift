internal import VhostUser

/// What people are told of the front-ends of one port, in `port show` and in the log.
///
/// Kept from session to session: a front-end that is refused often leaves at once and comes again.
struct FrontEndReport: Sendable {
  /// Kinds of lines that count as the same for the log.
  enum Kind: Hashable, Sendable {
    /// By number of the request; 0 = a number that is not known.
    case refusal(UInt32)
    case secondFrontEnd, fruitless, givenWay
    case advice(StartWatch.Advice)
    /// Bytes that are no message, or a socket that failed.
    case connection
    case ring(RingFault.Kind)
  }

  /// Messages and front-ends refused since the port was made.
  private(set) var refusalCount: UInt64 = 0
  private(set) var lastRefusal: String?
  /// What the user should do; nil = nothing is known to be wrong.
  var advice: String? { sessionAdvice ?? portAdvice }
  /// About the front-end that is connected, and about those that do not stay.
  private var sessionAdvice: String?
  private var portAdvice: String?
  private var limit = LogLimit<Kind>()

  /// Goes on counting from what another process had counted.
  mutating func inherit(_ count: UInt64, _ last: String?) {
    refusalCount &+= count
    lastRefusal = lastRefusal ?? last
  }

  /// Takes in what was refused.
  ///
  /// - Parameter count: how many there were, the last with this reason.
  mutating func noteRefusal(_ reason: String, count: UInt64 = 1) {
    refusalCount &+= count
    lastRefusal = reason
  }

  /// Sets or withdraws what there is to say of the front-end that is connected.
  ///
  /// - Returns: true if it is new.
  mutating func advise(_ text: String?) -> Bool {
    defer { sessionAdvice = text }
    return text != nil && text != sessionAdvice
  }

  /// Sets or withdraws what there is to say of front-ends that do not stay.
  ///
  /// - Returns: true if it is new.
  mutating func advisePort(_ text: String?) -> Bool {
    defer { portAdvice = text }
    return text != nil && text != portAdvice
  }

  /// - Returns: the line for the log, nil if one like it was there lately.
  mutating func line(_ text: String, _ kind: Kind) -> String? { limit.admit(text, of: kind, at: .now) }
}

extension FrontEndReport.Kind {
  /// The kind of what ended a session.
  init(_ error: any Error) {
    if case .refused(let request, _)? = error as? ProtocolError {
      self = .request(request)
    } else {
      self = .connection
    }
  }

  static func request(_ number: UInt32) -> Self { .refusal(Request(rawValue: number) == nil ? 0 : number) }
}
