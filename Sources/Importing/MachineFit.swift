import Topology

extension ForeignLab {
  /// Sees to it that no machine has more NICs than one can have here.
  ///
  /// Unlinked ones are left out, the last first; a machine that has too many links for that is one that somebody else
  /// runs.
  mutating func fitMachines(_ findings: inout Findings) {
    for place in nodes.indices where nodes[place].kind == .vm && nodes[place].nics.count > MachineLimits.nics {
      let node = nodes[place]
      let room = node.nics.count - MachineLimits.nics
      let unlinked = node.nics.indices.reversed().lazy.filter { node.nics[$0].segment == nil }
      let leaving = Set(unlinked.prefix(room))
      let left = room - leaving.count
      nodes[place].nics = node.nics.indices.filter { !leaving.contains($0) }.map { node.nics[$0] }
      let most = "a machine has \(MachineLimits.nics) NICs at most here"
      if left > 0 {
        nodes[place].kind = .external
        nodes[place].image = nil
        nodes[place].memory = nil
        nodes[place].cpus = nil
        findings.note(.changed, "nodes.\(node.name)", line: node.line, "\(most): it is one that somebody else runs")
      } else {
        findings.note(.lost, "nodes.\(node.name)", line: node.line, "\(most): \(room) without a link are left out")
      }
    }
  }
}

extension ImportOptions {
  /// What a Linux host becomes of which no image for containers is known.
  var imagelessKind: ForeignNode.Kind { hostKind == .vm ? .vm : .netns }
}

/// MAC addresses as numbers, to count on from one.
enum MACWords {
  /// The low 48 bits as two digits a byte with colons between them.
  static func text(_ bits: UInt64) -> String {
    (0..<6).map { byte in
      let digits = String(bits >> UInt64(40 - 8 * byte) & 0xFF, radix: 16)
      return digits.count == 1 ? "0\(digits)" : digits
    }.joined(separator: ":")
  }
}
