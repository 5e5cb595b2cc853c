internal import LinuxHost
internal import VhostUser

/// Messages of our own to a front-end (vhost-user, "Back-end message types").
extension VhostUserEndpoint {
  /// Sends a message on the front-end's channel; never waits.
  ///
  /// - Returns: false if it is not sent: there is no channel, it is full, or the device is suspended ("no ring runs": then
  ///   the back-end "MUST NOT send"), or the front-end has not agreed to descriptors (BACKEND_SEND_FD).
  func tellFrontEnd(_ message: OutgoingMessage) -> Bool {
    guard let session, channel != nil, taker == nil, !session.startedRings.isEmpty else { return false }
    guard message.descriptors.isEmpty || session.protocolFeatures & ProtocolFeature.backendDescriptors != 0 else {
      return false
    }
    return withChannel { channel throws(SystemError) in try channel.send(message) } ?? false
  }

  /// There is room on the channel again, or its other end has gone.
  func flushChannel() { _ = withChannel { channel throws(SystemError) in try channel.flush() } }

  /// Drops the channel; what waits on it is gone.
  func closeChannel() {
    if let channel, channel.isWaiting { epoll.remove(channel.socket.raw) }
    channel = nil
  }

  /// Does something with the channel, and has epoll look for room as long as messages wait.
  ///
  /// - Returns: nil if there is none, or it failed: it is closed then, and the session goes on without it.
  private func withChannel<T>(_ body: (inout BackendChannel) throws(SystemError) -> T) -> T? {
    guard var channel else { return nil }
    let wasWaiting = channel.isWaiting
    do throws(SystemError) {
      let result = try body(&channel)
      if channel.isWaiting, !wasWaiting {
        try epoll.add(channel.socket.raw, token: channelToken, events: Epoll.output)
      } else if wasWaiting, !channel.isWaiting {
        epoll.remove(channel.socket.raw)
      }
      self.channel = channel
      return result
    } catch {
      if wasWaiting { epoll.remove(channel.socket.raw) }
      self.channel = nil
      return nil
    }
  }
}
