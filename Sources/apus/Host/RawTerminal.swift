import Foundation

/// The terminal of standard input without echo, line editing and signals, until `restore`.
///
/// stty(1) changes it, since it belongs to every Debian and knows all of termios(3).
struct RawTerminal {
  private let settings: String

  /// - Returns: nil when standard input is no terminal.
  init?() {
    guard isatty(STDIN_FILENO) == 1 else { return nil }
    // stty runs in a process group of its own, which may not touch the terminal unless SIGTTOU is ignored.
    signal(SIGTTOU, SIG_IGN)
    guard let settings = Self.stty(["-g"]), Self.stty(["raw", "-echo"]) != nil else { return nil }
    self.settings = settings
  }

  func restore() { _ = Self.stty([settings]) }

  /// - Returns: what it printed; nil when it failed.
  private static func stty(_ arguments: [String]) -> String? {
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = ["stty"] + arguments
    process.standardInput = FileHandle.standardInput
    let output = Pipe()
    process.standardOutput = output
    guard (try? process.run()) != nil else { return nil }
    let text = (try? output.fileHandleForReading.readToEnd()) ?? nil
    process.waitUntilExit()
    guard process.terminationStatus == 0 else { return nil }
    return String(decoding: text ?? Data(), as: UTF8.self).split(whereSeparator: \.isWhitespace).joined()
  }
}
