/// A second front-end of a port, and how it is.
package struct StandbyStatus: Sendable, Equatable {
  /// The socket that it connects to.
  package var socket: String
  package var isConnected: Bool
  /// The port's rings are its own, and run.
  package var isServing: Bool
  /// The last fatal error of its session, and what was refused last.
  package var error: String?
  package var lastRefusal: String?
}
