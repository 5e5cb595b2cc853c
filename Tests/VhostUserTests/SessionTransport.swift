import GuestKit
import LinuxHost
import VhostUser

/// Carries a front-end's bytes straight into a session, as a reactor would over a socket: never more than it wants,
/// descriptors as duplicates and with the first bytes only.
final class SessionTransport: Transport {
  /// Bytes and descriptors of one send.
  struct Chunk {
    var bytes: [UInt8]
    var descriptors: [Descriptor]
  }

  private(set) var session: Session?
  private(set) var owner: RecordingOwner
  /// Why the session ended.
  private(set) var failure: ProtocolError?
  /// All that was sent.
  private(set) var recording: [Chunk] = []
  /// Most bytes that one read brings.
  var readSize = Int.max
  /// Answers what is pending at once; otherwise a test calls `complete`.
  var completesAtOnce = true
  private var input: [Chunk] = []
  private(set) var output: [UInt8] = []
  private var outputDescriptors: [Descriptor] = []

  init(_ owner: RecordingOwner) {
    self.owner = owner
    session = Session(owner: owner)
  }

  func send(_ bytes: [UInt8], descriptors: [Descriptor]) throws {
    recording.append(Chunk(bytes: bytes, descriptors: descriptors))
    guard session != nil else { throw GuestKitError.closed }
    input.append(Chunk(bytes: bytes, descriptors: try descriptors.map { try $0.duplicate() }))
    pump()
  }

  func receive(_ count: Int, until deadline: Deadline) throws -> [UInt8] {
    guard output.count >= count else {
      guard session != nil else { throw GuestKitError.closed }
      throw GuestKitError.timeout("\(count) bytes are wanted and \(output.count) are there")
    }
    defer { output.removeFirst(count) }
    return Array(output.prefix(count))
  }

  func takeDescriptors() -> [Descriptor] {
    defer { outputDescriptors = [] }
    return outputDescriptors
  }

  /// Has the session stop, so that it can be taken out.
  func suspend() {
    guarded { session throws(ProtocolError) in try session.suspend() }
    pump()
  }

  /// The time for which rings may be held is over.
  func endHold() {
    guarded { session throws(ProtocolError) in try session.endHold() }
    pump()
  }

  /// The session goes on elsewhere; what was sent meanwhile is read there.
  func moveTo(_ owner: RecordingOwner, _ session: Session) {
    (self.owner, self.session) = (owner, session)
    guarded { session throws(ProtocolError) in try session.takeUp() }
    pump()
  }

  /// Ends the pending request.
  func complete(_ completion: OwnerCompletion) {
    guarded { session throws(ProtocolError) in try session.complete(completion) }
    pump()
  }

  /// The peer goes away.
  func close() {
    session = nil
    input = []
  }

  private func pump() {
    while let session {
      collect(session)
      if let completion = owner.completion {
        guard completesAtOnce else { return }
        owner.completion = nil
        guarded { session throws(ProtocolError) in try session.complete(completion) }
      } else if !input.isEmpty, session.wantedSize > 0 {
        let count = min(session.wantedSize, readSize, input[0].bytes.count)
        let bytes = Array(input[0].bytes.prefix(count))
        let descriptors = input[0].descriptors
        input[0].bytes.removeFirst(count)
        input[0].descriptors = []
        if input[0].bytes.isEmpty { input.removeFirst() }
        guarded { session throws(ProtocolError) in try session.receive(bytes, descriptors: descriptors) }
      } else {
        return
      }
    }
  }

  private func guarded(_ body: (Session) throws(ProtocolError) -> Void) {
    guard let session else { return }
    do throws(ProtocolError) {
      try body(session)
    } catch {
      failure = error
      collect(session)
      close()
    }
  }

  private func collect(_ session: Session) {
    for message in session.takeOutgoing() {
      output += message.bytes
      outputDescriptors += message.descriptors
    }
  }
}

/// A front-end before a session of its own, with everything a test looks at.
struct Bench {
  let owner: RecordingOwner
  let transport: SessionTransport
  let frontEnd: FrontEnd

  /// - Parameter acknowledges: REPLY_ACK is negotiated, so that refusals are nacks rather than the end.
  init(acknowledges: Bool = false, configure: (RecordingOwner) -> Void = { _ in }) throws {
    owner = RecordingOwner()
    configure(owner)
    transport = SessionTransport(owner)
    frontEnd = FrontEnd(transport)
    if acknowledges { try frontEnd.setProtocolFeatures(RecordingOwner.protocolFeatures) }
  }

  var session: Session? { transport.session }

  /// Sends a message that must be refused; returns the reason that was noted, nil if it was accepted.
  ///
  /// Where there are acknowledgements it must be nacked with 1 and the session go on; otherwise the session must end.
  func refusal(_ body: (FrontEnd) throws -> Void) throws -> String? {
    let acknowledges = frontEnd.protocolFeatures & ProtocolFeature.replyAcknowledge != 0 && frontEnd.asksForReply
    do {
      try body(frontEnd)
      return transport.failure?.description
    } catch GuestKitError.nacked(_, let value) where acknowledges {
      guard value == 1, transport.failure == nil else { return nil }
      return session?.lastRefusal
    }
  }
}
