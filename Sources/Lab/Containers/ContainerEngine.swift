import FoundationEssentials
import Glibc
import LinuxHost
import Topology

/// A program of this host that runs containers, asked by its command line.
///
/// It has its own files, and its own settings, which are no matter of ours.
struct ContainerEngine: Sendable {
  /// Seconds that a question may take, and something that makes or ends a container.
  private static let questionLimit = 30.0
  static let changeLimit = 120.0
  /// Bytes of its words that are kept.
  private static let textLimit = 1 << 20
  /// Permission bits that it withholds from its files: containers of other users read some of them.
  private static let fileMask: UInt32 = 0o022

  let kind: ContainerDefinition.Engine
  /// Environment variables: `PATH`, and the engine's own.
  let variables: [String: String]

  init(_ kind: ContainerDefinition.Engine, _ variables: [String: String]) {
    (self.kind, self.variables) = (kind, variables)
  }

  /// The container can be made with its namespaces before its program runs.
  var separatesStart: Bool { kind == .podman }

  /// Path of the program; nil when it is not on this host.
  var executable: String? { Executables.find(kind.rawValue, variables) }

  var missing: UserError {
    UserError(
      .failed, "no program \(kind) on this host",
      hint: "install it with `apt-get install \(kind == .docker ? "docker.io" : kind.rawValue)`")
  }

  /// Runs it to its end.
  /// - Parameters:
  ///   - input: path of the file that it reads.
  ///   - limit: seconds after which it is killed.
  /// - Returns: what it wrote to its standard output.
  /// - Throws: `UserError` with its last words when it is missing, fails, or takes too long.
  @discardableResult
  func run(
    _ arguments: [String], input: String? = nil, limit: Double = questionLimit
  ) async throws(UserError) -> String {
    let (status, output, errors) = try await answer(to: arguments, input: input, limit: limit)
    guard status == 0 else { throw failure(arguments, errors, status) }
    return output
  }

  private func answer(
    to arguments: [String], input: String? = nil, limit: Double
  ) async throws(UserError) -> (status: Int32, output: String, errors: String) {
    guard let executable else { throw missing }
    // Of a log the end counts, of anything else that it answers the beginning.
    let words = ToolWords(limit: Self.textLimit, keepsEnd: arguments.first == "logs")
    let request = SpawnRequest(
      executable: executable, arguments: arguments, standardInput: input, fileMask: Self.fileMask)
    do {
      let status = try await LinuxHost.run(
        request, onOutput: { isError, bytes in words.add(bytes, isError: isError) }, timeoutSeconds: limit)
      return (status, words.text(ofErrors: false), words.text(ofErrors: true))
    } catch let error as SystemError where error.code == ETIMEDOUT {
      throw UserError(.failed, "\(title(arguments)) took longer than \(Int(limit)) s and was ended")
    } catch {
      throw UserError.wrapping(error, kind.rawValue)
    }
  }

  private func title(_ arguments: [String]) -> String {
    let words = arguments.prefix(arguments.first == "container" || arguments.first == "image" ? 2 : 1)
    return ([kind.rawValue] + words).joined(separator: " ")
  }

  private func failure(_ arguments: [String], _ errors: String, _ status: Int32) -> UserError {
    let said = errors.split(whereSeparator: \.isNewline).filter { !$0.allSatisfy(\.isWhitespace) }.suffix(3)
    let words = said.isEmpty ? "status \(status)" : said.map { ShownText.line($0) }.joined(separator: " | ")
    return UserError(.failed, "\(title(arguments)): \(words)")
  }

  // MARK: - Questions

  /// How a container is; nil when there is none of that name.
  func state(of container: String) async throws(UserError) -> ContainerState? {
    let arguments = ["container", "inspect", container]
    let (status, output, errors) = try await answer(to: arguments, limit: Self.questionLimit)
    // A daemon that is not there says "no such file or directory".
    if status != 0, errors.lowercased().contains("no such container") { return nil }
    guard status == 0 else { throw failure(arguments, errors, status) }
    do {
      return try JSONDecoder().decode([ContainerState].self, from: Data(output.utf8)).first
    } catch {
      throw UserError(.failed, "\(title(arguments)): its answer is not understood: \(ErrorWords.of(error))")
    }
  }

  /// Whether an image is on this host.
  func hasImage(_ name: String) async throws(UserError) -> Bool {
    let arguments = ["image", "inspect", "--format", "{{.Id}}", name]
    let (status, _, errors) = try await answer(to: arguments, limit: Self.questionLimit)
    if status == 0 { return true }
    let words = errors.lowercased()
    // Docker's words, and podman's.
    guard words.contains("no such image") || words.contains("image not known") else {
      throw failure(arguments, errors, status)
    }
    return false
  }

  /// What it wrote to either of its streams.
  func said(_ arguments: [String]) async throws(UserError) -> String {
    let (_, output, errors) = try await answer(to: arguments, limit: Self.questionLimit)
    return output + errors
  }

  /// The last lines that a container has written; nothing when they cannot be had.
  func lastLines(of container: String, count: Int) async -> [String] {
    let text = (try? await said(["logs", "--tail", "\(count)", container])) ?? ""
    return text.split(whereSeparator: \.isNewline)
      .filter { !$0.allSatisfy(\.isWhitespace) }.suffix(count).map { ShownText.line($0) }
  }
}
