import Topology

/// What another tool's files declare, in words that all formats share: what the writer makes a lab file of.
///
/// Names are the tool's own, unmapped: the writer makes ours of them, unique ones, and keeps the old ones as comments.
package struct ForeignLab: Sendable {
  /// The tool's name, for the head of the file: "containerlab".
  package var tool: String
  package var name: String
  package var nodes: [ForeignNode] = []
  package var segments: [ForeignSegment] = []
  /// VLANs that have a name there: name and number.
  package var vlans: [(name: String, id: Int)] = []
  package var notes: [ImportNote] = []
  /// What images that are appliances hold, by the names that nodes have of them.
  package var appliances: [String: OVFDescriptor] = [:]
  /// Lines to keep at the head of the file, without "#": what belongs to no node.
  package var comments: [String] = []

  package init(tool: String, name: String) {
    self.tool = tool
    self.name = name
  }
}

/// A machine of another tool.
package struct ForeignNode: Sendable {
  /// What it is here.
  package enum Kind: String, Sendable { case vm, netns, container, external, tap }

  /// Its key within the file, by which NICs' segments and `after` name it; unique.
  package var id: String
  package var name: String
  package var kind: Kind
  /// Line in the file, from 1.
  package var line: Int?
  /// In the order in which the machine numbers them, unlinked ones too.
  package var nics: [ForeignNIC] = []
  /// `image:` here; nil = the kind's own.
  package var image: String?
  /// Of an image that is an appliance: which of its systems and configurations; nil = it has one, or its own choice.
  package var imageSystem: String?
  package var imageConfiguration: String?
  /// Bytes; nil = not said.
  package var memory: UInt64?
  package var cpus: Int?
  package var isForwarding = false
  /// Shell lines to run when it is up, as they were written.
  package var exec: [(line: String, place: Int?)] = []
  package var sysctl: [(key: String, value: String)] = []
  /// Path in the node and its text.
  package var files: [(path: String, text: String)] = []
  package var env: [(key: String, value: String)] = []
  /// What a container runs, as one line for the shell.
  package var command: String?
  /// Ids of nodes that it waits for.
  package var after: [String] = []
  package var userData: String?
  package var networkConfig: String?
  /// Lines to keep beside it, without "#": what it was, what has no equal.
  package var comments: [String] = []

  package init(id: String, name: String, kind: Kind, line: Int? = nil) {
    self.id = id
    self.name = name
    self.kind = kind
    self.line = line
  }
}

/// A NIC of such a machine.
package struct ForeignNIC: Sendable {
  /// The tool's name for it; ours is `ethN` with its place.
  package var name: String
  /// The number N of `ethN`; nil = the next one.
  package var number: Int?
  package var line: Int?
  /// Id of the segment that it is on; nil = unplugged.
  package var segment: String?
  package var mac: String?
  package var mtu: Int?
  /// With prefix lengths.
  package var addresses: [String] = []
  package var gateways: [String] = []
  /// `to` (with a prefix length, or "default") and `via`.
  package var routes: [(to: String, via: String)] = []
  package var vlan: ForeignVLAN = .none
  package var queues: Int?
  package var model: NICModel?
  /// Of an external one: the end of the socket that Apus is.
  package var connects = false
  /// Of an external one: path of its socket; nil = our usual one.
  package var socket: String?
  /// The file says that its carrier is down.
  package var isDown = false
  /// What happens to frames that the node sends, and to those for it.
  package var fromNode = ForeignImpairment()
  package var toNode = ForeignImpairment()
  package var comments: [String] = []

  package init(name: String, line: Int? = nil) {
    self.name = name
    self.line = line
  }
}

/// How a port of a VLAN-aware switch is set.
package enum ForeignVLAN: Sendable, Equatable {
  /// The segment knows no VLANs.
  case none
  /// Untagged frames are of this VLAN, and no others pass.
  case access(Int)
  /// These pass tagged (nil = all), and untagged ones are of `native`.
  case trunk([Int]?, native: Int?)
}

/// What a line does to frames in one direction; zero and nil = nothing.
package struct ForeignImpairment: Sendable, Equatable {
  package var delayMicroseconds: UInt64 = 0
  package var jitterMicroseconds: UInt64 = 0
  /// Percent, 0 to 100.
  package var lossPercent: Double = 0
  package var duplicatePercent: Double = 0
  package var corruptPercent: Double = 0
  /// Bits a second.
  package var rate: UInt64?

  package init() {}

  package var isEmpty: Bool { self == ForeignImpairment() }
}

/// What NICs are plugged into: a line, a LAN, a bridge or a switch.
package struct ForeignSegment: Sendable {
  /// What it is here.
  package enum Kind: Sendable, Equatable {
    /// Passes every frame as it is: two NICs are a wire, one or more than two a switch with `vlan-aware: off`.
    case plain
    /// As `plain`, and always a switch: it has a name that people know.
    case bridge
    /// A switch with VLANs; its NICs' `vlan` count.
    case vlanAware
  }

  /// By which NICs name it; unique.
  package var id: String
  package var name: String?
  package var kind: Kind
  package var line: Int?
  /// Other segments that it is joined to, as switches are; by id, with the settings of the trunk between.
  package var joined: [(segment: String, vlan: ForeignVLAN)] = []
  package var mtu: Int?
  package var comments: [String] = []

  package init(id: String, name: String? = nil, kind: Kind = .plain, line: Int? = nil) {
    self.id = id
    self.name = name
    self.kind = kind
    self.line = line
  }
}
