import Lab

/// A lab as its daemon knows it.
struct CNILabClient: CNILab {
  private let client: ControlClient

  init(_ client: ControlClient) { self.client = client }

  func add(_ port: CNIPort) async throws {
    let kind = port.kind == .tap ? "tap" : "nic"
    var request = AddedPortRequest(switchName: port.switchName, name: port.name, kind: kind, target: port.target)
    (request.vlan, request.trunk, request.native) = (port.vlan, port.trunk, port.native)
    (request.mtu, request.mac, request.pod) = (port.mtu, "\(port.mac)", port.pod)
    _ = try await client.ask(API.portAdd, PortRequest(request))
  }

  func limit(_ port: CNIPort, to bandwidth: CNIBandwidth) async throws {
    // What the switch sends is what comes into the pod.
    for (rate, end) in [(bandwidth.ingress, port.switchName), (bandwidth.egress, port.name)] {
      guard let rate else { continue }
      var change = LinkChange()
      (change.impair, change.from) = (["rate": "\(rate)bit"], end)
      _ = try await client.ask(API.link, of: port.name, LinkRequest(change))
    }
  }

  func remove(_ name: String) async throws {
    do {
      try await client.tell(API.portRemove, of: name)
    } catch let error as UserError where error.code == .notFound {
      return
    }
  }

  func attachments() async throws -> [CNIAttachedPort] {
    try await client.ask(API.pods).map {
      CNIAttachedPort(name: $0.port, pod: $0.attachment, carries: $0.carrier == "up")
    }
  }

  func check(switchName: String) async throws {
    _ = try await client.ask(API.pods, query: FDBQuery(switchName: switchName))
  }
}

extension CNIPlugin {
  /// The plugin on this host.
  /// - Parameters:
  ///   - environment: all variables, those of CNI among them.
  ///   - input: what is on standard input.
  package init(environment: [String: String], input: [UInt8]) {
    let directories = LabDirectories.resolve(environment: environment)
    self.init(environment, input, host: ThisHost()) { name in
      guard directories.hasLab(name) else { return nil }
      return CNILabClient(ControlClient(socket: directories.controlSocket(name)))
    }
  }
}
