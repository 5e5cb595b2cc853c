import FoundationEssentials
import LinuxHost
import Topology

/// The seed that cloud-init finds beside a machine's disk: the NoCloud data source, a CD image labelled `cidata`.
struct CloudInitSeed: Sendable, Equatable {
  var userData: [UInt8]
  var metaData: [UInt8]
  var networkConfig: [UInt8]

  /// The documents of a node; what the lab file does not say follows from it.
  /// - Throws: `UserError` for a file that cannot be read.
  init(_ definition: CloudInitDefinition, of node: NodeDefinition, lab: String) throws(UserError) {
    userData = try Self.bytes(definition.userData, "user-data", node) ?? Array("#cloud-config\n{}\n".utf8)
    networkConfig = try Self.bytes(definition.networkConfig, "network-config", node) ?? Self.network(node)
    // Another instance, for cloud-init, is a machine that is set up anew: so it is when what it is told has changed.
    let digest = StableHash.of(userData + networkConfig)
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
    let documents = [("user-data", userData), ("meta-data", metaData), ("network-config", networkConfig)]
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

      enum CodingKeys: String, CodingKey {
        case match, mtu, dhcp4, dhcp6, addresses, routes
        case name = "set-name"
      }
    }
    struct VLAN: Encodable {
      var id: Int
      var link: String
      var addresses: [String] = []
      var routes: [Route] = []
    }
    var version = 2
    var ethernets: [String: Ethernet] = [:]
    var vlans: [String: VLAN]?
  }

  /// The node's steps in cloud-init's words.
  static func network(_ node: NodeDefinition) -> [UInt8] {
    var network = Network()
    for step in node.networkSteps {
      switch step {
      case .link(let name, let mac, let mtu):
        network.ethernets[name] = Network.Ethernet(match: Network.Match(macaddress: mac), name: name, mtu: mtu)
      case .vlan(let name, let parent, let id):
        network.vlans = network.vlans ?? [:]
        network.vlans?[name] = Network.VLAN(id: id, link: parent)
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
