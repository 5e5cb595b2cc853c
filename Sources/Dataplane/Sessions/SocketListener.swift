internal import LinuxHost
import Synchronization

/// The socket file of one port, which front-ends, or peers of a stream, connect to.
///
/// Made by who adds the port and ended by who removes it, in the order of their calls, so that a port finds the path free
/// that another one had. In between it is the reactor's, whose epoll watches it: who connects before the reactor has the
/// port waits in the kernel's queue.
final class SocketListener: Sendable {
  private struct State {
    /// Nil while nobody listens.
    var descriptor: Descriptor?
    var hasEnded = false
    /// Another process listens there from now on: the file is not this one's to remove.
    var isGivenAway = false
  }

  private let path: String
  private let mode: UInt32
  private let owner: (user: UInt32, group: UInt32)?
  private let token: UInt64
  private let epoll: Epoll
  private let state = Mutex(State())

  /// Makes the file and begins to listen.
  ///
  /// - Parameters:
  ///   - mode: permission bits of the file.
  ///   - owner: of the file; nil = this process's.
  ///   - serial: of the front-end, where a port has two.
  ///   - epoll: of the reactor.
  ///   - inherited: what another process listened with at that path; it goes on.
  /// - Throws: what `UnixSocket.listen` and `Epoll.add` do; no file is left then.
  init(
    path: String, mode: UInt32, owner: (user: UInt32, group: UInt32)?, port: Int, serial: Int = 0,
    epoll: Epoll, inherited: Descriptor? = nil
  ) throws(SystemError) {
    (self.path, self.mode, self.owner) = (path, mode, owner)
    token = Self.token(port, serial)
    self.epoll = epoll
    guard let inherited else {
      try listen()
      return
    }
    try epoll.add(inherited.raw, token: token, events: Epoll.input)
    state.withLock { $0.descriptor = inherited }
  }

  /// That of the events of a port's listener.
  ///
  /// - Parameter serial: of its front-end.
  static func token(_ port: Int, _ serial: Int = 0) -> UInt64 { EventToken(port: port, source: 1 + bank(serial)).word }

  /// Where the sources of a front-end's events begin: two of one port, which follow each other, have not the same.
  static func bank(_ serial: Int) -> Int { serial % 2 == 0 ? 0 : 4 }

  /// What connections are accepted from; nil while nobody listens.
  var descriptor: Descriptor? { state.withLock { $0.descriptor } }

  /// Listens, as at first; nothing happens once it has ended.
  ///
  /// - Throws: as `init` does.
  func listen() throws(SystemError) {
    try state.withLock { state throws(SystemError) in
      guard !state.hasEnded, state.descriptor == nil else { return }
      let descriptor = try UnixSocket.listen(path: path, mode: mode, owner: owner)
      do throws(SystemError) {
        try epoll.add(descriptor.raw, token: token, events: Epoll.input)
      } catch {
        SocketFile.remove(path)
        throw error
      }
      state.descriptor = descriptor
    }
  }

  /// Whether the reactor is told of connections; those that it is not told of wait in the kernel's queue.
  func setAccepting(_ isAccepting: Bool) {
    state.withLock { state in
      guard let descriptor = state.descriptor else { return }
      // A descriptor that is watched can be watched for something else.
      try? epoll.modify(descriptor.raw, token: token, events: isAccepting ? Epoll.input : 0)
    }
  }

  /// Removes the file, until somebody has it listen again.
  func pause() { state.withLock { close(&$0) } }

  /// Another process listens there from now on, or it does so no more: whether the file is left alone in the end.
  func setGivenAway(_ isGivenAway: Bool) { state.withLock { $0.isGivenAway = isGivenAway } }

  /// Removes the file for good: from now on another port may have its path.
  func end() {
    state.withLock { state in
      close(&state)
      state.hasEnded = true
    }
  }

  private func close(_ state: inout State) {
    guard let descriptor = state.descriptor else { return }
    epoll.remove(descriptor.raw)
    state.descriptor = nil
    if !state.isGivenAway { SocketFile.remove(path) }
  }
}
