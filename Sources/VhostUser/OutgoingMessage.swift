package import LinuxHost

/// The reply of a message that has one of its own.
struct Reply {
  var payload: [UInt8]
  /// Go with the reply's first byte; the front-end gets duplicates, ours are closed when it has gone out.
  var descriptors: [Descriptor] = []
}

/// One message to the front-end, whole: header and payload, and the descriptors that go with its first byte.
package struct OutgoingMessage: Sendable {
  /// Header and payload in one: virtio-user reads them by separate calls that must not come up short.
  package internal(set) var bytes: [UInt8]
  package internal(set) var descriptors: [Descriptor]

  private init(_ header: MessageHeader, _ payload: [UInt8], _ descriptors: [Descriptor]) {
    bytes = header.bytes + payload
    self.descriptors = descriptors
  }

  /// What is left of a message of another place, and the descriptors that have not gone yet.
  package init(rest bytes: [UInt8], descriptors: [Descriptor]) {
    (self.bytes, self.descriptors) = (bytes, descriptors)
  }

  /// The reply to a request; front-ends compare its flags with exactly 0x5 (version and reply).
  static func reply(to request: UInt32, _ reply: Reply) -> OutgoingMessage {
    let flags = MessageHeader.version | MessageHeader.replyFlag
    let size = UInt32(truncatingIfNeeded: reply.payload.count)
    return OutgoingMessage(
      MessageHeader(request: request, flags: flags, size: size), reply.payload, reply.descriptors)
  }

  /// A request of the back-end's own, for its channel (vhost-user, "Back-end message types").
  ///
  /// Never with need_reply: nobody here waits for a front-end.
  package static func request(
    _ number: UInt32, payload: [UInt8] = [], descriptors: [Descriptor] = []
  ) -> OutgoingMessage {
    let size = UInt32(truncatingIfNeeded: payload.count)
    return OutgoingMessage(
      MessageHeader(request: number, flags: MessageHeader.version, size: size), payload, descriptors)
  }
}
