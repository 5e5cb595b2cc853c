import Dataplane
import Lab
import Topology

/// What the API asks of the lab behind it.
///
/// `RuntimeService` is the real one.
package protocol LabService: Sendable {
  /// The lab that is up; nil before the first `bringUp` and after `takeDown`.
  func lab() async -> CanonicalLab?
  /// Makes `lab` true. Calls follow one another; a `takeDown` interrupts the `bringUp` before it.
  /// - Returns: what was done; empty = nothing had to be.
  func bringUp(
    _ lab: CanonicalLab, options: BringUpOptions, progress: @escaping @Sendable (String) -> Void
  ) async throws -> [PlanStep]
  func takeDown(progress: @escaping @Sendable (String) -> Void) async throws
  func nodes() async -> [NodeStatus]
  func start(node: String, progress: @escaping @Sendable (String) -> Void) async throws
  func stop(node: String, progress: @escaping @Sendable (String) -> Void) async throws
  func links() async -> [LinkStatus]
  /// - Returns: the link afterwards.
  func setLink(_ name: String, _ change: LinkChange) async throws -> LinkStatus
  func ports() async -> [PortStatus]
  func workers() async -> [WorkerStatus]
  /// - Parameter switchName: nil = all switches.
  func fdb(switchName: String?) async -> [FDBEntry]
  /// Forgets learnt entries; nil = whatever.
  func flushFDB(switchName: String?, port: String?, vlan: Int?) async
  func execute(node: String, command: [String]) async throws -> AsyncThrowingStream<ExecuteEvent, any Error>
  func consolePath(node: String) async throws -> String
  func logPath(node: String) async throws -> String
  /// - Parameter names: only the tests that are worded so; empty = all.
  func runTests(names: [String], onResult: @escaping @Sendable (TestResult) -> Void) async -> [TestResult]
}
