extension Rule {
  /// A route, or the subnet of an address, that a destination of one system leads to.
  private struct Way {
    /// The route; nil = the subnet of an address.
    var route: NetworkRoute?
    /// `via 10.0.0.1 on eth0`, or the address.
    var words: String
    var span: Span
  }

  /// Where two routes meet: a routing table has one of each.
  private struct Destination: Hashable {
    var system: String
    var prefix: String
    var metric: Int
  }

  /// L209: two routes of one system to one destination, of which its kernel would take the first only; L213: the same
  /// route twice.
  ///
  /// The subnets of a node's addresses are routes too. All nodes whose interfaces are on this host have one table, that of this host.
  static func twoRoutes(_ subject: RuleSubject) {
    let nodes = Set(subject.lab.nodes.filter(isSetUp).map(\.name))
    let nics = subject.nics.filter { nodes.contains($0.node) }
    var taken: [Destination: Way] = [:]
    var reported: Set<[Span]> = []
    for nic in nics {
      for (destination, way) in subnets(of: nic) where taken[destination] == nil { taken[destination] = way }
    }
    for nic in nics {
      let spans = (nic.draft.gateway.map { [$0.span] } ?? []) + nic.draft.routes.map(\.span)
      for (route, span) in zip(nic.definition.networkRoutes, spans) {
        let destination = Destination(system: system(of: nic), prefix: route.prefix, metric: route.effectiveMetric)
        let way = Way(route: route, words: "via \(route.gateway) on \(route.link)", span: span)
        guard let other = taken[destination] else {
          taken[destination] = way
          continue
        }
        // The nodes of a range share their text: one of them says what a hundred would.
        if reported.insert([other.span, span]).inserted { report(way, route, other, nic, subject.reporter) }
      }
    }
  }

  private static func report(
    _ way: Way, _ route: NetworkRoute, _ other: Way, _ nic: RuleSubject.NIC, _ reporter: Reporter
  ) {
    let notes = [Diagnostic.Note("the other is here", at: other.span)]
    let owner = nic.kind.isOnHost ? "this host" : nic.node
    guard let known = other.route else {
      let message =
        "the \(route) of \(owner) leads to the subnet of its own address \(other.words) (\(other.span.position))"
      reporter.error(.gateway, way.span, message, hint: "with another \"metric\" it has both", notes: notes)
      return
    }
    if known.identity == route.identity, known.isOnLink == route.isOnLink {
      let message = "\(owner) has the \(route) already (\(other.span.position))"
      reporter.warning(.withoutEffect, way.span, message, notes: notes)
      return
    }
    let metric = way.route?.metric == nil && known.metric == nil ? "" : " with metric \(route.effectiveMetric)"
    let message =
      "\(owner) has two routes to \(route.destination)\(metric): \(other.words) (\(other.span.position)) and "
      + way.words
    let hint = "keep one, or give one a \"metric\": { to: \(route.destination), via: \(route.gateway), metric: 100 }"
    reporter.error(.gateway, way.span, message, hint: hint, notes: notes)
  }

  /// The routes that its addresses bring a NIC: Linux makes one for each subnet, for IPv6 also for a single address.
  private static func subnets(of nic: RuleSubject.NIC) -> [(Destination, Way)] {
    let spans = nic.draft.addresses.map(\.prefix.span)
    let addresses = nic.definition.addresses
    return addresses.enumerated().compactMap { place, address in
      guard let prefix = IPPrefix(address.address) else { return nil }
      let isIPv6 = prefix.address.family == .ipv6
      guard isIPv6 || prefix.length < 32 else { return nil }
      // One that the file does not say comes from its VLAN's subnet.
      let span = spans.count == addresses.count ? spans[place] : nic.draft.name.span
      let metric = isIPv6 ? NetworkRoute.subnetMetrics.ipv6 : NetworkRoute.subnetMetrics.ipv4
      let destination = Destination(system: system(of: nic), prefix: prefix.network.description, metric: metric)
      return (destination, Way(words: address.address, span: span))
    }
  }

  private static func system(of nic: RuleSubject.NIC) -> String { nic.kind.isOnHost ? "host" : "node \(nic.node)" }

  /// Whether Apus sets up the node's interfaces; those of other nodes are what the user promises.
  private static func isSetUp(_ node: NodeDefinition) -> Bool {
    guard node.traits.isMachine else { return node.traits.hasOurInterfaces }
    return node.disk == nil || (node.cloudInit.map { $0.networkConfig == nil } ?? false)
  }
}
