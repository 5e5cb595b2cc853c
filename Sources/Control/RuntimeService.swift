import Capture
import Dataplane
import Lab
import Logging
import Synchronization
import Topology

/// The lab of this process.
package final class RuntimeService: LabService {
  private let runtime: LabRuntime
  private let events: EventLog
  private let desk: CaptureDesk
  /// The data plane whose events are being logged.
  private let followed = Mutex<ObjectIdentifier?>(nil)

  package init(_ runtime: LabRuntime, logger: Logger) {
    self.runtime = runtime
    events = EventLog(logger: logger)
    desk = CaptureDesk(logger: logger)
  }

  package func lab() async -> CanonicalLab? { await runtime.lab() }

  package func bringUp(
    _ lab: CanonicalLab, options: BringUpOptions = BringUpOptions(),
    progress: @escaping @Sendable (String) -> Void
  ) async throws -> [PlanStep] {
    let desk = desk
    await runtime.onPorts { lab, plane, stage in try await desk.declare(lab, plane, stage) }
    let plan = try await runtime.bringUp(lab, options: options, progress: progress)
    if let plane = await runtime.dataplane() { follow(plane) }
    return plan
  }

  private func follow(_ plane: Dataplane) {
    let isNew = followed.withLock { known in
      defer { known = ObjectIdentifier(plane) }
      return known != ObjectIdentifier(plane)
    }
    if isNew { events.follow(plane) }
  }

  package func takeDown(progress: @escaping @Sendable (String) -> Void) async throws {
    await desk.stopDeclared()
    try await runtime.takeDown(progress: progress)
  }

  package func nodes() async -> [NodeStatus] { await runtime.nodes() }

  package func start(node: String, progress: @escaping @Sendable (String) -> Void) async throws {
    try await runtime.start(node: node, progress: progress)
  }

  package func stop(node: String, progress: @escaping @Sendable (String) -> Void) async throws {
    try await runtime.stop(node: node, progress: progress)
  }

  package func links() async -> [LinkStatus] { await runtime.links() }

  package func setLink(_ name: String, _ change: LinkChange) async throws -> LinkStatus {
    try await runtime.setLink(name, change)
  }

  package func ports() async -> [PortStatus] { await runtime.dataplane()?.ports() ?? [] }
  package func workers() async -> [WorkerStatus] { await runtime.dataplane()?.workers() ?? [] }
  package func switches() async -> [SwitchStatus] { await runtime.dataplane()?.switchStatus() ?? [] }

  package func fdb(switchName: String?) async -> [FDBEntry] {
    await runtime.dataplane()?.fdb(switchName: switchName) ?? []
  }

  package func flushFDB(switchName: String?, port: String?, vlan: Int?) async {
    await runtime.dataplane()?.flushFDB(switchName: switchName, port: port, vlan: vlan)
  }

  package func execute(node: String, _ request: CommandRequest) async throws -> StartedCommand {
    try await runtime.execute(node: node, request)
  }

  private func current() async throws -> (lab: CanonicalLab, plane: Dataplane) {
    guard let lab = await runtime.lab(), let plane = await runtime.dataplane() else {
      throw UserError(.notFound, "no lab is up")
    }
    return (lab, plane)
  }

  package func startCapture(_ request: CaptureRequest, to sink: any CaptureSink) async throws {
    let (lab, plane): (CanonicalLab, Dataplane)
    do {
      (lab, plane) = try await current()
    } catch {
      sink.close()
      throw error
    }
    try await desk.start(request, lab, plane, to: sink)
  }

  package func captures() async -> [CaptureRow] { await desk.rows() }
  package func droppedByCaptures() async -> UInt64 { await desk.dropped() }
  package func stopCapture(_ id: String) async throws { try await desk.stop(id) }

  package func changeFilter(ofCapture id: String, to text: String) async throws {
    try await desk.changeFilter(id, to: text)
  }

  package func recording(_ request: CaptureRequest, last: Double?) async throws -> [UInt8] {
    let (lab, plane) = try await current()
    guard await plane.isRecording else {
      throw UserError(.failed, "lab \(lab.name) has no flight recorder", hint: "its file says `recorder: off`")
    }
    return try await desk.recording(request, last: last, lab, plane)
  }

  package func trace(port: String, frame: [UInt8]) async throws -> FrameTrace {
    let (lab, plane) = try await current()
    return try await explained(port, lab) { () async throws(DataplaneError) in
      try await plane.trace(port: port, frame: frame)
    }
  }

  package func replay(_ request: ReplayRequest) async throws -> ReplayRow {
    let (_, plane) = try await current()
    try request.check()
    let port = PortName.find(request.port, in: await plane.ports(), by: \.name)?.name ?? PortName.dotted(request.port)
    var replay = Replay()
    replay.speed = request.speed
    replay.interface = request.interface
    replay.directions = request.directions
    do throws(ReplayError) {
      let counts = try await replay.run(request.file, into: port, of: plane)
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
