/// What to change on a link; nil leaves a property as it is.
struct LinkChange: Sendable {
  /// In bytes, 68 to 65535 as a rule; the driver has the last word.
  var mtu: Int?
  /// Link-layer address.
  var address: String?
  var isUp: Bool?
  /// Second name, 1 to 127 bytes.
  var alternativeName: String?
}
