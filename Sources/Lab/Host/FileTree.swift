import FoundationEssentials
import Glibc
import LinuxHost

/// A folder of somebody else's files: what lies in it can be listed and read, and nothing outside of it.
///
/// No symbolic link in it is followed, a pipe or a device is no file, and a name that leads out of it names nothing.
package struct FileTree: Sendable {
  /// What is at a path.
  package enum Content: Sendable, Equatable {
    case nothing
    /// It is no file, or it cannot be read, or a link is on the way.
    case unreadable
    /// It has more bytes than are read.
    case tooLarge
    case bytes([UInt8])
  }

  /// Deepest folder that is looked into.
  private static let deepest = 16
  private static let mostEntries = 100_000

  private let root: Folder

  /// Opens a folder by its path, whose symbolic links are followed.
  package init(_ path: String) throws {
    do { root = try Folder(path) } catch { throw UserError(.badInput, "cannot read \(path)", hint: "is it there?") }
  }

  /// The paths of the files in it, sorted by folder; at most 100,000, and none further down than 16 folders.
  ///
  /// - Parameter isDeep: also what is in the folders in it.
  package func paths(isDeep: Bool) -> [String] {
    var paths: [String] = []
    var entries = 0
    list(root, "", isDeep ? Self.deepest : 0, &paths, &entries)
    return paths
  }

  private func list(_ folder: Folder, _ prefix: String, _ depth: Int, _ paths: inout [String], _ entries: inout Int) {
    for name in (try? folder.names()) ?? [] {
      entries += 1
      guard entries <= Self.mostEntries else { return }
      switch try? folder.kind(of: name) {
      case .file: paths.append(prefix + name)
      case .folder where depth > 0 && name != ".git":
        guard let inner = try? folder.folder(name) else { continue }
        list(inner, "\(prefix)\(name)/", depth - 1, &paths, &entries)
      default: continue
      }
    }
  }

  /// The bytes of a file.
  ///
  /// - Parameter limit: most bytes that it may have.
  package func read(_ path: String, limit: Int) -> Content {
    guard let (folder, name) = place(of: path) else { return .nothing }
    guard let kind = try? folder.kind(of: name) else { return .nothing }
    guard kind == .file else { return .unreadable }
    guard let bytes = folder.read(name, limit: limit + 1) else { return .unreadable }
    return bytes.count > limit ? .tooLarge : .bytes(bytes)
  }

  /// The first bytes of a file; nil = it cannot be read.
  package func head(_ path: String, count: Int) -> [UInt8]? {
    guard let (folder, name) = place(of: path) else { return nil }
    return folder.read(name, limit: count)
  }

  private func place(of path: String) -> (Folder, String)? {
    let parts = path.split(separator: "/").map { String($0) }.filter { $0 != "." }
    guard let name = parts.last, !path.hasPrefix("/"), !parts.contains("..") else { return nil }
    var folder = root
    for part in parts.dropLast() {
      guard let next = try? folder.folder(part) else { return nil }
      folder = next
    }
    return (folder, name)
  }

  /// Throws what keeps a file from being written, as far as that can be told before: no such folder, or one there.
  package static func requireWritable(_ path: String, isForced: Bool) throws {
    _ = try folder(of: path, isForced: isForced)
  }

  /// Whether two paths name one file.
  package static func isSame(_ one: String, _ other: String) -> Bool {
    guard let (folder, name) = try? Self.folder(of: one, isForced: true),
      let (otherFolder, otherName) = try? Self.folder(of: other, isForced: true)
    else { return one == other }
    return name == otherName && folder.isSame(as: otherFolder)
  }

  /// Writes a file whole or not at all.
  ///
  /// - Parameter isForced: also where there is one.
  package static func write(_ text: String, to path: String, isForced: Bool) throws {
    let (folder, name) = try Self.folder(of: path, isForced: isForced)
    do throws(SystemError) {
      try folder.write(name, Array(text.utf8), mode: 0o644, isNew: !isForced)
    } catch let error where error.code == EEXIST {
      throw isThere(path)
    } catch {
      throw UserError.wrapping(error, "cannot write \(path)")
    }
  }

  private static func isThere(_ path: String) -> UserError {
    UserError(.badInput, "\(path) is there already", hint: "--force overwrites it")
  }

  /// The folder of a file that may be written, and the file's name in it.
  private static func folder(of path: String, isForced: Bool) throws -> (Folder, String) {
    let parts = path.split(separator: "/", omittingEmptySubsequences: false)
    guard let name = parts.last.map({ String($0) }), !name.isEmpty, name != ".", name != ".." else {
      throw UserError(.badInput, "\(path) is no name of a file")
    }
    let parent = parts.dropLast().joined(separator: "/")
    do {
      let folder = try Folder(parts.count == 1 ? "." : parent.isEmpty ? "/" : parent)
      let kind = try folder.kind(of: name)
      if kind != nil, !isForced { throw isThere(path) }
      if let kind, kind != .file, kind != .symbolicLink { throw UserError(.badInput, "\(path) is no file") }
      return (folder, name)
    } catch let error as UserError {
      throw error
    } catch {
      throw UserError.wrapping(error, "cannot write \(path)")
    }
  }
}
