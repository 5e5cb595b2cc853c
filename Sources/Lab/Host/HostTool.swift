import LinuxHost

/// A program of this host that does one thing and ends: `qemu-img`, `genisoimage`.
///
/// The files that it makes are for their owner alone.
enum HostTool {
  /// Seconds that a tool may take that copies nothing.
  private static let usualTimeout = 120.0
  /// What machines and tools withhold from the files that they make.
  static let fileMask: UInt32 = 0o077
  /// Bytes of a tool's words that are kept.
  private static let textLimit = 64 << 10

  /// What a run may have beyond a program and its arguments.
  struct Terms: Sendable {
    /// Path of a file that it reads as its standard input; nil = nothing.
    var input: String?
    /// Seconds that it may take.
    var timeout = usualTimeout
    /// Takes what it writes to its standard output, as it comes.
    var onOutput: @Sendable ([UInt8]) -> Void = { _ in }
  }

  /// Runs a program to its end.
  /// - Parameters:
  ///   - package: Debian's package that has it, for the advice where it is missing.
  ///   - input: path of a file that it reads as its standard input; nil = nothing.
  /// - Returns: what it wrote to its standard output.
  /// - Throws: `UserError` with the tool's last words when it is missing or fails.
  static func run(
    _ name: String, _ arguments: [String], package: String, input: String? = nil, _ variables: [String: String]
  ) async throws(UserError) -> String {
    try await run(name, arguments, package: package, Terms(input: input), variables)
  }

  /// The same, on other terms.
  static func run(
    _ name: String, _ arguments: [String], package: String, _ terms: Terms, _ variables: [String: String]
  ) async throws(UserError) -> String {
    guard let executable = Executables.find(name, variables) else {
      throw UserError(.failed, "no program \(name) on this host", hint: "install it with `apt-get install \(package)`")
    }
    let words = ToolWords(limit: textLimit)
    let status: Int32
    do {
      status = try await LinuxHost.run(
        SpawnRequest(executable: executable, arguments: arguments, standardInput: terms.input, fileMask: fileMask),
        onOutput: { isError, bytes in
          words.add(bytes, isError: isError)
          if !isError { terms.onOutput(bytes) }
        }, timeoutSeconds: terms.timeout)
    } catch {
      throw UserError.wrapping(error, name)
    }
    guard status == 0 else {
      throw UserError(.failed, "\(name) failed: \(ShownText.lastLine(words.text(ofErrors: true)))")
    }
    return words.text(ofErrors: false)
  }
}
