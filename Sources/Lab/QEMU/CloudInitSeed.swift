import FoundationEssentials
import LinuxHost
import Topology

/// The seed that cloud-init finds beside a machine's disk: the NoCloud data source, a CD image labelled `cidata`.
struct CloudInitSeed: Sendable, Equatable {
  var userData: [UInt8]
  var metaData: [UInt8]
  var networkConfig: [UInt8]
  /// What is done for the node's NICs beside its user data; nil = nothing.
  var vendorData: [UInt8]?

  /// The documents of a node; what the lab file does not say follows from it.
  /// - Throws: `UserError` for a file that cannot be read.
  init(_ definition: CloudInitDefinition, of node: NodeDefinition, lab: String) throws(UserError) {
    userData = try Self.bytes(definition.userData, "user-data", node) ?? Array("#cloud-config\n{}\n".utf8)
    networkConfig = try Self.bytes(definition.networkConfig, "network-config", node) ?? Self.network(node)
    // Another instance, for cloud-init, is a machine that is set up anew: so it is when what it is told has changed. How
    // long its boot waits is none of that, and machines that were made before it was told stay the same.
    let told = definition.networkConfig == nil ? Self.network(node, tellsWaiting: false) : networkConfig
    vendorData = Self.withoutSegmentation(node)
    let digest = StableHash.of(userData + told + (vendorData ?? []))
    let standard = "instance-id: \(lab)-\(node.name)-\(String(digest, radix: 36))\nlocal-hostname: \(node.name)\n"
    metaData = try Self.bytes(definition.metaData, "meta-data", node) ?? Array(standard.utf8)
  }

  private static func bytes(
    _ document: CloudInitDefinition.Document?, _ key: String, _ node: NodeDefinition
  ) throws(UserError) -> [UInt8]? {
    switch document {
    case nil: return nil
    case .text(let text): return Array(text.utf8)
    case .file(let path):
      guard let bytes = Files.read(path) else {
        throw UserError(.failed, "node \(node.name): cannot read its \(key), \(path)")
      }
      return bytes
    }
  }

  /// Writes the seed into a node's folder.
  func write(_ paths: NodePaths, _ variables: [String: String]) async throws(UserError) {
    let folder = try LabFolders.makeData(paths)
    var documents = [("user-data", userData), ("meta-data", metaData), ("network-config", networkConfig)]
    if let vendorData { documents.append(("vendor-data", vendorData)) }
    let name = NodeFile.seedFiles.rawValue
    do throws(SystemError) {
      try folder.makeFolder(name, mode: LabFolders.ownMode)
      let inner = try folder.folder(name)
      for (name, bytes) in documents { try inner.write(name, bytes, mode: LabFolders.fileMode) }
      // Written anew, not into what is there.
      try folder.remove(NodeFile.seed.rawValue)
    } catch {
      throw UserError(.failed, "cannot write \(paths.seed): \(SystemError.text(of: error.code))")
    }
    defer {
      if let inner = try? folder.folder(name) {
        for (name, _) in documents { _ = try? inner.remove(name) }
      }
      _ = try? folder.removeFolder(name)
    }
    let arguments = [
      "-quiet", "-output", paths.seed, "-volid", "cidata", "-joliet", "-rock", folder.path(of: name),
    ]
    _ = try await HostTool.run("genisoimage", arguments, package: "genisoimage", variables)
  }
}

// MARK: - Offloads

extension CloudInitSeed {
  /// A script of each boot that keeps e1000e and vmxnet3 from cutting TCP segments; nil for a node without them.
  ///
  /// QEMU (7.2) sends their large TCP segments as IP fragments that must not be, and loses those of IPv6. By the call of
  /// ethtool(8), which not every image has, in the language of cloud-init itself; whatever NICs have been named.
  private static func withoutSegmentation(_ node: NodeDefinition) -> [UInt8]? {
    guard node.nics.contains(where: { $0.model.fragmentsSegments }) else { return nil }
    return Array(
      """
      #cloud-boothook
      #!/usr/bin/env python3
      # NICs of models e1000e and vmxnet3 as QEMU emulates them: no TCP segmentation offload.
      import fcntl, os, socket, struct, ctypes
      SIOCETHTOOL, ETHTOOL_STSO = 0x8946, 0x1F
      for name in os.listdir("/sys/class/net"):
          driver = os.path.basename(os.path.realpath(f"/sys/class/net/{name}/device/driver"))
          if driver not in ("e1000e", "vmxnet3"):
              continue
          value = ctypes.create_string_buffer(struct.pack("II", ETHTOOL_STSO, 0))
          request = struct.pack("16sP16x", name.encode(), ctypes.addressof(value))
          try:
              fcntl.ioctl(socket.socket(socket.AF_INET, socket.SOCK_DGRAM), SIOCETHTOOL, request)
          except OSError as error:
              print(f"{name}: cannot switch off TCP segmentation offload: {error}")

      """.utf8)
  }
}

// MARK: - Network

extension CloudInitSeed {
  /// Network configuration, version 2 (cloud-init's own words for netplan's format).
  ///
  /// As JSON, which is YAML too.
  private struct Network: Encodable {
    struct Match: Encodable {
      var macaddress: String
    }
    struct Route: Encodable {
      var to: String
      var via: String
      var metric: Int?
      var onLink: Bool?

      enum CodingKeys: String, CodingKey {
        case to, via, metric
        case onLink = "on-link"
      }
    }
    struct Ethernet: Encodable {
      var match: Match
      var name: String
      var mtu: Int?
      var dhcp4 = false
      var dhcp6 = false
      var addresses: [String] = []
      var routes: [Route] = []
      /// The boot does not wait for it.
      var optional: Bool?

      enum CodingKeys: String, CodingKey {
        case match, mtu, dhcp4, dhcp6, addresses, routes, optional
        case name = "set-name"
      }
    }
    struct VLAN: Encodable {
      var id: Int
      var link: String
      var addresses: [String] = []
      var routes: [Route] = []
      var optional: Bool?
    }
    var version = 2
    var ethernets: [String: Ethernet] = [:]
    var vlans: [String: VLAN]?
  }

  /// NICs that may have no carrier while all is well, as nobody is at the other end: a boot is not to wait for them.
  ///
  /// systemd-networkd-wait-online (255 and before) waits in vain, two minutes, where no interface is one to be waited for:
  /// so all of them are, without one that is sure to come up.
  private static func optionalNICs(of node: NodeDefinition) -> Set<String> {
    func names(_ isMeant: (Attachment) -> Bool) -> Set<String> {
      Set(node.nics.filter { isMeant($0.attachment) }.map(\.name))
    }
    let loose = names { $0 == .none }
    let wired = names { if case .wire = $0 { true } else { false } }
    if node.nics.count > loose.count + wired.count { return loose.union(wired) }
    return wired.isEmpty ? [] : loose
  }

  /// The node's steps in cloud-init's words.
  /// - Parameter tellsWaiting: also what the boot is not to wait for.
  static func network(_ node: NodeDefinition, tellsWaiting: Bool = true) -> [UInt8] {
    var network = Network()
    let optional = tellsWaiting ? optionalNICs(of: node) : []
    for step in node.networkSteps {
      switch step {
      case .link(let name, let mac, let mtu):
        network.ethernets[name] = Network.Ethernet(match: Network.Match(macaddress: "\(mac)"), name: name, mtu: mtu)
        if optional.contains(name) { network.ethernets[name]?.optional = true }
      case .vlan(let name, let parent, let id):
        network.vlans = network.vlans ?? [:]
        network.vlans?[name] = Network.VLAN(id: id, link: parent)
        if optional.contains(parent) { network.vlans?[name]?.optional = true }
      case .address(let address, let link):
        network.ethernets[link]?.addresses.append(address)
        network.vlans?[link]?.addresses.append(address)
      case .route(let route):
        let entry = Network.Route(
          to: route.prefix, via: route.gateway, metric: route.metric, onLink: route.isOnLink ? true : nil)
        network.ethernets[route.link]?.routes.append(entry)
        network.vlans?[route.link]?.routes.append(entry)
      }
    }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return (try? encoder.encode(network)).map { [UInt8]($0) + [UInt8(ascii: "\n")] } ?? []
  }
}
