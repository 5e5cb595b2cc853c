import Synchronization

/// What a tool has written, up to a bound.
final class ToolWords: Sendable {
  private let limit: Int
  private let keepsEnd: Bool
  private let written = Mutex<(output: [UInt8], errors: [UInt8])>(([], []))

  /// - Parameters:
  ///   - limit: bytes of each stream.
  ///   - keepsEnd: of what is more, the end is kept and not the beginning.
  init(limit: Int, keepsEnd: Bool = false) { (self.limit, self.keepsEnd) = (limit, keepsEnd) }

  func add(_ bytes: [UInt8], isError: Bool) {
    written.withLock { written in
      if isError {
        append(bytes, to: &written.errors)
      } else {
        append(bytes, to: &written.output)
      }
    }
  }

  private func append(_ bytes: [UInt8], to text: inout [UInt8]) {
    guard keepsEnd else {
      text += bytes.prefix(limit - min(limit, text.count))
      return
    }
    text += bytes
    // Not at each call, as all that stays is moved.
    if text.count > 2 * limit { text.removeFirst(text.count - limit) }
  }

  func text(ofErrors: Bool) -> String {
    let all = written.withLock { ofErrors ? $0.errors : $0.output }
    return String(decoding: keepsEnd ? all.suffix(limit) : all[...], as: UTF8.self)
  }
}
