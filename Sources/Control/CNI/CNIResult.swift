import Lab

/// What an ADD comes to (CNI specification 1.1, section 5).
struct CNIResult: Sendable, Equatable {
  struct Interface: Sendable, Equatable {
    var name: String
    /// Empty if it is not known.
    var mac = ""
    /// Path of the pod's namespace; nil = the host's.
    var sandbox: String?
    var mtu: Int?
  }

  struct Address: Sendable, Equatable {
    /// With its prefix.
    var address: String
    var gateway: String?
    /// Of `interfaces`.
    var interface: Int?

    var isIPv6: Bool { address.contains(":") }
  }

  struct Route: Sendable, Equatable {
    var destination: String
    var gateway: String?
    /// Version 1.1.
    var priority: Int?
    var isIPv6: Bool { destination.contains(":") }
  }

  var interfaces: [Interface] = []
  var addresses: [Address] = []
  var routes: [Route] = []
  var dns: JSONValue?

  init() {}

  /// Reads one of another plugin.
  /// - Throws: `CNIError` (`notDecoded`).
  init(_ value: JSONValue) throws(CNIError) {
    for item in value["interfaces"]?.list ?? [] {
      interfaces.append(
        Interface(
          name: item["name"]?.text ?? "", mac: item["mac"]?.text ?? "",
          sandbox: item["sandbox"]?.text.flatMap { $0.isEmpty ? nil : $0 }, mtu: item["mtu"]?.integer))
    }
    for item in value["ips"]?.list ?? [] {
      guard let address = item["address"]?.text, address.contains("/") else {
        throw CNIError(CNIError.Code.notDecoded, "an entry of \"ips\" has no address with its prefix")
      }
      addresses.append(
        Address(address: address, gateway: item["gateway"]?.text, interface: item["interface"]?.integer))
    }
    for item in value["routes"]?.list ?? [] {
      guard let destination = item["dst"]?.text else {
        throw CNIError(CNIError.Code.notDecoded, "an entry of \"routes\" has no dst")
      }
      routes.append(
        Route(destination: destination, gateway: item["gw"]?.text, priority: item["priority"]?.integer))
    }
    dns = value["dns"].flatMap { $0.isVoid ? nil : $0 }
  }

  /// Looks for what our routes cannot have, in the answer of who gives out addresses.
  /// - Throws: `CNIError` (`unsupportedField`).
  static func checkRoutes(_ value: JSONValue) throws(CNIError) {
    for item in value["routes"]?.list ?? [] {
      for key in ["mtu", "advmss", "table", "scope"] where item[key]?.isVoid == false && item[key] != .integer(0) {
        throw CNIError(
          CNIError.Code.unsupportedField,
          "the route to \(item["dst"]?.text ?? "") has \"\(key)\", which is not supported")
      }
    }
  }

  /// Routes as the pod gets them: one that names no gateway takes that of an address of its kind.
  var podRoutes: [PodRoute] {
    routes.map { route in
      let usual = addresses.first { $0.isIPv6 == route.isIPv6 && $0.gateway != nil }?.gateway
      return PodRoute(route.destination, gateway: route.gateway ?? usual, metric: route.priority)
    }
  }

  /// As the version of a configuration words it.
  func answer(_ version: String) -> JSONValue {
    func object(_ pairs: [(String, JSONValue?)]) -> JSONValue {
      .object(
        Dictionary(pairs.compactMap { pair in pair.1.map { (pair.0, $0) } }, uniquingKeysWith: { first, _ in first }))
    }
    let isNew = version == CNIVersion.latest
    return object([
      ("cniVersion", .text(version)),
      (
        "interfaces",
        .list(
          interfaces.map { interface in
            object([
              ("name", .text(interface.name)), ("mac", interface.mac.isEmpty ? nil : .text(interface.mac)),
              ("sandbox", interface.sandbox.map { .text($0) }),
              ("mtu", isNew ? interface.mtu.map { .integer($0) } : nil),
            ])
          })
      ),
      (
        "ips",
        .list(
          addresses.map { address in
            object([
              ("version", CNIVersion.namesFamilies(version) ? .text(address.isIPv6 ? "6" : "4") : nil),
              ("address", .text(address.address)), ("gateway", address.gateway.map { .text($0) }),
              ("interface", address.interface.map { .integer($0) }),
            ])
          })
      ),
      (
        "routes",
        .list(
          routes.map { route in
            object([
              ("dst", .text(route.destination)), ("gw", route.gateway.map { .text($0) }),
              ("priority", isNew ? route.priority.map { .integer($0) } : nil),
            ])
          })
      ),
      ("dns", dns ?? .object([:])),
    ])
  }
}
