import Topology

/// Numbers and settings in libvirt's own forms.
enum LibvirtWords {
  private static let units: [String: UInt64] = [
    "b": 1, "bytes": 1, "kb": 1000, "k": 1 << 10, "kib": 1 << 10, "mb": 1_000_000, "m": 1 << 20, "mib": 1 << 20,
    "gb": 1_000_000_000, "g": 1 << 30, "gib": 1 << 30, "tb": 1_000_000_000_000, "t": 1 << 40, "tib": 1 << 40,
  ]

  /// Bytes of a scaled integer, which is of KiB where nothing is said; nil = it is not understood.
  static func memory(_ element: XMLElement) -> UInt64? {
    let unit = element.attributes["unit"].map { $0.lowercased() } ?? "kib"
    guard let number = UInt64(word(element.text)), let factor = units[unit] else { return nil }
    let (bytes, isTooLarge) = number.multipliedReportingOverflow(by: factor)
    return isTooLarge ? nil : bytes
  }

  static func word(_ text: String) -> String {
    String(text.drop(while: \.isWhitespace).reversed().drop(while: \.isWhitespace).reversed())
  }

  /// A length of 0 to 128, from `prefix`, or `netmask` in dotted form; what an address has without them is its class's.
  static func prefix(of element: XMLElement) -> Int? {
    if let text = element.attributes["prefix"] { return Int(text).flatMap { (0...128).contains($0) ? $0 : nil } }
    if let mask = element.attributes["netmask"] { return IPWords.length(ofMask: mask) }
    guard let address = element.attributes["address"] else { return nil }
    if address.contains(":") { return 64 }
    guard let first = address.split(separator: ".").first.flatMap({ UInt8($0) }) else { return nil }
    return first < 128 ? 8 : first < 192 ? 16 : 24
  }

  /// What `<vlan>` says; nil when none of its numbers is one, and what had to be changed of it.
  static func vlan(_ element: XMLElement) -> (vlan: ForeignVLAN?, changes: [String]) {
    var changes: [String] = []
    var tags: [Int] = []
    var seen: Set<Int> = []
    var native: Int?
    for tag in element.all("tag") {
      let text = tag.attributes["id"] ?? ""
      guard let id = Int(text), (1...4094).contains(id) else {
        changes.append("there is no VLAN \(ImportWord.quoted(text)) here, 1 to 4094 are")
        continue
      }
      if seen.insert(id).inserted { tags.append(id) }
      switch tag.attributes["nativeMode"] {
      case "untagged": native = id
      case "tagged": changes.append("nativeMode='tagged' has no equal: untagged frames are dropped")
      default: break
      }
    }
    guard let first = tags.first else { return (nil, changes) }
    let isTrunk = element.attributes["trunk"] == "yes" || element.all("tag").count > 1 || native != nil
    return (isTrunk ? .trunk(tags, native: native) : .access(first), changes)
  }

  /// Bits a second of an `average` in kilobytes (of 1000 bytes, as `tc` has them).
  static func rate(_ element: XMLElement?) -> UInt64? {
    guard let text = element?.attributes["average"], let kilobytes = UInt64(text), kilobytes > 0 else { return nil }
    let (bits, isTooLarge) = kilobytes.multipliedReportingOverflow(by: 8000)
    return isTooLarge ? nil : bits
  }

  /// The device that libvirt's words for a NIC mean; nil = none that is here.
  static func model(_ text: String?) -> NICModel? {
    guard let text = text?.lowercased() else { return .rtl8139 }
    if text.hasPrefix("virtio") { return .virtio }
    if text.hasPrefix("e1000e") { return .e1000e }
    if text.hasPrefix("e1000") { return .e1000 }
    return NICModel(rawValue: text)
  }
}
