/// What goes wrong on the guest's side of a test.
package enum GuestKitError: Error, Equatable, CustomStringConvertible {
  case timeout(String)
  /// The back-end closed the connection.
  case closed
  /// A reply that is not as the specification says.
  case badReply(String)
  /// The back-end answered no.
  case nacked(request: UInt32, value: UInt64)
  case system(String)
  /// The device did what a device must not do.
  case violation(String)
  /// No descriptors or buffers are free.
  case full

  package var description: String {
    switch self {
    case .timeout(let what): "timeout: \(what)"
    case .closed: "the back-end closed the connection"
    case .badReply(let what): "bad reply: \(what)"
    case .nacked(let request, let value): "request \(request) was answered with \(value)"
    case .system(let what): what
    case .violation(let what): "device violation: \(what)"
    case .full: "no descriptor or buffer is free"
    }
  }
}
