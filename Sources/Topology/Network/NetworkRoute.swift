/// A route as a node's system is told it: nothing is left for that system to guess.
package struct NetworkRoute: Sendable, Hashable, CustomStringConvertible {
  /// Metrics of Linux: what a route has that says none, and what the subnet of an interface's address has.
  static let usualMetrics = (ipv4: 0, ipv6: 1024)
  static let subnetMetrics = (ipv4: 0, ipv6: 256)

  /// A prefix with no host bits, or `default`; of the gateway's family.
  package var destination: String
  /// Without a prefix length.
  package var gateway: String
  /// The interface of the node behind which the gateway is.
  package var link: String
  /// nil = the system's usual one.
  package var metric: Int?
  /// The gateway is a neighbour on the link, whatever addresses that has.
  package var isOnLink = false

  package init(destination: String, gateway: String, link: String, metric: Int? = nil, isOnLink: Bool = false) {
    self.destination = destination
    self.gateway = gateway
    self.link = link
    self.metric = metric
    self.isOnLink = isOnLink
  }

  package var isIPv6: Bool { gateway.contains(":") }

  /// The destination as a prefix: `default` is 0.0.0.0/0 or ::/0.
  package var prefix: String { destination == "default" ? (isIPv6 ? "::/0" : "0.0.0.0/0") : destination }

  /// The metric that Linux gives it: 0 stands for the usual one.
  var effectiveMetric: Int {
    if let metric, metric != 0 { return metric }
    return isIPv6 ? Self.usualMetrics.ipv6 : Self.usualMetrics.ipv4
  }

  /// What tells it from another one; 0 and no metric are the same.
  var identity: [String] { [prefix, gateway, link, "\(effectiveMetric)"] }

  /// `route to default via fe80::1 on eth0`.
  package var description: String {
    "route to \(destination) via \(gateway) on \(link)" + (metric.map { " metric \($0)" } ?? "")
  }
}
