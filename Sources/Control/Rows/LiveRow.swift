import Dataplane
import Lab
import Topology

/// A message of `GET /v1/live`: all that is live of a lab, or what is different from the message before.
///
/// In a difference what is not named is as it was, and null says that it is gone.
package struct LiveRow: Described, Equatable {
  package var isWhole: Bool
  /// ISO 8601, to the millisecond.
  package var time: String
  package var lab: String?
  /// Another number than before: switches, nodes, links, ports or their VLANs are others now.
  package var revision: Int
  package var nodes: [String: LiveNode?] = [:]
  package var links: [String: LiveLink?] = [:]
  package var ports: [String: LivePort?] = [:]
  package var switches: [String: LiveSwitch?] = [:]

  enum CodingKeys: String, CodingKey {
    case isWhole = "whole"
    case time, lab, revision, nodes, links, ports, switches
  }

  /// Nothing but the time differs.
  var isEmpty: Bool {
    !isWhole && nodes.isEmpty && links.isEmpty && ports.isEmpty && switches.isEmpty
  }

  package static let shape = Shape.object(
    "Live", "All that is live of a lab, or what is different from the message before: null says that it is gone.",
    [
      Field("whole", .boolean, "It is all there is; the first message, and the one after some that were lost."),
      Field("time", .text, "When it was so, ISO 8601."),
      Field("lab", .nullable(.text), "Name of the lab; null when none is up."),
      Field("revision", .count, "Another number than before says: the lab is another one, ask `/v1/graph` again."),
      Field("nodes", .map(.nullable(LiveNode.shape)), "By name."),
      Field("links", .map(.nullable(LiveLink.shape)), "By name."),
      Field("ports", .map(.nullable(LivePort.shape)), "By name."),
      Field("switches", .map(.nullable(LiveSwitch.shape)), "By name."),
    ])
}

/// What is live of a node.
package struct LiveNode: Described, Equatable {
  package var state: String
  package var ready: Bool
  package var error: String?

  package init(_ status: NodeStatus) {
    (state, ready, error) = (status.state.rawValue, status.ready, status.error)
  }

  package static let shape = Shape.object(
    "LiveNode", "What is live of a node.",
    [
      Field("state", .choice(NodeStatus.State.allCases.map(\.rawValue)), "What it does."),
      Field("ready", .boolean, "It answers, and its first NIC that leads anywhere is up."),
      Field(optional: "error", .text, "Why it failed."),
    ])
}

/// What is live of a link.
package struct LiveLink: Described, Equatable {
  package var carrier: String
  package var carriers: [String]
  package var impair: [String: [String: String]]?
  /// Ends whose carrier was taken away at run time.
  package var down: [String]

  package init(_ status: LinkStatus) {
    let row = LinkRow(status)
    (carrier, carriers, impair, down) = (row.carrier, row.carriers, row.impair, row.down ?? [])
  }

  package static let shape = Shape.object(
    "LiveLink", "What is live of a link.",
    [
      Field("carrier", .carrier, "Up when all ends have it."),
      Field("carriers", .list(.carrier), "Of each port that it ends at."),
      Field(optional: "impair", .map(.map(.text)), "By the end that sends, values as the lab file has them."),
      Field("down", .list(.text), "Ends whose carrier was taken away at run time."),
    ])
}

/// What is live of a port: frames and bytes a second, over the second before the message.
package struct LivePort: Described, Equatable {
  package var carrier: String
  package var receivePackets: Int
  package var receiveBytes: Int
  package var transmitPackets: Int
  package var transmitBytes: Int
  /// Frames dropped a second.
  package var drops: Int
  /// Frames dropped since the port is there.
  package var dropped: UInt64
  package var error: String?

  enum CodingKeys: String, CodingKey {
    case carrier
    case receivePackets = "receive_packets_per_second"
    case receiveBytes = "receive_bytes_per_second"
    case transmitPackets = "transmit_packets_per_second"
    case transmitBytes = "transmit_bytes_per_second"
    case drops = "drops_per_second"
    case dropped, error
  }

  package static let shape = Shape.object(
    "LivePort", "What is live of a port.",
    [
      Field("carrier", .carrier, "What everybody sees."),
      Field("receive_packets_per_second", .count, "Frames from the node into the switch."),
      Field("receive_bytes_per_second", .count, "Their bytes."),
      Field("transmit_packets_per_second", .count, "Frames from the switch to the node."),
      Field("transmit_bytes_per_second", .count, "Their bytes."),
      Field("drops_per_second", .count, "Frames that were dropped."),
      Field("dropped", .count, "Frames that were dropped since the port is there."),
      Field(optional: "error", .text, "The last fatal error."),
    ])
}

/// What is live of a switch.
package struct LiveSwitch: Described, Equatable {
  /// Entries of its forwarding database.
  package var stations: UInt64
  /// Stations that came up on another port than before.
  package var moves: UInt64

  package init(_ status: SwitchStatus) { (stations, moves) = (status.fdbEntries, status.fdbMoves) }

  package static let shape = Shape.object(
    "LiveSwitch", "What is live of a switch.",
    [
      Field("stations", .count, "Entries of its forwarding database."),
      Field("moves", .count, "Stations that came up on another port than before."),
    ])
}
