import Capture
import Dataplane
import LinuxHost
import Logging
import Topology

/// A capture that runs, at one moment.
package struct RunningCapture: Sendable, Equatable {
  package var id: String
  /// As they were asked for.
  package var targets: [String]
  /// File that the daemon writes; nil = a client has it.
  package var file: String?
  package var status: CaptureStatus
}

/// What all captures did since the daemon runs.
package struct CaptureTotals: Sendable, Equatable {
  /// Those that run now.
  package var running = 0
  /// Frames that they gave out.
  package var written: UInt64 = 0
  /// Frames that they were too slow for.
  package var dropped: UInt64 = 0

  package init(running: Int = 0, written: UInt64 = 0, dropped: UInt64 = 0) {
    (self.running, self.written, self.dropped) = (running, written, dropped)
  }

  fileprivate mutating func add(_ status: CaptureStatus) {
    written += status.written
    dropped += status.counts.dropped
  }
}

/// The captures of a lab: those that clients asked for, and those that the lab file declares.
///
/// Each follows its targets: a port that appears while it runs becomes part of it. An id is taken before anything is
/// waited for, and free again when its capture has ended or could not be started.
package actor CaptureDesk {
  struct Entry {
    var request: CaptureRequest
    var file: String?
    /// Nil while it is being started.
    var session: CaptureSession?
    /// Who waits until it runs, or does not.
    var waiting: [CheckedContinuation<CaptureSession?, Never>] = []
    /// Takes in ports that appear.
    var follower: Task<Void, Never>?
  }

  /// A capture that could be started: everything that its request says was found right.
  struct Plan {
    var ports: [String]
    var settings: CaptureSettings
  }

  /// Time between looks for new ports.
  private static let interval = Duration.milliseconds(500)

  let gate: PlaneGate
  let logger: Logger
  let application: String
  private let events: EventHub
  var entries: [String: Entry] = [:]
  /// What the file of the lab declares, of which each was started; some may have ended since.
  var declared: [CaptureDefinition] = []
  /// The lab as it is now, or was last.
  var lab: CanonicalLab?
  var counter = 0
  /// What captures did that have ended.
  var totalsBefore = CaptureTotals()
  /// Of declared captures that write into files in turn, by their names.
  var rings: [String: RingFileSink] = [:]
  /// Declared captures that are to go on, in this daemon or another one.
  var suspended: [CaptureDefinition] = []

  init(gate: PlaneGate, logger: Logger, application: String, events: EventHub) {
    self.events = events
    self.gate = gate
    self.logger = logger
    self.application = application
  }

  // MARK: - From its start to its end

  /// Starts a capture into a sink.
  /// - Throws: `UserError` for unknown targets, filters that are none, and an id that another has or may have; then the
  ///   sink is closed.
  func start(
    _ request: CaptureRequest, _ lab: CanonicalLab, to sink: any CaptureSink
  ) async throws {
    do {
      try request.checkID()
      let id = try reserve(request, file: nil)
      do {
        let plan = try await Self.plan(request, lab, try await ports(), isDeclared: false, application)
        try await begin(id, plan, to: sink)
      } catch {
        free(id)
        throw error
      }
    } catch {
      sink.close()
      throw error
    }
  }

  /// Takes an id; `begin` or `free` has to follow.
  /// - Throws: `UserError` (`different`) when another capture has it.
  func reserve(_ request: CaptureRequest, file: String?) throws(UserError) -> String {
    counter += request.id == nil ? 1 : 0
    let id = request.id ?? "capture-\(counter)"
    guard entries[id] == nil else {
      throw UserError(
        .different, "a capture \"\(id)\" is running",
        hint: request.id == nil ? "ask again" : "end it first, or give this one another id")
    }
    entries[id] = Entry(request: request, file: file)
    return id
  }

  /// Gives the id of a capture that could not be started back.
  func free(_ id: String) {
    guard let entry = entries[id], entry.session == nil else { return }
    entries[id] = nil
    for continuation in entry.waiting { continuation.resume(returning: nil) }
  }

  /// Starts the capture that has reserved an id.
  func begin(_ id: String, _ plan: Plan, to sink: any CaptureSink) async throws(UserError) {
    guard let plane = gate.enter() else { throw LabRuntime.noLab }
    defer { gate.leave() }
    let session: CaptureSession
    do {
      session = try await CaptureSession.start(on: plane, ports: plan.ports, plan.settings, to: sink)
    } catch {
      throw UserError(.failed, "capture: \(error)")
    }
    Task {
      let status = await session.ended()
      self.ended(id, session, status)
    }
    let waiting = entries[id]?.waiting ?? []
    entries[id]?.waiting = []
    entries[id]?.session = session
    noteStart(id)
    entries[id]?.follower = Task { await self.follow(id, session) }
    for continuation in waiting { continuation.resume(returning: session) }
    // What came while it was being started.
    if let lab { session.add(names: lab.captureNames) }
    await takeIn(id, session)
  }

  /// Notes the end of a capture; another one of its name may run by then.
  private func ended(_ id: String, _ session: CaptureSession, _ status: CaptureStatus) {
    guard let entry = entries[id], entry.session === session else { return }
    entries[id] = nil
    entry.follower?.cancel()
    totalsBefore.add(status)
    events.note(
      .captureEnded, subject: id,
      detail: [
        "outcome": .text(status.outcome?.description ?? "ended"), "frames": EventValue(status.written),
        "dropped": EventValue(status.counts.dropped),
      ])
    let what = "capture \(entry.file ?? id): \(status.outcome?.description ?? "ended"), \(Self.frames(status.written))"
    if status.outcome?.isClean ?? true { logger.info("\(what)") } else { logger.warning("\(what)") }
  }

  private func noteStart(_ id: String) {
    guard let entry = entries[id] else { return }
    var detail: [String: EventValue] = ["targets": .list(entry.request.targets.map { .text($0) })]
    if let file = entry.file { detail["file"] = .text(file) }
    if let filter = entry.request.filter { detail["filter"] = .text(filter) }
    events.note(.captureStarted, subject: id, detail: detail)
  }

  private static func frames(_ count: UInt64) -> String { count == 1 ? "1 frame" : "\(count) frames" }

  /// Ends a capture; what it has is still written.
  package func stop(_ id: String) async throws {
    let session = try await session(id)
    // Its name is free when this returns: another of that name may follow at once.
    ended(id, session, await session.stop())
  }

  package func changeFilter(_ id: String, to text: String) async throws {
    let filter = try await Self.compiled(text)
    do {
      try await session(id).changeFilter(to: filter)
    } catch let error as DataplaneError {
      throw UserError(.failed, "capture \(id): \(error)")
    }
  }

  /// Not on this actor: libpcap may take its time over a filter.
  @concurrent
  private static func compiled(_ text: String) async throws(UserError) -> Filter { try CaptureRequest.compiled(text) }

  /// A capture that runs; one that is being started is waited for.
  private func session(_ id: String) async throws(UserError) -> CaptureSession {
    if let session = entries[id]?.session { return session }
    if entries[id] != nil {
      let started = await withCheckedContinuation { entries[id]?.waiting.append($0) }
      if let started { return started }
    }
    let names = entries.keys.sorted().joined(separator: ", ")
    throw UserError(.notFound, "no capture \"\(id)\" is running", hint: names.isEmpty ? nil : "running: \(names)")
  }

  // MARK: - Its ports

  /// The ports that there are.
  func ports() async throws(UserError) -> [PortStatus] {
    guard let plane = gate.enter() else { throw LabRuntime.noLab }
    defer { gate.leave() }
    return await plane.ports()
  }

  /// Not on this actor: libpcap may take its time over a filter.
  @concurrent
  static func plan(
    _ request: CaptureRequest, _ lab: CanonicalLab, _ all: [PortStatus], isDeclared: Bool, _ application: String
  ) async throws(UserError) -> Plan {
    let targets = CaptureTargets(lab: lab)
    var ports: [String] = []
    for target in request.targets {
      guard let some = targets.ports(of: target, among: all) else {
        throw UserError(
          .notFound, "lab \(lab.name) has no port, link, node or switch \"\(target)\"",
          hint: "known: \(targets.known(all))")
      }
      ports += some.filter { !ports.contains($0) }
    }
    var settings = try request.settings(linksOnly: targets.areLinks(request.targets))
    settings.section = lab.section(application: application)
    settings.names = lab.captureNames
    // Who asks for a port alone is told when it goes; what stands for many may have others later.
    settings.tap.endsWithPorts = !isDeclared && request.targets.allSatisfy { targets.isPort($0, in: ports) }
    return Plan(ports: ports, settings: settings)
  }

  /// The lab is another one from now on: its names are written, and captures have the ports that their targets have now.
  func follow(_ lab: CanonicalLab) async {
    self.lab = lab
    let sessions = entries.compactMap { id, entry in entry.session.map { (id, $0) } }
    let names = lab.captureNames
    for (id, session) in sessions {
      session.add(names: names)
      await takeIn(id, session)
    }
  }

  private func follow(_ id: String, _ session: CaptureSession) async {
    while (try? await Task.sleep(for: Self.interval)) != nil { await takeIn(id, session) }
  }

  /// Makes ports that its targets have by now part of a capture.
  private func takeIn(_ id: String, _ session: CaptureSession) async {
    guard let lab, let entry = entries[id], entry.session === session, let plane = gate.enter() else { return }
    defer { gate.leave() }
    let all = await plane.ports()
    let targets = CaptureTargets(lab: lab)
    let known = Set(session.currentPorts)
    // What a target named may be gone, for a while or for good.
    for port in entry.request.targets.flatMap({ targets.ports(of: $0, among: all) ?? [] }) where !known.contains(port) {
      try? await session.addPort(port)
    }
  }

  // MARK: - What they are

  /// All that run, by their ids.
  package func running() -> [RunningCapture] {
    entries.sorted { $0.key < $1.key }.compactMap { id, entry in
      entry.session.map {
        RunningCapture(id: id, targets: entry.request.targets, file: entry.file, status: $0.status)
      }
    }
  }

  /// What all of them did, those too that have ended.
  package func totals() -> CaptureTotals {
    var totals = totalsBefore
    for session in entries.values.compactMap(\.session) {
      totals.running += 1
      totals.add(session.status)
    }
    return totals
  }
}
