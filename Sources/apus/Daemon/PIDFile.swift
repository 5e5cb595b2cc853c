import Foundation
import Lab

/// The file `apus.pid` with the daemon's process id; who holds the lock on it is the daemon of that lab.
final class PIDFile {
  /// Keeps the lock.
  private let handle: FileHandle

  /// Takes the place of the daemon, waiting a little for one that is ending.
  /// - Throws: `UserError` when another daemon goes on running, or there is a folder of that name that is not the lab's.
  init(_ lab: String, in directories: LabDirectories) async throws {
    let path = directories.pidFile(lab)
    let start = ContinuousClock.now
    while true {
      // Each time, as the daemon before may just be removing them.
      try LabFolders.make(lab, in: directories)
      if let handle = Self.lock(path) {
        self.handle = handle
        break
      }
      guard ContinuousClock.now - start < .seconds(5) else {
        let holder = FileManager.default.contents(atPath: path).map { String(decoding: $0, as: UTF8.self) } ?? ""
        let pid = holder.split(whereSeparator: \.isWhitespace).first.map { " (process \($0))" } ?? ""
        throw UserError(
          .failed, "lab \(lab) has a daemon already\(pid)", hint: "`apus down \(lab)` removes the lab and ends it")
      }
      try await Task.sleep(for: .milliseconds(20))
    }
    try write(path)
  }

  /// Takes it from the daemon before this one, whose lock goes on; its number stays in it until `write`.
  init(_ file: OpenFile) throws(UserError) {
    handle = FileHandle(fileDescriptor: try file.duplicatedNumber(), closeOnDealloc: true)
  }

  /// It, to be handed to another process: the lock is its too.
  func openFile() throws(UserError) -> OpenFile { try OpenFile(copyOf: handle.fileDescriptor) }

  /// Writes the number of this process.
  /// - Parameter path: for messages.
  func write(_ path: String) throws(UserError) {
    do {
      let line = Data("\(getpid())\n".utf8)
      try handle.seek(toOffset: 0)
      // In the place of the number of another daemon: at no time is there none.
      try handle.write(contentsOf: line)
      try handle.truncate(atOffset: UInt64(line.count))
    } catch {
      throw UserError(.failed, "cannot write \(path): \(ErrorWords.ofFoundation(error))")
    }
  }

  private static func lock(_ path: String) -> FileHandle? {
    if !FileManager.default.fileExists(atPath: path) {
      _ = FileManager.default.createFile(atPath: path, contents: nil, attributes: [.posixPermissions: 0o600])
    }
    guard let handle = FileHandle(forUpdatingAtPath: path) else { return nil }
    guard flock(handle.fileDescriptor, LOCK_EX | LOCK_NB) == 0 else { return nil }
    // The daemon before may have removed the file meanwhile; then the lock is on nothing.
    let link = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\(handle.fileDescriptor)")
    return link?.hasSuffix(" (deleted)") == false ? handle : nil
  }
}
