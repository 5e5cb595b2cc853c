/// One try of a command in a node, which is judged by its end: an echo request, a connection, any other.
enum Attempt {
  /// What became of it.
  enum Outcome: Sendable, Equatable {
    /// It did what it should; for a ping the answer's round trip as ping words it (`0.4 ms`), if it says one.
    case answered(String?)
    /// It did not: the last thing that it said, or why it could not be run.
    case silent(String)
  }

  /// Seconds after which a try that was told to wait one second is given up.
  static let limit = 5.0
  /// Bytes of a try's output that are looked at.
  private static let outputLimit = 65536

  /// Runs a command and judges by its exit status and output.
  static func run(
    limit: Double = limit, judge: @escaping @Sendable (Int32, String) -> Outcome = pingReply,
    _ start: @escaping @Sendable () async throws -> AsyncThrowingStream<ExecuteEvent, any Error>
  ) async -> Outcome {
    await withTaskGroup(of: Outcome.self) { group in
      group.addTask { await read(start, judge) }
      group.addTask {
        try? await Task.sleep(for: .seconds(limit))
        return .silent("it did not end within \(Seconds.text(limit))")
      }
      let reply = await group.next() ?? .silent("")
      group.cancelAll()
      return reply
    }
  }

  private static func read(
    _ start: @Sendable () async throws -> AsyncThrowingStream<ExecuteEvent, any Error>,
    _ judge: @Sendable (Int32, String) -> Outcome
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

  /// Reads what ping (iputils' or busybox') has said.
  static func pingReply(_ status: Int32, _ text: String) -> Outcome {
    let lines = text.split(whereSeparator: \.isNewline)
    guard status == 0 else {
      let telling = lines.last { !$0.hasPrefix("---") && !$0.allSatisfy(\.isWhitespace) }
      return .silent(telling.map { ShownText.line($0) } ?? "ping ended with \(status)")
    }
    let time = lines.lazy.compactMap { line in
      line.split(separator: " ").first { $0.hasPrefix("time=") }.map { "\($0.dropFirst(5)) ms" }
    }.first
    return .answered(time)
  }

  /// Judges by the exit status alone.
  @Sendable
  static func status(_ status: Int32, _ text: String) -> Outcome {
    status == 0 ? .answered(nil) : .silent(lastLine(text))
  }

  /// The last line that says something.
  static func lastLine(_ text: String) -> String {
    text.split(whereSeparator: \.isNewline).last { !$0.allSatisfy(\.isWhitespace) }.map { ShownText.line($0) }
      ?? "nothing"
  }
}
