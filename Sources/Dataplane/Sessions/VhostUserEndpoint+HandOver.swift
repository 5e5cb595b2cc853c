internal import LinuxHost
internal import VhostUser

extension VhostUserEndpoint {
  /// What another process needs to go on here, without the front-end's noticing; nil if the session is not at rest.
  ///
  /// - Parameter open: what the worker has of it.
  func state(_ open: OpenPort, _ list: inout DescriptorList) -> InheritedPort.FrontEnd? {
    var frontEnd = InheritedPort.FrontEnd()
    (frontEnd.faults, frontEnd.lastError) = (faultCount, lastError)
    (frontEnd.refusals, frontEnd.lastRefusal) = (report.refusalCount, report.lastRefusal)
    frontEnd.queues = open.queues
    frontEnd.candidate = candidate.map { list.place($0) }
    guard let session, let connection else { return frontEnd }
    guard case (var state, let descriptors)? = session.state(at: open.positions) else { return nil }
    // The next message of whoever has the channel would begin in the middle of this one.
    if channel?.isWithinMessage == true { state.channel = nil }
    unsent.append(session.takeOutgoing())
    frontEnd.session = InheritedPort.Connection(
      state: state, descriptors: list.places(descriptors), connection: list.place(connection),
      unsent: unsent.messages.map { InheritedPort.Message(bytes: $0.bytes, descriptors: list.places($0.descriptors)) })
    return frontEnd
  }

  /// Goes on with what another process had; a session that cannot be taken up ends, and why is told as of others.
  func inherit(_ frontEnd: InheritedPort.FrontEnd, _ descriptors: [Descriptor]) {
    (faultCount, lastError) = (frontEnd.faults, frontEnd.lastError)
    report.inherit(frontEnd.refusals, frontEnd.lastRefusal)
    if let session = frontEnd.session, let connection = descriptors.at(session.connection),
      let named = descriptors.at(session.descriptors)
    {
      if let failure = takeUp(TakenSession(state: session.state, descriptors: named, connection: connection)) {
        lastError = failure
      } else {
        unsent.append(
          session.unsent.map { OutgoingMessage(rest: $0.bytes, descriptors: descriptors.at($0.descriptors) ?? []) })
      }
    }
    candidate = descriptors.at(frontEnd.candidate)
    let port = port
    worker.commands.submit { $0.coldInherit(port, frontEnd.queues) }
  }
}
