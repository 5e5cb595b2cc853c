package import LinuxHost

/// The writer of a back-end channel (SET_BACKEND_REQ_FD): the back-end's own messages, on a socket of their own.
///
/// Never waits. What the front-end does not take yet is kept, `capacity` messages at most, so that one that does not
/// read its channel costs no more than that. Nothing is read: no message asks for a reply.
package struct BackendChannel {
  /// Messages that may wait.
  package static let capacity = 16

  package let socket: Descriptor
  private var queue = OutgoingQueue()

  /// - Parameter socket: a unix socket, as `Session` has made sure of.
  package init(_ socket: Descriptor) {
    self.socket = socket
  }

  /// Messages wait until the socket takes more.
  package var isWaiting: Bool { !queue.isEmpty }

  /// The front-end has the beginning of a message: nobody else can go on with the channel.
  package var isWithinMessage: Bool { queue.isWithinMessage }

  /// Sends a message behind those that wait.
  ///
  /// - Returns: false if `capacity` messages wait already: this one is not sent.
  /// - Throws: the channel is of no use any more.
  package mutating func send(_ message: OutgoingMessage) throws(SystemError) -> Bool {
    _ = try queue.send(to: socket)
    guard queue.count < Self.capacity else { return false }
    queue.append([message])
    _ = try queue.send(to: socket)
    return true
  }

  /// Sends what waits, as far as the socket takes it.
  ///
  /// - Throws: the channel is of no use any more.
  package mutating func flush() throws(SystemError) { _ = try queue.send(to: socket) }
}
