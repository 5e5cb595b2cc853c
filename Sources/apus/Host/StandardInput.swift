import Dispatch
import Foundation

/// Standard input as it comes, read on a thread of its own.
enum StandardInput {
  /// Ends with the input, or after `until` says so of a byte (which is not passed on).
  static func bytes(until isEnd: @escaping @Sendable (UInt8) -> Bool) -> AsyncStream<[UInt8]> {
    let (stream, continuation) = AsyncStream<[UInt8]>.makeStream()
    let queue = DispatchQueue(label: "apus.input")
    queue.async {
      while true {
        let chunk = [UInt8](FileHandle.standardInput.availableData)
        let passed = Array(chunk.prefix { !isEnd($0) })
        if !passed.isEmpty { continuation.yield(passed) }
        guard !chunk.isEmpty, passed.count == chunk.count else { break }
      }
      continuation.finish()
    }
    return stream
  }
}
