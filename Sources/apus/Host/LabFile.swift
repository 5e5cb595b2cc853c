import Control
import Foundation
import Lab
import Topology

/// A lab file as the user names it.
struct LabFile {
  let source: SourceText
  let result: LoadResult

  /// Reads and checks a file; `-` is standard input.
  /// - Throws: `UserError` with code 2 when there is nothing to read.
  init(_ path: String, directories: LabDirectories) throws {
    let current = FileManager.default.currentDirectoryPath
    var directory = current
    var bytes: Data?
    if path == "-" {
      bytes = try? FileHandle.standardInput.readToEnd() ?? Data()
    } else {
      let absolute = path.hasPrefix("/") ? path : "\(current)/\(path)"
      directory = URL(filePath: absolute).deletingLastPathComponent().standardizedFileURL.path(percentEncoded: false)
      bytes = FileManager.default.contents(atPath: absolute)
    }
    guard let bytes else {
      throw UserError(.badInput, "cannot read \(path)", hint: "is it there, and a file?")
    }
    while directory.count > 1, directory.hasSuffix("/") { directory.removeLast() }
    source = SourceText(path: path, text: [UInt8](bytes))
    result = loadLab(
      source, directory: directory, facts: HostLabFacts(directories: directories), environment: Variables.all)
  }

  /// All diagnostics as words, then the lab.
  /// - Throws: status 2 when the file has errors.
  func checked() throws -> CanonicalLab {
    for diagnostic in result.diagnostics { Output.words(diagnostic.rendered(source: source)) }
    guard let lab = result.lab, !result.hasErrors else { throw CommandStatus(.badInput) }
    return lab
  }

  /// Which lab it is; a file with errors is asked for its name alone.
  /// - Throws: status 2, after the diagnostics, when that cannot be read.
  func identity() throws -> LabIdentity {
    if let identity = result.identity { return identity }
    for diagnostic in result.diagnostics { Output.words(diagnostic.rendered(source: source)) }
    throw CommandStatus(.badInput)
  }

  /// The argument of a command that takes a FILE.
  /// - Throws: `UserError` when it names a lab.
  static func path(_ argument: String, of command: String) throws -> String {
    guard case .file(let path) = LabArgument(argument) else {
      throw UserError(
        .badInput, "`\(command)` takes a FILE, and \"\(argument)\" is the name of a lab",
        hint: "a file contains `/`, ends in .yaml or .yml, or is `-`: write ./\(argument)")
    }
    return path
  }
}
