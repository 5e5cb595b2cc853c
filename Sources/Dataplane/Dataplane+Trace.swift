import Frames

/// One step of what the switch would do with a frame, and why.
package struct TraceStep: Sendable, Equatable {
  /// What the step is about; the words of `trace -o json`.
  package enum Kind: String, Sendable {
    case receive, impair, held, wire, vlan, linkLocal = "link-local", state, learn, lookup, flood, trunk, egress, drop
    case access, lock, isolated
  }
  package var kind: Kind
  /// Port and switch that it is about, if it is about one.
  package var port: String?
  package var switchName: String?
  /// A sentence.
  package var text: String
  /// The reason in the words of the user guide, for a drop.
  package var drop: String?
}

/// What the switch would do with a frame.
package struct FrameTrace: Sendable, Equatable {
  /// A port that the frame would go to, with the frame as it would leave.
  package struct Output: Sendable, Equatable {
    package var port: String
    package var frame: [UInt8]
  }
  package var steps: [TraceStep]
  package var outputs: [Output]
  /// Reasons of the drops on the way; a frame may be dropped here and delivered there.
  package var drops: [String]
}

/// Frames that nobody sent: followed without being sent, and sent as if a node had.
extension Dataplane {
  /// Longest frame of `inject` and `trace`, in bytes.
  package static let longestFrame = Ethernet.maximumFrameSize
  /// Frames that the worker takes between two breaths.
  static let injectedAtOnce = 16

  /// Follows a frame that a port's node might send, over the state of this moment; nothing is learnt, counted or sent.
  /// - Throws: `unknownPort`, or `invalid` for the end of a patch.
  package func trace(port: String, frame: [UInt8]) async throws(DataplaneError) -> FrameTrace {
    let record = try record(port)
    guard record.kind != .patch else { throw .invalid("port \(port) is the end of a trunk; no node sends there") }
    let index = record.index
    // As they are now: by the time of the answer, others may have the numbers.
    let names = TraceNames(ports: portTable, switches: switchTable)
    let raw = await worker.run { $0.forwarder.coldTrace(index, frame, $0.state) }
    return FrameTrace(
      steps: raw.events.map { names.step($0) },
      outputs: raw.outputs.map { FrameTrace.Output(port: names.port($0.port), frame: $0.frame) },
      drops: raw.drops.compactMap(\.name))
  }

  /// Takes frames as if the port's node had sent them, in order: judged, counted, impaired and captured like any other.
  ///
  /// The worker takes them a few at a time, between breaths; their pace is the caller's matter.
  /// - Throws: `unknownPort`, or `invalid` for the end of a patch or a frame of more than `longestFrame` bytes.
  package func inject(port: String, frames: [[UInt8]]) async throws(DataplaneError) {
    for start in stride(from: 0, to: frames.count, by: Self.injectedAtOnce) {
      let record = try record(port)
      guard record.kind != .patch else { throw .invalid("port \(port) is the end of a trunk; no node sends there") }
      let (index, block) = (record.index, record.block)
      let some = Array(frames[start..<min(start + Self.injectedAtOnce, frames.count)])
      if let long = some.first(where: { $0.count > Self.longestFrame }) {
        throw .invalid("a frame of \(long.count) bytes; the longest has \(Self.longestFrame)")
      }
      await worker.run { core in
        guard core.state.ports[index].block === block else { return }
        for frame in some { core.coldInject(index, frame) }
      }
    }
  }
}

/// Words for what a trace found.
struct TraceNames {
  var ports: PortTable
  var switches: SwitchRecords

  func port(_ index: Int) -> String { ports.name(of: index) ?? "port \(index)" }

  private func list(_ indices: [Int]) -> String {
    indices.isEmpty ? "nobody" : indices.map(port).joined(separator: ", ")
  }

  func step(_ event: TraceEvent) -> TraceStep {
    switch event {
    case .received(let port, let size):
      return TraceStep(kind: .receive, port: self.port(port), text: "\(size) bytes come in by \(self.port(port))")
    case .impaired(let port, let impairment):
      return TraceStep(kind: .impair, port: self.port(port), text: Self.words(impairment))
    case .held(let port):
      return TraceStep(
        kind: .held, port: self.port(port), text: "held: what is behind \(self.port(port)) is in switch-over")
    case .wire(let peer):
      return TraceStep(
        kind: .wire, port: self.port(peer), text: "a wire: everything goes to its other end, \(self.port(peer))")
    case .vlan(let port, let vlan, let tag):
      return TraceStep(kind: .vlan, port: self.port(port), text: Self.words(vlan: vlan, tag: tag))
    case .unaware(let index, let port, let isTagged):
      let form = isTagged ? "its tag is not read" : "it bears no tag"
      let text = "VLAN-unaware, so the frame passes as it is, and \(form)"
      return TraceStep(kind: .vlan, port: self.port(port), switchName: switches.name(of: index), text: text)
    case .linkLocal(let address, let policy, let passes):
      let verb = passes ? "passes" : "does not pass"
      return TraceStep(kind: .linkLocal, text: "\(address) is link-local and \(verb) with policy \(policy.rawValue)")
    case .state(let state, let port, let vlan):
      return TraceStep(
        kind: .state, port: self.port(port), text: "\(self.port(port)) is \(state.rawValue) in VLAN \(vlan)")
    case .source(let address, let vlan, let index, let port, let known, let isStatic):
      return TraceStep(
        kind: .learn, port: self.port(port), switchName: switches.name(of: index),
        text: words(source: address, vlan, port, known, isStatic))
    case .found(let address, let vlan, let index, let port):
      return TraceStep(
        kind: .lookup, port: self.port(port), switchName: switches.name(of: index),
        text: "\(address)\(Self.place(vlan)) is behind \(self.port(port))")
    case .foundElsewhere(let address, let vlan, let index, let port):
      return TraceStep(
        kind: .lookup, port: self.port(port), switchName: switches.name(of: index),
        text: "\(address) is behind \(self.port(port)), which is no member of VLAN \(vlan) any more")
    case .unknown(let address, let vlan, let index):
      return TraceStep(
        kind: .lookup, switchName: switches.name(of: index), text: "\(address)\(Self.place(vlan)) is not known")
    case .flood(let index, let vlan, let outputs, let skipped):
      return TraceStep(
        kind: .flood, switchName: switches.name(of: index), text: words(flood: vlan, outputs, skipped))
    case .crosses(let patch, let far, let vlan, let isTagged):
      let form = isTagged ? "with the tag of VLAN \(vlan)" : "untagged, as native VLAN \(vlan) there"
      return TraceStep(
        kind: .trunk, port: self.port(patch), text: "crosses the trunk to \(self.port(far)) \(form)")
    case .crossesUnaware(let patch, let far, let vlan, let edit, let tag):
      let place = vlan == 0 ? "" : ", and is of VLAN \(vlan) there"
      return TraceStep(
        kind: .trunk, port: self.port(patch),
        text: "crosses the link to \(self.port(far)) \(Self.words(edit, tag, asItIs: "as it is"))\(place)")
    case .leaves(let port, let edit, let tag, let size):
      return TraceStep(
        kind: .egress, port: self.port(port),
        text: "\(size) bytes leave by \(self.port(port)), \(Self.words(edit, tag))")
    case .rules(let port, let isFromNode, let verdict):
      let text = "\(self.port(port)): \(verdict.words(isFromNode: isFromNode))"
      return TraceStep(kind: .access, port: self.port(port), text: text)
    case .spoofed(let port, let offence):
      return TraceStep(kind: .lock, port: self.port(port), text: "\(self.port(port)): \(offence.words)")
    case .isolated(let from, let to):
      let text = "\(self.port(from)) and \(self.port(to)) are isolated, and have nothing to do with each other"
      return TraceStep(kind: .isolated, port: self.port(to), text: text)
    case .dropped(let port, let drop):
      let name = drop.name ?? "?"
      return TraceStep(
        kind: .drop, port: self.port(port), text: "dropped at \(self.port(port)): \(name)", drop: name)
    }
  }

  private static func words(vlan: Int, tag: TagControl?) -> String {
    guard let tag else {
      return vlan == 0
        ? "untagged, and the port has no VLAN for untagged frames" : "untagged: VLAN \(vlan) of the port"
    }
    let priority = tag.bits >> 13
    if tag.vlan == 0x0FFF { return "tagged with VLAN 4095, which is reserved" }
    if tag.vlan == 0 { return "tagged with priority \(priority) only: VLAN \(vlan) of the port" }
    return "tagged with VLAN \(tag.vlan), priority \(priority)"
  }

  private func words(source: MACAddress, _ vlan: Int, _ port: Int, _ known: Int?, _ isStatic: Bool) -> String {
    guard let known else { return "\(source) would be learnt\(Self.place(vlan)) behind \(self.port(port))" }
    if isStatic { return "\(source)\(Self.place(vlan)) is fixed behind \(self.port(known)), which stays" }
    if known == port { return "\(source)\(Self.place(vlan)) is known behind \(self.port(port))" }
    return "\(source)\(Self.place(vlan)) would move from \(self.port(known)) to \(self.port(port))"
  }

  private func words(flood vlan: Int, _ outputs: [Int], _ skipped: [Int: TraceEvent.Skip]) -> String {
    let members = vlan == 0 ? "port" : "member of VLAN \(vlan)"
    var text = "goes to every \(members) that is up: \(list(outputs))"
    let names: [(TraceEvent.Skip, String)] = [
      (.isIngress, "it came from"), (.isDown, "down are"), (.otherVLAN, "other VLANs have"),
      (.notForwarding, "not forwarding are"),
    ]
    for (skip, words) in names {
      let ports = skipped.filter { $0.value == skip }.keys.sorted()
      if !ports.isEmpty { text += "; \(words) \(list(ports))" }
    }
    return text
  }

  /// Of a VLAN; nothing on a switch that has none.
  private static func place(_ vlan: Int) -> String { vlan == 0 ? "" : " in VLAN \(vlan)" }

  private static func words(_ edit: TagEdit.Kind, _ tag: TagControl, asItIs: String = "as they are") -> String {
    switch edit {
    case .keep: asItIs
    case .remove: "without the tag"
    case .insert: "with a tag of VLAN \(tag.vlan), priority \(tag.bits >> 13)"
    case .rewrite: "with the tag changed to VLAN \(tag.vlan), priority \(tag.bits >> 13)"
    }
  }

  private static func words(_ impairment: Impairment) -> String {
    var parts: [String] = []
    if impairment.delay > 0 { parts.append("held \(milliseconds(impairment.delay)) ms") }
    if impairment.jitter > 0 { parts.append("give or take \(milliseconds(impairment.jitter)) ms") }
    let shares = [
      ("lost", impairment.loss), ("doubled", impairment.duplicate), ("overtaking", impairment.reorder),
      ("spoilt", impairment.corrupt),
    ]
    for (word, share) in shares where share > 0 { parts.append("\(word) in \(percentage(share)) % of cases") }
    if impairment.rate > 0 { parts.append("at \(impairment.rate) bit/s") }
    parts.append("\(impairment.queueCount) frames wait at most")
    return "impaired: " + parts.joined(separator: ", ")
  }

  /// Not what binary fractions make of it: 7, not 7.000000000000001.
  private static func percentage(_ share: Double) -> Double { (share * 1e8).rounded() / 1e6 }

  private static func milliseconds(_ nanoseconds: UInt64) -> Double { Double(nanoseconds) / 1e6 }
}
