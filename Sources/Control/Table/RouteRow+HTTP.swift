import HTTPTypes

/// What a request is answered over TCP, whatever it asks for.
extension RouteRow {
  static let httpFailures = [
    (401, "It comes over TCP without the lab's token or a session."),
    (403, "Over TCP it names a path of this host, or a host or an origin that is not known."),
    (413, "The body is too large."),
  ]

  /// Statuses of refusals.
  var httpStatuses: [Int] {
    (access == .everyone && method != .post ? [] : [401]) + [403] + (bodies.isEmpty ? [] : [413])
  }
}
