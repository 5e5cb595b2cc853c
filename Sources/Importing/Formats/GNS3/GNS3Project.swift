/// What a GNS3 project declares, whichever version wrote it.
struct GNS3Project {
  /// Nil = the file says none: the project is called by its file.
  var name: String?
  var nodes: [GNS3Node] = []
  var links: [GNS3Link] = []
}

/// A port of a node: of a machine's card, or of a switch, whose adapter is 0.
struct GNS3Port: Hashable, Comparable {
  var adapter: Int
  var number: Int

  static func < (one: GNS3Port, other: GNS3Port) -> Bool {
    (one.adapter, one.number) < (other.adapter, other.number)
  }
}

/// What GNS3 says of a port.
struct GNS3PortFacts {
  var name: String
  var line: Int?
  /// It carries no Ethernet frames.
  var isSerial = false
  /// Of a switch's port.
  var vlan: ForeignVLAN = .none
  var mac: String?
  var model: String?
}

/// A node of a project.
struct GNS3Node {
  /// What it is, as far as frames are concerned.
  enum Role: Equatable {
    /// A machine of some hypervisor.
    case machine
    /// GNS3's own small hosts, with addresses and nothing else.
    case host
    case container
    case vlanSwitch
    case hub
    /// It leads out of the project.
    case uplink
    /// It carries no Ethernet frames.
    case foreign
  }

  /// Unique in the project.
  var id: String
  var name: String
  var role: Role
  /// GNS3's word for it, such as `qemu` or `C3600`.
  var word: String
  var line: Int
  var ports: [GNS3Port: GNS3PortFacts] = [:]
  /// Bytes.
  var memory: UInt64?
  var cpus: Int?
  var image: String?
  var command: String?
  var environment: [(key: String, value: String)] = []
  /// Of the small hosts: what they are told when they start, and where that stands.
  var script: (text: String, path: String)?
  /// An address that the project itself gives its only NIC, and the gateway.
  var address: (address: String, gateway: String?)?
  var comments: [String] = []
}

/// A line between two ports.
struct GNS3Link {
  struct End: Hashable {
    /// Of the node in the project.
    var node: Int
    var port: GNS3Port
  }

  var ends: [End]
  var line: Int
  var isSuspended = false
  /// What GNS3's filters do to the frames, in both directions.
  var impairment = ForeignImpairment()
}

extension GNS3Node.Role {
  /// What GNS3 2 calls a node, and what GNS3 1 does; nil = a word that is not known.
  init?(word: String) {
    switch word {
    case "qemu", "dynamips", "iou", "vmware", "virtualbox", "QemuVM", "IOUDevice", "VMwareVM", "VirtualBoxVM":
      self = .machine
    case "C1700", "C2600", "C2691", "C3600", "C3725", "C3745", "C7200": self = .machine
    case "vpcs", "traceng", "VPCSDevice": self = .host
    case "docker", "DockerVM": self = .container
    case "ethernet_switch", "EthernetSwitch": self = .vlanSwitch
    case "ethernet_hub", "EthernetHub": self = .hub
    case "cloud", "nat", "Cloud", "Host": self = .uplink
    case "frame_relay_switch", "atm_switch", "FrameRelaySwitch", "ATMSwitch", "ATMBridge": self = .foreign
    default: return nil
    }
  }
}
