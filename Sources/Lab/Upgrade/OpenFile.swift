import Glibc
import LinuxHost
import Synchronization

/// An open file that goes from one process to another, for those who know no descriptors.
package struct OpenFile: Sendable {
  let descriptor: Descriptor

  init(_ descriptor: Descriptor) { self.descriptor = descriptor }

  /// The open file that a number of this process stands for, which stays open beside it.
  package init(copyOf number: Int32) throws(UserError) {
    do throws(SystemError) {
      descriptor = try Descriptor(copyOf: number)
    } catch {
      throw UserError(.failed, "\(error)")
    }
  }

  /// The number of another descriptor of it, which whoever asks for it has to close.
  package func duplicatedNumber() throws(UserError) -> Int32 {
    do throws(SystemError) {
      return try descriptor.duplicatedNumber()
    } catch {
      throw UserError(.failed, "\(error)")
    }
  }
}

/// A socket on which the API is served: it stays open while nobody takes connections from it, and may go to another
/// process.
package final class ListeningSocket: Sendable {
  /// Connections that wait to be taken.
  private static let backlog: Int32 = 256

  private let descriptor: Mutex<Descriptor?>

  private init(_ descriptor: Descriptor) { self.descriptor = Mutex(descriptor) }

  /// Makes the socket file, which owner and group may use; one that a dead daemon has left there is replaced.
  /// - Throws: `UserError` with what the system says to it.
  package convenience init(path: String) throws(UserError) {
    do throws(SystemError) {
      self.init(try UnixSocket.listen(path: path, mode: 0o660, owner: nil, backlog: Self.backlog))
    } catch {
      throw UserError(.failed, SystemError.text(of: error.code))
    }
  }

  /// - Parameters:
  ///   - address: IPv4 or IPv6, as text.
  ///   - port: 0 to 65535.
  /// - Throws: `UserError` with what the system says to it.
  package convenience init(address: String, port: Int) throws(UserError) {
    do throws(SystemError) {
      self.init(try TCPSocket.listen(address: address, port: UInt16(clamping: port), backlog: Self.backlog))
    } catch {
      throw UserError(.failed, SystemError.text(of: error.code))
    }
  }

  /// One that another process listened on.
  package convenience init(_ file: OpenFile) { self.init(file.descriptor) }

  /// It, to be handed on; nil once it is closed.
  package var file: OpenFile? { descriptor.withLock { $0 }.map { OpenFile($0) } }

  /// The number of another descriptor of it, which whoever asks for it has to close.
  package func duplicatedNumber() throws(UserError) -> Int32 {
    guard let file else { throw UserError(.failed, "the socket is closed") }
    return try file.duplicatedNumber()
  }

  /// Has as many connections wait as are meant to: who takes it over sets a number of its own.
  package func widen() {
    descriptor.withLock { if let descriptor = $0 { _ = Glibc.listen(descriptor.raw, Self.backlog) } }
  }

  /// Nobody listens any more: who connects is refused.
  package func close() { descriptor.withLock { $0 = nil } }
}
