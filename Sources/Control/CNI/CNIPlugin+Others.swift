import Lab
import Topology

extension CNIPlugin {
  /// Removes what an ADD has made; what is gone already is fine.
  func delete(_ call: CNICall, _ network: CNINetwork) async throws {
    var failures: [CNIError] = []
    await note(&failures) {
      try await remove(
        PodAttachment.portName(container: call.container, interface: call.interface), of: network)
    }
    await note(&failures) {
      // Without a namespace there is no interface.
      if !call.namespace.isEmpty { try host.remove(PodInterface(call.interface, in: call.namespace), mark: call.mark) }
    }
    await note(&failures) { try await delegate(call, network, .delete) }
    try raise(failures)
  }

  /// A lab that is not up, or whose daemon has died, has no port; one that is written down goes at its next start, when
  /// its interface is not found.
  private func remove(_ port: String, of network: CNINetwork) async throws {
    do {
      try await lab(network.lab)?.remove(port)
    } catch let error as UserError where error.code == .unreachable || error.code == .notFound {
      return
    }
  }

  /// Removes all of this network that the runtime does not name.
  func collect(_ call: CNICall, _ network: CNINetwork) async throws {
    let valid = Set(network.valid)
    var failures: [CNIError] = []
    let ports = try await lab(network.lab)?.attachments() ?? []
    for port in ports where port.pod.network == network.name {
      let key = CNIAttachmentKey(container: port.pod.container, interface: port.pod.interface)
      guard !valid.contains(key) else { continue }
      await note(&failures) { try await remove(port.name, of: network) }
      let mark = PodAttachment.hostInterface(container: port.pod.container, interface: port.pod.interface)
      await note(&failures) {
        try host.remove(PodInterface(port.pod.interface, in: port.pod.namespace), mark: mark)
      }
    }
    await note(&failures) { try await delegate(ifKnown: .collect, call, network) }
    try raise(failures)
  }

  /// Whether an ADD would go well.
  func status(_ call: CNICall, _ network: CNINetwork) async throws {
    let lab = try openLab(network, code: CNIError.Code.notAvailable)
    do {
      try await lab.check(switchName: network.switchName)
    } catch {
      let error = CNIError(error)
      throw CNIError(CNIError.Code.notAvailable, error.message, details: error.details)
    }
    try await delegate(ifKnown: .status, call, network)
  }

  /// Of commands that plugins before 1.1.0 have not.
  private func delegate(ifKnown command: CNICall.Command, _ call: CNICall, _ network: CNINetwork) async throws {
    if await knowsLatest(call, network) { try await delegate(call, network, command) }
  }

  // MARK: - CHECK

  /// Looks whether all is as the ADD has said.
  func check(_ call: CNICall, _ network: CNINetwork) async throws {
    guard let result = network.previous else {
      throw CNIError(CNIError.Code.invalidNetwork, "CHECK needs \"prevResult\"")
    }
    let interface = try check(place: call)
    guard let look = try host.look(interface) else {
      throw CNIError(CNIError.Code.differs, "there is no interface \(call.interface) in \(call.namespace)")
    }
    for complaint in complaints(of: look, call, result) { throw CNIError(CNIError.Code.differs, complaint) }
    let name = PodAttachment.portName(container: call.container, interface: call.interface)
    let ports = try await openLab(network).attachments()
    guard let port = ports.first(where: { $0.name == name }) else {
      throw CNIError(CNIError.Code.differs, "lab \(network.lab) has no port \(name)")
    }
    guard port.carries else {
      throw CNIError(CNIError.Code.differs, "port \(name) of lab \(network.lab) has no carrier")
    }
    try await delegate(call, network, .check)
  }

  private func complaints(of look: PodInterface.Look, _ call: CNICall, _ result: CNIResult) -> [String] {
    let name = call.interface
    var complaints: [String] = []
    let mine = result.interfaces.firstIndex { $0.name == name && $0.sandbox != nil }
    if let mine {
      let mac = result.interfaces[mine].mac
      if !mac.isEmpty, mac.lowercased() != look.address.lowercased() {
        complaints.append("interface \(name) has the address \(look.address), and had \(mac)")
      }
    }
    if !look.isUp { complaints.append("interface \(name) is down") }
    let addresses = Set(look.addresses.map { Self.usual($0) })
    for address in result.addresses where address.interface == nil || address.interface == mine {
      if !addresses.contains(Self.usual(address.address)) {
        complaints.append("interface \(name) has no address \(address.address)")
      }
    }
    let routes = Set(look.routes.map { Self.usual(destination: $0) })
    for route in result.routes where !routes.contains(Self.usual(destination: route.destination)) {
      complaints.append("there is no route to \(route.destination)")
    }
    return complaints
  }

  /// One of the ways to write an address with its prefix; what is none stays as it is.
  private static func usual(_ address: String) -> String { IPPrefix(address).map { "\($0)" } ?? address }

  /// The kernel's lists call the default routes of both families `default`.
  private static func usual(destination: String) -> String {
    guard let network = IPPrefix(destination)?.network else { return destination }
    return network.length == 0 ? "default" : "\(network)"
  }

  // MARK: - Several things that may fail

  private func note(_ failures: inout [CNIError], _ body: () async throws -> Void) async {
    do {
      try await body()
    } catch {
      failures.append(CNIError(error))
    }
  }

  /// - Throws: all failures as one.
  private func raise(_ failures: [CNIError]) throws(CNIError) {
    guard var all = failures.first else { return }
    for other in failures.dropFirst() { all = all.with(other) }
    throw all
  }
}
