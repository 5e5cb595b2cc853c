import CLinux
import Glibc

/// Unix sockets: streams (SOCK_STREAM) that may carry descriptors, and datagrams; all non-blocking and not inherited by
/// children.
package enum UnixSocket {
  /// Longest path of a socket in bytes: `sun_path` of unix(7), less the final zero.
  package static let maximumPathLength = 107

  /// What one call of `receive` brought.
  package enum Received: Sendable {
    case data(bytes: [UInt8], descriptors: [Descriptor])
    /// Nothing is there yet.
    case wouldBlock
    /// The peer closed the connection.
    case end
  }

  /// Listens at `path`.
  ///
  /// A stale socket (nobody listens) is replaced.
  ///
  /// Owner and mode are in force before anybody can connect. The file is not removed when the listener closes.
  /// - Throws: EADDRINUSE if somebody listens there, EEXIST if another kind of file is there, ENAMETOOLONG beyond
  /// `maximumPathLength`.
  package static func listen(
    path: String, mode: UInt32, owner: (user: UInt32, group: UInt32)?, backlog: CInt = 16
  ) throws(SystemError) -> Descriptor {
    // SAFETY: the path is a C string for the length of the call.
    let result = unsafe clinux_unix_listen(
      path, mode & 0o777, owner?.user ?? 0, owner?.group ?? 0, owner != nil, backlog)
    return Descriptor(owning: try check(result, "listen", path))
  }

  /// A socket for datagrams that is bound to `path`, and sends to nobody yet.
  ///
  /// A stale socket (nobody has it) is replaced. The file is not removed when the socket closes.
  /// - Throws: as `listen` does.
  package static func bind(
    path: String, mode: UInt32, owner: (user: UInt32, group: UInt32)?
  ) throws(SystemError) -> Descriptor {
    // SAFETY: the path is a C string for the length of the call.
    let result = unsafe clinux_unix_bind(path, mode & 0o777, owner?.user ?? 0, owner?.group ?? 0, owner != nil)
    return Descriptor(owning: try check(result, "bind", path))
  }

  /// Whether a path is a socket that nobody has any more; false if that cannot be told.
  package static func isStale(path: String, isStream: Bool) -> Bool {
    // SAFETY: the path is a C string for the length of the call.
    unsafe clinux_unix_is_stale(path, isStream)
  }

  /// Has a socket for datagrams send to whoever is bound to `path` now, and take from nobody else.
  ///
  /// Nothing changes if that is whom it sends to already.
  /// - Throws: ENOENT or ECONNREFUSED if nobody is, EPERM if who is takes from another one only.
  package static func join(_ socket: Descriptor, path: String) throws(SystemError) {
    // SAFETY: the path is a C string for the length of the call.
    try check(unsafe clinux_unix_join(socket.raw, path), "connect", path)
  }

  /// Makes room for as many bytes on their way out as the kernel gives, `size` at most.
  package static func widenSendBuffer(_ socket: Descriptor, to size: Int) {
    clinux_widen_send_buffer(socket.raw, CInt(clamping: size))
  }

  /// Connects to a listener at once.
  /// - Throws: ENOENT or ECONNREFUSED if nobody listens, EAGAIN if its queue is full.
  package static func connect(path: String) throws(SystemError) -> Descriptor {
    // SAFETY: the path is a C string for the length of the call.
    Descriptor(owning: try check(unsafe clinux_unix_connect(path), "connect", path))
  }

  /// Takes the next connection of a listener; nil if nobody waits.
  package static func accept(_ listener: Descriptor) throws(SystemError) -> Descriptor? {
    let result = clinux_unix_accept(listener.raw)
    if result == -EAGAIN { return nil }
    return Descriptor(owning: try check(result, "accept", "descriptor \(listener.raw)"))
  }

  /// Who connected, for messages to people: `qemu-system-x86, process 4711`; nil if it cannot be told.
  package static func peer(of socket: Descriptor) -> String? {
    var process: CInt = 0
    // SAFETY: the buffer lives for the call, which gets its true size and ends the text with a zero byte.
    let name = unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: 32) { buffer -> String? in
      unsafe buffer.initialize(repeating: 0)
      guard let start = buffer.baseAddress,
        unsafe clinux_peer_process(socket.raw, &process, start, buffer.count) == 0
      else { return nil }
      // A process chooses its name; only what a line of a log may hold is kept.
      return unsafe String(cString: start).filter {
        $0.isASCII && ($0.isLetter || $0.isNumber || "-_.:+/".contains($0))
      }
    }
    // 0: the peer lives in a namespace of processes that is not ours.
    guard let name, process > 0 else { return nil }
    return name.isEmpty ? "process \(process)" : "\(name), process \(process)"
  }

  /// Whether this is a unix socket, of any type, rather than one of a network or of the kernel.
  package static func isUnix(_ socket: Descriptor) -> Bool {
    var domain: CInt = 0
    var size = socklen_t(MemoryLayout<CInt>.size)
    // SAFETY: both live for the call, which gets their true size.
    let result = unsafe getsockopt(socket.raw, SOL_SOCKET, SO_DOMAIN, &domain, &size)
    return result == 0 && domain == AF_UNIX
  }

  /// What a stream's peer has not read yet: 0 when it has read all; else a number that is not that of the bytes.
  ///
  /// nil if it cannot be asked.
  package static func unreadSize(of socket: Descriptor) -> Int? {
    let size = clinux_unix_unread(socket.raw)
    return size < 0 ? nil : Int(size)
  }

  /// Two sockets connected to each other.
  package static func pair() throws(SystemError) -> (Descriptor, Descriptor) {
    try unsafe Descriptor.pair("socketpair") { unsafe clinux_unix_pair($0) }
  }

  /// Receives at most `size` bytes (1 or more) and the descriptors that came with them.
  ///
  /// The kernel ends a read behind bytes that carry descriptors, so read a header first, then its body.
  /// - Throws: EMSGSIZE if more descriptors than `maximumDescriptors` (at most 253) came; all of them are closed.
  package static func receive(
    _ socket: Descriptor, size: Int, maximumDescriptors: Int
  ) throws(SystemError) -> Received {
    guard size > 0, 0...253 ~= maximumDescriptors else {
      throw SystemError(
        call: "recvmsg", code: EINVAL,
        context: "size \(size) for \(maximumDescriptors) descriptors: expected 1 or more, for 0 to 253")
    }
    var numbers = [CInt](repeating: -1, count: maximumDescriptors)
    var descriptorCount = 0
    var result = 0
    // SAFETY: buffers live for the call, which gets their true sizes and writes `result` bytes and `descriptorCount`
    // numbers at most.
    let bytes = unsafe [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
      result = unsafe clinux_receive(
        socket.raw, buffer.baseAddress, size, &numbers, maximumDescriptors, &descriptorCount)
      count = max(0, result)
    }
    if result == -Int(EAGAIN) { return .wouldBlock }
    try check(result, "recvmsg", "descriptor \(socket.raw)")
    let descriptors = numbers.prefix(descriptorCount).map { Descriptor(owning: $0) }
    return result == 0 ? .end : .data(bytes: bytes, descriptors: descriptors)
  }

  /// Sends bytes, with descriptors attached to the first of them; the peer gets duplicates.
  ///
  /// Returns how many bytes went out, which may be fewer than given (the descriptors went then, too), or nil if none did
  /// because the peer does not read.
  /// - Throws: EPIPE if the peer is gone; no signal is raised.
  package static func send(
    _ socket: Descriptor, _ bytes: [UInt8], descriptors: [Descriptor] = []
  ) throws(SystemError) -> Int? {
    // SAFETY: both arrays live for the call and their true sizes are given.
    let result = withExtendedLifetime(descriptors) {
      unsafe clinux_send(socket.raw, bytes, bytes.count, descriptors.map(\.raw), descriptors.count)
    }
    if result == -Int(EAGAIN) { return nil }
    return try check(result, "sendmsg", "descriptor \(socket.raw)")
  }
}
