import Control
import Dispatch
import Foundation
import Glibc
import Lab
import Synchronization

/// Data goes to standard output, words for people to standard error.
enum Output {
  static func data(_ text: String) { bytes(Array(text.utf8)) }

  /// Written at once, unbuffered.
  ///
  /// A reader that has gone away ends the program, as SIGPIPE would; any other error on standard output does so too,
  /// with a word about it.
  static func bytes(_ bytes: [UInt8], toError: Bool = false) {
    guard let code = InheritedOutput.write(bytes, toError: toError), !toError else { return }
    endUnwritten(code)
  }

  /// Ends the program as standard output could not be written, for a reason as errno(3) has it.
  static func endUnwritten(_ code: Int32) -> Never {
    if code != EPIPE { words("apus: cannot write: \(ErrorWords.of(code: code))") }
    end(Lab.ExitCode.failed.rawValue)
  }

  /// A line for people; the status, if one is shown, makes way for it.
  static func words(_ text: String) {
    let head = hasStatus.exchange(false, ordering: .relaxed) ? EscapeSequence.restartLine : ""
    bytes(Array((head + (text.hasSuffix("\n") ? text : text + "\n")).utf8), toError: true)
  }

  private static let hasStatus = Atomic<Bool>(false)

  /// Shows a text in the line of the cursor, in place of the one before; only where `progressSize` is not nil.
  static func status(_ text: String, columns: Int) {
    hasStatus.store(true, ordering: .relaxed)
    let shown = TerminalText.cutAtEnd(TerminalText.clean(text), to: max(1, columns - 1))
    bytes(Array((EscapeSequence.restartLine + shown).utf8), toError: true)
  }

  /// Takes the status away.
  static func endStatus() {
    guard hasStatus.exchange(false, ordering: .relaxed) else { return }
    bytes(Array(EscapeSequence.restartLine.utf8), toError: true)
  }

  static func error(_ error: UserError) {
    words("apus: \(error.message)")
    if let hint = error.hint { words("  \(hint)") }
  }

  /// Whether standard output is a terminal that shows colour.
  static var isColoured: Bool {
    let variables = ProcessInfo.processInfo.environment
    return isatty(STDOUT_FILENO) == 1 && (variables["NO_COLOR"] ?? "").isEmpty && variables["TERM"] != "dumb"
  }

  static var isTerminal: Bool { isatty(STDOUT_FILENO) == 1 }

  /// Columns of the terminal that standard output is; nil: it is none, and everything is written.
  static var width: Int? { size?.columns }

  /// Of the terminal that standard output is; 24 rows of 80 columns when it does not know.
  static var size: (rows: Int, columns: Int)? { isTerminal ? known(InheritedOutput.size()) : nil }

  /// The same of standard error, if sequences can be written to it, too.
  static var progressSize: (rows: Int, columns: Int)? {
    guard isatty(STDERR_FILENO) == 1, ProcessInfo.processInfo.environment["TERM"] != "dumb" else { return nil }
    return known(InheritedOutput.size(ofError: true))
  }

  private static func known(_ size: TerminalSize?) -> (rows: Int, columns: Int) {
    (size.map { Int($0.rows) } ?? 24, size.map { Int($0.columns) } ?? 80)
  }

  /// Ends the process.
  static func end(_ status: Int32) -> Never {
    RawTerminal.restoreAny()
    exit(status)
  }

  private static let queue = DispatchQueue(label: "apus.output")

  /// As `bytes`, without holding one of Swift's threads while the reader does not read.
  static func written(_ bytes: [UInt8], toError: Bool = false) async {
    await withCheckedContinuation { continuation in
      queue.async {
        Self.bytes(bytes, toError: toError)
        continuation.resume()
      }
    }
  }
}
