extension Rule {
  /// MTU of a NIC that declares none.
  private static let usualMTU = 1500

  /// L216: neighbours with different MTUs, of which one sends what the other does not take.
  ///
  /// A warning: a lab may want to see just that. Neighbours are the ends of a wire and the NICs of one switch that have
  /// the same VLAN untagged; VLAN subinterfaces are left out, since their MTU is the node's own affair.
  static func unequalMTUs(_ subject: RuleSubject) {
    var first: [String: RuleSubject.NIC] = [:]
    var reported: Set<String> = []
    for nic in subject.nics {
      // What an external machine's MTU is without `mtu` is not known.
      guard let place = place(of: nic), nic.draft.mtu != nil || nic.kind != "external" else { continue }
      guard let other = first[place.key] else {
        first[place.key] = nic
        continue
      }
      let (mine, others) = (nic.definition.mtu ?? usualMTU, other.definition.mtu ?? usualMTU)
      guard mine != others, reported.insert(place.key).inserted else { continue }
      let (larger, smaller) = mine > others ? (nic, other) : (other, nic)
      let (most, least) = (max(mine, others), min(mine, others))
      let span = larger.draft.mtu?.span ?? larger.draft.name.span
      let message =
        "\(larger.name) has MTU \(most), but \(smaller.name), \(place.words), has \(least): "
        + "larger frames will be dropped"
      let origin = smaller.draft.mtu?.span ?? smaller.draft.name.span
      let notes = [Diagnostic.Note("\(smaller.name) has \(least)", at: origin)]
      subject.reporter.warning(.mtu, span, message, hint: "set the same \"mtu\" in both", notes: notes)
    }
  }

  /// What a NIC shares with its neighbours.
  private static func place(of nic: RuleSubject.NIC) -> (key: String, words: String)? {
    switch nic.definition.attachment {
    case .none: return nil
    case .wire(let link): return ("wire \(link)", "on the same wire")
    case .switchPort(let name, _) where nic.isOnLAN: return ("lan \(name)", "on the same LAN")
    case .switchPort(let name, let mode):
      return mode.untagged.map { ("switch \(name) \($0)", "in the same VLAN of \(name)") }
    }
  }
}
