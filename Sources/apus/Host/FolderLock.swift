import Foundation
import Lab

/// A lock that one process at a time holds on a file or folder (flock), until it ends or the value goes.
final class FolderLock {
  private let handle: FileHandle

  /// - Parameter path: of something that exists.
  /// - Returns: nil when another process holds the lock, or there is nothing at `path`.
  init?(tryingAt path: String) {
    guard let handle = FileHandle(forReadingAtPath: path) else { return nil }
    guard flock(handle.fileDescriptor, LOCK_EX | LOCK_NB) == 0 else { return nil }
    // Who held it before may have removed the file meanwhile; then the lock is on nothing.
    let link = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\(handle.fileDescriptor)")
    guard let link, !link.hasSuffix(" (deleted)") else { return nil }
    self.handle = handle
  }

  /// Waits for the lock, looking every 20 ms.
  /// - Throws: `UserError` after `seconds`.
  static func wait(at path: String, seconds: Double, _ complaint: @autoclosure () -> String) async throws -> FolderLock
  {
    let start = ContinuousClock.now
    while ContinuousClock.now - start < .seconds(seconds) {
      if let lock = FolderLock(tryingAt: path) { return lock }
      try await Task.sleep(for: .milliseconds(20))
    }
    throw UserError(.failed, complaint())
  }

  deinit { try? handle.close() }
}
