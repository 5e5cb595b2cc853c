import Dataplane
import FoundationEssentials
import Synchronization
import Topology

/// What a lab's runtime and its nodes have to say, each thing once: who notes here need not know what others have noted.
package final class LabEvents: Sendable {
  private enum NodeState { case started, ready, stopped, failed }

  /// A link that people cut and mend.
  struct Link: Sendable {
    var name: String
    /// As `link list` has them.
    var ends: [String]
    /// Those that it ends at.
    var ports: [String]
  }

  /// Resets of a node that is not ready again are one if no more than this lies between them.
  private static let resetPause = Duration.seconds(1)

  private struct State {
    /// Of nodes of which something was told.
    var nodes: [String: NodeState] = [:]
    /// When nodes began anew last.
    var resets: [String: ContinuousClock.Instant] = [:]
    /// Ports that are up.
    var ports: Set<String> = []
    /// Links of which it was last told that they have their carrier.
    var links: [String: Link] = [:]
    /// Of links that are impaired.
    var impairments: [String: ImpairmentPair] = [:]
  }

  package let hub: EventHub
  private let state = Mutex(State())

  package init(_ hub: EventHub = EventHub()) { self.hub = hub }

  // MARK: - The lab

  /// Whatever had to be done for a lab is done.
  /// - Parameter takenBack: it was up when a daemon before this one died.
  func labUp(steps: Int, takenBack: Bool, seconds: Double) {
    var detail: [String: EventValue] = ["steps": .integer(steps), "seconds": .number(rounded(seconds))]
    if takenBack { detail["takenBack"] = true }
    hub.note(.labUp, detail: detail)
  }

  /// The lab is gone, with all its ports and nodes.
  /// - Parameter error: why it did not come up, or what could not be removed.
  func labDown(error: String? = nil) {
    _ = ports(areUp: [])
    let running = state.withLock { state in
      defer { state = State() }
      return state.nodes.filter { [.started, .ready].contains($0.value) }.keys.sorted()
    }
    for node in running { hub.note(.nodeStopped, subject: node) }
    hub.note(.labDown, detail: error.map { ["error": .text($0)] } ?? [:])
  }

  /// It was written into a folder.
  func labSaved(_ saved: SavedLab) {
    hub.note(
      .labSaved,
      detail: [
        "path": .text(saved.path), "bytes": EventValue(saved.size), "machines": .integer(saved.machines),
        "pause": .number(rounded(saved.pause)), "memory": .number(rounded(saved.memory)),
      ])
  }

  // MARK: - Nodes

  /// A node was started, or taken back from a daemon that died.
  /// - Parameter process: nil = it is none of its own; then it is told only of a node that was not there.
  func nodeStarted(_ node: String, process: Int32? = nil, takenBack: Bool = false) {
    let isKnown = state.withLock { state in
      let before = state.nodes[node]
      // Taken back by another definition of itself, it only goes on.
      if takenBack || process == nil, before == .started || before == .ready { return true }
      state.nodes[node] = .started
      return false
    }
    guard !isKnown else { return }
    var detail: [String: EventValue] = [:]
    if let process { detail["pid"] = .integer(Int(process)) }
    if takenBack { detail["takenBack"] = true }
    hub.note(.nodeStarted, subject: node, detail: detail)
  }

  /// The system of a node began anew, without the node being stopped; QEMU says so three times for one reboot.
  func nodeReset(_ node: String) {
    let isNew = state.withLock { state in
      defer { (state.nodes[node], state.resets[node]) = (.started, .now) }
      guard state.nodes[node] == .started, let last = state.resets[node] else { return true }
      return ContinuousClock.now - last > Self.resetPause
    }
    if isNew { hub.note(.nodeStarted, subject: node, detail: ["reset": true]) }
  }

  func nodeReady(_ node: String) {
    if change(node, to: .ready, unless: [.ready]) { hub.note(.nodeReady, subject: node) }
  }

  /// A node was ready and is not any more, though it was not stopped.
  func nodeUnready(_ node: String) {
    state.withLock { state in
      if state.nodes[node] == .ready { state.nodes[node] = .started }
    }
  }

  /// - Parameter reason: why, where nobody has asked for it.
  func nodeStopped(_ node: String, reason: String? = nil) {
    guard change(node, to: .stopped, unless: [nil, .stopped, .failed]) else { return }
    hub.note(.nodeStopped, subject: node, detail: reason.map { ["reason": .text($0)] } ?? [:])
  }

  func nodeFailed(_ node: String, reason: String) {
    guard change(node, to: .failed, unless: [.failed]) else { return }
    // Errors say of which node they are; the subject does too.
    let prefix = "node \(node): "
    let reason = reason.hasPrefix(prefix) ? String(reason.dropFirst(prefix.count)) : reason
    hub.note(.nodeFailed, subject: node, detail: ["reason": .text(reason)])
  }

  /// A machine is on its way into another QEMU.
  func nodeMigrating(_ node: String) { hub.note(.nodeMigrating, subject: node) }

  /// It is there.
  func nodeMigrated(_ outcome: MigrationOutcome) {
    hub.note(
      .nodeMigrated, subject: outcome.node,
      detail: [
        "pid": .integer(Int(outcome.process)), "seconds": .number(rounded(outcome.seconds)),
        "downtime": .number(rounded(outcome.downtime)), "rounds": .integer(outcome.rounds),
        "bytes": .integer(outcome.sent),
      ])
  }

  /// It goes on where it was.
  func nodeNotMigrated(_ node: String, reason: String) {
    let prefix = "node \(node): "
    let reason = reason.hasPrefix(prefix) ? String(reason.dropFirst(prefix.count)) : reason
    hub.note(.nodeNotMigrated, subject: node, detail: ["reason": .text(reason)])
  }

  private func change(_ node: String, to new: NodeState, unless refused: [NodeState?]) -> Bool {
    state.withLock { state in
      guard !refused.contains(state.nodes[node]) else { return false }
      state.nodes[node] = new
      return true
    }
  }

  // MARK: - Links

  /// A port went up or down, and with it the links that end there; of those that may go up `mayBeUp` has to be told.
  func port(_ port: String, isUp: Bool) {
    let down = state.withLock { state -> [(link: Link, carriers: [Bool])]? in
      guard !isUp else { return state.ports.insert(port).inserted ? [] : nil }
      guard state.ports.remove(port) != nil else { return nil }
      let down = state.links.values.filter { $0.ports.contains(port) }.sorted { $0.name < $1.name }
      for link in down { state.links[link.name] = nil }
      return down.map { link in (link: link, carriers: link.ports.map(state.ports.contains)) }
    }
    // It is what it was told to be.
    guard let down else { return }
    hub.note(isUp ? .portUp : .portDown, subject: port)
    for (link, carriers) in down { note(link, isUp: false, carriers) }
  }

  /// The ports that are up, where it could not be followed how they came to be: tells those that differ.
  /// - Returns: those.
  func ports(areUp: Set<String>) -> [String] {
    let different = state.withLock { $0.ports }.symmetricDifference(areUp).sorted()
    for port in different { self.port(port, isUp: areUp.contains(port)) }
    return different
  }

  /// Knows what was so before this daemon began, and tells nothing of it.
  /// - Parameter links: all that there are.
  func know(portsUp ports: Set<String>, _ links: [Link]) {
    state.withLock { state in
      state.ports.formUnion(ports)
      for link in links where link.ports.allSatisfy(state.ports.contains) { state.links[link.name] = link }
    }
  }

  /// Tells of a link that has its carrier, if that is new.
  func mayBeUp(_ link: Link) {
    let isNew = state.withLock { state in
      guard state.links[link.name] == nil, link.ports.allSatisfy(state.ports.contains) else { return false }
      state.links[link.name] = link
      return true
    }
    if isNew { note(link, isUp: true, link.ports.map { _ in true }) }
  }

  private func note(_ link: Link, isUp: Bool, _ carriers: [Bool]) {
    hub.note(
      .linkCarrier, subject: link.name,
      detail: [
        "carrier": .text(Self.word(isUp)), "ends": .list(link.ends.map { .text($0) }),
        "carriers": .list(carriers.map { .text(Self.word($0)) }),
      ])
  }

  private static func word(_ isUp: Bool) -> String { isUp ? "up" : "down" }

  /// The faults of a link are these; told where that is new.
  func link(_ link: String, ends: [String], isImpairedBy pair: ImpairmentPair?) {
    let pair = pair == ImpairmentPair() ? nil : pair
    let isNew = state.withLock { state in
      guard state.impairments[link] != pair else { return false }
      state.impairments[link] = pair
      return true
    }
    guard isNew else { return }
    var sides: [String: EventValue] = [:]
    for (end, definition) in zip(ends, [pair?.fromFirst, pair?.fromSecond]) {
      guard let definition else { continue }
      sides[end] = .map(definition.eventDetail)
    }
    hub.note(.linkImpaired, subject: link, detail: ["impair": .map(sides)])
  }

  /// The lab has these links now: one that comes later by the name of one that is gone is another one.
  func links(are names: Set<String>) {
    state.withLock { state in state.impairments = state.impairments.filter { names.contains($0.key) } }
  }

  // MARK: - Others

  func test(_ result: TestResult) {
    hub.note(
      .testResult, subject: result.test,
      detail: [
        "passed": .boolean(result.passed), "seconds": .number(rounded(result.seconds)), "detail": .text(result.detail),
      ])
  }

  /// To the millisecond.
  private func rounded(_ seconds: Double) -> Double { (seconds * 1000).rounded() / 1000 }
}
