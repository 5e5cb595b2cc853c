import Lab
import Topology

/// Lets requests to change the lab in, until the daemon has nothing left to do: none of them may begin something that
/// the daemon's end would cut off.
actor LabDoor {
  private var inside = 0
  /// Those that have ever begun.
  private var entered = 0
  private var isClosed = false
  /// `down`s that have closed it and have not failed.
  private var closers = 0
  /// What those who are inside want, by their tickets.
  private var wanted: [Int: CanonicalLab] = [:]

  /// An `up` begins.
  ///
  /// - Throws: `UserError` (`unreachable`) when the daemon is ending; another one takes the request then. Also
  ///   (`different`) while one is under way that wants another lab: its words would be lost, unseen.
  /// - Returns: its ticket.
  @discardableResult
  func enter(_ lab: CanonicalLab) throws -> Int {
    guard !isClosed else { throw UserError(.unreachable, "the daemon is ending") }
    guard wanted.values.allSatisfy({ $0 == lab }) else {
      throw UserError(
        .different, "another `up` of lab \(lab.name) is under way, and wants another lab",
        hint: "wait until it is done, or interrupt it, and say this once more")
    }
    inside += 1
    entered += 1
    wanted[entered] = lab
    return entered
  }

  /// The same, if what is up is as the client has seen it.
  /// - Parameter check: throws if it is not.
  @discardableResult
  func enter(_ lab: CanonicalLab, if check: () async throws -> Void) async throws -> Int {
    let known = entered
    if inside == 0 { try await check() }
    // Who is inside, or was since, may have changed what was looked at.
    guard inside == 0, entered == known else {
      throw UserError(
        .different, "another `up` of lab \(lab.name) is under way",
        hint: "when it is done, GET /v1/lab says what is so then")
    }
    return try enter(lab)
  }

  /// What an `up` wanted is so, or has failed, or nobody wants it any more.
  func forget(_ ticket: Int) { wanted[ticket] = nil }

  /// An `up` is over.
  /// - Parameter hasNothingLeft: asked of the last one: no lab is up.
  /// - Returns: whether this was the last one and the daemon is to end.
  func leave(_ hasNothingLeft: () async -> Bool) async -> Bool {
    inside -= 1
    let known = entered
    guard inside == 0, !isClosed, await hasNothingLeft() else { return false }
    // What was heard is old if another one came meanwhile, which asks for itself.
    guard inside == 0, !isClosed, entered == known else { return false }
    isClosed = true
    return true
  }

  /// A `down` begins: it follows every `up` that is inside, and nothing may follow it.
  func close() {
    closers += 1
    isClosed = true
  }

  /// Closes for good unless an `up` has ever begun.
  /// - Returns: whether this closed it and the daemon is to end.
  func closeIfUnused() -> Bool {
    guard entered == 0, !isClosed else { return false }
    isClosed = true
    return true
  }

  /// A `down` failed.
  func reopen() {
    closers -= 1
    if closers <= 0 { isClosed = false }
  }
}
