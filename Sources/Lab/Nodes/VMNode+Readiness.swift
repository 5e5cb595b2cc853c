import FoundationEssentials
import LinuxHost
import Logging
import Topology

/// When a machine counts as ready.
extension VMNode {
  /// Seconds until a builtin guest must have booted to its agent; generous, as emulated or nested guests on a busy host
  /// can take a minute and one that died is noticed at once.
  private static let builtinTimeout = 180.0
  /// Pause between two looks at what the console has shown.
  private static let consoleInterval = Duration.milliseconds(100)

  /// Seconds that the guest may take to be ready.
  var bootTimeout: Double { definition.ready?.timeout ?? Self.builtinTimeout }

  /// What has to be seen; a builtin guest says itself when it is up, an image's machine is ready when it runs unless the
  /// lab file says more.
  private var wanted: ReadyDefinition {
    var wanted = definition.ready ?? ReadyDefinition()
    if definition.disk == nil { wanted.agent = true }
    return wanted
  }

  /// Watches for all that makes the guest ready, from now on.
  /// - Parameter wasReady: it has been ready, before this daemon took it back; only its agent has to answer again.
  func watchReadiness(wasReady: Bool) {
    readiness?.cancel()
    (hasBecomeReady, failure) = (false, nil)
    if !wasReady, record?.isReady == true { note(isReady: false) }
    let (answers, continuation) = AsyncStream.makeStream(of: GuestSetup.self)
    agentAnswers = continuation
    var wanted = wanted
    if wasReady { (wanted.console, wanted.tcp) = (nil, nil) }
    // An agent of a whole system may take long to answer again, and what it said then is true still.
    if wasReady, definition.disk != nil { wanted.agent = false }
    // One that was ready has been judged; one that lacks a NIC cannot do all that it was told when it was started.
    let steps = wasReady || record?.hasLostNICs == true ? nil : record?.setupSteps
    readiness = Task { [weak self, wanted] in
      do {
        try await self?.waitFor(wanted, answers, steps)
        try Task.checkCancellation()
        await self?.becameReady()
      } catch is CancellationError {
        return
      } catch {
        await self?.failedToBecomeReady(error)
      }
    }
  }

  func agentAnswered(_ setup: GuestSetup) {
    agentAnswers?.yield(setup)
  }

  private func becameReady() async {
    await configurePlugged()
    // It may have been reset or let go meanwhile, and is watched again then.
    guard life == .running, !Task.isCancelled else { return }
    hasBecomeReady = true
    note(isReady: true)
    environment.events.nodeReady(definition.name)
    waiting?.yield(.ready)
  }

  private func failedToBecomeReady(_ error: any Error) {
    guard !Task.isCancelled else { return }
    let error = UserError.wrapping(error, "node \(definition.name)")
    environment.logger.warning("\(definition.name): \(error)")
    failure = error.message
    environment.events.nodeFailed(definition.name, reason: error.message)
    waiting?.yield(.failed(error))
  }

  private func note(isReady: Bool) {
    record?.isReady = isReady
    // Another daemon that takes the machine back asks again, if this could not be written.
    try? record?.write(paths)
  }

  /// - Parameter steps: steps of its network's setup that a built-in guest was told.
  private func waitFor(
    _ wanted: ReadyDefinition, _ answers: AsyncStream<GuestSetup>, _ steps: Int?
  ) async throws {
    if wanted.agent, let setup = await answers.first(where: { _ in true }) {
      try setup.check(expected: steps, node: definition.name)
    }
    if record?.isSetUp == false { try await setUp() }
    if let text = wanted.console { try await waitForConsole(text) }
    if let port = wanted.tcp { try await waitForPort(definition, port) }
  }

  /// Returns when the console has shown a text since the machine was started.
  private func waitForConsole(_ text: String) async throws {
    var search = TextSearch(text)
    var log = GrowingFile(path: paths.consoleLog, offset: record?.consoleStart)
    while true {
      let bytes = log.newBytes()
      if search.finds(in: bytes) { return }
      if bytes.isEmpty { try await Task.sleep(for: Self.consoleInterval) }
    }
  }
}

/// Looks for a text in bytes that come in pieces.
struct TextSearch: Sendable {
  private let wanted: [UInt8]
  /// The end of what came before, which may be the beginning of the text.
  private var rest: [UInt8] = []

  init(_ text: String) { wanted = Array(text.utf8) }

  /// Whether the text is in what has come so far, this piece included.
  mutating func finds(in piece: [UInt8]) -> Bool {
    guard !wanted.isEmpty else { return true }
    let bytes = rest + piece
    if bytes.count >= wanted.count {
      for start in 0...(bytes.count - wanted.count) where bytes[start...].starts(with: wanted) { return true }
    }
    rest = Array(bytes.suffix(wanted.count - 1))
    return false
  }
}
