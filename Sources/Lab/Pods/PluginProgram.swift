import FoundationEssentials
import LinuxHost

/// Another CNI plugin, which ours runs: one that manages addresses, as a rule.
package enum PluginProgram {
  /// Seconds that it may take: less than a kubelet waits for all of them.
  private static let timeout = 60.0
  /// Bytes of an answer that are kept.
  private static let outputLimit = 1 << 20

  /// How it ended.
  package struct Outcome: Sendable, Equatable {
    /// Exit status, or 128 + the signal that ended it.
    package var status: Int32
    package var output: [UInt8]
    /// What it wrote to standard error, the end of it.
    package var complaint: String

    package init(status: Int32, output: [UInt8], complaint: String = "") {
      (self.status, self.output, self.complaint) = (status, output, complaint)
    }
  }

  /// Path of the plugin of that name in the first of the folders that has one; nil if none has.
  package static func find(_ name: String, in folders: [String]) -> String? {
    folders.lazy.map { "\($0)/\(name)" }.first { path in
      HostFacts.kind(of: path) == .file && FileManager.default.isExecutableFile(atPath: path)
    }
  }

  /// Runs a plugin to its end.
  /// - Parameters:
  ///   - path: of its executable.
  ///   - input: what it reads from standard input.
  package static func run(
    _ path: String, environment: [String: String], input: [UInt8]
  ) async throws(UserError) -> Outcome {
    var request = SpawnRequest(executable: path, environment: environment)
    request.isFed = true
    do {
      let child = try RunningChild(request)
      return try await withThrowingTaskGroup(of: Outcome?.self) { group in
        group.addTask {
          if await child.input?.write(input) ?? false { await child.input?.end() }
          return nil
        }
        group.addTask { try await follow(child) }
        group.addTask {
          try await Task.sleep(for: .seconds(timeout))
          throw UserError(.failed, "\(path) has not ended after \(Int(timeout)) s")
        }
        defer { group.cancelAll() }
        while let outcome = try await group.next() {
          if let outcome { return outcome }
        }
        throw UserError(.failed, "\(path) did not end")
      }
    } catch {
      throw UserError.wrapping(error, "cannot run \(path)")
    }
  }

  private static func follow(_ child: RunningChild) async throws -> Outcome {
    let words = ToolWords(limit: outputLimit)
    while let event = try await child.next() {
      switch event {
      case .output(let isError, let bytes): words.add(bytes, isError: isError)
      case .ended(let status):
        return Outcome(
          status: status, output: Array(words.text(ofErrors: false).utf8),
          complaint: ShownText.lastLine(words.text(ofErrors: true)))
      }
    }
    return Outcome(status: 255, output: [])
  }
}
