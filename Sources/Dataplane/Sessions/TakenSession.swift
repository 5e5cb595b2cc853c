package import LinuxHost
package import VhostUser

/// A session that was taken out of its port: what it knows, the descriptors that it names, and its connection.
///
/// The front-end notices nothing but that its rings stand still until another port takes it up. When the last reference
/// goes, the connection is closed.
package struct TakenSession: Sendable {
  package var state: SessionState
  package var descriptors: [Descriptor]
  package var connection: Descriptor
}

extension VhostUserEndpoint {
  /// Takes the session out: its rings stop, and the port is without a front-end from then on.
  ///
  /// What is under way is done first, and what the front-end was answered has gone out. A front-end that does not read
  /// its answers holds this up for as long as it is connected. What waits on its channel is gone; a channel in the middle
  /// of a message stays behind.
  /// - Parameter completion: called once, with nil if there is no session, another one takes it, or it ends meanwhile.
  func take(_ completion: @escaping (TakenSession?) -> Void) {
    guard session != nil, taker == nil else { return completion(nil) }
    taker = completion
    pump()
  }

  /// Goes on with `take`, as far as it can; called when something has come to rest.
  func takeOut() {
    while let taker, let session, let connection, unsent.isEmpty, !session.isPending {
      if case (var state, let descriptors)? = session.state {
        // The next message of whoever has the channel would begin in the middle of this one.
        if channel?.isWithinMessage == true { state.channel = nil }
        let taken = TakenSession(state: state, descriptors: descriptors, connection: connection)
        letGo(isTaken: true)
        taker(taken)
        return admitCandidate()
      }
      do throws(ProtocolError) { try session.suspend() } catch { return fail(error) }
    }
  }

  /// Goes on with a session that was taken out elsewhere.
  ///
  /// - Returns: why it cannot be, nil if the worker has been asked. The connection is closed if it cannot.
  func takeUp(_ taken: TakenSession) -> String? {
    guard connection == nil else { return "another front-end is connected" }
    guard isAdmitting else { return "it has no carrier" }
    do {
      let session = try Session(owner: self, state: taken.state, descriptors: taken.descriptors)
      try serve(taken.connection, session)
      if let socket = session.channel { setBackendChannel(socket) }
      try session.takeUp()
    } catch {
      if connection != nil { fail(error) }
      return "\(error)"
    }
    pump()
    return nil
  }
}
