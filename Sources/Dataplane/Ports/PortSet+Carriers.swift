/// Carriers: whether a port's own end is there, and what both ends of a wire make of it.
///
/// No end goes by what the other one is told, only by what it *is*: two ends cannot keep each other down.
extension PortSet {
  /// Takes over whether the node is there; `coldTellEnds` follows.
  ///
  /// - Returns: the port went down: its switch is to forget it, before anybody hears of it.
  mutating func coldFindCarrier(_ port: Int) -> Bool {
    let isUp = self[port].isWanted && coldEndIsUp(port)
    let hasChanged = isUp != self[port].isUp
    if hasChanged {
      self[port].isUp = isUp
      self[port].forget()
      coldNote(port)
    }
    return hasChanged && !isUp
  }

  /// Tells both ends of a port's wire what is new of their carriers.
  mutating func coldTellEnds(_ port: Int) {
    tell(port)
    if self[port].peer >= 0 { tell(self[port].peer) }
  }

  /// The port's own end is there, whatever was set and whatever the other end does.
  func coldEndIsUp(_ port: Int) -> Bool {
    coldIsThere(port) || cables[port].isLatched || cables[port].isHeld
  }

  /// The port's carrier as it is to be seen.
  private func isCarrying(_ port: Int) -> Bool {
    guard self[port].isUp, self[port].mode == .wire else { return self[port].isUp }
    let peer = self[port].peer
    return peer >= 0 && self[peer].isUp
  }

  /// Reports the carrier, and tells the node, if either is new.
  private mutating func tell(_ port: Int) {
    guard self[port].kind != .none else { return }
    let isUp = isCarrying(port)
    if isUp != cables[port].isUp {
      cables[port].isUp = isUp
      faults.report(port: port, isUp: isUp)
    }
    let peer = self[port].peer
    // A wire that is not made yet will be in a moment.
    let far = self[port].mode != .wire || (peer >= 0 ? self[peer].isUp : !cables[port].isCut)
    switch coldCarrierNews(port) {
    case .kernel: setTold(port, self[port].isWanted && far)
    case .owner:
      guard cables[port].isToldByOwner else { return }
      // One that never started its rings is left alone: with its link down it never would.
      setTold(port, far || !coldEndIsUp(port))
      guard coldIsThere(port) else { return }
      cables[port].isLatched = !(cables[port].told && self[port].isWanted)
      cables[port].latchAge = 0
    case .nobody: break
    }
  }

  private func setTold(_ port: Int, _ isUp: Bool) {
    guard cables[port].told != isUp else { return }
    cables[port].told = isUp
    faults.report(coldCarrierNews(port) == .kernel ? .interface(port: port, isUp: isUp) : .held)
  }

  /// Once a second: front-ends that did not start their rings again are not waited for any longer.
  ///
  /// - Returns: whether this one's carrier is to be found anew.
  func coldAgeLatch(_ port: Int) -> Bool {
    guard cables[port].isLatched, cables[port].told, self[port].isWanted else { return false }
    cables[port].latchAge += 1
    guard cables[port].latchAge > Cable.latchLimit else { return false }
    cables[port].isLatched = false
    return true
  }

  /// Nobody waits for a front-end that has let go.
  func coldUnlatch(_ port: Int) { cables[port].isLatched = false }
}
