import FoundationEssentials
import LinuxHost
import Logging
import Topology

/// How a container starts, becomes ready, ends, and comes again.
extension ContainerNode {
  /// A program that ends sooner than this after its start has failed to start.
  private static let settlingTime = Duration.milliseconds(300)
  /// Pause between two looks at a container's log.
  private static let logInterval = Duration.milliseconds(500)
  /// Pause between two looks for a container that somebody else may start again.
  private static let lookInterval = Duration.seconds(2)
  /// Pause before a container that has ended is started again: it doubles while it ends at once.
  private static let restartPauses = (first: Duration.milliseconds(100), longest: Duration.seconds(60))
  /// One that has run so long has not ended at once.
  private static let longRun = Duration.seconds(10)

  func start(_ context: StartContext, isRunning: Bool) async throws {
    self.context = context
    let known = record ?? NodeRecord.read(paths)
    guard let known, let process = known.process else {
      throw UserError(.failed, "node \(definition.name): container \(containerName) has ended")
    }
    record = known
    // Another part of `up` writes down that nodes without a process of ours are there.
    try known.write(paths)
    let (events, continuation) = AsyncStream.makeStream(of: StartEvent.self)
    waiting = continuation
    defer { waiting = nil }
    let begin = ContinuousClock.now
    let since = Date()
    var watching: Task<Void, Never>?
    do {
      try await run(isRunning: isRunning)
      life = .running
      watch(process)
      watching = watcher
      environment.events.nodeStarted(definition.name, process: process.pid, takenBack: isRunning)
      context.progress("\(definition.name): container \(containerName) \(isRunning ? "taken back" : "runs")")
      context.onStarted()
      watchReadiness(since: since, wasReady: isRunning && known.isReady == true)
      try await wait(for: events, continuation, isRunning: isRunning)
    } catch {
      // Nothing of a start that has failed goes on; what made the container removes it.
      if !isRunning, !isAttached {
        let stopped = try? await engine.run(["stop", "-t", "0", ownName], limit: ContainerEngine.changeLimit)
        // Who asks next hears that it has ended. Nor is it started again: it is still being waited for.
        if stopped != nil { await watching?.value }
      }
      throw error
    }
    if hasBecomeReady, definition.ready != nil {
      context.progress("\(definition.name): ready in \(Seconds.text(.now - begin))")
    }
  }

  /// Runs its program, unless it does already.
  private func run(isRunning: Bool) async throws(UserError) {
    guard !isAttached, engine.separatesStart else { return }
    // Taken back from a daemon that died between making and starting it, or an engine that started it itself.
    if let state = try await state(), state.isRunning { return }
    startTime = .now
    do {
      try await engine.run(["start", ownName], limit: ContainerEngine.changeLimit)
    } catch {
      throw definition.failure("cannot start", UserError(error.code, "node \(definition.name): \(error.message)"))
    }
  }

  private func wait(
    for events: AsyncStream<StartEvent>, _ continuation: AsyncStream<StartEvent>.Continuation, isRunning: Bool
  ) async throws {
    let limit = definition.ready?.timeout ?? ReadyDefinition().timeout
    let timer = Task {
      try await Task.sleep(for: .seconds(isRunning ? VMNode.adoptionTimeout : limit))
      continuation.yield(.timeout)
    }
    defer { timer.cancel() }
    // A failure that is known already does not keep others from going on.
    let hadFailed = isRunning && record?.setupFailure != nil
    switch await events.first(where: { _ in true }) {
    case .ready: return
    case .ended:
      guard life == .ended(0), definition.ready == nil else {
        let status: Int32? = if case .ended(let status) = life { status } else { nil }
        let error = await endedAtOnce(status)
        throw UserError(error.code, "node \(definition.name): \(error.message)")
      }
      context?.progress("\(definition.name): its program has ended")
      watcher = Task { await self.comeBack() }
    case .failed(let error) where hadFailed: context?.progress("\(error)")
    case .failed(let error): throw error
    case .timeout where isRunning:
      environment.logger.warning("\(definition.name): not ready yet; the container is left as it is")
    case .timeout:
      let said = await engine.lastLines(of: containerName, count: 5)
      throw UserError(
        .failed,
        "node \(definition.name): not ready \(Int(limit)) s after its start"
          + (said.isEmpty ? "" : "; last on its console: \(said.joined(separator: " | "))"))
    case nil: throw CancellationError()
    }
  }

  // MARK: - Ready

  /// - Parameter since: what was said before is of another run.
  private func watchReadiness(since: Date, wasReady: Bool) {
    readiness?.cancel()
    (hasBecomeReady, failure) = (false, nil)
    let wanted = wasReady ? nil : definition.ready
    let waitForPort = context?.waitForPort
    let isToBeSetUp = isToBeSetUp
    readiness = Task { [weak self, definition] in
      do {
        if isToBeSetUp { try await self?.runLines() }
        if let wanted {
          if let text = wanted.console { try await self?.waitForConsole(text, since: since) }
          if let port = wanted.tcp { try await waitForPort?(definition, port) }
        } else if !wasReady {
          try await Task.sleep(for: Self.settlingTime)
        }
        try Task.checkCancellation()
        await self?.becameReady()
      } catch {
        guard !Task.isCancelled else { return }
        await self?.failedToBecomeReady(UserError.wrapping(error, "node \(definition.name)"))
      }
    }
  }

  private func becameReady() {
    guard life == .running, !Task.isCancelled else { return }
    hasBecomeReady = true
    record?.isReady = true
    // Another daemon that takes it back asks again, if this could not be written.
    try? record?.write(paths)
    environment.events.nodeReady(definition.name)
    waiting?.yield(.ready)
  }

  private func failedToBecomeReady(_ error: UserError) {
    environment.logger.warning("\(error)")
    failure = error.message
    environment.events.nodeFailed(definition.name, reason: error.message)
    waiting?.yield(.failed(error))
  }

  /// Returns when its log has shown a text.
  private func waitForConsole(_ text: String, since: Date) async throws {
    let start = since.formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true))
    while true {
      let words = ["logs", "--since", start, containerName]
      if try await engine.said(words).contains(text) { return }
      try await Task.sleep(for: Self.logInterval)
    }
  }

  // MARK: - The end, and after

  private func watch(_ process: ProcessIdentity) {
    // The former one may be what starts it again now.
    if !isReviving { watcher?.cancel() }
    watcher = Task { [weak self] in
      while !Task.isCancelled, await !process.wait(timeoutSeconds: 3600) {}
      if Task.isCancelled { return }
      await self?.ended(process)
    }
  }

  private func ended(_ process: ProcessIdentity) async {
    guard life == .running, record?.process == process else { return }
    readiness?.cancel()
    hasBecomeReady = false
    let status = isAttached ? nil : await exitStatus()
    guard !Task.isCancelled, life == .running else { return }
    life = .ended(status)
    environment.logger.warning("\(definition.name): \(endWords)")
    if status == 0 {
      environment.events.nodeStopped(definition.name, reason: endWords)
    } else {
      environment.events.nodeFailed(definition.name, reason: endWords)
    }
    await context?.onEnd()
    guard waiting == nil else {
      waiting?.yield(.ended)
      return
    }
    await comeBack()
  }

  /// Of the run that has just ended; the engine may need a moment to learn of it.
  private func exitStatus() async -> Int32? {
    for _ in 0..<50 {
      guard let state = try? await state() else { return nil }
      if !state.hasProcess { return state.exitCode }
      guard (try? await Task.sleep(for: .milliseconds(100))) != nil else { return nil }
    }
    return nil
  }

  /// Starts it again as its definition says, or takes it back when somebody else has started it.
  func comeBack() async {
    quickEnds = .now - startTime > Self.longRun ? 0 : quickEnds + 1
    while !Task.isCancelled, case .ended(let status) = life {
      let restarts = settings.restart == .always || (settings.restart == .onFailure && status != 0)
      do {
        if isAttached {
          try await Task.sleep(for: Self.lookInterval)
          guard try await engine.state(of: containerName)?.isRunning ?? false else { continue }
        } else if restarts {
          try await Task.sleep(for: pause)
        } else {
          // Engines start it at once that restart it.
          try await Task.sleep(for: Self.lookInterval)
          guard try await engine.state(of: ownName)?.isRunning ?? false else { return }
        }
        isReviving = true
        defer { isReviving = false }
        try await context?.revive()
        return
      } catch {
        if Task.isCancelled { return }
        quickEnds += 1
        environment.logger.warning("\(definition.name): \(ErrorWords.of(error))")
        guard isAttached || restarts else { return }
      }
    }
  }

  private var pause: Duration {
    let doublings = min(max(quickEnds - 1, 0), 10)
    return min(Self.restartPauses.first * (1 << doublings), Self.restartPauses.longest)
  }
}
