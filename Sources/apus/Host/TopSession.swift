import Control
import Glibc
import Lab

/// Somebody who looks at `top`: a screen of its own, keys, the daemon's comings and goings.
struct TopSession {
  private enum Event: Sendable {
    case keys([UInt8])
    /// The terminal has another size, or has to be drawn anew.
    case redraw
    case data(TopData)
    /// The daemon does not answer, and why.
    case away(String)
    case labIsGone
    case end
  }

  /// Seconds between the first two looks: nobody waits long for the first rates.
  private static let firstPause = 0.3

  private let source: TopSource
  private var state: TopState
  private var data: TopData?
  private var notice: String?

  init(_ source: TopSource, _ state: TopState) {
    self.source = source
    self.state = state
  }

  /// Runs until somebody leaves, the lab is taken down, or the terminal is gone.
  consuming func run(_ first: TopData) async throws {
    var session = self
    let (events, send) = AsyncStream<Event>.makeStream(bufferingPolicy: .bufferingNewest(256))
    let raw = RawTerminal.make(
      entering: EscapeSequence.enterScreen, leaving: EscapeSequence.leaveScreen, onContinue: { send.yield(.redraw) })
    guard let raw else { throw UserError(.failed, "the terminal cannot be made ready for `apus top`") }
    defer { raw.restore() }
    let tasks = [Self.watchKeys(send), Self.watchLab(session.source, send)]
    defer { for task in tasks { task.cancel() } }
    session.data = first
    session.draw(on: raw)
    for await event in events {
      guard session.take(event) else { break }
      session.draw(on: raw)
    }
    raw.restore()
    if case .some(let words) = session.farewell { Output.words(words) }
  }

  /// What is said when the screen is left for another reason than a key.
  private var farewell: String?

  /// - Returns: false when it is over.
  private mutating func take(_ event: Event) -> Bool {
    switch event {
    case .keys(let bytes):
      for key in TopKey.keys(of: bytes) {
        switch state.press(key, page: screen.page) {
        case .leave: return false
        // To all of this job, as the terminal does; whoever makes the terminal raw takes it.
        case .suspend: kill(0, SIGTSTP)
        case .stay: break
        }
      }
    case .redraw: break
    case .data(let data): (self.data, notice) = (data, nil)
    case .away(let reason):
      notice = "the daemon is away; waiting for one, q leaves: \(reason)"
    case .labIsGone:
      farewell = "lab \(source.session.name) is down"
      return false
    case .end: return false
    }
    return true
  }

  private var screen: TopScreen {
    let size = Output.size ?? (24, 80)
    return TopScreen(rows: size.rows, columns: size.columns, isColoured: Output.isColoured)
  }

  private mutating func draw(on terminal: RawTerminal) {
    let lines = screen.lines(data, &state, notice: notice, time: TopClock.now())
    terminal.show(EscapeSequence.frame(lines))
  }

  private static func watchKeys(_ send: AsyncStream<Event>.Continuation) -> Task<Void, Never> {
    let typed = TerminalInput()
    return Task {
      while let line = try? await typed.next() {
        switch line {
        case .input(let bytes): send.yield(.keys(bytes))
        case .size: send.yield(.redraw)
        }
      }
      send.yield(.end)
    }
  }

  private static func watchLab(_ source: TopSource, _ send: AsyncStream<Event>.Continuation) -> Task<Void, Never> {
    Task {
      var source = source
      var pause = min(source.delay, firstPause)
      while !Task.isCancelled {
        do {
          send.yield(.data(try await source.next()))
        } catch {
          guard source.isThere else {
            send.yield(.labIsGone)
            return
          }
          send.yield(.away(UserError(any: error).message))
        }
        try? await Task.sleep(for: .seconds(pause))
        pause = source.delay
      }
    }
  }
}
