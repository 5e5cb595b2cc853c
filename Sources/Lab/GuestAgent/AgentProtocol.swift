import FoundationEssentials

/// A line from the agent in a guest.
enum AgentMessage: Equatable {
  case pong(id: String)
  /// Steps of the network's setup that were done when the guest started; before the pong with that id.
  case setup(id: String, steps: Int)
  /// A step that was not done, and why; before the pong with that id.
  case fault(id: String, String)
  case output(id: String, [UInt8])
  case error(id: String, [UInt8])
  case exit(id: String, status: Int32)

  /// nil for a line that is none of these: the guest may say anything.
  init?(line: String) {
    let words = line.split(separator: " ", omittingEmptySubsequences: false).map(String.init)
    switch (words.first, words.count) {
    case ("pong", 2):
      self = .pong(id: words[1])
    case ("out", 3):
      guard let data = Data(base64Encoded: words[2]) else { return nil }
      self = .output(id: words[1], [UInt8](data))
    case ("err", 3):
      guard let data = Data(base64Encoded: words[2]) else { return nil }
      self = .error(id: words[1], [UInt8](data))
    case ("setup", 3):
      guard let steps = Int(words[2]) else { return nil }
      self = .setup(id: words[1], steps: steps)
    case ("fault", 3...):
      self = .fault(id: words[1], words.dropFirst(2).joined(separator: " "))
    case ("exit", 3):
      guard let status = Int32(words[2]) else { return nil }
      self = .exit(id: words[1], status: status)
    default:
      return nil
    }
  }
}

/// The lines to the agent in a guest.
///
/// An id is of letters and digits.
enum AgentRequest {
  static func ping(id: String) -> String { "ping \(id)" }

  /// Runs a command; its environment carries the id, so that `kill` finds it and what it started.
  static func run(id: String, command: [String]) -> String {
    let words = command.map(quoted).joined(separator: " ")
    return encoded(id: id, "export APUS_EXEC=\(id); exec \(words)")
  }

  /// Ends the command that was run with the id `target`, and what it started.
  ///
  /// They are known by their environment; one that busybox runs within its shell only by the shell's command line.
  static func kill(id: String, target: String) -> String {
    let found = "grep -l \(target) /proc/[0-9]*/environ /proc/[0-9]*/cmdline 2>/dev/null"
    return encoded(id: id, "for p in $(\(found)); do p=${p#/proc/}; kill -9 ${p%/*}; done")
  }

  /// `word` so that a POSIX shell takes it as it is (XCU 2.2.2).
  static func quoted(_ word: String) -> String {
    "'" + word.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''") + "'"
  }

  private static func encoded(id: String, _ script: String) -> String {
    "run \(id) \(Data(script.utf8).base64EncodedString())"
  }
}
