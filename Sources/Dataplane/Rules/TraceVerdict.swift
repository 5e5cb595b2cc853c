/// What an access list says of a frame, and why.
package struct TraceVerdict: Sendable, Equatable {
  package enum Basis: Sendable, Equatable {
    /// By its number, from 1 on.
    case rule(Int)
    /// No rule takes the frame.
    case rest
    /// No rule names it, and a node needs it: ARP, neighbour discovery, DHCP.
    case needed
    /// It is of a flow that the list has let through.
    case state
  }

  /// Name of the list.
  package var list: String
  package var basis: Basis
  package var allows: Bool

  /// In words.
  func words(isFromNode: Bool) -> String {
    let direction = isFromNode ? "from-node" : "to-node"
    let verb = allows ? "allows" : "denies"
    switch basis {
    case .rule(let number): return "rule \(number) of \(list), \(direction), \(verb) it"
    case .rest: return "no rule of \(list), \(direction), takes it, so it is denied"
    case .needed: return "no rule of \(list), \(direction), names it, and a node needs it: it passes"
    case .state: return "it is of a flow that \(list) let through, so it passes"
    }
  }
}

extension AddressLock.Offence {
  /// In words.
  var words: String {
    switch self {
    case .station: "its source is not the station that the port is locked to"
    case .senderStation: "it speaks for a station that the port is not locked to"
    case .unseen: "its addresses cannot be seen, and the port is locked to some"
    case .address: "its address is none of those that the port is locked to"
    }
  }
}
