import Dataplane
import LinuxHost
import Topology

/// What of a node `apus save` keeps beside its definition.
struct SavedParts: Sendable {
  /// A machine, which stands still meanwhile.
  var machine: (any MachineToSave)?
  /// Name of the namespace whose addresses and routes are kept.
  var namespace: String?
  /// Files of its folder of logs and disks that are copied.
  var copies: [NodeFile] = []
  /// Somebody else's, or a program of which nothing is kept: it goes on, and begins anew where the lab goes on.
  var goesOn = false

  init(
    machine: (any MachineToSave)? = nil, namespace: String? = nil, copies: [NodeFile] = [], goesOn: Bool = false
  ) {
    (self.machine, self.namespace, self.copies, self.goesOn) = (machine, namespace, copies, goesOn)
  }
}

/// A machine that can stand still, be written to a file, and go on, here or from that file.
///
/// The calls come in this order: `savedForm`, `standStill`, `layDisks`, `write`, `resume`, `mergeDisks`; of one that is
/// read from a file `load`, `resume`, and then `start` with `isRunning`.
protocol MachineToSave: Node {
  /// What is to be known of it before it stands still.
  /// - Throws: `UserError` for a machine that runs and cannot be saved as it is.
  func savedForm() async throws(UserError) -> SavedNodes.Machine

  /// Version of the program that is the machine, such as `7.2.22`; nil if it does not say.
  func emulatorVersion() async -> String?

  /// Stops its processors.
  func standStill() async throws(UserError)

  /// Has its processors go on; nothing happens if it does not run any more.
  func resume() async throws(UserError)

  /// Its disks as they are stay so from now on; it stands still.
  func layDisks() async throws(UserError)

  /// Demands that its disks are whole, where `layDisks` is not called: they are copied while it stands still.
  func demandWholeDisks() async throws(UserError)

  /// Writes the machine to a file: its memory and its devices. It stands still, then, too.
  func write(to file: Descriptor) async throws(UserError)

  /// Paths of its disks, in order.
  var diskPaths: [String] { get async }

  /// Puts what it has written since `layDisks` into its disks; it runs.
  /// - Parameter standStill: runs what it is given while the machine stands still.
  func mergeDisks(
    standStill: @Sendable (_ body: () async throws(UserError) -> Void) async throws(UserError) -> Void
  ) async throws(UserError)

  /// Makes its disks whole, of a machine that does not run.
  func settleDisks(_ progress: @escaping @Sendable (String) -> Void) async throws(UserError)

  /// Ends it as it stands still: nothing of it is written any more.
  func leaveStandingStill() async

  /// Looks whether it could be read on this host; nothing is made.
  func checkLoading(_ machine: SavedNodes.Machine, from saved: SavedFolder) async throws(UserError)

  /// Makes it as it was saved: one that ran stands still then, of another its disks alone.
  func load(_ machine: SavedNodes.Machine, from saved: SavedFolder, _ context: StartContext) async throws
}

extension MachineToSave {
  /// Stands still while `body` runs, and goes on whatever came of it.
  nonisolated(nonsending) func standStill(during body: () async throws(UserError) -> Void) async throws(UserError) {
    var result: Result<Void, UserError>
    do throws(UserError) {
      try await standStill()
      result = .success(try await body())
    } catch {
      result = .failure(error)
    }
    do throws(UserError) { try await resume() } catch { result = .failure(error) }
    try result.get()
  }
}
