import FoundationEssentials
import Glibc
import LinuxHost

/// Small files of the control side: whole reads, atomic writes.
enum Files {
  static func exists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: path) }

  /// Writes a file for its owner alone, by renaming: a reader (or a crash) sees the old text or the new one, never half
  /// of it.
  /// - Parameter path: absolute, in a folder that is there.
  static func write(_ bytes: [UInt8], to path: String) throws(UserError) {
    let (folder, name) = split(path)
    do throws(SystemError) {
      try Folder(folder).write(name, bytes, mode: LabFolders.fileMode)
    } catch {
      throw UserError(.failed, "cannot write \(path): \(SystemError.text(of: error.code))")
    }
  }

  /// The same, in a folder that is held open.
  static func write(_ bytes: [UInt8], as name: String, in folder: Folder) throws(UserError) {
    do throws(SystemError) {
      try folder.write(name, bytes, mode: LabFolders.fileMode)
    } catch {
      throw UserError(.failed, "cannot write \(folder.path(of: name)): \(SystemError.text(of: error.code))")
    }
  }

  /// Removes an entry that is no folder from one that is held open; nothing happens if there is none.
  static func remove(_ name: String, in folder: Folder) throws(UserError) {
    do throws(SystemError) {
      try folder.remove(name)
    } catch {
      throw UserError(.failed, "cannot remove \(folder.path(of: name)): \(SystemError.text(of: error.code))")
    }
  }

  static func read(_ path: String) -> [UInt8]? {
    (try? Data(contentsOf: URL(filePath: path))).map { [UInt8]($0) }
  }

  /// Removes a file, a socket, or a symbolic link; never a folder.
  /// - Returns: whether there was one.
  @discardableResult
  static func remove(_ path: String) throws(UserError) -> Bool {
    let (folder, name) = split(path)
    do throws(SystemError) {
      return try Folder(folder).remove(name)
    } catch {
      if error.code == ENOENT { return false }
      throw UserError(.failed, "cannot remove \(path): \(SystemError.text(of: error.code))")
    }
  }

  /// The folder of an absolute path, and the name in it.
  private static func split(_ path: String) -> (folder: String, name: String) {
    let parts = path.split(separator: "/")
    return ("/" + parts.dropLast().joined(separator: "/"), parts.last.map { String($0) } ?? "")
  }

  /// Names in a folder, sorted; none when it does not exist.
  static func names(in path: String) -> [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).sorted()
  }

  /// The last `count` lines of a log, at most 200 bytes each, without control characters.
  static func lastLines(of path: String, count: Int) -> [String] {
    guard let bytes = read(path) else { return [] }
    let text = String(decoding: bytes.suffix(count * 200 + 2000), as: UTF8.self)
    return text.split(whereSeparator: \.isNewline)
      .map { String(withoutControls($0).prefix(200)) }
      .filter { !$0.allSatisfy(\.isWhitespace) }
      .suffix(count)
  }

  /// A line without control characters and without a terminal's escape sequences (ECMA-48 section 5.4).
  private static func withoutControls(_ line: Substring) -> String {
    var rest = line.unicodeScalars[...]
    var clean = String.UnicodeScalarView()
    while let scalar = rest.popFirst() {
      if scalar == "\u{1B}", rest.first == "[" {
        rest = rest.dropFirst().drop { $0.value < 0x40 }.dropFirst()
      } else if scalar.value >= 32, scalar.value != 127 {
        clean.append(scalar)
      }
    }
    return String(clean)
  }
}

extension Files {
  static func isSymbolicLink(_ path: String) -> Bool {
    let (folder, name) = split(path)
    return (try? Folder(folder).kind(of: name)) == .symbolicLink
  }

  static func isSocket(_ path: String) -> Bool {
    let attributes = try? FileManager.default.attributesOfItem(atPath: path)
    return attributes?[.type] as? FileAttributeType == .typeSocket
  }
}
