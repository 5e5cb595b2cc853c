import Lab

/// Lets requests to change the lab in, until the daemon has nothing left to do: none of them may begin something that
/// the daemon's end would cut off.
actor LabDoor {
  private var inside = 0
  /// Those that have ever begun.
  private var entered = 0
  private var isClosed = false

  /// An `up` begins.
  /// - Throws: `UserError` (`unreachable`) when the daemon is ending; another one takes the request then.
  func enter() throws {
    guard !isClosed else { throw UserError(.unreachable, "the daemon is ending") }
    inside += 1
    entered += 1
  }

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
  func close() { isClosed = true }

  /// Closes for good unless an `up` has ever begun.
  /// - Returns: whether this closed it and the daemon is to end.
  func closeIfUnused() -> Bool {
    guard entered == 0, !isClosed else { return false }
    isClosed = true
    return true
  }

  /// A `down` failed.
  func reopen() { isClosed = false }
}
