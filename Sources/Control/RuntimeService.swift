import Dataplane
import Lab
import Logging
import Synchronization
import Topology

/// The lab of this process.
package final class RuntimeService: LabService {
  private let runtime: LabRuntime
  private let events: EventLog
  /// The data plane whose events are being logged.
  private let followed = Mutex<ObjectIdentifier?>(nil)

  package init(_ runtime: LabRuntime, logger: Logger) {
    self.runtime = runtime
    events = EventLog(logger: logger)
  }

  package func lab() async -> CanonicalLab? { await runtime.lab() }

  package func bringUp(
    _ lab: CanonicalLab, options: BringUpOptions = BringUpOptions(),
    progress: @escaping @Sendable (String) -> Void
  ) async throws -> [PlanStep] {
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

  package func fdb(switchName: String?) async -> [FDBEntry] {
    await runtime.dataplane()?.fdb(switchName: switchName) ?? []
  }

  package func flushFDB(switchName: String?, port: String?, vlan: Int?) async {
    await runtime.dataplane()?.flushFDB(switchName: switchName, port: port, vlan: vlan)
  }

  package func execute(
    node: String, command: [String]
  ) async throws -> AsyncThrowingStream<ExecuteEvent, any Error> {
    try await runtime.execute(node: node, command: command)
  }

  package func consolePath(node: String) async throws -> String { try await runtime.consolePath(node: node) }
  package func logPath(node: String) async throws -> String { try await runtime.logPath(node: node) }

  package func runTests(names: [String], onResult: @escaping @Sendable (TestResult) -> Void) async -> [TestResult] {
    await runtime.runTests(names: names, onResult: onResult)
  }
}
