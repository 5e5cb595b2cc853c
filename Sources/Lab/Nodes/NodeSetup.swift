import FoundationEssentials
import Glibc
import LinuxHost
import Topology

/// Carries out what a node's system is told beside its network.
enum NodeSetup {
  /// A file to be made in a node.
  struct File: Sendable {
    var path: String
    var bytes: [UInt8]
    /// Permission bits.
    var mode: Int
  }

  /// Seconds that a line may take which nothing else limits.
  static let lineLimit = ReadyDefinition().timeout
  /// Bytes of a file; all of it is in memory on its way.
  private static let fileLimit = 16 << 20
  /// What a file in the built-in guest has to be called for its SSH server to start.
  static let authorizedKeys = "/root/.ssh/authorized_keys"

  /// The files of a node, read from this host where they are there.
  static func files(of node: NodeDefinition) throws(UserError) -> [File] {
    var files: [File] = []
    for file in node.setup?.files ?? [] {
      switch file.content {
      case .text(let text): files.append(File(path: file.path, bytes: Array(text.utf8), mode: 0o644))
      case .file(let path):
        do throws(SystemError) {
          files.append(try read(path, as: file.path))
        } catch {
          throw UserError(
            .failed, "node \(node.name): cannot read \(path), its \(file.path): \(SystemError.text(of: error.code))")
        }
      }
    }
    return files
  }

  private static func read(_ source: String, as path: String) throws(SystemError) -> File {
    let descriptor = try Descriptor.openFile(source)
    guard descriptor.isRegularFile else { throw SystemError(call: "open", code: EINVAL, context: source) }
    let size = try descriptor.stamp().size
    guard size <= UInt64(fileLimit) else { throw SystemError(call: "read", code: EFBIG, context: source) }
    let isExecutable = FileManager.default.isExecutableFile(atPath: source)
    return File(
      path: path, bytes: size == 0 ? [] : try descriptor.read(at: 0, count: Int(size)),
      mode: isExecutable ? 0o755 : 0o644)
  }

  /// Gives a namespace the settings of its node.
  /// - Parameter journal: gets what each was before; nil = the node is new, and goes if this fails.
  static func writeSettings(
    of node: NodeDefinition, namespace: String, _ journal: Journal?
  ) async throws(UserError) {
    for setting in node.setup?.kernelSettings ?? [] {
      let path = SetupNames.path(ofKey: setting.key)
      // Some can be written only.
      if let journal, let old = try? await KernelSettings.read(path, namespace: namespace) {
        journal.note(words(setting, node)) { try await KernelSettings.write(old, to: path, namespace: namespace) }
      }
      do throws(SystemError) {
        try await KernelSettings.write(setting.value, to: path, namespace: namespace)
      } catch {
        throw refused(setting, node, SystemError.text(of: error.code))
      }
    }
  }

  /// What a journal calls a setting that was changed.
  static func words(_ setting: SetupDefinition.KernelSetting, _ node: NodeDefinition) -> String {
    "sysctl \(setting.key) of node \(node.name)"
  }

  static func refused(_ setting: SetupDefinition.KernelSetting, _ node: NodeDefinition, _ reason: String) -> UserError {
    let value = ShownText.line(setting.value)
    return UserError(.failed, "node \(node.name): cannot set sysctl \(setting.key) to \"\(value)\": \(reason)")
  }

  /// Runs a node's lines, one after the other.
  /// - Parameters:
  ///   - begun: lines that are not run, as they were begun before.
  ///   - limit: seconds for each; nil = somebody else looks at the time.
  ///   - onBegin: writes down that so many lines were begun, before the last of them is.
  ///   - execute: runs a command in the node.
  /// - Throws: `UserError` for the first that fails: which, its exit status, and its last words.
  static func runLines(
    of node: NodeDefinition, after begun: Int = 0, limit: Double? = nil,
    onBegin: @Sendable (_ count: Int) async throws -> Void,
    _ execute: @escaping @Sendable (_ command: [String]) async throws -> StartedCommand.Events
  ) async throws {
    for (index, line) in (node.setup?.exec ?? []).enumerated() where index >= begun {
      try Task.checkCancellation()
      try await onBegin(index + 1)
      let outcome = await CommandTrial.run(limit: limit ?? 1e6) { status, text in
        status == 0
          ? .answered(nil) : .silent("ended with status \(status); it said: \(ShownText.lastLine(text))")
      } _: {
        try await execute(["/bin/sh", "-c", line])
      }
      try Task.checkCancellation()
      guard case .silent(let reason) = outcome else { continue }
      let start = ShownText.line(line.prefix { !$0.isNewline })
      let verb = reason.hasPrefix("ended with") ? reason : "failed: \(reason)"
      throw UserError(.failed, "node \(node.name): line \(index + 1) of its `exec`, \"\(start)\", \(verb)")
    }
  }
}
