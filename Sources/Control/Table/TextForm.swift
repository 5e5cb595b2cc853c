/// A text of a known form: one rule for what is taken and for what the description says of it.
package struct TextForm: Sendable {
  /// A regular expression as JSON Schema has it (ECMA 262), which the whole text must match; nil = any text.
  var pattern: String?
  /// Unicode scalars.
  var length: ClosedRange<Int>
  /// What it is, as messages say it.
  var words: String
  /// One that is taken.
  var example: String

  init(_ pattern: String? = nil, _ length: ClosedRange<Int>, _ words: String, example: String) {
    (self.pattern, self.length, self.words, self.example) = (pattern, length, words, example)
  }

  /// Whether a text has this form.
  func holds(_ text: String) -> Bool {
    guard length.contains(text.unicodeScalars.count) else { return false }
    guard let pattern else { return true }
    guard let expression = try? Regex(pattern).matchingSemantics(.unicodeScalar) else { return false }
    return text.wholeMatch(of: expression) != nil
  }
}

extension TextForm {
  /// Of nodes, switches, VLANs and links; `Names.valid`.
  static let name = TextForm(
    "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$", 1...63, "a name: 1 to 63 of a-z 0-9 -, with no - at either end",
    example: "sw1")
  /// Of a port that is added at run time; `Names.complaint(aboutPort:)`.
  static let portName = TextForm(
    "^[a-z0-9]([a-z0-9._-]{0,61}[a-z0-9])?$", 1...63,
    "the name of a port: 1 to 63 of a-z 0-9 . _ -, with a letter or digit at either end", example: "p9")
  /// What `MACAddress` takes, without those that are no station's.
  static let station = TextForm(
    "^[0-9A-Fa-f][02468ACEace](:[0-9A-Fa-f]{2}){5}$|^[0-9A-Fa-f][02468ACEace](-[0-9A-Fa-f]{2}){5}$", 17...17,
    "the address of a station, such as 02:00:00:00:00:01", example: "02:00:00:00:00:01")
  /// A VLAN's name, or its number.
  static let vlan = TextForm(
    "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$", 1...63, "the name or number of a VLAN", example: "20")
  /// A filter of captures.
  static let filter = TextForm(0...8192, "a filter as tcpdump has it", example: "icmp")
  /// Of an image in the catalogue; `ImageCatalogue.add`.
  static let imageName = TextForm(
    "^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$", 1...63,
    "the name of an image: 1 to 63 of a-z A-Z 0-9 . _ -, starting with a letter or digit", example: "debian-12")
  /// Path of a file of the daemon's host.
  static let path = TextForm("^/[\\s\\S]*$", 1...4095, "an absolute path", example: "/tmp/a.pcapng")

  private init(_ length: ClosedRange<Int>, _ words: String, example: String) {
    self.init(nil, length, words, example: example)
  }
}
