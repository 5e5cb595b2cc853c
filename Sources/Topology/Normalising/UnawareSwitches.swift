/// The switches of a file that are not VLAN-aware, and what is said of ports there that only VLANs have (L217).
struct UnawareSwitches {
  /// Where it is said of each by name; nil of one that a link with more than two ends is.
  private let places: [String: Span?]
  private let lans: Set<String>
  private let reporter: Reporter

  init(_ draft: LabDraft, reporter: Reporter) {
    self.reporter = reporter
    lans = Set(draft.links.compactMap(\.lan))
    var places = Dictionary(
      draft.switches.filter { !$0.definition.isVLANAware }.map { ($0.name.value, $0.awarenessPlace) },
      uniquingKeysWith: { first, _ in first })
    for lan in lans { places[lan] = .some(nil) }
    self.places = places
  }

  func contains(_ name: String) -> Bool { places[name] != nil }

  /// Where a NIC on one of them leads; nil for any other NIC.
  func attachment(_ nic: NICDraft) -> Attachment? {
    guard case .switchPort(let name, let link) = nic.attachment, contains(name.value) else { return nil }
    // Words of a LAN were judged when it was wired.
    if !lans.contains(name.value) {
      report(nic.membership, on: name.value)
      if nic.switchName == nil { report(link, on: name.value) }
    }
    return .switchPort(switch: name.value, mode: .transparent)
  }

  /// Whether both ends of a link are among them.
  func joins(_ link: LinkDefinition) -> Bool { link.ends.allSatisfy { contains($0.text) } }

  /// Whether an end of a link is among them.
  func isEnd(of link: LinkDefinition) -> Bool { link.ends.contains { contains($0.text) } }

  /// VLAN keys of a link between two of them.
  func report(_ membership: MembershipDraft, _ link: LinkDefinition) {
    if let end = link.ends.first { report(membership, on: end.text) }
  }

  /// An address of a VLAN subinterface behind one of them.
  func report(address: IPPrefix, _ vlan: Located<String>, on name: String) {
    let message = "an address in VLAN \(vlan.value.quoted) means nothing on \(what(name)): \(Self.frames)"
    let hint = "use \"address\", or have the node make its subinterface itself"
    reporter.error(.unaware, vlan.span, message, hint: hint, notes: notes(name))
  }

  private func report(_ membership: MembershipDraft, on name: String) {
    let spans = [
      ("vlan", membership.vlan?.span), ("trunk", membership.trunk?.span), ("native", membership.native?.span),
    ]
    guard let (key, place) = spans.first(where: { $0.1 != nil }), let place else { return }
    reporter.error(.unaware, place, VLANMistake.ofUnaware(key, on: name).message, notes: notes(name))
  }

  /// What such a switch does, for messages.
  static let frames = "every frame passes as it is, tagged or not"

  private func what(_ name: String) -> String {
    lans.contains(name) ? "a link with more than two ends" : "switch \(name), which is not VLAN-aware"
  }

  private func notes(_ name: String) -> [Diagnostic.Note] {
    Diagnostic.Note.ifPlaced("\"vlan-aware\" is off here", at: places[name] ?? nil)
  }
}
