import Frames

/// A port as the control side knows it.
struct PortRecord {
  /// Numbers that ports can have: they are 16 bits wide where many are kept.
  static let numbers = 0..<60_000

  var index: Int
  var name: String
  var switchName: String?
  var kind: PortStatus.Kind
  var mode: PortMode
  var mtu: Int
  /// Nil for the end of a patch.
  var address: MACAddress?
  var peer: String?
  var socket: VhostUserSocket?
  /// Name of a TAP's interface.
  var interface: String?
  /// Path of its socket, or name of its interface; empty for the end of a patch.
  var place = ""
  /// Of a stream, or of datagrams.
  var peerSocket: SocketPeer?
  /// Number of the switch; nil = on none.
  var switchIndex: Int?
  /// Whoever made the port tells its front-end of the carrier.
  var isToldByOwner = false
  /// As its configuration has it.
  var isAdded = false
  /// Bytes of frames that wait for a node that moves.
  var migrationBuffer = PortConfiguration.usualMigrationBuffer
  /// What it lets through.
  var rules = PortRules()
  /// Nil = it forwards in every VLAN.
  var states: ForwardingStates?
  let block: CounterBlock
}
