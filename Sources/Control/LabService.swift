import Capture
import Dataplane
import Lab
import Topology

/// What the API asks of the lab behind it.
///
/// `RuntimeService` is the real one.
package protocol LabService: Sendable {
  /// Where labs and images of this host are.
  var directories: LabDirectories { get }
  /// What happens in it.
  var events: EventHub { get }
  /// The lab that is up; nil before the first `bringUp` and after `takeDown`.
  func lab() async -> CanonicalLab?
  /// Makes `lab` true. Calls follow one another; a `takeDown` interrupts the `bringUp` before it.
  /// - Returns: what was done; empty = nothing had to be.
  func bringUp(
    _ lab: CanonicalLab, options: BringUpOptions, progress: @escaping @Sendable (String) -> Void
  ) async throws -> [PlanStep]
  func takeDown(progress: @escaping @Sendable (String) -> Void) async throws
  /// Writes the lab into a folder, as it is at one instant.
  func save(_ request: SaveRequest, progress: @escaping @Sendable (String) -> Void) async throws -> SavedLab
  func nodes() async -> [NodeStatus]
  func start(node: String, progress: @escaping @Sendable (String) -> Void) async throws
  func stop(node: String, progress: @escaping @Sendable (String) -> Void) async throws
  /// Moves a machine into another QEMU; who is cancelled wants it no more.
  func migrate(
    node: String, _ wish: MigrationWish, tell: @escaping @Sendable (MigrationNews) -> Void
  ) async throws -> MigrationOutcome
  func links() async -> [LinkStatus]
  /// - Returns: the link afterwards.
  func setLink(_ name: String, _ change: LinkChange) async throws -> LinkStatus
  func ports() async -> [PortStatus]
  /// - Returns: the port that was added.
  func addPort(_ request: AddedPortRequest) async throws -> PortStatus
  /// - Returns: the port as it is wanted, and whether it was made.
  func putPort(_ request: AddedPortRequest) async throws -> (port: PortStatus, isNew: Bool)
  /// - Returns: the port afterwards.
  func setPort(_ name: String, _ change: PortChange) async throws -> PortStatus
  func removePort(_ name: String) async throws
  /// What the rules of a port did so far; nil for a port without rules.
  func ruleStatus(port: String) async -> RuleStatus?
  /// The ports that container runtimes asked for.
  func pods() async -> [PodPort]
  func workers() async -> [WorkerStatus]
  func switches() async -> [SwitchStatus]
  /// - Parameter switchName: nil = all switches.
  func fdb(switchName: String?) async -> [FDBEntry]
  /// Forgets learnt entries; nil = whatever.
  func flushFDB(switchName: String?, port: String?, vlan: Int?) async
  /// - Returns: the static entry that was made.
  func addStation(_ request: StationRequest) async throws -> FDBEntry
  /// Removes static entries; nil = on whatever switch, in whatever VLAN.
  func removeStation(_ mac: String, switchName: String?, vlan: String?) async throws
  func execute(node: String, _ request: CommandRequest) async throws -> StartedCommand
  /// Starts a capture of the lab that is up into a sink, which is closed in the end.
  func startCapture(_ request: CaptureRequest, to sink: any CaptureSink) async throws
  func captures() async -> [CaptureRow]
  /// What all captures did since the daemon runs.
  func captureTotals() async -> CaptureTotals
  func stopCapture(_ id: String) async throws
  func changeFilter(ofCapture id: String, to text: String) async throws
  /// What the flight recorder holds, as a pcapng file, each piece made when it is asked for.
  /// - Parameter last: seconds to look back; nil = as far as it goes.
  func recording(_ request: CaptureRequest, last: Double?) async throws -> any IteratorProtocol<[UInt8]> & Sendable
  /// What the switch would do with a frame.
  func trace(port: String, frame: [UInt8]) async throws -> FrameTrace
  /// Sends the frames of a capture file into a port, as if its node had.
  /// - Returns: frames that were sent, and those left out since the file has them in part only.
  func replay(_ request: ReplayRequest) async throws -> ReplayRow
  func consolePath(node: String) async throws -> String
  func console(node: String, steals: Bool) async throws -> ConsoleSession
  func logPath(node: String) async throws -> String
  /// - Parameter names: only the tests that are worded so; empty = all.
  func runTests(names: [String], onResult: @escaping @Sendable (TestResult) -> Void) async -> [TestResult]
}
