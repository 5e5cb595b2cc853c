import Lab
import Synchronization

/// A command that says what it is fed, a piece at a time, and each new size of its terminal.
final class EchoedInput: CommandInput {
  private let events: AsyncThrowingStream<ExecuteEvent, any Error>.Continuation

  private init(_ events: AsyncThrowingStream<ExecuteEvent, any Error>.Continuation) { self.events = events }

  static func command() -> StartedCommand {
    let (stream, continuation) = StartedCommand.Events.makeStream()
    return StartedCommand(events: stream, input: EchoedInput(continuation))
  }

  func write(_ bytes: [UInt8]) async -> Bool {
    events.yield(.output(bytes))
    return true
  }

  func end() async {
    events.yield(.exit(0))
    events.finish()
  }

  func resize(to size: TerminalSize) { events.yield(.error(Array("\(size.rows)x\(size.columns)".utf8))) }
}
