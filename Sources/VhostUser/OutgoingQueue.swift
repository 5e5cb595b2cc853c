package import LinuxHost

/// Messages on their way to a socket, in order.
///
/// A message's descriptors go with its first byte, once: what is left after a partial send goes without them. They are
/// closed here as soon as they are on their way, or when the queue goes.
package struct OutgoingQueue {
  /// What is not wholly sent; of the first one, what is left.
  package private(set) var messages: [OutgoingMessage] = []

  package init() {}

  /// The peer has the beginning of a message, and not its end.
  package private(set) var isWithinMessage = false
  package var isEmpty: Bool { messages.isEmpty }
  /// Messages that are not wholly sent.
  package var count: Int { messages.count }

  package mutating func append(_ more: [OutgoingMessage]) { messages += more }

  /// Sends what the peer takes without waiting for it.
  ///
  /// - Returns: true if nothing is left.
  /// - Throws: EPIPE if the peer is gone, or what else the socket says; what was not sent stays.
  package mutating func send(to socket: Descriptor) throws(SystemError) -> Bool {
    while let message = messages.first {
      guard let sent = try UnixSocket.send(socket, message.bytes, descriptors: message.descriptors), sent > 0 else {
        return false
      }
      isWithinMessage = sent < message.bytes.count
      if isWithinMessage {
        messages[0].bytes.removeFirst(sent)
        messages[0].descriptors = []
      } else {
        messages.removeFirst()
      }
    }
    return true
  }
}
