import Dataplane
import FoundationEssentials
import LinuxHost
import Logging
import Topology

/// What a daemon does for an upgrade, beside what its lab does.
package struct UpgradeHouse: Sendable {
  /// Keeps `apus.pid` locked.
  package var lock: OpenFile
  /// The control socket; nil when nothing is served.
  package var control: @Sendable () -> OpenFile?
  /// The API over TCP; nil when it is not served.
  package var http: @Sendable () async -> (OpenFile, HandedHTTP)?
  /// Has clients wait who connect, until they are taken again, here or elsewhere.
  package var letWait: @Sendable () async -> Void
  package var takeAgain: @Sendable () async -> Void
  /// Called with the process that has the lab, at once.
  package var begun: @Sendable (Int32) async -> Void
  /// Its words go to a person or a journal, and so are few.
  package var isForeground: Bool
  /// Version of this program.
  package var version: String

  package init(
    lock: OpenFile, control: @escaping @Sendable () -> OpenFile?,
    http: @escaping @Sendable () async -> (OpenFile, HandedHTTP)?, isForeground: Bool, version: String
  ) {
    (self.lock, self.control, self.http) = (lock, control, http)
    (self.isForeground, self.version) = (isForeground, version)
    letWait = {}
    takeAgain = {}
    begun = { _ in }
  }
}

/// Who has a lab after an upgrade.
package struct UpgradeReport: Sendable {
  package var lab: String
  package var process: Int32
  /// Of the program.
  package var version: String
  /// Seconds for which no frame moved.
  package var seconds: Double
}

/// The lab has no daemon any more, and what is of it stays as a daemon leaves it that was killed.
package struct LostLab: Error {
  package var reason: UserError

  package init(reason: UserError) { self.reason = reason }
}

/// The old daemon's part of an upgrade.
extension LabRuntime {
  /// Until the other program says who it is, and until it is ready to go on; everything runs meanwhile.
  private static let readyLimit = Duration.seconds(10)
  /// Until it has gone on; no frame moves meanwhile.
  private static let beginLimit = Duration.seconds(2)
  /// Attempts to have everything stand still, and the time between two.
  private static let haltAttempts = 5
  private static let haltPause = Duration.milliseconds(50)
  /// Until it has found all nodes, which take their time to answer.
  private static let settleLimit = Duration.seconds(20)
  /// Until captures go on; frames wait for them, and not for a disk that hangs.
  private static let captureLimit = Duration.seconds(1)
  /// Until the nodes' connections are closed.
  private static let detachLimit = Duration.seconds(1)

  /// Has another program go on with the lab; then this daemon has nothing left to do but to end.
  ///
  /// Waits for the change that is under way. Cancelled, or after an error, all is as it was, unless `hasMovedOn`.
  /// - Parameter path: of the program.
  /// - Throws: `UserError`; `badInput` for what is no program, or one that others may have changed; `LostLab`.
  package func handOver(
    to path: String, _ house: UpgradeHouse, progress: @escaping @Sendable (String) -> Void
  ) async throws -> UpgradeReport {
    let program = try UpgradeProgram(path)
    return try await interruptibly { try await self.handOver(to: program, house, progress) }
  }

  /// Another daemon has the lab, or has had it: this one ends without touching anything.
  package var isAnothers: Bool { hasMovedOn }

  private func handOver(
    to program: UpgradeProgram, _ house: UpgradeHouse, _ progress: @escaping @Sendable (String) -> Void
  ) async throws -> UpgradeReport {
    guard let current, let plane else { throw Self.noLab }
    let heir = try Heir(program, lab: current.name, directories, variables)
    do {
      let version = try await makeReady(heir, current, house)
      progress("\(program.path) is apus \(version), process \(heir.process.pid), and is ready")
      let start = try await give(plane, to: heir, house)
      let begun = HostClock.monotonic
      await house.begun(heir.process.pid)
      await letGo()
      let end = await settled(heir)
      if end == nil {
        // One that has closed its end may be about to end.
        guard await !heir.process.wait(timeoutSeconds: 1) else {
          throw UserError(
            .failed, "\(heir.path) had gone on with the lab, and has ended", hint: "`apus up FILE` takes the lab back")
        }
        progress("it has not found all nodes yet")
      }
      let silence = max(end ?? begun, start) - start
      return UpgradeReport(
        lab: current.name, process: heir.process.pid, version: version, seconds: Double(silence) / 1e9)
    } catch {
      guard !hasMovedOn else { throw LostLab(reason: UserError.wrapping(error, "lab \(current.name)")) }
      // In a task of its own: this one may have been cancelled.
      _ = await Task { await heir.end() }.value
      throw error
    }
  }

  // MARK: - While everything runs

  /// - Returns: the other program's version.
  private func makeReady(
    _ heir: Heir, _ lab: CanonicalLab, _ house: UpgradeHouse
  ) async throws(UserError) -> String {
    var deadline = ContinuousClock.now + Self.readyLimit
    var hello = UpgradeMessage()
    hello.hello = UpgradeMessage.Hello(apus: house.version, protocolVersion: UpgradeMessage.version)
    try await heir.say(hello, by: deadline)
    let other = try await heir.hear(\.hello, "said who it is", by: deadline)
    let version = ShownText.line(other.apus)
    guard other.protocolVersion == UpgradeMessage.version else {
      throw UserError(
        .failed,
        "\(heir.path), apus \(version), takes labs over by version \(other.protocolVersion), this daemon, apus "
          + "\(house.version), hands them over by version \(UpgradeMessage.version)", hint: UpgradeMessage.otherWay)
    }
    guard let control = house.control() else { throw UserError(.failed, "this daemon has no control socket") }
    let http = await house.http()
    var message = UpgradeMessage()
    message.lab = HandedLab(lab: lab, http: http?.1, isForeground: house.isForeground)
    deadline = .now + Self.readyLimit
    let files = [house.lock, control] + (http.map { [$0.0] } ?? [])
    try await heir.say(message, files.map(\.descriptor), by: deadline)
    _ = try await heir.hear(\.ready, "said that it is ready", by: deadline)
    return version
  }

  private func handedNodes() async -> [HandedNode] {
    var handed: [HandedNode] = []
    for node in nodesInOrder { handed.append(await node.handedOver()) }
    return handed
  }

  // MARK: - While nothing moves

  /// Gives the data plane away, or goes on with it.
  /// - Returns: since when no frame moves, in nanoseconds of the monotonic clock.
  private func give(_ plane: Dataplane, to heir: Heir, _ house: UpgradeHouse) async throws(UserError) -> UInt64 {
    await house.letWait()
    await door.brief.take()
    // As late as can be, but while frames still move: nodes may have ended since the other program was told of the lab.
    let nodes = await handedNodes()
    var failure: UserError
    do throws(UserError) {
      let halted = try await halt(plane)
      try await begin(halted, nodes, heir)
      moveOn()
      return halted.time
    } catch {
      failure = error
    }
    // In tasks of their own, as this one may have been cancelled.
    let hasEnded = await Task { await heir.end() }.value
    let hasBegun = await Task { await heir.hasBegun() }.value
    if hasBegun || !hasEnded {
      // Frames may have moved since: what is known here is not so any more.
      moveOn()
      failure.message += "; it had gone on with the lab by then, which has no daemon now"
      failure.hint = "`apus up FILE` takes the lab back"
      throw failure
    }
    await Task {
      // No frame is missed between two sections of a file.
      await plane.resume { await self.captureAgain() }
      door.brief.leave()
      await house.takeAgain()
    }.value
    throw failure
  }

  /// What stands still, and since when, in nanoseconds of the monotonic clock.
  private struct Halted {
    var time: UInt64
    var state: PlaneState
    var descriptors: [Descriptor]
  }

  private func begin(_ halted: Halted, _ nodes: [HandedNode], _ heir: Heir) async throws(UserError) {
    let deadline = ContinuousClock.now + Self.beginLimit
    var message = UpgradeMessage()
    let handedCaptures = await captures.suspend()
    message.state = HandedPlane(plane: halted.state, captures: handedCaptures, nodes: nodes, runTime: runTime)
    try await heir.say(message, halted.descriptors, by: deadline)
    _ = try await heir.hear(\.begun, "gone on with the lab", by: deadline)
  }

  /// Has captures into files go on that were ended for a hand-over, here or in the other daemon.
  ///
  /// Returns when they do, or after a moment: then they begin when their disk lets them.
  func captureAgain() async {
    let (ends, end) = AsyncStream.makeStream(of: Void.self)
    let captures = captures
    Task {
      await captures.goOn()
      end.finish()
    }
    let timer = Task {
      try? await Task.sleep(for: Self.captureLimit)
      end.finish()
    }
    for await _ in ends {}
    timer.cancel()
  }

  /// Has the data plane stand still; a front-end that is in the middle of something is given a moment.
  private func halt(_ plane: Dataplane) async throws(UserError) -> Halted {
    var attempts = Self.haltAttempts
    while true {
      do throws(DataplaneError) {
        let time = HostClock.monotonic
        let (state, descriptors) = try await plane.handOver()
        return Halted(time: time, state: state, descriptors: descriptors)
      } catch {
        attempts -= 1
        guard attempts > 0, (try? await Task.sleep(for: Self.haltPause)) != nil else {
          throw UserError(.failed, "the data plane cannot be handed over: \(error)")
        }
      }
    }
  }

  /// The lab is another daemon's: nobody here changes anything any more.
  private func moveOn() {
    hasMovedOn = true
    door.whole.close()
    door.brief.close()
  }

  // MARK: - When it is done

  /// Closes what QEMU serves one client of, and has no more to do with the nodes.
  private func letGo() async {
    endWatches()
    let nodes = nodesInOrder
    let (ends, end) = AsyncStream.makeStream(of: Void.self)
    for node in nodes {
      Task {
        await node.detach()
        end.yield()
      }
    }
    // One that asks for something here waits for ever.
    let timer = Task {
      try? await Task.sleep(for: Self.detachLimit)
      end.finish()
    }
    var count = 0
    var detached = ends.makeAsyncIterator()
    while count < nodes.count, await detached.next() != nil { count += 1 }
    timer.cancel()
    await captures.endAll()
  }

  /// Waits until all nodes have been found.
  /// - Returns: when frames moved again, in nanoseconds of the monotonic clock; nil if it does not say.
  private func settled(_ heir: Heir) async -> UInt64? {
    do throws(UserError) {
      return try await heir.hear(\.settled, "found all nodes", by: .now + Self.settleLimit).time
    } catch {
      logger.warning("\(error)")
      return nil
    }
  }
}
