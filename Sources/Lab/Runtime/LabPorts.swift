import Dataplane
import LinuxHost
import Topology

/// How the values of the lab file become those of the data plane.
extension DataplaneConfiguration {
  /// - Parameter processors: that this process may use; nil = not known.
  init(_ lab: CanonicalLab, processors: Int? = HostFacts.processors?.reduce(0, { $0 + $1.count })) {
    self.init()
    let workers = lab.workers
    if let size = lab.recorderSize { recorderSize = size }
    workerCount = workers.count.number(processors: processors)
    cpus = workers.cpus
    nice = workers.nice
    switch workers.poll {
    case .adaptive: poll = .adaptive
    case .busy: poll = .busy
    case .sleep: poll = .sleep
    }
  }
}

extension SwitchConfiguration {
  init(_ definition: SwitchDefinition) {
    self.init(name: definition.name)
    aging = definition.aging
    fdbLimit = definition.fdbSize
    fdbPerPort = definition.fdbPerPort
    switch definition.linkLocal {
    case .standard: linkLocal = .standard
    case .linux: linkLocal = .linux
    case .transparent: linkLocal = .transparent
    }
  }
}

extension OffloadLevel {
  init(_ level: NICDefinition.Offload) {
    switch level {
    case .on: self = .on
    case .checksum: self = .checksum
    case .off: self = .off
    }
  }
}

extension PortMode {
  init(_ mode: VLANMode) {
    switch mode {
    case .access(let vlan): self = .access(vlan: UInt16(clamping: vlan))
    case .transparent: self = .transparent
    case .trunk(let allowed, let native):
      self = .trunk(allowed: VLANSet(allowed), native: native.map { UInt16(clamping: $0) })
    }
  }
}

extension PortConfiguration {
  /// The port of a node's NIC.
  init(_ nic: NICDefinition, of node: any Node) throws(UserError) {
    let name = Names.port(node: node.definition.name, nic: nic.name)
    let switchName: String?
    let mode: PortMode
    switch nic.attachment {
    case .switchPort(let name, let vlans): (switchName, mode) = (name, PortMode(vlans))
    case .wire, .none: (switchName, mode) = (nil, .wire)
    }
    self.init(
      name: name, switchName: switchName, mode: mode, address: nic.mac,
      backend: try node.backend(of: nic))
    mtu = nic.mtu
    migrationBuffer = nic.migrationBuffer
    // The NIC of a VM stays connected: QEMU holds its carrier down.
    carrierIsTold = node.showsCarriers
  }
}

extension Impairment {
  /// nil for what does nothing.
  init?(_ definition: ImpairmentDefinition?) {
    guard let definition, definition != ImpairmentDefinition() else { return nil }
    self.init()
    delay = Self.nanoseconds(definition.delay)
    jitter = Self.nanoseconds(definition.jitter)
    loss = definition.loss
    duplicate = definition.duplicate
    reorder = definition.reorder
    corrupt = definition.corrupt
    rate = UInt64(clamping: definition.rate)
    queueCount = definition.queue
  }

  private static func nanoseconds(_ seconds: Double) -> UInt64 { UInt64(max(0, min(seconds, 1e6)) * 1e9) }
}
