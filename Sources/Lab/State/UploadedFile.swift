import Glibc
import LinuxHost

/// A file that a client sends, beneath the folder of images, there as long as this object is.
///
/// Its owner alone may read it. What a daemon that was killed has left of such files is removed when the next one is made.
/// Written by one task at a time.
package final class UploadedFile: @unchecked Sendable {
  private static let folder = ".uploads"

  /// Absolute.
  package let path: String
  private let file: Descriptor
  private let name: String
  /// Its own one, in `uploads`.
  private let place: String
  private let uploads: Folder

  /// - Parameter name: what the file is called, with its ending: `debian.qcow2`; `upload` where that is no plain name.
  /// - Throws: `UserError` when it cannot be made.
  package init(called name: String, in directories: LabDirectories) throws(UserError) {
    let root = "\(directories.dataRoot)/images"
    let isPlain = !name.hasPrefix(".") && name.utf8.allSatisfy(Self.isPlain) && (1...200).contains(name.utf8.count)
    self.name = isPlain ? name : "upload"
    place = "\(getpid())-\(String(UInt64.random(in: 0 ... .max), radix: 16))"
    path = "\(root)/\(Self.folder)/\(place)/\(self.name)"
    do throws(SystemError) {
      let images = try Folder.make(root, mode: LabFolders.ownMode)
      try images.makeFolder(Self.folder, mode: LabFolders.ownMode)
      uploads = try images.folder(Self.folder)
      Self.removeRemains(in: uploads)
      try uploads.makeFolder(place, mode: LabFolders.ownMode)
      file = try Descriptor.createFile(path, mode: LabFolders.fileMode)
    } catch {
      throw UserError(.failed, "cannot keep what is sent in \(root): \(SystemError.text(of: error.code))")
    }
  }

  deinit { Self.remove(place, in: uploads) }

  /// Appends bytes.
  /// - Throws: `UserError` when the disk is full.
  package func write(_ bytes: [UInt8]) throws(UserError) {
    var offset = 0
    do throws(SystemError) {
      while offset < bytes.count { offset += try file.write(bytes, from: offset) }
    } catch {
      throw UserError(.failed, "cannot keep what is sent: \(SystemError.text(of: error.code))")
    }
  }

  private static func isPlain(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"):
      true
    default: "._-".utf8.contains(byte)
    }
  }

  private static func remove(_ place: String, in uploads: Folder) {
    guard let folder = try? uploads.folder(place) else { return }
    for name in (try? folder.names()) ?? [] { _ = try? folder.remove(name) }
    _ = try? uploads.removeFolder(place)
  }

  private static func removeRemains(in uploads: Folder) {
    for place in (try? uploads.names()) ?? [] {
      guard let process = place.split(separator: "-").first.flatMap({ Int32($0) }), process != getpid(),
        ProcessIdentity.of(pid: process) == nil
      else { continue }
      remove(place, in: uploads)
    }
  }
}
