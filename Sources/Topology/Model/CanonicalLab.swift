import Frames

/// A lab in its one normal form: every brief form spelt out, every default filled in, every name resolved.
///
/// It is what the daemon runs and writes to `lab.json`, and what differences are taken between. Order is file order.
package struct CanonicalLab: Codable, Sendable, Equatable {
  package var name: String
  package var workers: WorkerSettings = .init()
  package var vlans: [VLANDefinition] = []
  package var switches: [SwitchDefinition] = []
  package var nodes: [NodeDefinition] = []
  package var links: [LinkDefinition] = []
  package var tests: [TestDefinition] = []
  /// What is written to files while the lab is up; nil = nothing.
  package var captures: [CaptureDefinition]?
  /// Bytes of the flight recorder; 0 = off, nil = the default, 8 MiB.
  package var recorderSize: Int?
  /// The API over TCP; nil = none.
  package var http: HTTPDefinition?
  /// Access lists of ports; nil = there are none.
  package var access: [AccessDefinition]?
  /// Folder of the file, absolute; relative paths in the lab are already resolved against it.
  ///
  /// Not compared.
  package var directory: String = ""
  /// Absolute path of the file the lab came from ("-" = standard input).
  package var source: String = ""

  package init(name: String) { self.name = name }
}

/// `workers:` of the lab file.
package struct WorkerSettings: Codable, Sendable, Equatable {
  package enum Poll: String, Codable, Sendable, CaseIterable { case adaptive, busy, sleep }
  package var count: WorkerCount = 1
  /// Processors to pin workers to; empty = not pinned.
  package var cpus: [Int] = []
  package var poll = Poll.adaptive
  /// Of the workers' threads, as setpriority(2) has it: -20 (first) to 19.
  package var nice = 0
  package init() {}

  /// What an earlier version wrote down says nothing of `nice`.
  package init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    count = try container.decode(WorkerCount.self, forKey: .count)
    cpus = try container.decode([Int].self, forKey: .cpus)
    poll = try container.decode(Poll.self, forKey: .poll)
    nice = try container.decodeIfPresent(Int.self, forKey: .nice) ?? 0
  }
}

/// A named VLAN, or a numbered one that the file uses without declaring it (then `name` is nil).
package struct VLANDefinition: Codable, Sendable, Equatable {
  package var name: String?
  /// 1 to 4094.
  package var id: Int
  /// Prefix such as `10.0.20.0/24`, normalised.
  package var subnet: String?
  package init(name: String?, id: Int, subnet: String? = nil) {
    self.name = name
    self.id = id
    self.subnet = subnet
  }
}

/// A learning switch.
package struct SwitchDefinition: Codable, Sendable, Equatable {
  package enum LinkLocal: String, Codable, Sendable, CaseIterable { case standard, linux, transparent }
  package var name: String
  /// Seconds until an unused FDB entry is forgotten.
  package var aging: Double = 300
  package var linkLocal = LinkLocal.standard
  // Only said when they are not as usual: a lab that another version wrote has no such keys.
  private var anonymous: Bool?
  private var vlanAware: Bool?
  private var saidFDBSize: Int?
  private var saidFDBPerPort: Int?
  package init(name: String) { self.name = name }

  private enum CodingKeys: String, CodingKey {
    case name, aging, linkLocal, anonymous, vlanAware
    case saidFDBSize = "fdbSize"
    case saidFDBPerPort = "fdbPerPort"
  }

  /// Stations that its table holds.
  package var fdbSize: Int {
    get { saidFDBSize ?? 8192 }
    set { saidFDBSize = newValue == 8192 ? nil : newValue }
  }

  /// Stations of one port that it holds, half of all as a rule; to be set after `fdbSize`.
  package var fdbPerPort: Int {
    get { saidFDBPerPort ?? fdbSize / 2 }
    set { saidFDBPerPort = newValue == fdbSize / 2 ? nil : newValue }
  }

  /// Stands for a link with more than two ends, and has that link's name.
  package var isAnonymous: Bool {
    get { anonymous ?? false }
    set { anonymous = newValue ? true : nil }
  }

  /// It has VLANs; otherwise every frame passes as it is, tagged or not, and every port of it is `VLANMode.transparent`.
  package var isVLANAware: Bool {
    get { vlanAware ?? true }
    set { vlanAware = newValue ? nil : false }
  }

  /// What `link-local` is where nothing is said.
  package static func usualLinkLocal(isVLANAware: Bool) -> LinkLocal { isVLANAware ? .standard : .transparent }
}

/// How a port treats tags (802.1Q clause 6.9), or that it is one end of a wire.
package enum VLANMode: Codable, Sendable, Equatable {
  case access(Int)
  /// `allowed` is sorted and without repeats; `native` is in it. All of 1...4094 stands for `trunk: all`.
  case trunk(allowed: [ClosedRange<Int>], native: Int?)
  /// Of a switch that is not VLAN-aware, and of no other: every frame passes as it is.
  case transparent
}

/// Where a NIC leads.
package enum Attachment: Codable, Sendable, Equatable {
  case switchPort(switch: String, mode: VLANMode)
  /// One end of the wire of that name.
  case wire(link: String)
  /// Declared, but leads nowhere: carrier down.
  case none
}

/// An address of a NIC, or of its VLAN subinterface.
package struct AddressDefinition: Codable, Sendable, Equatable {
  /// With prefix length: `10.0.10.9/24`, `fd00::1/64`.
  package var address: String
  /// VLAN subinterface in the node that carries it; nil = the NIC itself.
  package var vlan: Int?
  /// The address itself in the order of the wire, 4 or 16 bytes; nil for text that is none.
  package var bytes: [UInt8]? {
    guard let address = IPPrefix(address)?.address else { return nil }
    return (1...address.family.width / 8).map {
      UInt8(truncatingIfNeeded: address.value >> UInt128(address.family.width - 8 * $0))
    }
  }
  package init(address: String, vlan: Int? = nil) {
    self.address = address
    self.vlan = vlan
  }
}

/// A static route of a node.
package struct RouteDefinition: Codable, Sendable, Equatable {
  /// Destination prefix, or `default`.
  package var to: String
  /// Gateway address.
  package var via: String
  /// The lower one of two routes to a destination is taken; nil = the system's usual one.
  package var metric: Int?
  /// Only said when it is so: a lab that another version wrote has no such key.
  private var onlink: Bool?
  package init(to: String, via: String) {
    self.to = to
    self.via = via
  }

  /// The gateway is a neighbour, whatever addresses the NIC has.
  package var isOnLink: Bool {
    get { onlink ?? false }
    set { onlink = newValue ? true : nil }
  }
}

/// One interface of a node.
package struct NICDefinition: Codable, Sendable, Equatable {
  package enum Role: String, Codable, Sendable, CaseIterable { case listen, connect }
  /// Programs that have to be told apart, as they count queues in rings.
  package enum FrontEnd: String, Codable, Sendable, CaseIterable {
    case cloudHypervisor = "cloud-hypervisor"
    case crosvm
  }
  /// How frames come and go between an `external` NIC and the switch.
  package enum Transport: String, Codable, Sendable, CaseIterable {
    case vhostUser = "vhost-user"
    /// A stream of frames, each behind its length (QEMU's `-netdev stream`).
    case stream
    /// A frame a datagram (QEMU's `-netdev dgram`).
    case dgram
  }
  /// What NIC and switch leave to each other.
  package enum Offload: String, Sendable, CaseIterable {
    /// Checksums, and large frames of TCP and UDP.
    case on
    /// Checksums alone.
    case checksum
    case off
  }
  package var name: String
  package var mac: MACAddress
  package var attachment = Attachment.none
  package var addresses: [AddressDefinition] = []
  package var gateway: String?
  package var routes: [RouteDefinition] = []
  /// Bytes; nil = 1500 in the guest and no limit in the switch.
  package var mtu: Int?
  /// Ring pairs, 1 to 16: those of a machine, or as many as an `external` NIC's front-end may use.
  package var queues = 1
  /// Which end of the socket this product is (`external` only; `vm` uses listen); means nothing for datagrams.
  package var role = Role.listen
  /// Socket path; nil = `<state>/<lab>/<node>.<nic>.sock`.
  package var socket: String?
  /// Permission bits of the socket file.
  package var socketMode: Int?
  /// `user` or `user:group`.
  package var socketOwner: String?
  /// What uses the socket (`external` only); nil = any other, or one that is recognised.
  package var frontEnd: FrontEnd?
  package var offload = Offload.on
  /// Impairments of its link to the switch it is on; first = the node, second = the switch.
  ///
  /// Those of a wire are in the wire's `LinkDefinition`.
  package var impair: ImpairmentPair?
  // Only said when it is another than usual: a lab that another version wrote has no such key.
  private var saidModel: NICModel?
  private var saidTransport: Transport?
  private var saidMigrationBuffer: Int?
  private var saidRules: RulesDefinition?
  package init(name: String, mac: MACAddress) {
    self.name = name
    self.mac = mac
  }

  private enum CodingKeys: String, CodingKey {
    case name, mac, attachment, addresses, gateway, routes, mtu, queues, role, socket, socketMode, socketOwner, frontEnd
    case offload, impair
    case saidModel = "model"
    case saidTransport = "transport"
    case saidMigrationBuffer = "migrationBuffer"
    case saidRules = "rules"
  }

  /// What its port lets through.
  package var rules: RulesDefinition {
    get { saidRules ?? RulesDefinition() }
    set { saidRules = newValue.isEmpty ? nil : newValue }
  }

  package static let usualMigrationBuffer = 4 << 20

  /// Bytes of frames to it that wait while its machine moves; 0 = none do (`vm` and `external` only).
  package var migrationBuffer: Int {
    get { saidMigrationBuffer ?? Self.usualMigrationBuffer }
    set { saidMigrationBuffer = newValue == Self.usualMigrationBuffer ? nil : newValue }
  }

  /// What it is to its machine (`vm` only).
  package var model: NICModel {
    get { saidModel ?? .virtio }
    set { saidModel = newValue == .virtio ? nil : newValue }
  }

  /// How its frames come and go (`external` only).
  package var transport: Transport {
    get { saidTransport ?? .vhostUser }
    set { saidTransport = newValue == .vhostUser ? nil : newValue }
  }
}

/// A node.
///
/// Keys that a kind does not have are nil or at their default.
package struct NodeDefinition: Codable, Sendable, Equatable {
  package var name: String
  /// The word of a kind of `NodeKind`; `traits` is its row.
  package var kind: String
  /// `builtin`, `none`, or an absolute path; of a container the name of its image, nil for one that somebody else has made.
  package var image: String?
  package var cpus = 1
  /// Bytes.
  package var memory: Int = 128 << 20
  /// In the order the node sees them (PCI order).
  package var nics: [NICDefinition] = []
  /// The image's file, or for `none` what is made in place of one; nil for `builtin` and for kinds without an image.
  package var disk: DiskDefinition?
  /// What cloud-init is told on the first boot; nil = the image gets no seed.
  package var cloudInit: CloudInitDefinition?
  /// What tells that the machine is ready; nil = the builtin guest's own word, or for an image that it runs.
  package var ready: ReadyDefinition?
  /// What has to be true before it starts; nil = nothing.
  package var after: [StartCondition]?
  // Only said when it is another or so: a lab that another version wrote has no such key.
  private var force: Bool?
  private var saidFirmware: Firmware?
  /// What its firmware tries, in this order; nil = as usual, `bootOrder`.
  package var boot: [BootSource]?
  /// Bytes of the disk of a machine with `image: none`; nil = it has none.
  package var emptyDisk: Int?
  /// What a node of kind `dhcp` serves.
  package var dhcp: DHCPDefinition?
  /// What a container is; nil for other kinds.
  package var container: ContainerDefinition?
  /// What `image` is, where it is an appliance.
  package var appliance: ApplianceDefinition?
  /// What its own system is told beside its network; nil = nothing.
  package var setup: SetupDefinition?

  private enum CodingKeys: String, CodingKey {
    case name, kind, image, cpus, memory, nics, disk, cloudInit, ready, after, force
    case saidFirmware = "firmware"
    case boot, emptyDisk, dhcp, container, appliance, setup
  }

  /// What it begins with, unless it is handed its kernel.
  package var firmware: Firmware {
    get { saidFirmware ?? .bios }
    set { saidFirmware = newValue == .bios ? nil : newValue }
  }

  package init(name: String, kind: String) {
    self.name = name
    self.kind = kind
  }

  /// Interfaces of the host are taken though they have addresses (`nic` only).
  package var isForced: Bool {
    get { force ?? false }
    set { force = newValue ? true : nil }
  }
}

/// An end of a link.
package enum LinkEnd: Codable, Sendable, Hashable {
  case nic(node: String, nic: String)
  case switchPort(String)
}

/// A wire between two NICs, or a trunk between two switches.
///
/// A NIC's `switch:` is a link named as its port; it is kept in `NICDefinition.attachment` and not repeated here.
package struct LinkDefinition: Codable, Sendable, Equatable {
  package enum Kind: Codable, Sendable, Equatable {
    case wire
    /// The mode of both ends; `trunk: all` = 1...4094.
    ///
    /// Where one of the switches is not VLAN-aware it is that of the other one's end: see `CanonicalLab.mode(_:at:)`.
    case trunk(VLANMode)
  }
  package var name: String
  package var kind: Kind
  /// Exactly two.
  package var ends: [LinkEnd]
  /// Impairments; nil = none.
  package var impair: ImpairmentPair?
  package init(name: String, kind: Kind, ends: [LinkEnd]) {
    self.name = name
    self.kind = kind
    self.ends = ends
  }
}

/// One line of `tests:`.
package struct TestDefinition: Codable, Sendable, Equatable {
  package enum Expectation: String, Codable, Sendable, CaseIterable { case pass, fail }
  /// `ping`, `tcp`, `udp`, `arp` or `exec`.
  package var action: String
  /// The node that sends, or that runs the command of `exec`.
  package var source: String
  /// The node that answers; empty for `exec`.
  package var destination: String
  /// Port of the destination, for `tcp` and `udp` only.
  package var port: Int?
  /// The command and its arguments, for `exec` only; a text in the file is run by `/bin/sh -c`.
  package var run: [String]?
  /// Text that the output of `exec` must contain; nil = its exit status decides alone.
  package var output: String?
  package var expect = Expectation.pass
  /// Seconds in which a `pass` must come true.
  package var within: Double = 30
  /// Seconds of silence that a `fail` demands.
  package var duration: Double = 5
  package init(action: String, source: String, destination: String) {
    self.action = action
    self.source = source
    self.destination = destination
  }
}
