/// A route to a destination over a gateway.
package struct Route: Sendable, Equatable, CustomStringConvertible {
  /// `default`, or a prefix of the gateway's family.
  package var destination: String
  package var gateway: String
  /// The interface that leads to the gateway.
  package var link: String
  /// The lower one of two routes to a destination is taken; nil or 0 = the kernel's usual one (IPv4: 0, IPv6: 1024).
  package var metric: Int?
  /// The gateway is a neighbour on the link, whatever addresses that has (RTNH_F_ONLINK).
  package var isOnLink: Bool

  package init(
    destination: String, gateway: String, link: String, metric: Int? = nil, isOnLink: Bool = false
  ) {
    self.destination = destination
    self.gateway = gateway
    self.link = link
    self.metric = metric
    self.isOnLink = isOnLink
  }

  package var description: String {
    "to \(destination) via \(gateway) on \(link)" + (metric.map { " metric \($0)" } ?? "")
      + (isOnLink ? " onlink" : "")
  }
}
