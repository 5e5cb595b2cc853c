import Lab

/// A row of `ps`.
package struct NodeRow: Codable, Sendable, Equatable {
  package var lab: String
  package var node: String
  package var kind: String
  package var image: String?
  package var state: NodeStatus.State
  package var ready: Bool
  package var pid: Int32?
  /// With prefix length.
  package var addresses: [String]
  /// Path of the console's socket.
  package var console: String?
  /// ISO 8601.
  package var since: String?
  package var error: String?

  package init(_ status: NodeStatus) {
    lab = status.lab
    node = status.node
    kind = status.kind
    image = status.image
    state = status.state
    ready = status.ready
    pid = status.pid
    addresses = status.addresses
    console = status.console
    since = status.since
    error = status.error
  }

  /// Every key is always there; what is not known is null.
  package func encode(to encoder: any Encoder) throws {
    var row = encoder.container(keyedBy: CodingKeys.self)
    try row.encode(lab, forKey: .lab)
    try row.encode(node, forKey: .node)
    try row.encode(kind, forKey: .kind)
    try row.encode(image, forKey: .image)
    try row.encode(state, forKey: .state)
    try row.encode(ready, forKey: .ready)
    try row.encode(pid, forKey: .pid)
    try row.encode(addresses, forKey: .addresses)
    try row.encode(console, forKey: .console)
    try row.encode(since, forKey: .since)
    try row.encode(error, forKey: .error)
  }
}
