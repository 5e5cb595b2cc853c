/// The key `dhcp` of a VLAN.
struct DHCPDraft {
  struct Boot {
    /// As written.
    var root: Located<String>
    var bios: Located<String>?
    var uefi: Located<String>?

    /// The files that are there, with their keys.
    var files: [(key: String, name: Located<String>)] {
      [("bios", bios), ("uefi", uefi)].compactMap { key, name in name.map { (key, $0) } }
    }
  }

  /// Where the key stands.
  var span: Span
  var address: Located<IPAddress>?
  /// First and last, as written.
  var range: Located<[IPAddress]>?
  /// Seconds.
  var lease = DHCPDefinition.usualLease
  var gateway: Located<IPAddress>?
  var boot: Boot?
}
