import LinuxHost

/// A program of this host that does one thing and ends: `qemu-img`, `genisoimage`.
enum HostTool {
  /// Seconds that a tool may take; copying is not among what they do.
  private static let timeout = 120.0
  /// Bytes of a tool's words that are kept.
  private static let textLimit = 64 << 10

  /// Runs a program to its end.
  /// - Parameter package: Debian's package that has it, for the advice where it is missing.
  /// - Returns: what it wrote to its standard output.
  /// - Throws: `UserError` with the tool's last words when it is missing or fails.
  static func run(
    _ name: String, _ arguments: [String], package: String, _ variables: [String: String]
  ) async throws(UserError) -> String {
    guard let executable = Executables.find(name, variables) else {
      throw UserError(.failed, "no program \(name) on this host", hint: "install it with `apt-get install \(package)`")
    }
    let words = ToolWords(limit: textLimit)
    let status: Int32
    do {
      status = try await LinuxHost.run(
        SpawnRequest(executable: executable, arguments: arguments),
        onOutput: { isError, bytes in words.add(bytes, isError: isError) }, timeoutSeconds: timeout)
    } catch {
      throw UserError.wrapping(error, name)
    }
    guard status == 0 else {
      throw UserError(.failed, "\(name) failed: \(PingTest.lastLine(words.text(ofErrors: true)))")
    }
    return words.text(ofErrors: false)
  }
}
