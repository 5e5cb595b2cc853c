import Dispatch
import Glibc
import Synchronization

/// Signals as values.
enum SignalStream {
  /// Takes these signals over for as long as the stream is read: they no longer end the process.
  static func of(_ numbers: [Int32]) -> AsyncStream<Int32> {
    let (stream, continuation) = AsyncStream<Int32>.makeStream()
    let sources = SignalSources(numbers) { continuation.yield($0) }
    continuation.onTermination = { _ in sources.cancel() }
    return stream
  }
}

/// Keeps the sources of signals alive.
private final class SignalSources: Sendable {
  private let sources = Mutex<[any DispatchSourceSignal]>([])

  init(_ numbers: [Int32], _ onSignal: @escaping @Sendable (Int32) -> Void) {
    sources.withLock { sources in
      for number in numbers {
        let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
        source.setEventHandler { onSignal(number) }
        source.resume()
        sources.append(source)
      }
    }
  }

  func cancel() {
    sources.withLock { sources in
      for source in sources { source.cancel() }
      sources = []
    }
  }
}
