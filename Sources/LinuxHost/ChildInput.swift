import Glibc
import Synchronization

/// Where what a child reads is written: a pipe, or the keyboard's side of a terminal.
package final class ChildInput: Sendable {
  /// End of file on a terminal whose lines are edited: Ctrl-D (VEOF, termios(3)).
  private static let endOfFile: [UInt8] = [4]

  /// A terminal makes the first into the second (ICRNL).
  private static let lineEnds: [UInt8] = [13, 10]

  private let isTerminal: Bool
  /// The last byte written ended no line.
  private let isInLine = Atomic(false)
  /// Nil once it was ended, or the child has closed its end.
  private let descriptor: Mutex<Descriptor?>

  init(_ descriptor: Descriptor, isTerminal: Bool) {
    self.descriptor = Mutex(descriptor)
    self.isTerminal = isTerminal
  }

  /// Writes all bytes, as fast as the child takes them; one caller at a time.
  /// - Returns: false when the child takes nothing more, or the task was cancelled; then some bytes went nowhere.
  package func write(_ bytes: [UInt8]) async -> Bool {
    var done = 0
    while done < bytes.count {
      guard !Task.isCancelled, let descriptor = descriptor.withLock({ $0 }) else { return false }
      do throws(SystemError) {
        done += try descriptor.write(bytes, from: done)
        isInLine.store(!Self.lineEnds.contains(bytes[done - 1]), ordering: .relaxed)
      } catch let error where error.code == EAGAIN {
        guard await Self.hasRoom(descriptor) else { return false }
      } catch {
        self.descriptor.withLock { $0 = nil }
        return false
      }
    }
    return true
  }

  /// The child reads to the end of what was written.
  package func end() async {
    if isTerminal {
      // Within a line the first only hands over what there is of it.
      let isInLine = isInLine.load(ordering: .relaxed)
      _ = await write(isInLine ? Self.endOfFile + Self.endOfFile : Self.endOfFile)
    } else {
      descriptor.withLock { $0 = nil }
    }
  }

  /// Tells a terminal its new size.
  package func resize(to size: WindowSize) {
    guard isTerminal, let descriptor = descriptor.withLock({ $0 }) else { return }
    try? PseudoTerminal.resize(descriptor, to: size)
  }

  /// Waits until a write does not block or fails at once; false when the task is cancelled.
  private static func hasRoom(_ descriptor: Descriptor) async -> Bool {
    guard let room = try? Epoll(), (try? room.add(descriptor.raw, token: 1, events: Epoll.output)) != nil else {
      return false
    }
    return (try? await Readiness.wait(for: room.descriptor, timeoutSeconds: nil)) ?? false
  }
}
