package import LinuxHost

// Security model.
//
// A front-end is a process that may be hostile: a guest that broke out of its driver, or a program that anybody with
// access to the socket wrote. It can send any bytes and any descriptors, in any order, and stop at any byte.
//
// - What it may hurt is its own port: a fault is nacked, or ends this connection, never the process and never another
//   port. No value from a message is used for arithmetic, as an index or as a size before it was compared with its
//   limit; nothing here can trap on input. Buffers are bounded by `maximumPayloadSize`.
// - Descriptors are owned from the moment they arrive. Those that a message does not define are closed by being
//   dropped; those it defines are looked at first: memory must be a regular file of which this
//   host alone brings the pages, kick, call and error must be eventfds, which are set non-blocking.
// - Here are no memory and no rings. Addresses are handed on as numbers; the `RingOwner` alone maps and translates.
// - A front-end may use what was offered to it without having acknowledged it: that harms nobody but itself.
// - The front-end's own mistakes in order (a ring kicked before its addresses) are refused, not worked around, unless
//   a real front-end makes them; then the line says which.
//
// Specification: https://qemu-project.gitlab.io/qemu/interop/vhost-user.html

/// One connection of a front-end: the protocol as a state machine over bytes.
///
/// Lives on the reactor's thread. Bytes go in by `receive`, replies come out of `takeOutgoing`, and what a message asks
/// for goes to the `RingOwner`. While the owner has an answer pending, `wantedSize` is 0 and nothing is read.
package final class Session {
  /// Largest payload that is accepted, in bytes; the largest that is defined has 300.
  package static let maximumPayloadSize = 4096
  /// Most descriptors that any message carries (SET_MEM_TABLE); a reader needs room for no more.
  package static let maximumDescriptors = 8
  /// Regions in one SET_MEM_TABLE (VHOST_USER_MAX_RAM_SLOTS of the base protocol).
  static let maximumTableRegions = 8
  /// Bytes of configuration space that a front-end may address (VHOST_USER_MAX_CONFIG_SIZE).
  static let maximumConfigurationSize = 256

  /// Outlives the session.
  unowned let owner: any RingOwner
  let offer: DeviceOffer

  /// Virtio features acknowledged by SET_FEATURES.
  package internal(set) var features: UInt64 = 0
  /// Protocol features acknowledged, already masked with what is offered.
  package internal(set) var protocolFeatures: UInt64 = 0
  /// Device status of SET_STATUS (VIRTIO 1.2 section 2.1).
  package internal(set) var status: UInt8 = 0
  /// Messages refused since the connection began, nacked or fatal.
  package private(set) var refusalCount: UInt64 = 0
  /// The latest of them and its reason; a nack does not end the session, so it is to be read here.
  package private(set) var lastRefusal: String?
  /// The number of the request that was refused; 0 = none.
  package private(set) var lastRefusedRequest: UInt32 = 0

  /// SET_OWNER has come.
  var isOwned = false
  var rings: [Ring]
  /// Memory that the owner has accepted.
  var regions: [MemoryRegionRequest] = []
  var repeats = RegionRepeats()
  /// See `Session+Log`.
  var log: SessionLog?
  /// Rings that were held for want of a log run without.
  package internal(set) var hasWaitedForLog = false
  /// Bytes that NET_SET_MTU asked for; nil = it has not come.
  var mtu: Int?
  /// SET_INFLIGHT_FD.
  var inflight: InflightRegion?
  /// SET_BACKEND_REQ_FD.
  package internal(set) var channel: Descriptor?

  private let table: MessageTable
  private(set) var phase = Phase.header
  private var buffer: [UInt8] = []
  private var descriptors: [Descriptor] = []
  private var outgoing: [OutgoingMessage] = []
  private var exchange = Exchange()
  private var steps: [Step] = []
  private var pendingStep: Step?
  /// What has still to be done after a session was made of a state.
  var restored: Restored?
  /// What runs without a message; see `Session+State`.
  private(set) var passage: Passage?

  /// What is read next.
  enum Phase {
    case header
    case payload(MessageHeader)
    case pending
    /// Everything stands still, and `state` says all.
    case suspended(Input)
    case closed
  }

  /// The beginning of a message.
  struct Input {
    var bytes: [UInt8] = []
    var descriptors: [Descriptor] = []
  }

  /// The way into or out of another place, in place of a message; what had come of the next message waits meanwhile.
  enum Passage {
    case out(Input)
    case into(Input)
    /// Nowhere: something has to be done that no message asks for.
    case aside(Input)
  }

  /// The message being answered.
  private struct Exchange {
    var header = MessageHeader(request: 0, flags: 0, size: 0)
    var hasOwnReply = false
    var reply: Reply?
  }

  /// Begins a connection, of which the owner has the longer life; nothing is remembered of an earlier one.
  package convenience init(owner: any RingOwner) { self.init(owner: owner, table: .standard) }

  init(owner: any RingOwner, table: MessageTable) {
    self.owner = owner
    self.table = table
    self.offer = owner.offer
    self.rings = [Ring](repeating: Ring(), count: 2 * max(0, owner.offer.queuePairs))
  }

  /// Bytes to read next: first a header (with room for `maximumDescriptors`), then exactly its payload.
  ///
  /// 0 = do not read: an answer is pending, or the session is over.
  package var wantedSize: Int {
    switch phase {
    case .header: MessageHeader.size - buffer.count
    case .payload(let header): Int(header.size) - buffer.count
    case .pending, .suspended, .closed: 0
    }
  }

  /// Takes bytes from the socket, at most `wantedSize`; may be a part of what was wanted.
  ///
  /// - Parameter descriptors: came with the first of these bytes; owned by the session from here on.
  /// - Throws: the reason to close the connection; the session is over then.
  package func receive(_ bytes: [UInt8], descriptors: [Descriptor] = []) throws(ProtocolError) {
    do throws(ProtocolError) {
      try take(bytes, descriptors)
    } catch {
      close()
      throw error
    }
  }

  /// Ends an `OwnerAnswer.pending`.
  ///
  /// The request's reply is in `takeOutgoing` unless the owner is asked for more.
  ///
  /// - Throws: the reason to close the connection; the session is over then.
  package func complete(_ completion: OwnerCompletion) throws(ProtocolError) {
    do throws(ProtocolError) {
      guard let step = pendingStep else { throw .outOfTurn("an answer arrived without a pending request") }
      pendingStep = nil
      phase = .header
      try settle(step, completion)
      try runSteps()
    } catch {
      close()
      throw error
    }
  }

  /// Replies to send, in order; empty when there are none.
  ///
  /// Stop reading from a peer that does not take its replies.
  package func takeOutgoing() -> [OutgoingMessage] {
    defer { outgoing = [] }
    return outgoing
  }

  private func close() {
    phase = .closed
    buffer = []
    descriptors = []
    steps = []
    pendingStep = nil
    passage = nil
    restored = nil
  }

  // MARK: - Framing

  private func take(_ bytes: [UInt8], _ newDescriptors: [Descriptor]) throws(ProtocolError) {
    guard bytes.count <= wantedSize else {
      if case .closed = phase { throw .outOfTurn("\(bytes.count) bytes arrived for a session that is over") }
      throw .overrun(count: bytes.count, wanted: wantedSize)
    }
    if !newDescriptors.isEmpty {
      guard case .header = phase, buffer.isEmpty, !bytes.isEmpty else {
        throw .strayDescriptors(newDescriptors.count)
      }
      descriptors = newDescriptors
    }
    guard !bytes.isEmpty else { return }
    buffer += bytes
    guard wantedSize == 0 else { return }
    switch phase {
    case .header:
      let header = MessageHeader(buffer)
      buffer = []
      try check(header)
      phase = .payload(header)
      if header.size == 0 { try dispatch(header) }
    case .payload(let header):
      try dispatch(header)
    case .pending, .suspended, .closed:
      break
    }
  }

  /// What can be wrong with a header such that the next one cannot be found, or nobody meant it.
  private func check(_ header: MessageHeader) throws(ProtocolError) {
    let version = header.flags & MessageHeader.versionMask
    guard version == MessageHeader.version else { throw .version(version) }
    guard header.request != 0 else { throw .requestZero }
    guard header.flags & MessageHeader.replyFlag == 0 else { throw .replyFlag(request: header.request) }
    guard header.size <= UInt32(Self.maximumPayloadSize) else {
      throw .oversized(request: header.request, size: header.size)
    }
  }

  // MARK: - One message

  private func dispatch(_ header: MessageHeader) throws(ProtocolError) {
    let message = Message(payload: WireReader(buffer), descriptors: descriptors)
    buffer = []
    descriptors = []
    phase = .header
    exchange = Exchange(header: header)
    let outcome: Outcome
    do throws(Refusal) {
      outcome = try handle(header, message)
    } catch {
      return try refuse(error.reason)
    }
    switch outcome {
    case .done: break
    case .reply(let reply): exchange.reply = reply
    case .steps(let next): steps = next
    }
    try runSteps()
  }

  private func handle(_ header: MessageHeader, _ message: Message) throws(Refusal) -> Outcome {
    guard let row = table.row(header.request) else { throw Refusal("is not a message that is understood") }
    guard row.feature & ~offer.protocolFeatures == 0 else {
      let feature = protocolFeatureNames(row.feature).joined(separator: ", ")
      throw Refusal("needs the protocol feature \(feature), which is not offered")
    }
    exchange.hasOwnReply = row.hasOwnReply
    guard row.size.accepts(message.payload.bytes.count) else {
      throw Refusal("has \(message.payload.bytes.count) bytes of payload, expected \(row.size.description)")
    }
    guard row.descriptors.contains(message.descriptors.count) else {
      let limits = row.descriptors
      let expected = limits.count == 1 ? "\(limits.lowerBound)" : "\(limits.lowerBound) to \(limits.upperBound)"
      throw Refusal("came with \(message.descriptors.count) descriptors, expected \(expected)")
    }
    return try row.method(self)(message)
  }

  /// Asks the owner, one step after the other, until all are done or one is pending; then answers.
  private func runSteps() throws(ProtocolError) {
    while !steps.isEmpty {
      let step = steps.removeFirst()
      switch perform(step) {
      case .done: try settle(step, .done)
      case .refused(let reason): try settle(step, .refused(reason))
      case .pending:
        pendingStep = step
        phase = .pending
        return
      }
      if case .closed = phase { return }
    }
    guard let passage else { return finish() }
    self.passage = nil
    switch passage {
    case .out(let input): phase = .suspended(input)
    case .into(let input), .aside(let input): try take(input)
    }
  }

  /// Asks the owner what no message asks, so that nobody is answered; nothing may be pending.
  ///
  /// Out: what has come of the next message is kept. Into: it is taken once all is done.
  func pass(_ next: [Step], into input: Input?) throws(ProtocolError) {
    try pass(next, input.map { .into($0) } ?? .out(unfinished))
  }

  /// The same where the session stays; what has come of the next message is taken once all is done.
  func runAside(_ next: [Step]) throws(ProtocolError) { try pass(next, .aside(unfinished)) }

  /// What has come of the next message.
  var unfinished: Input {
    guard case .payload(let header) = phase else { return Input(bytes: buffer, descriptors: descriptors) }
    return Input(bytes: header.bytes + buffer, descriptors: descriptors)
  }

  private func pass(_ next: [Step], _ passage: Passage) throws(ProtocolError) {
    self.passage = passage
    (buffer, descriptors, phase) = ([], [], .header)
    steps = next
    do throws(ProtocolError) {
      try runSteps()
    } catch {
      close()
      throw error
    }
  }

  /// The owner has still to map and start what `takeUp` has told it of.
  package var isTakingUp: Bool { if case .into = passage { true } else { false } }

  /// Takes the beginning of a message; more than that would have been taken before.
  private func take(_ input: Input) throws(ProtocolError) {
    var rest = input.bytes[...]
    var descriptors = input.descriptors
    while !rest.isEmpty {
      let bytes = rest.prefix(wantedSize)
      guard !bytes.isEmpty else { throw .notTakenUp("more than the beginning of a message is said to have come") }
      try take(Array(bytes), descriptors)
      descriptors = []
      rest = rest.dropFirst(bytes.count)
    }
  }

  private func settle(_ step: Step, _ completion: OwnerCompletion) throws(ProtocolError) {
    guard case .refused(let reason) = completion else {
      let (reply, next) = apply(step, completion)
      if let reply { exchange.reply = reply }
      steps += next
      return
    }
    if undo(step) {
      note(reason)
      steps = holdingSteps() + steps
      return
    }
    steps = []
    try refuse(reason)
  }

  /// The message being handled asks for a reply, be it one that has a reply of its own.
  var needsReply: Bool { exchange.header.needsReply }

  /// Answers the message: by its own reply, or by an acknowledgement if one was asked for.
  private func finish() {
    if let reply = exchange.reply {
      answer(reply)
    } else if wantsAcknowledgement {
      answer(acknowledgement(0))
    }
    exchange = Exchange()
  }

  /// Whether the front-end waits for a word: with REPLY_ACK, and "need_reply" on a message without its own reply.
  private var wantsAcknowledgement: Bool {
    exchange.header.needsReply && !exchange.hasOwnReply
      && protocolFeatures & ProtocolFeature.replyAcknowledge != 0
  }

  /// Says no: by the reply if there is a way to, else by ending the connection.
  private func refuse(_ reason: String) throws(ProtocolError) {
    note(reason)
    if passage != nil { throw .notTakenUp(reason) }
    if exchange.hasOwnReply, exchange.header.request == Request.getConfiguration.rawValue {
      // GET_CONFIG: "the back-end uses zero length of payload to indicate an error".
      answer(Reply(payload: []))
    } else if wantsAcknowledgement {
      answer(acknowledgement(1))
    } else {
      throw .refused(request: exchange.header.request, reason: reason)
    }
    exchange = Exchange()
  }

  private func note(_ reason: String) {
    refusalCount &+= 1
    lastRefusedRequest = exchange.header.request
    let subject =
      switch passage {
      case nil: Request.name(exchange.header.request)
      case .aside: "ring that was held"
      case .out, .into: "session that is taken up"
      }
    lastRefusal = "\(subject): \(reason)"
  }

  private func answer(_ reply: Reply) { outgoing.append(.reply(to: exchange.header.request, reply)) }

  private func acknowledgement(_ value: UInt64) -> Reply {
    var payload: [UInt8] = []
    payload.appendWire(value)
    return Reply(payload: payload)
  }
}
