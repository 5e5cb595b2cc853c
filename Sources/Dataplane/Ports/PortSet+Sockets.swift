internal import LinuxHost

/// Sockets of ports whose peers are given frames as they are: streams, and datagrams.
extension PortSet {
  /// Gives a stream's port its connection; its first frames are read at the next breath.
  ///
  /// - Returns: false if nobody would tell of frames; the port is as before then.
  mutating func coldOpenStream(_ port: Int, _ descriptor: Descriptor, epoch: Int) -> Bool {
    let body = self[port].body
    stream[body].coldOpen(descriptor, epoch: epoch)
    guard stream[body].coldWatch(port: port, epoll) else {
      stream[body].coldLetGo()
      return false
    }
    _ = coldSetLooks(port, true)
    return true
  }

  /// Gives a port its socket for datagrams; false as of a stream.
  mutating func coldOpenDatagrams(_ port: Int, _ descriptor: Descriptor, peerPath: String) -> Bool {
    let body = self[port].body
    dgram[body].coldOpen(descriptor, peerPath: peerPath)
    guard dgram[body].coldWatch(port: port, epoll) else {
      dgram[body].close(epoll)
      return false
    }
    _ = coldSetLooks(port, true)
    return true
  }

  /// A stream's connection is over.
  mutating func coldCloseStream(_ port: Int) {
    stream[self[port].body].coldLetGo()
    _ = coldSetLooks(port, false)
  }
}
