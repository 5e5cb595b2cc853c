import Foundation
import LinuxHost
import Synchronization
import TestSupport

/// A program of the test at a terminal of its own, with a person who waits for what it shows, and types.
final class TerminalClient: Sendable {
  private let child: RunningChild
  private let shown = Mutex<(text: [UInt8], status: Int32?)>(([], nil))
  private let reader = Mutex<Task<Void, Never>?>(nil)

  init(_ command: [String], environment: [String: String], rows: UInt16 = 24, columns: UInt16 = 80) throws {
    var request = SpawnRequest(
      executable: command[0], arguments: Array(command.dropFirst()), environment: environment)
    request.terminal = WindowSize(rows: rows, columns: columns)
    child = try RunningChild(request)
    let task = Task { [self] in
      while let event = try? await child.next() {
        shown.withLock { shown in
          switch event {
          case .output(_, let bytes): shown.text += bytes
          case .ended(let status): shown.status = status
          }
        }
      }
    }
    reader.withLock { $0 = task }
  }

  /// Kills the program, if it runs.
  func end() { reader.withLock { $0 }?.cancel() }

  /// Types a text as it is; a line ends with a carriage return.
  func type(_ text: String) async { _ = await child.input?.write(Array(text.utf8)) }

  func resize(rows: UInt16, columns: UInt16) { child.input?.resize(to: WindowSize(rows: rows, columns: columns)) }

  func signal(_ number: Int32) { child.process.signal(number) }

  /// Waits until it shows a text, and forgets all up to there.
  /// - Returns: what came before it.
  @discardableResult
  func expect(_ text: String, within seconds: Double = 60) async throws -> String {
    var before: String?
    try await eventually(
      "\"\(text)\" is shown; it shows: \(String(decoding: shown.withLock { $0.text }.suffix(500), as: UTF8.self))",
      within: seconds
    ) {
      before = shown.withLock { shown in
        guard let range = Data(shown.text).firstRange(of: Data(text.utf8)) else { return nil }
        defer { shown.text.removeSubrange(..<range.upperBound) }
        return String(decoding: shown.text[..<range.lowerBound], as: UTF8.self)
      }
      return before != nil
    }
    return before ?? ""
  }

  /// Waits for its end.
  /// - Returns: its exit status.
  func status(within seconds: Double = 60) async throws -> Int32 {
    try await eventually("the program ends", within: seconds) { shown.withLock { $0.status } != nil }
    return shown.withLock { $0.status } ?? -1
  }

  /// All that it shows now.
  var text: String { String(decoding: shown.withLock { $0.text }, as: UTF8.self) }
}
