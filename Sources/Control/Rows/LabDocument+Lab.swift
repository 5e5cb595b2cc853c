import Frames
import Lab
import Topology

extension LabDocument {
  package init(_ lab: CanonicalLab) {
    version = Self.version
    name = lab.name
    workers = Workers(
      count: lab.workers.count, cpus: lab.workers.cpus, poll: lab.workers.poll,
      nice: lab.workers.nice == 0 ? nil : lab.workers.nice)
    vlans = lab.vlans.map { VLAN(id: $0.id, name: $0.name, subnet: $0.subnet) }
    switches = lab.switches.map { Switch($0) }
    nodes = lab.nodes.map { Node($0) }
    links = lab.links.map { Link($0) }
    tests = lab.tests.map { Test($0) }
    captures = lab.captures.map { $0.map { Capture($0) } }
    recorderSize = lab.recorderSize
    http = lab.http.map { HTTP($0) }
    access = lab.access.map { $0.map { Access($0) } }
    directory = lab.directory
    source = lab.source
  }

  /// The lab that it says.
  /// - Throws: `UserError` (`badInput`): another version, or keys that contradict each other.
  package func lab() throws(UserError) -> CanonicalLab {
    guard version == Self.version else {
      throw UserError(
        .badInput, "the lab is in version \(version) of its form; apus \(Product.version) takes \(Self.version)",
        hint: VersionMismatch.hint)
    }
    var lab = CanonicalLab(name: name)
    if let workers {
      lab.workers.count = workers.count ?? lab.workers.count
      lab.workers.cpus = workers.cpus ?? []
      lab.workers.poll = workers.poll ?? lab.workers.poll
      lab.workers.nice = workers.nice ?? 0
    }
    lab.vlans = (vlans ?? []).map { VLANDefinition(name: $0.name, id: $0.id, subnet: $0.subnet) }
    for item in switches ?? [] { lab.switches.append(try item.definition()) }
    for node in nodes ?? [] { lab.nodes.append(try node.definition()) }
    for link in links ?? [] { lab.links.append(try link.definition()) }
    try lab.checkModes()
    lab.tests = (tests ?? []).map(\.definition)
    if let captures {
      lab.captures = []
      for capture in captures { lab.captures?.append(try capture.definition()) }
    }
    lab.recorderSize = recorderSize
    lab.http = try http?.definition()
    if let access {
      lab.access = []
      for list in access { lab.access?.append(try list.definition()) }
    }
    lab.directory = directory ?? ""
    lab.source = source ?? ""
    return lab
  }
}

/// What to do where a command and its daemon are of different versions.
package enum VersionMismatch {
  package static let hint =
    "are command and daemon of different versions? `kill` the daemon (apus.pid), its nodes run on, and `apus up` again"
}

extension LabDocument.Switch {
  fileprivate init(_ definition: SwitchDefinition) {
    let usual = SwitchDefinition(name: definition.name)
    (name, aging, linkLocal) = (definition.name, definition.aging, definition.linkLocal)
    isAnonymous = definition.isAnonymous ? true : nil
    isVLANAware = definition.isVLANAware ? nil : false
    fdbSize = definition.fdbSize == usual.fdbSize ? nil : definition.fdbSize
    fdbPerPort = definition.fdbPerPort == definition.fdbSize / 2 ? nil : definition.fdbPerPort
  }

  fileprivate func definition() throws(UserError) -> SwitchDefinition {
    var definition = SwitchDefinition(name: name)
    definition.aging = aging ?? definition.aging
    definition.isVLANAware = isVLANAware ?? true
    definition.linkLocal = linkLocal ?? SwitchDefinition.usualLinkLocal(isVLANAware: definition.isVLANAware)
    definition.isAnonymous = isAnonymous ?? false
    definition.fdbSize = fdbSize ?? definition.fdbSize
    definition.fdbPerPort = fdbPerPort ?? definition.fdbPerPort
    guard definition.fdbPerPort <= definition.fdbSize else {
      throw UserError(
        .badInput, "switch \(name): fdb_per_port \(definition.fdbPerPort) is more than fdb_size \(definition.fdbSize)")
    }
    return definition
  }
}

// MARK: - Where things lead

/// `vlan`, `trunk` and `native` of what is on a switch.
private struct Membership {
  var vlan: Int?
  var trunk: [String]?
  var native: Int?

  init(_ mode: VLANMode?) {
    switch mode {
    case .access(let vlan): self.vlan = vlan
    case .trunk(let allowed, let native): (trunk, self.native) = (allowed.map { VLANText.of($0) }, native)
    case .transparent, nil: break
    }
  }

  init(_ vlan: Int?, _ trunk: [String]?, _ native: Int?) {
    (self.vlan, self.trunk, self.native) = (vlan, trunk, native)
  }

  /// - Parameter owner: what it is of, for messages.
  /// - Returns: nil if nothing is said.
  func mode(of owner: String) throws(UserError) -> VLANMode? {
    guard let trunk else {
      guard native == nil else { throw UserError(.badInput, "\(owner): native needs trunk") }
      return vlan.map { .access($0) }
    }
    guard vlan == nil else { throw UserError(.badInput, "\(owner): vlan and trunk are both there") }
    var allowed: [ClosedRange<Int>] = []
    for text in trunk {
      guard let range = VLANText.range(text) else {
        throw UserError(.badInput, "\(owner): trunk: \"\(text)\" is neither a VLAN nor a range of them, 1 to 4094")
      }
      allowed.append(range)
    }
    return .trunk(allowed: allowed, native: native)
  }
}

extension LabDocument.Link {
  fileprivate init(_ link: LinkDefinition) {
    name = link.name
    ends = link.ends.map { end in
      switch end {
      case .nic(let node, let nic): Names.port(node: node, nic: nic)
      case .switchPort(let name): name
      }
    }
    if case .trunk(let mode) = link.kind {
      let membership = Membership(mode)
      (vlan, trunk, native) = (membership.vlan, membership.trunk, membership.native)
    }
    impair = link.impair.map { LabDocument.Impairments($0) }
  }

  fileprivate func definition() throws(UserError) -> LinkDefinition {
    guard ends.count == 2 else { throw UserError(.badInput, "link \(name) has \(ends.count) ends, not 2") }
    let mode = try Membership(vlan, trunk, native).mode(of: "link \(name)")
    var definition = LinkDefinition(
      name: name, kind: mode.map { .trunk($0) } ?? .wire, ends: ends.map { LabDocument.end($0) })
    // Switches that are joined without VLANs have none; whether that is so of these, `checkModes` asks.
    let isBetweenSwitches = definition.ends.allSatisfy { if case .switchPort = $0 { true } else { false } }
    if mode == nil, isBetweenSwitches { definition.kind = .trunk(.transparent) }
    definition.impair = impair?.pair
    return definition
  }
}

extension LabDocument {
  /// A switch that a person names has no colon in its name; one that a link with many ends makes is no end of another.
  fileprivate static func end(_ text: String) -> LinkEnd {
    guard case .nic(let node, let nic)? = PortName(text) else { return .switchPort(text) }
    return .nic(node: node, nic: nic)
  }
}

extension LabDocument.Impairments {
  fileprivate init(_ pair: ImpairmentPair) {
    fromFirst = pair.fromFirst.map { LabDocument.Impairment($0) }
    fromSecond = pair.fromSecond.map { LabDocument.Impairment($0) }
  }

  fileprivate var pair: ImpairmentPair {
    ImpairmentPair(fromFirst: fromFirst?.definition, fromSecond: fromSecond?.definition)
  }
}

extension LabDocument.Impairment {
  fileprivate init(_ definition: ImpairmentDefinition) {
    let none = ImpairmentDefinition()
    func said<Value: Equatable>(_ key: KeyPath<ImpairmentDefinition, Value>) -> Value? {
      definition[keyPath: key] == none[keyPath: key] ? nil : definition[keyPath: key]
    }
    (delay, jitter, loss, duplicate) = (said(\.delay), said(\.jitter), said(\.loss), said(\.duplicate))
    (reorder, corrupt, rate, queue) = (said(\.reorder), said(\.corrupt), said(\.rate), said(\.queue))
  }

  fileprivate var definition: ImpairmentDefinition {
    var definition = ImpairmentDefinition()
    definition.delay = delay ?? definition.delay
    definition.jitter = jitter ?? definition.jitter
    definition.loss = loss ?? definition.loss
    definition.duplicate = duplicate ?? definition.duplicate
    definition.reorder = reorder ?? definition.reorder
    definition.corrupt = corrupt ?? definition.corrupt
    definition.rate = rate ?? definition.rate
    definition.queue = queue ?? definition.queue
    return definition
  }
}

// MARK: - Nodes

extension LabDocument.Node {
  fileprivate init(_ node: NodeDefinition) {
    name = node.name
    kind = node.kind
    image = node.image
    cpus = node.cpus
    memory = node.memory
    nics = node.nics.map { LabDocument.NIC($0) }
    disk = node.disk.map { LabDocument.Disk(format: $0.format, sha256: $0.sha256, persist: $0.persist) }
    cloudInit = node.cloudInit.map { LabDocument.CloudInit($0) }
    appliance = node.appliance.map { LabDocument.Appliance($0) }
    ready = node.ready.map {
      LabDocument.Ready(console: $0.console, tcp: $0.tcp, agent: $0.agent, timeout: $0.timeout)
    }
    force = node.isForced ? true : nil
    after = node.after.map { $0.map { LabDocument.Condition(node: $0.node, state: $0.state) } }
    (firmware, boot, emptyDisk) = (node.firmware == .bios ? nil : node.firmware, node.boot, node.emptyDisk)
    dhcp = node.dhcp.map { LabDocument.DHCP($0) }
    container = node.container.map { LabDocument.Container($0) }
    take(node.setup)
  }

  fileprivate func definition() throws(UserError) -> NodeDefinition {
    var definition = NodeDefinition(name: name, kind: kind)
    definition.image = image
    definition.cpus = cpus ?? definition.cpus
    definition.memory = memory ?? definition.memory
    for nic in nics ?? [] { definition.nics.append(try nic.definition(of: name)) }
    definition.disk = disk?.definition
    definition.cloudInit = try cloudInit?.definition(of: name)
    definition.appliance = appliance?.definition
    definition.ready = ready?.definition
    definition.isForced = force ?? false
    (definition.firmware, definition.boot, definition.emptyDisk) = (firmware ?? .bios, boot, emptyDisk)
    definition.dhcp = try dhcp?.definition(of: name)
    definition.container = container?.definition
    definition.setup = try setup()
    definition.after = after.map { conditions in
      conditions.map { condition in
        var definition = StartCondition(node: condition.node)
        definition.state = condition.state ?? definition.state
        return definition
      }
    }
    return definition
  }
}

extension LabDocument.NIC {
  fileprivate init(_ nic: NICDefinition) {
    (name, mac, gateway, mtu, queues) = (nic.name, nic.mac.description, nic.gateway, nic.mtu, nic.queues)
    switch nic.attachment {
    case .switchPort(let name, let mode):
      let membership = Membership(mode)
      (`switch`, vlan, trunk, native) = (name, membership.vlan, membership.trunk, membership.native)
    case .wire(let link): wire = link
    case .none: break
    }
    addresses = nic.addresses.map { LabDocument.Address(address: $0.address, vlan: $0.vlan) }
    routes = nic.routes.map {
      LabDocument.Route(to: $0.to, via: $0.via, metric: $0.metric, isOnLink: $0.isOnLink ? true : nil)
    }
    (role, socket, socketMode, socketOwner) = (nic.role, nic.socket, nic.socketMode, nic.socketOwner)
    (frontEnd, model) = (nic.frontEnd, nic.model.isEmulated ? nic.model : nil)
    (offload, transport) = (LabDocument.Offload(nic.offload), nic.transport == .vhostUser ? nil : nic.transport)
    migrationBuffer = nic.migrationBuffer == NICDefinition.usualMigrationBuffer ? nil : nic.migrationBuffer
    impair = nic.impair.map { LabDocument.Impairments($0) }
    rules = RuleSettings(nic.rules)
  }

  fileprivate func definition(of node: String) throws(UserError) -> NICDefinition {
    let port = Names.port(node: node, nic: name)
    guard let mac = MACAddress(mac) else {
      throw UserError(.badInput, "NIC \(port): \"\(mac)\" is not a MAC address, as 02:00:00:00:00:01 is one")
    }
    var definition = NICDefinition(name: name, mac: mac)
    definition.attachment = try attachment(of: "NIC \(port)")
    definition.addresses = (addresses ?? []).map { AddressDefinition(address: $0.address, vlan: $0.vlan) }
    definition.routes = (routes ?? []).map { route in
      var definition = RouteDefinition(to: route.to, via: route.via)
      definition.metric = route.metric
      definition.isOnLink = route.isOnLink ?? false
      return definition
    }
    (definition.gateway, definition.mtu, definition.frontEnd) = (gateway, mtu, frontEnd)
    definition.queues = queues ?? definition.queues
    definition.transport = transport ?? definition.transport
    definition.role = role ?? definition.role
    (definition.socket, definition.socketMode, definition.socketOwner) = (socket, socketMode, socketOwner)
    (definition.offload, definition.model) = (offload?.level ?? definition.offload, model ?? definition.model)
    definition.migrationBuffer = migrationBuffer ?? definition.migrationBuffer
    definition.impair = impair?.pair
    definition.rules = try rules?.definition(of: "NIC \(port)") ?? definition.rules
    return definition
  }

  private func attachment(of nic: String) throws(UserError) -> Attachment {
    let mode = try Membership(vlan, trunk, native).mode(of: nic)
    switch (`switch`, mode, wire) {
    case (let name?, let mode?, nil): return .switchPort(switch: name, mode: mode)
    case (nil, nil, let link?): return .wire(link: link)
    case (nil, nil, nil): return .none
    // Of a switch without VLANs; whether it is one, `checkModes` asks.
    case (let name?, nil, nil): return .switchPort(switch: name, mode: .transparent)
    case (nil, _?, nil): throw UserError(.badInput, "\(nic): vlan and trunk need switch")
    case (_, _, _?): throw UserError(.badInput, "\(nic): it is either on a switch or at a wire")
    }
  }
}

// MARK: - Tests and captures

extension LabDocument.Test {
  fileprivate init(_ test: TestDefinition) {
    (action, source, port, run, output) = (test.action, test.source, test.port, test.run, test.output)
    destination = test.destination.isEmpty ? nil : test.destination
    (expect, within, duration) = (test.expect, test.within, test.duration)
  }

  fileprivate var definition: TestDefinition {
    var definition = TestDefinition(action: action, source: source, destination: destination ?? "")
    (definition.port, definition.run, definition.output) = (port, run, output)
    definition.expect = expect ?? definition.expect
    definition.within = within ?? definition.within
    definition.duration = duration ?? definition.duration
    return definition
  }
}

extension LabDocument.Capture {
  fileprivate init(_ capture: CaptureDefinition) {
    targets = capture.targets.map { Target($0) }
    file = capture.file
    ring = capture.ring.map { Ring(files: $0.files, size: $0.size) }
    (snap, filter, direction) = (capture.snap, capture.filter, capture.direction)
  }

  fileprivate func definition() throws(UserError) -> CaptureDefinition {
    var definition = CaptureDefinition(targets: [], file: file)
    for target in targets { definition.targets.append(try target.target(of: file)) }
    definition.ring = ring.map { CaptureDefinition.Ring(files: $0.files, size: $0.size) }
    definition.snap = snap ?? definition.snap
    (definition.filter, definition.direction) = (filter, direction)
    return definition
  }
}

extension LabDocument.Capture.Target {
  fileprivate init(_ target: CaptureDefinition.Target) {
    switch target {
    case .port(let node, let nic): port = Names.port(node: node, nic: nic)
    case .link(let name): link = name
    case .node(let name): node = name
    case .switch(let name): `switch` = name
    case .all: all = true
    }
  }

  fileprivate func target(of file: String) throws(UserError) -> CaptureDefinition.Target {
    var targets: [CaptureDefinition.Target] = []
    if let port, case .nic(let node, let nic) = LabDocument.end(port) { targets.append(.port(node: node, nic: nic)) }
    if let link { targets.append(.link(link)) }
    if let node { targets.append(.node(node)) }
    if let `switch` { targets.append(.switch(`switch`)) }
    if all == true { targets.append(.all) }
    guard targets.count == 1, let only = targets.first else {
      throw UserError(.badInput, "capture \(file): a target is one of port (`node.nic`), link, node, switch, all")
    }
    return only
  }
}
