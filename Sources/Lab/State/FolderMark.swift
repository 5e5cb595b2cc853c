import LinuxHost

/// Whose a folder is, written into it before anything else: nothing in a folder without its mark is ever removed.
///
/// The mark says the name, so that a copy of a lab's folder, or one that was renamed, is nobody's.
struct FolderMark: Sendable, Equatable {
  /// Name of the file that is the mark.
  static let file = ".apus"
  /// Bytes of the longest mark, by far.
  private static let limit = 1 << 10

  /// Its one line, such as `lab campus`.
  let text: String

  static func lab(_ name: String) -> FolderMark { FolderMark(text: "lab \(name)") }
  static func node(_ name: String, of lab: String) -> FolderMark { FolderMark(text: "node \(lab)/\(name)") }

  /// Whether an entry is a mark that was being written, by somebody who has died or is about to finish.
  static func isBegun(_ entry: String) -> Bool { Folder.isUnfinished(entry, of: file) }

  /// Whether a folder carries it.
  func isIn(_ folder: Folder) -> Bool {
    guard let bytes = folder.read(Self.file, limit: Self.limit) else { return false }
    return String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isNewline) == [text[...]]
  }

  /// Whether the folder of that name in another carries it.
  func isOn(_ name: String, under root: String) -> Bool { (try? Folder(root).folder(name)).map(isIn) ?? false }

  func write(in folder: Folder) throws(SystemError) {
    try folder.write(Self.file, Array("\(text)\n".utf8), mode: LabFolders.fileMode)
  }
}
