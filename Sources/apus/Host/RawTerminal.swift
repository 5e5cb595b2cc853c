import Foundation
import Lab
import Synchronization

/// The terminal of standard input without echo, line editing and signals, until `restore`.
///
/// Restored on every way out: by whoever has made it, by `Output.end`, and by the signals that end a process.
///
/// stty(1) changes it, since it belongs to every Debian and knows all of termios(3).
final class RawTerminal: Sendable {
  private static let current = Mutex<RawTerminal?>(nil)
  private static let endings = [SIGTERM, SIGHUP, SIGINT, SIGQUIT]

  private struct State {
    /// As stty prints them; nil once they are restored.
    var settings: String?
    /// The process is stopped, or about to be: the screen is the shell's.
    var isPaused = false
  }

  private let state: Mutex<State>
  /// Written to standard output when it is made raw, and when it is restored.
  private let entering: String
  private let leaving: String

  /// - Parameters:
  ///   - entering: what is to be written once it is raw, also when a shell brings the process back.
  ///   - leaving: what undoes that.
  ///   - onContinue: called when a shell has brought the process back.
  /// - Returns: nil when standard input is no terminal.
  static func make(
    entering: String = "", leaving: String = "", onContinue: @escaping @Sendable () -> Void = {}
  ) -> RawTerminal? {
    guard isatty(STDIN_FILENO) == 1 else { return nil }
    // stty runs in a process group of its own, which may not touch the terminal unless SIGTTOU is ignored.
    signal(SIGTTOU, SIG_IGN)
    guard let settings = stty(["-g"]) else { return nil }
    // All that restores it is there before it has to be.
    let terminal = RawTerminal(settings, entering, leaving)
    current.withLock { $0 = terminal }
    terminal.watchSignals(onContinue)
    guard stty(["raw", "-echo"]) != nil else {
      restoreAny()
      return nil
    }
    write(entering)
    return terminal
  }

  private init(_ settings: String, _ entering: String, _ leaving: String) {
    state = Mutex(State(settings: settings))
    self.entering = entering
    self.leaving = leaving
  }

  private func watchSignals(_ onContinue: @escaping @Sendable () -> Void) {
    let signals = SignalStream.of(Self.endings + [SIGCONT, SIGTSTP])
    Task {
      for await number in signals {
        switch number {
        case SIGCONT:
          // A shell that brought us back has its own settings in force.
          makeRaw()
          onContinue()
        case SIGTSTP: pause()
        default: Output.end(128 + number)
        }
      }
    }
  }

  /// Without a detour: what is done when writing fails ends here.
  private static func write(_ text: String) {
    if !text.isEmpty { _ = InheritedOutput.write(Array(text.utf8), toError: false) }
  }

  private func makeRaw() {
    guard state.withLock({ $0.settings != nil }) else { return }
    _ = Self.stty(["raw", "-echo"])
    Self.write(entering)
    state.withLock { $0.isPaused = false }
  }

  /// Stops the process as Ctrl-Z does, with the terminal as it was.
  ///
  /// Does nothing where no shell could bring it back: in an orphaned process group, whose members SIGTSTP does not stop
  /// either.
  private func pause() {
    let session = getsid(0)
    guard getsid(getppid()) == session, getpgrp() != session else { return }
    let settings = state.withLock { state in
      state.isPaused = true
      return state.settings
    }
    if let text = settings {
      Self.write(leaving)
      _ = Self.stty([text])
    }
    kill(getpid(), SIGSTOP)
  }

  /// Writes to standard output while the terminal is raw, and nothing once it is being left.
  func show(_ text: String) {
    let bytes = Array(text.utf8)
    let code = state.withLock { state -> Int32? in
      guard state.settings != nil, !state.isPaused else { return nil }
      return InheritedOutput.write(bytes, toError: false)
    }
    // Not before the lock is given back, since this restores the terminal.
    if let code { Output.endUnwritten(code) }
  }

  func restore() {
    guard let text = state.withLock({ $0.settings.take() }) else { return }
    Self.write(leaving)
    _ = Self.stty([text])
  }

  /// Restores the terminal that is raw, if one is.
  static func restoreAny() {
    let terminal = current.withLock { $0.take() }
    terminal?.restore()
  }

  /// The size of the terminal of standard input; nil when that is none, or does not know.
  static func size() -> TerminalSize? {
    let words = stty(["size"], separator: " ")?.split(separator: " ").compactMap { UInt16($0) } ?? []
    guard words.count == 2, words[0] > 0, words[1] > 0 else { return nil }
    return TerminalSize(rows: words[0], columns: words[1])
  }

  /// - Returns: what it printed; nil when it failed.
  private static func stty(_ arguments: [String], separator: String = "") -> String? {
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = ["stty"] + arguments
    process.standardInput = FileHandle.standardInput
    process.standardError = FileHandle.nullDevice
    let output = Pipe()
    process.standardOutput = output
    guard (try? process.run()) != nil else { return nil }
    let text = (try? output.fileHandleForReading.readToEnd()) ?? nil
    process.waitUntilExit()
    guard process.terminationStatus == 0 else { return nil }
    return String(decoding: text ?? Data(), as: UTF8.self).split(whereSeparator: \.isWhitespace)
      .joined(separator: separator)
  }
}
