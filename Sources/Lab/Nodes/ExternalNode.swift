import Dataplane
import Topology

/// A node that somebody else starts: only its ports are ours, at sockets.
struct ExternalNode: Node {
  static let kind = NodeKind.external
  static let rewires = Rewiring.ports
  let definition: NodeDefinition
  let environment: NodeEnvironment
  var savedParts: SavedParts { SavedParts(goesOn: true) }

  init(_ definition: NodeDefinition, _ environment: NodeEnvironment) {
    self.definition = definition
    self.environment = environment
  }

  func check(isNew: Bool, starts: Bool) throws(UserError) {
    for nic in definition.nics { _ = try backend(of: nic) }
  }

  func presence() -> NodePresence {
    NodeRecord.read(environment.paths(of: definition.name)) == nil ? .absent : .running("")
  }

  func prepare(_ journal: Journal) async throws {}

  func backend(of nic: NICDefinition) throws(UserError) -> PortBackend {
    switch nic.transport {
    case .vhostUser: .vhostUser(try frontEndSocket(of: nic))
    case .stream:
      .stream(try peer(of: nic, SocketPeer(stream: environment.socketPath(of: nic, node: definition.name))))
    case .dgram:
      .dgram(try peer(of: nic, datagrams(at: environment.socketPath(of: nic, node: definition.name))))
    }
  }

  private func datagrams(at path: String) throws(UserError) -> SocketPeer {
    let peerPath = Paths.peerSocket(of: path)
    try SocketPath.check(peerPath)
    return SocketPeer(datagrams: path, peerPath: peerPath)
  }

  private func peer(of nic: NICDefinition, _ usual: SocketPeer) throws(UserError) -> SocketPeer {
    var peer = usual
    peer.role = nic.role == .listen ? .listen : .connect
    if let mode = nic.socketMode { peer.mode = UInt32(clamping: mode) }
    peer.owner = try owner(of: nic)
    return peer
  }

  private func owner(of nic: NICDefinition) throws(UserError) -> (user: UInt32, group: UInt32)? {
    guard let owner = nic.socketOwner else { return nil }
    return try HostAccounts.owner(owner, of: Names.port(node: definition.name, nic: nic.name))
  }

  private func frontEndSocket(of nic: NICDefinition) throws(UserError) -> VhostUserSocket {
    var socket = try VhostUserSocket(of: nic, node: definition.name, environment)
    socket.role = nic.role == .listen ? .listen : .connect
    socket.countsRings = nic.frontEnd != nil
    if let mode = nic.socketMode { socket.mode = UInt32(clamping: mode) }
    socket.owner = try owner(of: nic)
    return socket
  }

  func configure(isThere: Bool) async throws -> [String] { [] }

  func start(_ context: StartContext, isRunning: Bool) async throws {
    for nic in definition.nics {
      guard let what = try backend(of: nic).socketInWords else { continue }
      context.progress("\(Names.port(node: definition.name, nic: nic.name)): \(what)")
    }
  }

  func remove() async throws -> [String] { [] }

  func condition() async -> NodeCondition { NodeCondition() }

  func execute(_ request: CommandRequest) async throws -> StartedCommand {
    throw UserError(.failed, "node \(definition.name) is external: only who started it can run commands in it")
  }

  func pingCommand(to address: String, from nic: NICDefinition) throws(UserError) -> [String] {
    throw UserError(.badInput, "node \(definition.name) is external: it cannot be the source of a ping")
  }
}

extension VhostUserSocket {
  /// The socket of a node's NIC: the one that the file names, else `<state>/<lab>/<node>.<nic>.sock`.
  init(of nic: NICDefinition, node: String, _ environment: NodeEnvironment) throws(UserError) {
    self.init(path: try environment.socketPath(of: nic, node: node))
    queuePairs = nic.queues
    offload = OffloadLevel(nic.offload)
  }
}

extension NodeEnvironment {
  /// Where the socket of a node's NIC is: where the file says, else `<state>/<lab>/<node>.<nic>.sock`.
  func socketPath(of nic: NICDefinition, node: String) throws(UserError) -> String {
    let file = PortName.nic(node: node, nic: nic.name).socketFile
    let path = nic.socket ?? "\(directories.state(lab))/\(file)"
    try SocketPath.check(path)
    return path
  }
}

extension PortBackend {
  /// `listening on PATH`, for people; nil for what has no socket.
  var socketInWords: String? {
    switch self {
    case .vhostUser(let socket): Self.words(socket.role, socket.path)
    case .stream(let peer): Self.words(peer.role, peer.path)
    case .dgram(let peer): "datagrams at \(peer.path), its peer's at \(peer.peerPath ?? "")"
    case .tap, .nic: nil
    }
  }

  private static func words(_ role: VhostUserSocket.Role, _ path: String) -> String {
    "\(role == .listen ? "listening on" : "connecting to") \(path)"
  }
}
