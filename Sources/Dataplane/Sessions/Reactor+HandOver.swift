internal import LinuxHost
internal import VhostUser

/// Ports that go from one process to another: the side that gives them, and the side that takes them.
extension ReactorState {
  /// What happened before all ports were there that another process had.
  struct Untold {
    /// Carriers that the kernel is to see, by port.
    var interfaces: [Int: Bool] = [:]
    /// Other guests than before may have to see no carrier.
    var isHeldNew = false
  }

  /// A port that is handed over, as others than the reactor know it.
  struct Giving: Sendable {
    var record: (index: Int, name: String, kind: PortStatus.Kind, place: String)
    var listener: Descriptor?
    var open: OpenPort
    /// Number of the link behind it, and what the port has of that.
    var link: Int?
    var mtu: Int
    var address: String?
  }

  /// Touches no socket from now on, until `goOn`.
  mutating func halt() {
    isHalted = true
    for endpoint in endpoints.values { endpoint.setHalted(true) }
  }

  /// Some session waits for a worker.
  var isBetweenSteps: Bool { endpoints.values.contains { $0.session?.isPending == true } }

  /// Touches sockets again, as if nothing had been.
  mutating func goOn() {
    isHalted = false
    for endpoint in sockets.values { endpoint.setGivenAway(false) }
    for endpoint in Array(endpoints.values) { endpoint.setHalted(false) }
    wakeAll()
  }

  /// What ports have open, with the descriptors that it names, while everything stands still.
  ///
  /// - Returns: nil if a session is not at rest.
  func give(_ ports: [Giving]) -> (ports: [InheritedPort], descriptors: [Descriptor])? {
    var (inherited, list) = ([InheritedPort](), DescriptorList())
    let up = told.up
    for item in ports {
      var port = InheritedPort(name: item.record.name, kind: item.record.kind, place: item.record.place)
      port.isUp = up.contains(item.record.index)
      port.cable = InheritedPort.Cable(told: item.open.told, isLatched: item.open.isLatched)
      port.listener = item.listener.map { list.place($0) }
      switch item.record.kind {
      case .vhostUser:
        guard let endpoint = endpoints[item.record.index] else { continue }
        guard let frontEnd = endpoint.state(item.open, &list) else { return nil }
        port.frontEnd = frontEnd
      case .tap, .nic: port.interface = InheritedPort.Interface(item, &list)
      case .stream: port.stream = InheritedPort.Stream(item.open, &list)
      case .dgram: port.datagrams = InheritedPort.Datagrams(item.open, &list)
      case .patch: continue
      }
      sockets[item.record.index]?.addState(to: &port)
      sockets[item.record.index]?.setGivenAway(true)
      inherited.append(port)
    }
    return (inherited, list.all)
  }

  /// All ports are there: tells what is not as the other process told it last.
  ///
  /// - Parameter up: names of the ports that were up.
  mutating func tell(since up: Set<String>) {
    guard let untold else { return }
    self.untold = nil
    let now = told
    for (port, name) in now.names.sorted(by: { $0.key < $1.key }) {
      let isUp = now.up.contains(port)
      if isUp != up.contains(name) { events(isUp ? .portUp(port: name) : .portDown(port: name)) }
    }
    for (port, isUp) in untold.interfaces { setCarrier(port, isUp) }
    if untold.isHeldNew { heldHasChanged() }
  }
}

extension InheritedPort.Interface {
  /// Nil if it is not open.
  init?(_ item: ReactorState.Giving, _ list: inout DescriptorList) {
    guard let descriptor = item.open.descriptor, let link = item.link else { return nil }
    self.init(descriptor: list.place(descriptor), index: link, isUp: item.open.isUp)
    (hasHeader, takesPartialChecksums) = (item.open.hasHeader, item.open.takesPartialChecksums)
    takesLarge = item.open.takesLarge.rawValue
    (mtu, address) = (item.mtu, item.address)
  }
}

extension InheritedPort.Stream {
  init(_ open: OpenPort, _ list: inout DescriptorList) {
    connection = open.descriptor.map { list.place($0) }
    (epoch, fragments) = (open.epoch, open.fragments)
    (packedInput, packedOutput) = (PackedBytes(open.input), PackedBytes(open.output))
  }
}

extension InheritedPort.Datagrams {
  /// Nil if the socket is not open.
  init?(_ open: OpenPort, _ list: inout DescriptorList) {
    guard let descriptor = open.descriptor else { return nil }
    self.init(socket: list.place(descriptor))
    (hasPeer, fragments, packedOutput) = (open.hasPeer, open.fragments, PackedBytes(open.output))
  }
}
