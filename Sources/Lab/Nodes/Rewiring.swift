/// What of a node can change while it runs on; for anything more it is made anew.
enum Rewiring: Sendable {
  case nothing
  /// Where its ports lead.
  case ports
  /// Where its ports lead, and which NICs it has: `plug` and `unplug`.
  case nics
}
