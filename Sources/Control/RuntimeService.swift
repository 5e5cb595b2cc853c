import Capture
import Dataplane
import Lab
import Logging
import Synchronization
import Topology

/// The lab of this process.
package final class RuntimeService: LabService {
  private let runtime: LabRuntime
  private let log: EventLog
  package var events: EventHub { runtime.eventHub }
  /// The events that are being logged; kept, so that those of no later data plane can be taken for them.
  private let followed = Mutex<Broadcast<DataplaneEvent>?>(nil)

  package init(_ runtime: LabRuntime, logger: Logger) {
    self.runtime = runtime
    log = EventLog(logger: logger)
  }

  package var directories: LabDirectories { runtime.directories }

  package func lab() async -> CanonicalLab? { await runtime.lab() }

  package func bringUp(
    _ lab: CanonicalLab, options: BringUpOptions = BringUpOptions(),
    progress: @escaping @Sendable (String) -> Void
  ) async throws -> [PlanStep] {
    let result: Result<[PlanStep], any Error>
    do {
      result = .success(try await runtime.bringUp(lab, options: options, progress: progress))
    } catch {
      result = .failure(error)
    }
    // What was taken back from a daemon that had died goes on also where a change of it was refused.
    if let plane = await runtime.dataplane() { follow(plane) }
    return try result.get()
  }

  /// Goes on with a lab in this process, as another daemon hands it over.
  package func takeOver(_ handed: HandedLab, from predecessor: Predecessor) async throws(UserError) {
    try await runtime.takeOver(handed, from: predecessor)
    if let plane = await runtime.dataplane() { follow(plane) }
  }

  private func follow(_ plane: Dataplane) {
    let isNew = followed.withLock { known in
      defer { known = plane.events }
      return known !== plane.events
    }
    if isNew { log.follow(plane) }
  }

  package func takeDown(progress: @escaping @Sendable (String) -> Void) async throws {
    try await runtime.takeDown(progress: progress)
    // The daemon ends next: who follows events is not what it waits for.
    events.finish()
  }

  package func save(
    _ request: SaveRequest, progress: @escaping @Sendable (String) -> Void
  ) async throws -> SavedLab {
    let saved = try await runtime.save(request, progress: progress)
    if saved.isDown { events.finish() }
    return saved
  }

  package func nodes() async -> [NodeStatus] { await runtime.nodes() }

  package func start(node: String, progress: @escaping @Sendable (String) -> Void) async throws {
    try await runtime.start(node: node, progress: progress)
  }

  package func stop(node: String, progress: @escaping @Sendable (String) -> Void) async throws {
    try await runtime.stop(node: node, progress: progress)
  }

  package func migrate(
    node: String, _ wish: MigrationWish, tell: @escaping @Sendable (MigrationNews) -> Void
  ) async throws -> MigrationOutcome {
    try await runtime.migrate(node: node, wish, tell: tell)
  }

  package func links() async -> [LinkStatus] { await runtime.links() }

  package func setLink(_ name: String, _ change: LinkChange) async throws -> LinkStatus {
    try await runtime.setLink(name, change)
  }

  package func ports() async -> [PortStatus] { await runtime.withPlane { await $0.ports() } ?? [] }

  package func addPort(_ request: AddedPortRequest) async throws -> PortStatus { try await runtime.addPort(request) }

  package func putPort(_ request: AddedPortRequest) async throws -> (port: PortStatus, isNew: Bool) {
    try await runtime.putPort(request)
  }

  package func setPort(_ name: String, _ change: PortChange) async throws -> PortStatus {
    try await runtime.setPort(name, change)
  }

  package func removePort(_ name: String) async throws { try await runtime.removePort(name) }

  package func ruleStatus(port: String) async -> RuleStatus? { await runtime.ruleStatus(port: port) }

  package func pods() async -> [PodPort] { await runtime.pods() }

  package func workers() async -> [WorkerStatus] { await runtime.withPlane { await $0.workers() } ?? [] }
  package func switches() async -> [SwitchStatus] { await runtime.withPlane { await $0.switchStatus() } ?? [] }

  package func fdb(switchName: String?) async -> [FDBEntry] {
    await runtime.withPlane { await $0.fdb(switchName: switchName) } ?? []
  }

  package func flushFDB(switchName: String?, port: String?, vlan: Int?) async {
    _ = await runtime.withPlane { await $0.flushFDB(switchName: switchName, port: port, vlan: vlan) }
  }

  package func addStation(_ request: StationRequest) async throws -> FDBEntry { try await runtime.addStation(request) }

  package func removeStation(_ mac: String, switchName: String?, vlan: String?) async throws {
    try await runtime.removeStation(mac, switchName: switchName, vlan: vlan)
  }

  package func execute(node: String, _ request: CommandRequest) async throws -> StartedCommand {
    try await runtime.execute(node: node, request)
  }

  package func startCapture(_ request: CaptureRequest, to sink: any CaptureSink) async throws {
    try await runtime.startCapture(request, to: sink)
  }

  package func captures() async -> [CaptureRow] { await runtime.captures.running().map { CaptureRow($0) } }
  package func captureTotals() async -> CaptureTotals { await runtime.captures.totals() }
  package func stopCapture(_ id: String) async throws { try await runtime.captures.stop(id) }

  package func changeFilter(ofCapture id: String, to text: String) async throws {
    try await runtime.captures.changeFilter(id, to: text)
  }

  package func recording(
    _ request: CaptureRequest, last: Double?
  ) async throws -> any IteratorProtocol<[UInt8]> & Sendable {
    try await runtime.recording(request, last: last)
  }

  package func trace(port: String, frame: [UInt8]) async throws -> FrameTrace {
    let lab = try await runtime.running().lab
    let trace = try await runtime.withPlane { plane in
      try await explained(port, lab) { () async throws(DataplaneError) in
        try await plane.trace(port: port, frame: frame)
      }
    }
    guard let trace else { throw LabRuntime.noLab }
    return trace
  }

  package func replay(_ request: ReplayRequest) async throws -> ReplayRow {
    _ = try await runtime.running()
    try request.check()
    let port = PortName.find(request.port, in: await ports(), by: \.name)?.name ?? PortName.dotted(request.port)
    var replay = Replay()
    replay.speed = request.speed
    replay.interfaces = request.interface.map { PortName.meant(by: $0) }
    replay.directions = request.directions
    do throws(ReplayError) {
      let runtime = runtime
      // A few frames at a time, so that a lab can be taken down meanwhile.
      let counts = try await replay.run(request.file, into: port) { port, frames async throws(DataplaneError) in
        try await runtime.inject(frames, into: port)
      }
      return ReplayRow(counts)
    } catch {
      if case .refused(.unknownPort) = error.reason { throw UserError(.notFound, "\(error)") }
      throw UserError(.badInput, "\(error)")
    }
  }

  private func explained<Value>(
    _ port: String, _ lab: CanonicalLab, _ body: () async throws(DataplaneError) -> Value
  ) async throws(UserError) -> Value {
    do {
      return try await body()
    } catch {
      switch error {
      case .unknownPort(let name): throw UserError(.notFound, "lab \(lab.name) has no port \"\(name)\"")
      case .invalid(let text), .host(let text): throw UserError(.badInput, text)
      case .nameTaken, .unknownSwitch: throw UserError(.failed, "\(error)")
      }
    }
  }

  package func consolePath(node: String) async throws -> String { try await runtime.consolePath(node: node) }
  package func console(node: String, steals: Bool) async throws -> ConsoleSession {
    try await runtime.console(node: node, steals: steals)
  }

  package func logPath(node: String) async throws -> String { try await runtime.logPath(node: node) }

  package func runTests(names: [String], onResult: @escaping @Sendable (TestResult) -> Void) async -> [TestResult] {
    await runtime.runTests(names: names, onResult: onResult)
  }
}
