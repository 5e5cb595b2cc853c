import Lab
import Topology

/// A lab in its canonical form as `/v1/lab` takes and gives it, version 1.
///
/// It says what `CanonicalLab` says, in words that are near the lab file's and stay when that type changes. Keys that are
/// left out have the lab file's defaults. Times are seconds, sizes bytes, rates bits a second, ratios 0 to 1.
package struct LabDocument: Described, Equatable {
  /// The version that this program reads and writes.
  static let version = 1

  package var version: Int
  package var name: String
  var workers: Workers?
  var vlans: [VLAN]?
  var switches: [Switch]?
  var nodes: [Node]?
  var links: [Link]?
  var tests: [Test]?
  var captures: [Capture]?
  var recorderSize: Int?
  var http: HTTP?
  var access: [Access]?
  var directory: String?
  var source: String?

  enum CodingKeys: String, CodingKey {
    case version, name, workers, vlans, switches, nodes, links, tests, captures
    case recorderSize = "recorder_size"
    case http, access, directory, source
  }

  struct Workers: Described, Equatable {
    var count: WorkerCount?
    var cpus: [Int]?
    var poll: WorkerSettings.Poll?
    var nice: Int?
  }

  struct VLAN: Described, Equatable {
    var id: Int
    var name: String?
    var subnet: String?
  }

  struct Switch: Described, Equatable {
    var name: String
    var aging: Double?
    var linkLocal: SwitchDefinition.LinkLocal?
    var isAnonymous: Bool?
    var isVLANAware: Bool?
    var fdbSize: Int?
    var fdbPerPort: Int?

    enum CodingKeys: String, CodingKey {
      case name, aging
      case linkLocal = "link_local"
      case fdbSize = "fdb_size"
      case fdbPerPort = "fdb_per_port"
      case isAnonymous = "anonymous"
      case isVLANAware = "vlan_aware"
    }
  }

  /// A wire, if it has neither `vlan` nor `trunk`.
  struct Link: Described, Equatable {
    var name: String
    /// `vm1.eth0`, or the name of a switch.
    var ends: [String]
    var vlan: Int?
    var trunk: [String]?
    var native: Int?
    var impair: Impairments?
  }

  struct Impairments: Described, Equatable {
    var fromFirst: Impairment?
    var fromSecond: Impairment?

    enum CodingKeys: String, CodingKey {
      case fromFirst = "from_first"
      case fromSecond = "from_second"
    }
  }

  struct Impairment: Described, Equatable {
    var delay: Double?
    var jitter: Double?
    var loss: Double?
    var duplicate: Double?
    var reorder: Double?
    var corrupt: Double?
    var rate: Int?
    var queue: Int?
  }

  struct Test: Described, Equatable {
    var action: String
    var source: String
    var destination: String?
    var port: Int?
    var run: [String]?
    var output: String?
    var expect: TestDefinition.Expectation?
    var within: Double?
    var duration: Double?
  }

  struct Capture: Described, Equatable {
    /// One of its keys.
    struct Target: Described, Equatable {
      /// As `vm1.eth0`.
      var port: String?
      var link: String?
      var node: String?
      var `switch`: String?
      var all: Bool?
    }

    struct Ring: Described, Equatable {
      var files: Int
      var size: Int
    }

    var targets: [Target]
    var file: String
    var ring: Ring?
    var snap: Int?
    var filter: String?
    var direction: CaptureDefinition.Direction?
  }
}

extension LabDocument {
  struct Node: Described, Equatable {
    var name: String
    var kind: String
    var image: String?
    var cpus: Int?
    var memory: Int?
    var nics: [NIC]?
    var disk: Disk?
    var cloudInit: CloudInit?
    var ready: Ready?
    var after: [Condition]?
    /// Only said when it is so.
    var force: Bool?
    var firmware: Firmware?
    var boot: [BootSource]?
    var emptyDisk: Int?
    var dhcp: DHCP?
    var container: Container?
    var appliance: Appliance?
    var forwarding: Bool?
    var sysctl: [Setting]?
    var exec: [String]?
    var files: [NodeFile]?

    enum CodingKeys: String, CodingKey {
      case name, kind, image, cpus, memory, nics, disk, ready, after, force, firmware, boot, dhcp, container, appliance
      case forwarding, sysctl, exec, files
      case cloudInit = "cloud_init"
      case emptyDisk = "empty_disk"
    }
  }

  struct Container: Described, Equatable {
    struct Variable: Described, Equatable {
      var name: String
      var value: String
    }

    var engine: ContainerDefinition.Engine?
    var attach: String?
    var command: [String]?
    var env: [Variable]?
    var restart: ContainerDefinition.Restart?
  }

  struct Disk: Described, Equatable {
    var format: DiskDefinition.Format
    var sha256: String?
    var persist: Bool?
  }

  struct CloudInit: Described, Equatable {
    /// One of its keys.
    struct Text: Described, Equatable {
      var file: String?
      var text: String?
    }

    var userData: Text?
    var metaData: Text?
    var networkConfig: Text?

    enum CodingKeys: String, CodingKey {
      case userData = "user_data"
      case metaData = "meta_data"
      case networkConfig = "network_config"
    }
  }

  struct Ready: Described, Equatable {
    var console: String?
    var tcp: Int?
    var agent: Bool?
    var timeout: Double?
  }

  struct Condition: Described, Equatable {
    var node: String
    var state: StartCondition.State?
  }

  /// On a switch with `vlan` or `trunk`, at one end of a `wire`, or nowhere.
  struct NIC: Described, Equatable {
    var name: String
    var mac: String
    var `switch`: String?
    var vlan: Int?
    var trunk: [String]?
    var native: Int?
    var wire: String?
    var addresses: [Address]?
    var gateway: String?
    var routes: [Route]?
    var mtu: Int?
    var queues: Int?
    var role: NICDefinition.Role?
    var socket: String?
    var socketMode: Int?
    var socketOwner: String?
    var frontEnd: NICDefinition.FrontEnd?
    var transport: NICDefinition.Transport?
    var offload: Offload?
    /// Nil = as usual.
    var migrationBuffer: Int?
    var model: NICModel?
    var impair: Impairments?
    var rules: RuleSettings?

    enum CodingKeys: String, CodingKey {
      case name, mac, `switch`, vlan, trunk, native, wire, addresses, gateway, routes, mtu, queues, role, socket
      case socketMode = "socket_mode"
      case socketOwner = "socket_owner"
      case frontEnd = "front_end"
      case transport, offload, model, impair, rules
      case migrationBuffer = "migration_buffer"
    }
  }

  /// A boolean where that says it, as daemons and commands that know no `checksum` have it; words are taken too.
  struct Offload: Codable, Sendable, Equatable {
    var level: NICDefinition.Offload

    init(_ level: NICDefinition.Offload) { self.level = level }

    init(from decoder: any Decoder) throws { level = try NICDefinition.Offload(from: decoder) }

    func encode(to encoder: any Encoder) throws { try level.encode(to: encoder) }
  }

  struct Address: Described, Equatable {
    var address: String
    var vlan: Int?
  }

  struct Route: Described, Equatable {
    var to: String
    var via: String
    var metric: Int?
    var isOnLink: Bool?

    enum CodingKeys: String, CodingKey {
      case to, via, metric
      case isOnLink = "onlink"
    }
  }
}
