import Synchronization

/// A value that the whole process has once, made when it is first asked for and kept for good.
final class OneInProcess<Value: Sendable>: Sendable {
  private let value = Mutex<Value?>(nil)

  /// The value; the first caller makes it, and whoever asks meanwhile waits for that.
  ///
  /// - Throws: what `make` throws. Nothing is kept then, so that the next question tries again.
  func get(_ make: () throws(SystemError) -> Value) throws(SystemError) -> Value {
    let result: Result<Value, SystemError> = value.withLock { existing in
      if let existing { return .success(existing) }
      do throws(SystemError) {
        let made = try make()
        existing = made
        return .success(made)
      } catch {
        return .failure(error)
      }
    }
    return try result.get()
  }
}
