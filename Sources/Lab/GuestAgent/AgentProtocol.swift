import FoundationEssentials

/// A line from the agent in a guest.
enum AgentMessage: Equatable {
  case pong(id: String)
  /// Steps of the network's setup that were done when the guest started; before the pong with that id.
  case setup(id: String, steps: Int)
  /// A step that was not done, and why; before the pong with that id.
  case fault(id: String, String)
  /// Verbs beyond `ping` and `run` that the agent understands; said before each `pong`.
  case can([String])
  /// The command that was opened takes this many bytes of input more.
  case more(id: String, count: Int)
  case output(id: String, [UInt8])
  case error(id: String, [UInt8])
  case exit(id: String, status: Int32)

  /// nil for a line that is none of these: the guest may say anything.
  init?(line: String) {
    let words = line.split(separator: " ", omittingEmptySubsequences: false).map(String.init)
    switch (words.first, words.count) {
    case ("pong", 2):
      self = .pong(id: words[1])
    case ("can", 2...):
      self = .can(Array(words.dropFirst()))
    case ("more", 3):
      guard let count = Int(words[2]), 0...AgentRequest.windowLimit ~= count else { return nil }
      self = .more(id: words[1], count: count)
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
      // What wait(2) can tell; 256 would become 0.
      guard let status = Int32(words[2]), 0...255 ~= status else { return nil }
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
  /// Bytes of input or output that may be on their way for one command.
  static let windowLimit = 1 << 20
  /// Bytes of input in a line, so that the line is written to a pipe as one (at most 4096 bytes).
  static let inputSize = 3000

  static func ping(id: String) -> String { "ping \(id)" }

  /// Runs a command; its environment carries the id, so that `kill` finds it and what it started.
  static func run(id: String, command: [String]) -> String {
    let words = command.map(quoted).joined(separator: " ")
    return encoded(id: id, "export APUS_EXEC=\(id); exec \(words)")
  }

  /// Runs a command as `run` does, with standard input and, if it has a size, a terminal.
  /// - Parameter window: bytes of output that the guest may send until it hears `more`.
  static func open(id: String, _ request: CommandRequest, window: Int) -> String {
    let words = request.command.map(quoted).joined(separator: " ")
    let terminal = request.terminal == nil ? "" : "export TERM=\(quoted(request.terminalKind)); "
    let script = Data("export APUS_EXEC=\(id); \(terminal)exec \(words)".utf8).base64EncodedString()
    let size = request.terminal.map { " \($0.rows) \($0.columns)" } ?? ""
    return "open \(id) \(script) \(window)\(size)"
  }

  /// Standard input, at most `inputSize` bytes, of which the guest has asked for that many.
  static func input(id: String, _ bytes: [UInt8]) -> String { "in \(id) \(Data(bytes).base64EncodedString())" }
  static func endOfInput(id: String) -> String { "eof \(id)" }
  static func size(id: String, _ size: TerminalSize) -> String { "size \(id) \(size.rows) \(size.columns)" }
  /// That many bytes of output more may come.
  static func more(id: String, count: Int) -> String { "more \(id) \(count)" }

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
