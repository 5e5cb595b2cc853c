import Frames

/// Reads one entry of `nics:`.
struct NICReader {
  let reporter: Reporter
  let context: ReadingContext
  /// Kind of the node, nil when it is not known.
  let kind: NodeKind?

  /// - Parameter isProfile: It is an entry of `port-profiles:`.
  func read(_ key: Located<String>, _ node: YAMLNode, isProfile: Bool = false) -> NICDraft {
    var draft = NICDraft(name: key)
    let schema = isProfile ? LabSchema.portProfile : LabSchema.nic
    let label = "\(schema.name) \(key.value.quoted)"
    var node = node
    if !isProfile { _ = context.portProfiles.apply(to: &node, reporter: reporter) }
    guard let object = ObjectReader(node, schema, label: label, owner: key.span, reporter: reporter) else {
      return draft
    }
    checkKind(object)
    let values = object.values
    draft.switchName = object["switch"].flatMap { values.scalar($0, "switch", "the name of a switch") }
    draft.membership = MembershipDraft(object)
    draft.impair = context.impairments.read(object)
    readAddresses(object, into: &draft)
    draft.mac = object["mac"].flatMap { values.mac($0, "mac") }
    if let mac = draft.mac, mac.value.isGroup || mac.value.isZero {
      let fault = mac.value.isGroup ? "is a multicast address" : "is all zero"
      let message = "MAC address \(mac.value) \(fault); a NIC needs a unicast one"
      reporter.error(.address, mac.span, message, hint: mac.value.isGroup ? "make its first byte even" : nil)
      draft.mac = nil
    }
    draft.mtu = object["mtu"].flatMap { values.integer($0, "mtu", in: Limits.mtu) }
    draft.queues = object["queues"].flatMap { values.integer($0, "queues", in: Limits.queues) }
    draft.offload = object["offload"].flatMap { values.offload($0, "offload") }
    draft.migrationBuffer =
      object["migration-buffer"].flatMap { values.size($0, "migration-buffer", in: Limits.migrationBuffer) }?.value
    draft.model = object["model"].flatMap { values.choice($0, "model") }
    draft.rules = RulesReader(reporter: reporter).read(object)
    readSocket(object, into: &draft)
    return draft
  }

  /// Reports keys that the node's kind does not have.
  private func checkKind(_ object: ObjectReader) {
    guard let kind else { return }
    for key in object.keys {
      guard let kinds = NodeKind.having(nicKey: key.value), !kinds.contains(kind) else { continue }
      let homes = kinds.map(\.word).joined(separator: " and ")
      let message = "\(key.value.quoted) is a NIC key of kind \(homes), not of \(kind.word)"
      reporter.error(.misplacedKey, key.span, message)
    }
  }

  private func readAddresses(_ object: ObjectReader, into draft: inout NICDraft) {
    let values = object.values
    if let node = object["address"] { draft.addresses += addresses(node, "address", vlan: nil, values) }
    if let node = object["addresses"] {
      if case .mapping(let entries) = node.content {
        for entry in entries { draft.addresses += addresses(entry.value, entry.key.value, vlan: entry.key, values) }
      } else if !node.isNull {
        let message = "\"addresses\" must be a mapping from VLANs to addresses, found \(node.found)"
        reporter.error(.type, node.span, message, hint: "the key for the NIC's own addresses is \"address\"")
      }
    }
    draft.gateway = object["gateway"].flatMap { values.address($0, "gateway") }
    if let node = object["routes"] {
      let items = values.items(node, "routes", of: "routes such as { to: 10.9.0.0/16, via: 10.0.0.1 }")
      draft.routes = items?.compactMap { route($0) } ?? []
    }
  }

  /// One address or a list of them.
  private func addresses(
    _ node: YAMLNode, _ what: String, vlan: Located<String>?, _ values: ValueReader
  ) -> [NICDraft.Address] {
    guard let items = values.items(node, what, of: "addresses", allowsSingle: true) else { return [] }
    return items.compactMap { item in
      guard let prefix = values.prefix(item, what) else { return nil }
      guard isHost(prefix) else { return nil }
      return NICDraft.Address(vlan: vlan, prefix: prefix)
    }
  }

  /// Whether a host can have an address; reports one that none can.
  private func isHost(_ prefix: Located<IPPrefix>) -> Bool {
    if let special = prefix.value.address.special {
      let mapped = prefix.value.address.ipv4.map { "write \($0)" }
      reporter.error(.address, prefix.span, "\(prefix.value) is \(special); no NIC can have it", hint: mapped)
      return false
    }
    guard prefix.value.length == 0 else { return true }
    let width = prefix.value.address.family.width
    let message = "\(prefix.value) has no network part; the prefix length of a NIC's address is 1..\(width)"
    reporter.error(.address, prefix.span, message)
    return false
  }

  private func route(_ node: YAMLNode) -> NICDraft.Route? {
    guard let object = ObjectReader(node, LabSchema.route, label: "a route", owner: node.span, reporter: reporter)
    else {
      return nil
    }
    guard let to = object["to"], let via = object["via"] else {
      if let key = ["to", "via"].first(where: object.lacks) {
        reporter.error(.missing, node.span, "a route needs \"\(key)\"")
      }
      return nil
    }
    let metric = object["metric"].flatMap { object.values.integer($0, "metric", in: Limits.metric) }
    let isOnLink = object["onlink"].flatMap { object.values.boolean($0, "onlink") }
    guard let gateway = object.values.address(via, "via") else { return nil }
    var route = NICDraft.Route(via: gateway, metric: metric?.value, isOnLink: isOnLink?.value ?? false, span: to.span)
    if case .scalar("default", _) = to.content { return route }
    guard let prefix = object.values.destination(to) else { return nil }
    // IPv4 multicast leaves a Linux by the interface of its route; that of IPv6 is in a table before the routes.
    if !prefix.value.address.isIPv4Multicast, let special = IPAddress.special(prefix.value) {
      reporter.error(.gateway, prefix.span, "destination \(prefix.value) is \(special); no route leads there")
      return nil
    }
    if prefix.value != prefix.value.network {
      let message = "destination \(prefix.value) has host bits set"
      reporter.error(.range, prefix.span, message, hint: "did you mean \(prefix.value.network)?")
    }
    route.to = prefix.value.network
    return route
  }

  /// NIC keys that say nothing of a socket over which frames go as they are, and of one for datagrams.
  private static let keysOfRings = ["queues", "front-end", "offload"]
  private static let keysOfConnections = keysOfRings + ["role"]

  /// What the socket carries; reports keys that make no sense with it.
  private func readTransport(_ object: ObjectReader, into draft: inout NICDraft) {
    guard
      let transport: Located<NICDefinition.Transport> = object["transport"].flatMap({
        object.values.choice($0, "transport")
      })
    else { return }
    draft.transport = transport.value
    guard transport.value != .vhostUser else { return }
    let senseless = transport.value == .dgram ? Self.keysOfConnections : Self.keysOfRings
    for key in object.keys where senseless.contains(key.value) {
      let notes = [Diagnostic.Note("\"transport\" is here", at: transport.span)]
      let reason =
        key.value == "role"
        ? "both sides bind a socket of their own" : "frames go over the socket as they are, and nothing is negotiated"
      let message = "\(key.value.quoted) says nothing with transport: \(transport.value.rawValue): \(reason)"
      object.values.reporter.error(.contradiction, key.span, message, hint: "leave it out", notes: notes)
    }
  }

  /// The keys of a socket that somebody else's machine uses.
  private func readSocket(_ object: ObjectReader, into draft: inout NICDraft) {
    let values = object.values
    if let role: Located<NICDefinition.Role> = object["role"].flatMap({ values.choice($0, "role") }) {
      draft.role = role.value
    }
    readTransport(object, into: &draft)
    draft.frontEnd = object["front-end"].flatMap { values.choice($0, "front-end") }?.value
    draft.socket = object["socket"].flatMap { values.scalar($0, "socket", "the path of a socket") }
    draft.socketMode =
      object["socket-mode"].flatMap { node in
        values.value(node, "socket-mode", "permissions in octal such as 0660") { text -> Int? in
          let isOctal = text.utf8.allSatisfy { (0x30...0x37).contains($0) }
          return isOctal && (3...4).contains(text.utf8.count) ? Int(text, radix: 8) : nil
        }
      }?.value
    draft.socketOwner =
      object["socket-owner"].flatMap { node in
        values.value(node, "socket-owner", "user or user:group") { text -> String? in
          let parts = text.split(separator: ":", omittingEmptySubsequences: false)
          return parts.count <= 2 && !parts.contains("") ? text : nil
        }
      }
  }
}

extension MembershipDraft {
  /// Reads `vlan`, `trunk` and `native`, and reports those that exclude each other.
  init(_ object: ObjectReader) {
    let values = object.values
    vlan = object["vlan"].flatMap { values.scalar($0, "vlan", "a VLAN's name or number") }
    native = object["native"].flatMap { values.scalar($0, "native", "a VLAN's name or number") }
    if let node = object["trunk"] {
      if case .scalar("all", _) = node.content {
        trunk = Located(.all, node.span)
      } else if let items = values.items(node, "trunk", of: "VLANs, or all", allowsSingle: true) {
        trunk = Located(.list(items.compactMap { values.scalar($0, "trunk", "a VLAN's name or number") }), node.span)
        if items.isEmpty {
          values.reporter.error(.range, node.span, "\"trunk\" must have at least one VLAN, or be all")
        }
      }
    }
    if let vlan, let trunk {
      let hint = "a trunk's untagged VLAN is \"native\""
      let notes = [Diagnostic.Note("\"trunk\" is here", at: trunk.span)]
      let message = "\"vlan\" and \"trunk\" exclude each other"
      values.reporter.error(.contradiction, vlan.span, message, hint: hint, notes: notes)
    } else if let native, object["trunk"] == nil {
      let hint = "an access port's VLAN is \"vlan\""
      values.reporter.error(.contradiction, native.span, "\"native\" needs \"trunk\"", hint: hint)
    }
  }
}
