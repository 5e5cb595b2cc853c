import Glibc
package import LinuxHost
import Synchronization

/// A file, pipe, socket or device.
package final class DescriptorSink: CaptureSink {
  /// What can be written to a pipe that is writable without waiting (PIPE_BUF).
  private static let pipeStep = 4096
  private static let pause = 100
  private static let readerErrors: Set<CInt> = [EPIPE, ECONNRESET]
  private static let roomErrors: Set<CInt> = [ENOSPC, EDQUOT, EFBIG]
  private static let tryAgain: Set<CInt> = [EINTR, EAGAIN]

  private struct State {
    var descriptor: Descriptor?
    /// Bytes of whole blocks written.
    var size: UInt64 = 0
  }

  private let state: Mutex<State>
  private let name: String
  private let isStorage: Bool

  /// - Parameters:
  ///   - name: for messages.
  ///   - size: bytes of whole blocks that are in the file, behind which it writes.
  package init(_ descriptor: Descriptor, name: String, size: UInt64 = 0) {
    state = Mutex(State(descriptor: descriptor, size: size))
    self.name = name
    isStorage = descriptor.isStorage
  }

  /// Goes on behind what is in a file, or makes it.
  package convenience init(appendingTo path: String) throws(CaptureSinkError) {
    do throws(SystemError) {
      let file = try Descriptor.appendFile(path)
      self.init(file, name: path, size: file.isStorage ? file.fileSize ?? 0 : 0)
    } catch {
      throw Self.translate(error, path)
    }
  }

  /// Makes or empties a file; one made now is for its owner alone, as what people say to each other is.
  /// - Parameter mayWait: whether a FIFO is waited for until somebody reads it, which keeps the thread; if not, one that
  ///   nobody reads is an error.
  package convenience init(path: String, mode: UInt32 = 0o600, mayWait: Bool = true) throws(CaptureSinkError) {
    do throws(SystemError) {
      self.init(try Descriptor.createFile(path, mode: mode, mayWait: mayWait), name: path)
    } catch {
      if error.code == ENXIO { throw .failed("\(path): nobody reads it (ENXIO)") }
      throw Self.translate(error, path)
    }
  }

  /// Bytes written so far.
  package var size: UInt64 { state.withLock(\.size) }

  package var isAbandoned: Bool {
    guard !isStorage, let descriptor = state.withLock(\.descriptor) else { return false }
    return descriptor.hasHungUp
  }

  package func write(_ blocks: [UInt8], isCancelled: () -> Bool) throws(CaptureSinkError) {
    guard let descriptor = state.withLock(\.descriptor) else { throw .failed("\(name) is closed") }
    do throws(CaptureSinkError) {
      try writeAll(blocks, to: descriptor, isCancelled)
    } catch {
      let size = size
      // A file must not end in half a block; what else this is cannot be taken back.
      if isStorage { try? descriptor.truncate(to: size) }
      throw error
    }
    state.withLock { $0.size += UInt64(blocks.count) }
  }

  private func writeAll(
    _ bytes: [UInt8], to descriptor: Descriptor, _ isCancelled: () -> Bool
  ) throws(CaptureSinkError) {
    var done = 0
    while done < bytes.count {
      let step = try isReady(descriptor) ? try writeSome(bytes, from: done, to: descriptor) : 0
      if step == 0, isCancelled() { throw .cancelled }
      done += step
    }
  }

  private func isReady(_ descriptor: Descriptor) throws(CaptureSinkError) -> Bool {
    guard !isStorage else { return true }
    do throws(SystemError) {
      return try descriptor.waitWritable(milliseconds: Self.pause)
    } catch {
      throw Self.translate(error, name)
    }
  }

  /// Writes without waiting; 0 if that cannot be.
  private func writeSome(
    _ bytes: [UInt8], from offset: Int, to descriptor: Descriptor
  ) throws(CaptureSinkError) -> Int {
    do throws(SystemError) {
      return try descriptor.write(bytes, from: offset, limit: isStorage ? .max : Self.pipeStep)
    } catch {
      guard Self.tryAgain.contains(error.code) else { throw Self.translate(error, name) }
      return 0
    }
  }

  package func close() { state.withLock { $0.descriptor = nil } }

  static func translate(_ error: SystemError, _ name: String) -> CaptureSinkError {
    if readerErrors.contains(error.code) { return .readerGone }
    let message = "\(name): \(SystemError.text(of: error.code)) (\(SystemError.name(of: error.code)))"
    return roomErrors.contains(error.code) ? .full(message) : .failed(message)
  }
}
