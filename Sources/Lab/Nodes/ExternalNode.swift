import Dataplane
import Topology

/// A node that somebody else starts: only its vhost-user ports are ours.
struct ExternalNode: Node {
  static let kind = NodeKind.external
  static let rewires = Rewiring.ports
  let definition: NodeDefinition
  let environment: NodeEnvironment

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
    var socket = try VhostUserSocket(of: nic, node: definition.name, environment)
    socket.role = nic.role == .listen ? .listen : .connect
    socket.countsRings = nic.frontEnd != nil
    if let mode = nic.socketMode { socket.mode = UInt32(clamping: mode) }
    if let owner = nic.socketOwner {
      let port = Names.port(node: definition.name, nic: nic.name)
      socket.owner = try HostAccounts.owner(owner, of: port)
    }
    return .vhostUser(socket)
  }

  func configure(isThere: Bool) async throws -> [String] { [] }

  func start(_ context: StartContext, isRunning: Bool) async throws {
    for nic in definition.nics {
      guard case .vhostUser(let socket) = try backend(of: nic) else { continue }
      let verb = socket.role == .listen ? "listening on" : "connecting to"
      context.progress("\(Names.port(node: definition.name, nic: nic.name)): \(verb) \(socket.path)")
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
    let file = PortName.nic(node: node, nic: nic.name).socketFile
    let path = nic.socket ?? "\(environment.directories.state(environment.lab))/\(file)"
    try SocketPath.check(path)
    self.init(path: path)
    queuePairs = nic.queues
    offload = OffloadLevel(nic.offload)
  }
}
