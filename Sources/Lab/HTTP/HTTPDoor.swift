import Topology

/// What serves the API over TCP, as `LabRuntime` sees it: it is told where, and served are both where it was and where it
/// is to be until the change of the lab is over.
package protocol HTTPDoor: Sendable {
  /// Opens what is wanted, beside what is open.
  /// - Parameters:
  ///   - wanted: nil = nothing is to be served.
  ///   - token: said by who asks, in place of the file's or the one that was made; nil = none was.
  /// - Returns: whether the token is another one than before.
  /// - Throws: `UserError` for an address that cannot be had, or a token that is not good enough; then all is as it was.
  func open(_ wanted: HTTPDefinition?, token: HTTPToken?) async throws(UserError) -> Bool
  /// Ends the change: what was open before `open`, or what it has opened, is closed.
  func settle(isKept: Bool) async
}
