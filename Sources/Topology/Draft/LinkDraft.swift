/// An end of a link or of a test as written: `sw1`, `vm1`, `vm1:eth0`, `vm1.eth0`.
struct EndDraft {
  /// Node or switch.
  var name: String
  var nic: String?
  var span: Span

  init(_ text: Located<String>) {
    span = text.span
    (name, nic) = PortName.parts(of: text.value)
  }
}

/// `links:` entry.
struct LinkDraft {
  var name: Located<String>?
  var ends: [EndDraft]
  var membership: MembershipDraft
  var impair: Located<ImpairDraft>?
  var span: Span
  /// What it is; set when links are wired.
  var wired: LinkDefinition?
  /// The port that it is named as, when it leads from a NIC to a switch; set when links are wired.
  var port: String?
  /// The name of the switch that stands for it, when it has more than two ends; set when links are wired.
  var lan: String?

  /// Where notes point at it: at its name, or its first end.
  var place: Span { name?.span ?? ends.first?.span ?? span }
}
