/// A process to be started.
package struct SpawnRequest: Sendable, Equatable {
  /// A path, or a name that is looked for in PATH.
  package var executable: String
  /// Without the name itself.
  package var arguments: [String]
  /// Nil: the same as ours.
  package var environment: [String: String]?
  /// A file to read; nil: `/dev/null`.
  package var standardInput: String?
  /// Standard input is written by who holds the `RunningChild`, instead of read from a file.
  package var isFed = false
  /// A terminal of this size is the standard streams, and the session's own, instead of files and pipes; only for a
  /// `RunningChild`, with `newSession`.
  package var terminal: WindowSize?
  /// A file to append to, created with mode 0600 if need be; nil: `/dev/null`, or captured by `run`.
  package var standardOutput: String?
  /// As `standardOutput`.
  ///
  /// The two may be the same file.
  package var standardError: String?
  /// Network namespace to start in, with a `/sys` that shows its interfaces; nil: the host's.
  package var namespace: String?
  /// A session and process group of its own: no terminal's or parent's signals reach it.
  package var newSession: Bool
  /// Nil: the same as ours.
  package var workingDirectory: String?
  /// Permission bits that the process withholds from the files it makes (umask(2)); nil: the same as ours.
  package var fileMask: UInt32?

  package init(
    executable: String, arguments: [String] = [], environment: [String: String]? = nil,
    standardInput: String? = nil, standardOutput: String? = nil, standardError: String? = nil,
    namespace: String? = nil, newSession: Bool = true, workingDirectory: String? = nil, fileMask: UInt32? = nil
  ) {
    self.executable = executable
    self.arguments = arguments
    self.environment = environment
    self.standardInput = standardInput
    self.standardOutput = standardOutput
    self.standardError = standardError
    self.namespace = namespace
    self.newSession = newSession
    self.workingDirectory = workingDirectory
    self.fileMask = fileMask
  }
}
