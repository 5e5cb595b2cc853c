import Lab
import Topology

/// A row of `ps`.
package struct NodeRow: Described, Equatable {
  package var lab: String
  package var node: String
  package var kind: String
  package var image: String?
  package var state: String
  package var ready: Bool
  package var pid: Int32?
  /// With prefix length.
  package var addresses: [String]
  /// Path of the console's socket.
  package var console: String?
  /// ISO 8601.
  package var since: String?
  package var error: String?
  /// Models of a machine's NICs in file order, each once; left out where all are `virtio`.
  package var models: [String]?

  package init(_ status: NodeStatus) {
    lab = status.lab
    node = status.node
    kind = status.kind
    image = status.image
    state = status.state.rawValue
    ready = status.ready
    pid = status.pid
    addresses = status.addresses
    console = status.console
    since = status.since
    error = status.error
    models = status.models.contains(where: \.isEmulated) ? status.models.map(\.rawValue) : nil
  }

  /// Every key is always there but `models`; what is not known is null.
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
    try row.encodeIfPresent(models, forKey: .models)
  }

  package static let shape = Shape.object(
    "Node", "A row of `ps`.",
    [
      Field("lab", .text, "Name of the lab."),
      Field("node", .text, "Name of the node."),
      Field("kind", .text, "As the lab file has it."),
      Field("image", .nullable(.text), "`builtin`, or the path of its image; null for kinds without one."),
      Field("state", .choice(NodeStatus.State.allCases.map(\.rawValue)), "What it does."),
      Field("ready", .boolean, "It answers, and its first NIC that leads anywhere is up."),
      Field("pid", .nullable(.count), "Its process."),
      Field("addresses", .list(.text), "With prefix length."),
      Field("console", .nullable(.text), "Path of its console's socket."),
      Field("since", .nullable(.text), "When it was started, ISO 8601."),
      Field("error", .nullable(.text), "Why it failed."),
      Field(
        optional: "models", .list(.choice(NICModel.allCases.map(\.rawValue))),
        "Models of a machine's NICs, each once; left out where all are `virtio`."),
    ])
}

extension NodeRow: Listing {
  package static let columns = [
    Column("LAB", rank: 2), Column("NODE"), Column("KIND", rank: 1), Column("IMAGE", rank: 3), Column("STATE"),
    Column("READY"),
    Column("PID", .right, rank: 4), Column("SINCE", rank: 5), Column("ADDRESSES"),
  ]

  package var cells: [Cell] {
    let tint: Cell.Tint =
      switch NodeStatus.State(rawValue: state) {
      case .running: .good
      case .failed: .bad
      case .stopped, .starting, nil: .plain
      }
    return [
      Cell(lab), Cell(node), Cell(kindText), Cell(imageName), Cell(state, tint), Cell(ready ? "yes" : "no"),
      Cell(pid.map { String($0) }), Cell(since), Cell(addresses.joined(separator: " ")),
    ]
  }

  /// `vm`; `vm, e1000` with the models of NICs that are not all as usual.
  private var kindText: String { ([kind] + (models ?? [])).joined(separator: ", ") }

  /// File name of the image, or the name of an entry of the catalogue.
  private var imageName: String? {
    let name = image.flatMap { $0.split(separator: "/").last.map(String.init) }
    guard let name, name.hasSuffix(Paths.entryEnding), name != Paths.entryEnding else { return name }
    return String(name.dropLast(Paths.entryEnding.count))
  }
}
