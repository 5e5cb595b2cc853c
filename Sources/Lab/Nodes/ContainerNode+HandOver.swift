import Topology

/// A container in the hands of another daemon.
extension ContainerNode {
  func handedOver() async -> HandedNode {
    var handed = HandedNode(name: definition.name, isRunning: life == .running, error: failure, farDownNICs: [])
    if case .ended(let status) = life { (handed.hasEnded, handed.status) = (true, status) }
    return handed
  }

  func learn(_ handed: HandedNode) {
    guard !handed.isRunning else { return }
    (life, failure) = (handed.hasEnded ? .ended(handed.status) : .stopped, handed.error)
  }

  func lookOut(_ context: StartContext) {
    guard case .ended = life else { return }
    self.context = context
    watcher = Task { await self.comeBack() }
  }
}
