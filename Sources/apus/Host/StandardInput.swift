import Control
import Dispatch
import FoundationEssentials
import Lab

/// Standard input, read on a thread of its own.
enum StandardInput {
  private static let pieceSize = 32 << 10
  private static let queue = DispatchQueue(label: "apus.input")

  /// It is /dev/null: nothing will ever come.
  static var isNothing: Bool {
    (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/0")) == "/dev/null"
  }

  /// The next piece; nil at the end.
  ///
  /// What is not asked for stays where it is.
  ///
  /// A task that waits here is not cancelled: what comes then is lost with the process.
  static func next() async -> [UInt8]? {
    await withCheckedContinuation { continuation in
      queue.async {
        let piece = InheritedInput.read(size: pieceSize)
        continuation.resume(returning: piece.isEmpty ? nil : piece)
      }
    }
  }

  /// Reads on and on, for a terminal: a key that nobody waits for must be seen.
  /// - Parameter onPiece: takes a piece, empty at the end; returns whether to go on.
  static func follow(_ onPiece: @escaping @Sendable ([UInt8]) -> Bool) {
    queue.async {
      while true {
        let piece = InheritedInput.read(size: pieceSize)
        guard onPiece(piece), !piece.isEmpty else { return }
      }
    }
  }
}
