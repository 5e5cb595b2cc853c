import Lab
import Topology

extension LabGraph: Described {
  package static let shape = Shape.object(
    "Graph", "A lab as things and lines.",
    [
      Field("name", .text, "Name of the lab."),
      Field("vertices", .list(Vertex.shape), "Switches, nodes, and ports that were added at run time."),
      Field("edges", .list(Edge.shape), "Links."),
    ])
}

extension LabGraph.Vertex: Described {
  package static let shape = Shape.object(
    "GraphVertex", "A thing of a lab.",
    [
      Field("name", .text, "Its name."),
      Field("kind", .text, "`switch`, the kind of a node, or that of a port which was added."),
      Field("addresses", .list(.text), "Addresses of a node, as the lab file has them."),
      Field(optional: "state", .choice(NodeStatus.State.allCases.map(\.rawValue)), "What a node does."),
      Field("x", .count, "Its middle, from the left; a box of 120 by 50 fits."),
      Field("y", .count, "From the top."),
    ])
}

extension LabGraph.Edge: Described {
  package static let shape = Shape.object(
    "GraphEdge", "A link of a lab.",
    [
      Field("name", .text, "As `link list` has it."),
      Field("first", .text, "Name of the thing at its first end."),
      Field("second", .text, "At its second."),
      Field("label", .text, "NICs and VLANs."),
      Field(optional: "carrier", .carrier, "Up when all ends have it."),
      Field("ports", .list(.text), "Ports that it ends at: one of a NIC on a switch, two of a wire or a trunk."),
    ])
}
