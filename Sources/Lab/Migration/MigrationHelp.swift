import Dataplane
import LinuxHost
import Topology

/// What a machine that migrates needs others for: its ports, and who looks on.
struct MigrationHelp: Sendable {
  /// Takes what is told to the person who waits.
  var tell: @Sendable (MigrationNews) -> Void
  /// Has a NIC's port take a second QEMU in, at a socket of its own.
  var addStandby: @Sendable (_ nic: NICDefinition, _ socket: String) async throws -> Void
  /// The second one is the port's from now on.
  var promote: @Sendable (_ nic: NICDefinition) async throws -> Void
  /// The first one goes on.
  var removeStandby: @Sendable (_ nic: NICDefinition) async -> Void
  /// Frames to these NICs wait from now on, or go on: of NICs whose rings do not tell when their guest stands still.
  var hold: @Sendable (_ nics: [NICDefinition], _ holds: Bool) async -> Void
  /// The socket of whoever has the machine's console; nil = nobody.
  var console: @Sendable () -> SwitchedSocket?
}
