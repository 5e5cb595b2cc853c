import LinuxHost

/// What carries a front-end's messages: a socket, or in unit tests a session called directly.
package protocol Transport {
  /// Sends all bytes, with descriptors attached to the first of them.
  func send(_ bytes: [UInt8], descriptors: [Descriptor]) throws
  /// Receives exactly `count` bytes.
  func receive(_ count: Int, until deadline: Deadline) throws -> [UInt8]
  /// Descriptors that have come with what was received since the last call.
  func takeDescriptors() -> [Descriptor]
}

/// A connected unix socket.
package final class SocketTransport: Transport {
  package let socket: Descriptor
  /// Milliseconds that a send may take.
  package var sendTimeout = 5000
  private var descriptors: [Descriptor] = []

  /// Takes a connected socket.
  package init(_ socket: Descriptor) {
    self.socket = socket
  }

  /// Connects to a listening back-end, trying again until it listens.
  package convenience init(path: String, timeoutMilliseconds: Int = 5000) throws {
    let deadline = Deadline(milliseconds: timeoutMilliseconds)
    while true {
      do throws(SystemError) {
        self.init(try UnixSocket.connect(path: path))
        return
      } catch {
        // Nothing to wait on until the listener exists: look again shortly.
        guard deadline.remaining > 0 else { throw error }
        _ = Deadline(milliseconds: 10).waitReadable([])
      }
    }
  }

  package func send(_ bytes: [UInt8], descriptors: [Descriptor]) throws {
    let deadline = Deadline(milliseconds: sendTimeout)
    var rest = bytes
    var attached = descriptors
    while !rest.isEmpty {
      let sent: Int?
      do throws(SystemError) {
        sent = try UnixSocket.send(socket, rest, descriptors: attached)
      } catch {
        throw GuestKitError.closed
      }
      if let sent {
        rest.removeFirst(sent)
        if sent > 0 { attached = [] }
      } else if !deadline.waitWritable(socket.raw) {
        throw GuestKitError.timeout("sending \(rest.count) bytes")
      }
    }
  }

  package func receive(_ count: Int, until deadline: Deadline) throws -> [UInt8] {
    var bytes: [UInt8] = []
    while bytes.count < count {
      switch try receiveSome(count - bytes.count) {
      case .data(let more, let descriptors):
        bytes += more
        self.descriptors += descriptors
      case .end: throw GuestKitError.closed
      case .wouldBlock:
        guard deadline.waitReadable([socket.raw]) else {
          throw GuestKitError.timeout("waiting for \(count - bytes.count) bytes")
        }
      }
    }
    return bytes
  }

  package func takeDescriptors() -> [Descriptor] {
    defer { descriptors = [] }
    return descriptors
  }

  private func receiveSome(_ count: Int) throws(GuestKitError) -> UnixSocket.Received {
    do throws(SystemError) {
      return try UnixSocket.receive(socket, size: count, maximumDescriptors: 8)
    } catch {
      throw .closed
    }
  }

  /// Waits until the back-end closes the connection; false if the time is over or it sends bytes instead.
  package func waitForClose(until deadline: Deadline) -> Bool {
    while true {
      switch try? receiveSome(1) {
      case .wouldBlock?:
        guard deadline.waitReadable([socket.raw]) else { return false }
      case .data?: return false
      case .end?, nil: return true
      }
    }
  }
}

/// A listening socket of a front-end in server mode.
package final class FrontEndListener {
  private let listener: Descriptor

  package init(path: String) throws {
    listener = try UnixSocket.listen(path: path, mode: 0o600, owner: nil)
  }

  /// Waits for the back-end to connect.
  package func accept(timeoutMilliseconds: Int = 5000) throws -> FrontEnd {
    let deadline = Deadline(milliseconds: timeoutMilliseconds)
    while true {
      if let socket = try UnixSocket.accept(listener) { return FrontEnd(SocketTransport(socket)) }
      guard deadline.waitReadable([listener.raw]) else { throw GuestKitError.timeout("waiting for a back-end") }
    }
  }
}
