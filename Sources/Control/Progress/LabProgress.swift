import Topology

/// What a daemon says while it brings a lab up or takes it down, folded: at most one line a node, however much is said.
///
/// Pure: lines in, lines out. A terminal shows `status` over and over in one line; elsewhere nothing is shown but what
/// `take` and `finish` return. The daemon's log has every line.
package struct LabProgress: Sendable {
  package enum Work: Sendable { case up, down }

  /// Labs with more nodes get a line for each tenth of them instead of one for each.
  static let listedNodes = 40

  private let work: Work
  private let lab: String
  /// By node, whether there is more to come after its first line.
  private let isSlow: [String: Bool]
  /// The last that was said of nodes whose line is not printed yet, in the order in which they were first heard of.
  private var waiting: [(node: String, line: String)] = []
  private var finished: Set<String> = []
  private var tenths = 0
  private var last = ""

  /// - Parameter definition: nil: nobody knows what the lab was.
  package init(_ work: Work, lab: String, definition: CanonicalLab?) {
    self.work = work
    self.lab = lab
    isSlow = Dictionary(
      (definition?.nodes ?? []).map { ($0.name, work == .up && ["vm", "container"].contains($0.kind)) },
      uniquingKeysWith: { first, _ in first })
  }

  /// Takes a line of the daemon's.
  /// - Returns: lines to be printed where nobody sees `status`, and `isNote`: on a terminal, too.
  package mutating func take(_ line: String) -> (lines: [String], isNote: Bool) {
    if Self.isNote(line) { return ([line], true) }
    last = line
    guard let (node, words) = subject(of: line) else {
      // Of what a node had; without the lab, every line is of something that goes.
      return (work == .down && isSlow.isEmpty ? finish(line, line) : [], false)
    }
    if words.hasPrefix("unpacking ") || words.hasPrefix("copying ") || words.hasPrefix("loading ") {
      // What takes minutes is said when it begins.
      return (words.hasSuffix(" %") || isLarge ? [] : [line], false)
    }
    guard isSlow[node] != true || words.hasPrefix("ready in ") else {
      waiting.removeAll { $0.node == node }
      if !finished.contains(node) { waiting.append((node, line)) }
      return ([], false)
    }
    return (finish(node, line), false)
  }

  /// What is left to be printed at the end: nodes of which nothing final was said.
  package mutating func finish() -> [String] {
    defer { waiting = [] }
    return isLarge ? [] : waiting.map(\.line)
  }

  /// `campus: 7 of 12 nodes; vm3: booting (pid 17)`.
  package var status: String {
    let count = isSlow.isEmpty ? "" : "\(finished.count) of \(Figure.count(isSlow.count, "node", "nodes"))"
    return TerminalText.clean("\(lab): " + [count, last].filter { !$0.isEmpty }.joined(separator: "; "))
  }

  private var isLarge: Bool { isSlow.count > Self.listedNodes }

  private mutating func finish(_ node: String, _ line: String) -> [String] {
    waiting.removeAll { $0.node == node }
    guard finished.insert(node).inserted else { return [] }
    guard isLarge else { return [line] }
    let reached = finished.count * 10 / isSlow.count
    guard reached > tenths else { return [] }
    tenths = reached
    return ["\(lab): \(finished.count) of \(isSlow.count) nodes \(work == .up ? "up" : "down")"]
  }

  /// What is to be read whatever else is folded.
  private static func isNote(_ line: String) -> Bool {
    line.contains("note: ") || line.hasPrefix("left: ") || line.hasPrefix("process ") || line.contains(" is not back: ")
      || line.contains("its program has ended")
  }

  /// The node that a line is about, and what it says of it.
  ///
  /// `vm1: booting`; `x1.eth0: connected`; `namespace apus-lab-n1 removed`.
  private func subject(of line: String) -> (node: String, words: Substring)? {
    if let colon = line.firstRange(of: ": ") {
      let name = line[..<colon.lowerBound]
      if isSlow[String(name)] != nil { return (String(name), line[colon.upperBound...]) }
      if let dot = name.lastIndex(of: "."), isSlow[String(name[..<dot])] != nil {
        return (String(name[..<dot]), line[colon.upperBound...])
      }
    }
    guard work == .down, line.hasSuffix(" removed") else { return nil }
    for word in line.split(separator: " ") where word.hasPrefix("apus-\(lab)-") {
      let name = String(word.dropFirst("apus-\(lab)-".count))
      if isSlow[name] != nil { return (name, line[...]) }
    }
    return nil
  }
}

extension CanonicalLab {
  /// `12 nodes, 3 switches, 14 links`: links as `apus link list` counts them.
  package var sizeText: String {
    let attached = nodes.flatMap(\.nics).count { nic in
      if case .switchPort = nic.attachment { return true }
      return false
    }
    return [
      Figure.count(nodes.count, "node", "nodes"), Figure.count(switches.count, "switch", "switches"),
      Figure.count(links.count + attached, "link", "links"),
    ].joined(separator: ", ")
  }
}
