import CLinux
import Glibc

/// A folder that is held open, and its own entries by their names.
///
/// What is done in it is done there, whatever becomes of its path meanwhile: no call names anything further down, and
/// none follows a symbolic link. A name with a slash, `.` and `..` are refused (EINVAL).
package struct Folder: Sendable {
  /// What an entry itself is, wherever it may lead.
  package enum Kind: Sendable, Equatable { case file, folder, socket, symbolicLink, other }

  let descriptor: Descriptor
  /// As it was opened; for messages.
  package let path: String

  /// Opens the folder at `path`, whose symbolic links are followed.
  /// - Throws: ENOENT, ENOTDIR, EACCES and the like.
  package init(_ path: String) throws(SystemError) {
    // SAFETY: the path is a C string for the length of the call.
    descriptor = Descriptor(owning: try check(unsafe clinux_folder_open(path), "open", path))
    self.path = path
  }

  /// Opens the folder at an absolute path; what of it is missing is made, the folder itself with just the permission
  /// bits of `mode`, those above it as the umask says.
  ///
  /// One that is there keeps its mode.
  /// - Parameter mode: nil = as the umask says.
  package static func make(_ path: String, mode: UInt32?) throws(SystemError) -> Folder {
    do throws(SystemError) {
      return try Folder(path)
    } catch let error where error.code == ENOENT {
      let parts = path.split(separator: "/")
      guard let name = parts.last else { throw error }
      let above = try make("/" + parts.dropLast().joined(separator: "/"), mode: nil)
      try above.makeFolder(String(name), mode: mode)
      return try Folder(path)
    }
  }

  private init(_ descriptor: Descriptor, _ path: String) {
    self.descriptor = descriptor
    self.path = path
  }

  /// The path of an entry.
  package func path(of name: String) -> String { path.hasSuffix("/") ? path + name : "\(path)/\(name)" }

  /// Opens a folder in this one.
  /// - Throws: ENOTDIR (or ELOOP) when the entry is a symbolic link or no folder, ENOENT when there is none.
  package func folder(_ name: String) throws(SystemError) -> Folder {
    // SAFETY: the name is a C string for the length of the call.
    let raw = try check(unsafe clinux_folder_enter(descriptor.raw, name), "open", path(of: name))
    return Folder(Descriptor(owning: raw), path(of: name))
  }

  /// Makes a folder in this one, with the permission bits of `mode` whatever the umask is; nil = as that says.
  /// - Returns: false when an entry of that name, of whatever kind, is there: it stays as it is.
  @discardableResult
  package func makeFolder(_ name: String, mode: UInt32?) throws(SystemError) -> Bool {
    let bits = mode.map { CInt($0 & 0o7777) } ?? -1
    // SAFETY: the name is a C string for the length of the call.
    return try check(unsafe clinux_folder_make(descriptor.raw, name, bits), "mkdir", path(of: name)) == 1
  }

  /// Sets the permission bits of this folder itself; set-group-ID, by which what is made in it goes to a group, stays.
  package func setMode(_ mode: UInt32) throws(SystemError) {
    try check(clinux_folder_set_mode(descriptor.raw, mode), "chmod", path)
  }

  /// Whether both are one folder, by whatever paths they were opened.
  package func isSame(as other: Folder) -> Bool {
    guard let mine = descriptor.place, let others = other.descriptor.place else { return false }
    return mine == others
  }

  /// What an entry is; nil when there is none.
  package func kind(of name: String) throws(SystemError) -> Kind? {
    // SAFETY: the name is a C string for the length of the call.
    let kind = try check(unsafe clinux_entry_kind(descriptor.raw, name), "stat", path(of: name))
    switch UInt32(bitPattern: kind) {
    case CLINUX_ENTRY_NONE.rawValue: return nil
    case CLINUX_ENTRY_FILE.rawValue: return .file
    case CLINUX_ENTRY_FOLDER.rawValue: return .folder
    case CLINUX_ENTRY_SOCKET.rawValue: return .socket
    case CLINUX_ENTRY_LINK.rawValue: return .symbolicLink
    default: return .other
    }
  }

  /// Names of all entries, sorted.
  ///
  /// Bytes that are not UTF-8 are replaced: such a name leads to no entry.
  package func names() throws(SystemError) -> [String] {
    // The position of a duplicate would be shared with whoever reads at the same time.
    let raw = try check(clinux_folder_reopen(descriptor.raw), "open", path)
    // SAFETY: the stream owns the descriptor, is used by this thread alone and closed once; a record's name ends with a
    // zero byte.
    guard let stream = unsafe fdopendir(raw) else {
      let code = errno
      close(raw)
      throw SystemError(call: "fdopendir", code: code, context: path)
    }
    defer { unsafe closedir(stream) }
    var names: [String] = []
    while let record = unsafe readdir(stream) {
      let name = unsafe withUnsafeBytes(of: &record.pointee.d_name) { bytes in
        unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
      }
      if name != "." && name != ".." { names.append(name) }
    }
    return names.sorted()
  }

  /// The bytes of a regular file, `limit` at most; nil when there is no such file or it cannot be read.
  package func read(_ name: String, limit: Int) -> [UInt8]? {
    // SAFETY: the name is a C string for the length of the call.
    let raw = unsafe clinux_entry_open(descriptor.raw, name)
    guard raw >= 0 else { return nil }
    let file = Descriptor(owning: raw)
    var bytes: [UInt8] = []
    while bytes.count < limit {
      guard let part = try? file.read(size: min(1 << 16, limit - bytes.count)) else { return nil }
      if part.isEmpty { break }
      bytes += part
    }
    return bytes
  }

  /// Whether an entry is a file that `write` was making under another name until it is whole: a crash has left it, or
  /// the writer is about to finish.
  package static func isUnfinished(_ entry: String, of name: String) -> Bool {
    guard entry.hasPrefix(".\(name)."), entry.hasSuffix(".new") else { return false }
    let middle = entry.dropFirst(name.count + 2).dropLast(4)
    return middle.count == unfinishedDigits && middle.allSatisfy(\.isHexDigit)
  }

  private static let unfinishedDigits = 8

  static func unfinished(_ name: String) -> String {
    let digits = String(UInt32.random(in: 0 ... .max), radix: 16)
    return ".\(name).\(String(repeating: "0", count: unfinishedDigits - digits.count))\(digits).new"
  }

  /// Writes a file with just the permission bits of `mode`; whoever reads, or writes at the same time, sees the former
  /// one or this one, never half of it.
  ///
  /// - Parameter isNew: throws EEXIST where an entry of that name is there, whenever it came.
  package func write(_ name: String, _ bytes: [UInt8], mode: UInt32, isNew: Bool = false) throws(SystemError) {
    let unfinished = Self.unfinished(name)
    do throws(SystemError) {
      // SAFETY: the name is a C string for the length of the call.
      let raw = unsafe clinux_entry_create(descriptor.raw, unfinished, mode)
      let file = Descriptor(owning: try check(raw, "open", path(of: name)))
      var offset = 0
      while offset < bytes.count { offset += try file.write(bytes, from: offset) }
      // A power cut must not leave the new name with nothing behind it.
      if fdatasync(file.raw) < 0 { throw SystemError(call: "fdatasync", code: errno, context: path(of: name)) }
      try publish(unfinished, as: name, isNew: isNew)
    } catch {
      _ = try? remove(unfinished)
      throw error
    }
  }

  private func publish(_ unfinished: String, as name: String, isNew: Bool) throws(SystemError) {
    if isNew {
      // SAFETY: both names are C strings for the length of the call.
      let result = unsafe clinux_entry_publish(descriptor.raw, unfinished, name)
      // A file system without links cannot tell: its caller has looked before.
      guard [-EPERM, -EOPNOTSUPP, -ENOSYS].contains(result) else {
        try check(result, "link", path(of: name))
        return
      }
    }
    // SAFETY: both names are C strings for the length of the call.
    try check(unsafe clinux_entry_rename(descriptor.raw, unfinished, name), "rename", path(of: name))
  }

  /// Gives an entry another name, in the place of one that may be there.
  package func rename(_ name: String, to other: String) throws(SystemError) {
    // SAFETY: both names are C strings for the length of the call.
    try check(unsafe clinux_entry_rename(descriptor.raw, name, other), "rename", path(of: name))
  }

  /// Removes an entry that is no folder; of a symbolic link the link.
  /// - Returns: whether there was one.
  /// - Throws: EISDIR for a folder.
  @discardableResult
  package func remove(_ name: String) throws(SystemError) -> Bool {
    // SAFETY: the name is a C string for the length of the call.
    let result = unsafe clinux_entry_remove(descriptor.raw, name, false)
    if result == -ENOENT { return false }
    try check(result, "unlink", path(of: name))
    return true
  }

  /// Removes a folder in this one, if it is empty and nothing is mounted on it.
  /// - Returns: false when it is not.
  package func removeFolder(_ name: String) throws(SystemError) -> Bool {
    // SAFETY: the name is a C string for the length of the call.
    let result = unsafe clinux_entry_remove(descriptor.raw, name, true)
    if [-ENOTEMPTY, -EEXIST, -EBUSY].contains(result) { return false }
    if result != -ENOENT { try check(result, "rmdir", path(of: name)) }
    return true
  }
}
