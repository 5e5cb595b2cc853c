import Dataplane
import Lab
import Topology

/// What the API asks of the lab behind it. `RuntimeService` is the real one.
package protocol LabService: Sendable {
  /// The lab that is up; nil before the first `bringUp` and after `takeDown`.
  func lab() async -> CanonicalLab?
  /// Makes `lab` true. Calls follow one another; a `takeDown` interrupts the `bringUp` before it.
  /// - Returns: what was done; empty = nothing had to be.
  func bringUp(_ lab: CanonicalLab, progress: @escaping @Sendable (String) -> Void) async throws -> [PlanStep]
  func takeDown(progress: @escaping @Sendable (String) -> Void) async throws
  func nodes() async -> [NodeStatus]
  func ports() async -> [PortStatus]
  func workers() async -> [WorkerStatus]
  /// - Parameter switchName: nil = all switches.
  func fdb(switchName: String?) async -> [FDBEntry]
  /// Forgets learnt entries; nil = whatever.
  func flushFDB(switchName: String?, port: String?, vlan: Int?) async
  func execute(node: String, command: [String]) async throws -> AsyncThrowingStream<ExecuteEvent, any Error>
  func consolePath(node: String) async throws -> String
  func logPath(node: String) async throws -> String
  func runTests(onResult: @escaping @Sendable (TestResult) -> Void) async -> [TestResult]
}

/// The lab of this process.
package struct RuntimeService: LabService {
  private let runtime: LabRuntime

  package init(_ runtime: LabRuntime) { self.runtime = runtime }

  package func lab() async -> CanonicalLab? { await runtime.lab() }

  package func bringUp(
    _ lab: CanonicalLab, progress: @escaping @Sendable (String) -> Void
  ) async throws -> [PlanStep] {
    try await runtime.bringUp(lab, progress: progress)
  }

  package func takeDown(progress: @escaping @Sendable (String) -> Void) async throws {
    try await runtime.takeDown(progress: progress)
  }

  package func nodes() async -> [NodeStatus] { await runtime.nodes() }
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

  package func runTests(onResult: @escaping @Sendable (TestResult) -> Void) async -> [TestResult] {
    await runtime.runTests(onResult: onResult)
  }
}
