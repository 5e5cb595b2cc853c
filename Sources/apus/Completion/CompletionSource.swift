import ArgumentParser
import Control
import Foundation
import Lab

/// Looks up what names there are, quickly, and says nothing when there are none.
struct CompletionSource {
  /// Seconds that a daemon may take: who presses a key waits.
  private static let patience = 0.5

  private let directories = LabDirectories.resolve(environment: Variables.all)

  /// Names of a kind that begin with `prefix`.
  func names(_ kind: CompletionNames, lab: String?, prefix: String) async -> [CompletionEngine.Choice] {
    await all(kind, lab: lab).filter { $0.value.hasPrefix(prefix) }
  }

  private func all(_ kind: CompletionNames, lab: String?) async -> [CompletionEngine.Choice] {
    switch kind {
    case .labs, .labsAndFiles: return (try? directories.labs(asked: nil))?.map { .init($0, "lab") } ?? []
    case .images:
      let catalogue = ImageCatalogue(directories: directories, environment: Variables.all)
      return catalogue.entries().map { .init($0.shownName, "image") }
    default: break
    }
    let asked = lab ?? Variables.value("LAB")
    guard let session = try? LabSession(asked: asked) else {
      return (try? await kind.choices(of: ControlClient(socket: "/dev/null"), within: 0)) ?? []
    }
    return (try? await kind.choices(of: session.client, within: Self.patience)) ?? []
  }

  /// Files and folders that begin with `prefix`; folders end with a slash.
  /// - Parameter extensions: of the files; empty = any.
  func files(_ prefix: String, extensions: [String], foldersOnly: Bool = false) -> [CompletionEngine.Choice] {
    let head = prefix.lastIndex(of: "/").map { String(prefix[...$0]) } ?? ""
    let start = prefix.dropFirst(head.count)
    var folder = head.isEmpty ? "." : head
    if folder.hasPrefix("~/") { folder = NSHomeDirectory() + folder.dropFirst() }
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    return names.sorted().filter { $0.hasPrefix(start) && ($0.hasPrefix(".") == start.hasPrefix(".")) }
      .compactMap { name in
        if HostPaths.isFolder("\(folder)/\(name)") { return .init("\(head)\(name)/") }
        let isWanted = extensions.isEmpty || extensions.contains { name.hasSuffix(".\($0)") }
        return isWanted && !foldersOnly ? .init(head + name) : nil
      }
  }

  /// Programs of `PATH`, of which there are many: only when something is typed.
  func programs(_ prefix: String) -> [CompletionEngine.Choice] {
    guard !prefix.isEmpty else { return [] }
    if prefix.contains("/") { return files(prefix, extensions: []) }
    let folders = (Variables.all["PATH"] ?? "").split(separator: ":")
    let names = folders.flatMap { (try? FileManager.default.contentsOfDirectory(atPath: String($0))) ?? [] }
    return Set(names.filter { $0.hasPrefix(prefix) }).sorted().map { .init($0) }
  }

  /// What can stand at the end of a command line.
  /// - Parameter words: those of the line without the program; the last is the one that is completed.
  /// - Returns: whole words as they are to stand there, and whether they are names of files.
  func answer(_ words: [String]) async -> (choices: [CompletionEngine.Choice], areFiles: Bool) {
    guard let tree = try? CommandTree(description: CommandLineDescription.text()) else { return ([], false) }
    let answer = CompletionEngine(tree).answer(Array(words.dropLast()), words.last ?? "")
    var areFiles = false
    var choices = answer.choices
    switch answer.wanted {
    case .nothing: break
    case .values(let values): choices += values.filter { $0.hasPrefix(answer.prefix) }.map { .init($0) }
    case .names(let name):
      guard let kind = CompletionNames(rawValue: name) else { break }
      choices += await names(kind, lab: answer.lab, prefix: answer.prefix)
      if kind == .labsAndFiles {
        let files = files(answer.prefix, extensions: ["yaml", "yml"])
        areFiles = choices.isEmpty && !files.isEmpty
        choices += files
      }
    case .files(let extensions):
      choices += files(answer.prefix, extensions: extensions)
      areFiles = true
    case .directories:
      choices += files(answer.prefix, extensions: [], foldersOnly: true)
      areFiles = true
    case .commands: choices += programs(answer.prefix)
    }
    return (choices.map { .init(answer.head + $0.value, $0.text) }, areFiles)
  }
}

/// The command line as swift-argument-parser describes it.
enum CommandLineDescription {
  /// JSON, its ToolInfo.
  static func text() -> String {
    do {
      _ = try Apus.parseAsRoot(["--experimental-dump-help"])
      return ""
    } catch {
      return Apus.fullMessage(for: error)
    }
  }
}
