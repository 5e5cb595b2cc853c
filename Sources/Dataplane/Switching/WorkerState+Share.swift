/// What a port may have done for it: a breath is short, and nobody's floods keep others from the worker.
///
/// Work is counted in copies. In each breath a port has a *share*, the copies of a burst whose frames each go to one port.
/// What its floods cost beyond that it owes, and while it owes it is passed over, for a share a breath: so of two ports
/// that always have frames each gets half of the copies, whatever they send. Where nobody else has frames all debts are
/// forgiven. Apart from that a port takes fewer frames at once while its floods cost much, which bounds how long others
/// wait.
extension WorkerState {
  /// Copies that a port is due in a breath.
  static var share: Int { Burst.capacity }

  /// Copies of one burst above which its port's next bursts get smaller.
  static var copyRule: Int { 512 }

  /// A port owes copies: this turn is not its.
  @inline(__always)
  func isInDebt(_ port: Int) -> Bool { ports[port].owedCopies > 0 && ports[port].debtEpoch == debtEpoch }

  /// A turn passes over a port that is in debt.
  @inline(__always)
  func passOver(_ port: Int) { ports[port].owedCopies -= Self.share }

  /// Nobody else wanted the worker.
  mutating func forgiveDebts() {
    debtEpoch &+= 1
    hasDebtors = false
  }

  /// Settles what a port's burst has cost, with those before it in its turn.
  @inline(__always)
  mutating func adaptBurst(_ port: Int) {
    if copies > chargedCopies { charge(port) }
    if copies > Self.copyRule {
      ports[port].burstLimit = max(ports[port].burstLimit * Self.copyRule / copies, 1)
    } else if ports[port].burstLimit < Burst.capacity {
      // Slowly: who sends to one and to many in turns must not get a long breath each time.
      ports[port].burstLimit = min(ports[port].burstLimit + max(ports[port].burstLimit / 8, 1), Burst.capacity)
    }
  }

  @inline(never)
  private mutating func charge(_ port: Int) {
    if ports[port].debtEpoch != debtEpoch { ports[port].owedCopies = 0 }
    ports[port].debtEpoch = debtEpoch
    ports[port].owedCopies = max(ports[port].owedCopies, 0) + copies - chargedCopies
    chargedCopies = copies
    hasDebtors = true
    // A port whose frames a line let go may be at rest: until it has paid it has its turn in each breath.
    ports.coldWake(port)
  }
}
