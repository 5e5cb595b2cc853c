import Topology

/// Addresses, gateways and routes of a NIC while a script is read: each once, however many lines say it.
struct NICLists {
  private struct Route: Hashable {
    var to: String
    var via: String
  }

  var addresses: InOrder<String>
  private var gateways: InOrder<String>
  private var routes: InOrder<Route>

  init(_ nic: ForeignNIC) {
    addresses = InOrder(nic.addresses)
    gateways = InOrder(nic.gateways)
    routes = InOrder(nic.routes.map { Route(to: $0.to, via: $0.via) })
  }

  mutating func add(to destination: String, via hop: String) {
    if destination == "default" { gateways.add(hop) } else { routes.add(Route(to: destination, via: hop)) }
  }

  func put(into nic: inout ForeignNIC) {
    nic.addresses = addresses.values
    nic.gateways = gateways.values
    nic.routes = routes.values.map { ($0.to, $0.via) }
  }
}

/// Values in the order in which they came, each once.
struct InOrder<Value: Hashable> {
  private var places: [Value: Int] = [:]
  private var next = 0

  init(_ values: [Value]) { for value in values { add(value) } }

  mutating func add(_ value: Value) {
    guard places[value] == nil else { return }
    places[value] = next
    next += 1
  }

  mutating func remove(_ value: Value) { places[value] = nil }

  var values: [Value] { places.sorted { $0.value < $1.value }.map(\.key) }
}

/// The subnets of a node's NICs.
struct Subnets {
  /// The first NIC in each, by its place.
  private var places: [IPPrefix: Int] = [:]
  private var lengths: Set<Int> = []

  init(of node: ForeignNode) {
    for (place, nic) in node.nics.enumerated() {
      for prefix in nic.addresses.lazy.compactMap({ IPPrefix($0) }) {
        lengths.insert(prefix.length)
        if places[prefix.network] == nil { places[prefix.network] = place }
      }
    }
  }

  /// The first NIC of which a subnet has an address.
  func place(of address: IPAddress) -> Int? {
    let width = address.family.width
    return lengths.lazy.filter { $0 <= width }.compactMap { length in
      places[IPPrefix(address: address, length: length).network]
    }.min()
  }
}
