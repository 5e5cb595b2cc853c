internal import LinuxHost

/// What ports have open, for another process that takes them over: of PortDispatch.swift, which has every other `switch`
/// over `PortKind`.
extension PortSet {
  func coldOpen(_ port: Int) -> OpenPort {
    switch self[port].kind {
    case .vhostUser: vhostUser[self[port].body].coldOpen
    case .tap: tap[self[port].body].coldOpen
    case .nic: nic[self[port].body].coldOpen
    case .stream: stream[self[port].body].coldOpen
    case .dgram: dgram[self[port].body].coldOpen
    case .patch: OpenPort()
    case .null: OpenPort()
    case .none: OpenPort()
    }
  }
}
