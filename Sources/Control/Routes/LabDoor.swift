import Lab

/// Lets requests to change the lab in, until the daemon has nothing left to do: none of them may begin something that
/// the daemon's end would cut off.
actor LabDoor {
  private var inside = 0
  private var isClosed = false
  private var isUnused = true

  /// An `up` begins.
  /// - Throws: `UserError` (`unreachable`) when the daemon is ending; another one takes the request then.
  func enter() throws {
    guard !isClosed else { throw UserError(.unreachable, "the daemon is ending") }
    inside += 1
    isUnused = false
  }

  /// An `up` is over.
  /// - Parameter hasNothingLeft: no lab is up.
  /// - Returns: whether this was the last one and the daemon is to end.
  func leave(hasNothingLeft: Bool) -> Bool {
    inside -= 1
    guard hasNothingLeft, inside == 0, !isClosed else { return false }
    isClosed = true
    return true
  }

  /// A `down` begins: it follows every `up` that is inside, and nothing may follow it.
  func close() { isClosed = true }

  /// Closes for good unless an `up` has ever begun.
  /// - Returns: whether this closed it and the daemon is to end.
  func closeIfUnused() -> Bool {
    guard isUnused, !isClosed else { return false }
    isClosed = true
    return true
  }

  /// A `down` failed.
  func reopen() { isClosed = false }
}
