import FoundationEssentials

/// Small files of the control side: whole reads, atomic writes.
enum Files {
  static func exists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: path) }

  /// Makes a folder and those above it; one that is there already stays as it is.
  /// - Parameter mode: permission bits of a folder made now.
  static func makeDirectory(_ path: String, mode: Int = 0o755) throws(UserError) {
    if exists(path) { return }
    do {
      try FileManager.default.createDirectory(
        atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: mode])
    } catch {
      throw UserError(.failed, "cannot make the folder \(path): \(reason(error))")
    }
  }

  /// Writes by renaming, so that a reader (or a crash) sees the old text or the new one, never half of it.
  static func write(_ bytes: [UInt8], to path: String) throws(UserError) {
    do {
      try Data(bytes).write(to: URL(filePath: path), options: .atomic)
    } catch {
      throw UserError(.failed, "cannot write \(path): \(reason(error))")
    }
  }

  static func read(_ path: String) -> [UInt8]? {
    (try? Data(contentsOf: URL(filePath: path))).map { [UInt8]($0) }
  }

  /// Removes a file or a folder with all in it.
  /// - Returns: whether there was one.
  @discardableResult
  static func remove(_ path: String) throws(UserError) -> Bool {
    guard exists(path) else { return false }
    do {
      try FileManager.default.removeItem(atPath: path)
      return true
    } catch {
      throw UserError(.failed, "cannot remove \(path): \(reason(error))")
    }
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

  private static func reason(_ error: any Error) -> String {
    guard let error = error as? CocoaError else { return "\(error)" }
    switch error.code {
    case .fileWriteNoPermission, .fileReadNoPermission: return "permission denied"
    case .fileWriteOutOfSpace: return "no space left"
    case .fileWriteVolumeReadOnly: return "the file system is read-only"
    case .fileWriteFileExists: return "a file of that name is in the way"
    default: return error.underlying.map { "\($0)" } ?? "\(error)"
    }
  }
}

extension Files {
  static func isSocket(_ path: String) -> Bool {
    let attributes = try? FileManager.default.attributesOfItem(atPath: path)
    return attributes?[.type] as? FileAttributeType == .typeSocket
  }
}
