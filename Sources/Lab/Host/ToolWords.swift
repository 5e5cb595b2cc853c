import Synchronization

/// What a tool has written, up to a bound.
final class ToolWords: Sendable {
  private let limit: Int
  private let written = Mutex<(output: [UInt8], errors: [UInt8])>(([], []))

  init(limit: Int) { self.limit = limit }

  func add(_ bytes: [UInt8], isError: Bool) {
    written.withLock { written in
      if isError {
        written.errors += bytes.prefix(limit - min(limit, written.errors.count))
      } else {
        written.output += bytes.prefix(limit - min(limit, written.output.count))
      }
    }
  }

  func text(ofErrors: Bool) -> String {
    written.withLock { String(decoding: ofErrors ? $0.errors : $0.output, as: UTF8.self) }
  }
}
