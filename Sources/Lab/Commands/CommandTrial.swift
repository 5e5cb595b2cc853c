/// How one try of a command in a node is run and judged: a ping of a test, a look at a port, the set-up of a NIC.
enum CommandTrial {
  /// What became of one.
  enum Outcome: Sendable, Equatable {
    /// It did what it should; the answer's round trip as ping words it (`0.4 ms`), if it says one.
    case answered(String?)
    /// It did not; the last thing that it said, or why it could not be run.
    case silent(String)
  }

  /// Judges by the exit status and what was written.
  typealias Judge = @Sendable (_ status: Int32, _ text: String) -> Outcome

  /// Seconds after which a try that was told to wait one second is given up.
  private static let standardLimit = 5.0
  /// Bytes of a try's output that are looked at.
  private static let outputLimit = 65536

  /// Runs a command and judges it.
  /// - Parameters:
  ///   - limit: seconds after which it is given up.
  ///   - start: starts the command; what it does is over when its events end.
  static func run(
    limit: Double = standardLimit, judge: @escaping Judge,
    _ start: @escaping @Sendable () async throws -> StartedCommand.Events
  ) async -> Outcome {
    await withTaskGroup(of: Outcome.self) { group in
      group.addTask { await read(start, judge) }
      group.addTask {
        try? await Task.sleep(for: .seconds(limit))
        return .silent("it did not end within \(Seconds.text(limit))")
      }
      let outcome = await group.next() ?? .silent("")
      group.cancelAll()
      return outcome
    }
  }

  /// Judges by the exit status alone.
  @Sendable
  static func status(_ status: Int32, _ text: String) -> Outcome {
    status == 0 ? .answered(nil) : .silent(ShownText.lastLine(text))
  }

  private static func read(
    _ start: @Sendable () async throws -> StartedCommand.Events, _ judge: Judge
  ) async -> Outcome {
    var text: [UInt8] = []
    do {
      for try await event in try await start() {
        switch event {
        case .output(let bytes), .error(let bytes): text += bytes.prefix(outputLimit - min(text.count, outputLimit))
        case .exit(let status): return judge(status, String(decoding: text, as: UTF8.self))
        }
      }
      return .silent("it ended without a status")
    } catch {
      return .silent(ErrorWords.of(error))
    }
  }
}
