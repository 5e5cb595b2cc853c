import Frames

/// Names of labs and what is in them: which are valid, and those that are derived.
package enum Names {
  /// Names nothing in a lab, nor a lab itself, may have.
  package static let reserved: Set<String> = ["all"]
  /// Names that no lab may have, since a folder beside the labs' own has them; with what that folder holds.
  package static let reservedForLabs = ["images": "images", "saved": "saved labs"]
  /// Names that no NIC may have, since Linux gives them a meaning; with what that is.
  package static let reservedForNICs = [
    "lo": "Linux calls the loopback interface of every host so",
    "all": "Linux keeps the settings of all interfaces under that name",
    "default": "Linux keeps the settings of interfaces to come under that name",
  ]
  /// Longest interface name Linux takes, in bytes (`IFNAMSIZ - 1`).
  package static let longestInterfaceName = 15

  /// Whether a lab, node, switch, VLAN, link or profile may bear it: `^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`.
  package static func valid(_ name: String) -> Bool {
    let bytes = Array(name.utf8)
    guard (1...63).contains(bytes.count), bytes.first != UInt8(ascii: "-"), bytes.last != UInt8(ascii: "-") else {
      return false
    }
    return bytes.allSatisfy { isLetter($0) || isDigit($0) || $0 == UInt8(ascii: "-") }
  }

  /// Whether a lab may bear it.
  package static func validLab(_ name: String) -> Bool { complaint(about: name, as: "lab") == nil }

  /// Why a lab, node, switch, VLAN, link or profile may not bear a name, and what may be meant; nil if it may.
  ///
  /// A file and a command line get the same answer.
  /// - Parameter what: the word for the thing; of a `lab` more names are reserved.
  package static func complaint(about name: String, as what: String) -> (message: String, hint: String?)? {
    let folders = what == "lab" ? reservedForLabs : [:]
    if reserved.contains(name) { return ("\(name.quoted) is a reserved name", nil) }
    if let content = folders[name] {
      return ("a lab cannot be called \(name.quoted): the folder of \(content) is called so", nil)
    }
    guard !valid(name) else { return nil }
    let rule = "names are 1 to 63 of a-z 0-9 -, with no - at either end"
    let folded = String(name.lowercased().map { $0 == "_" ? "-" : $0 })
    let isMeant = valid(folded) && !reserved.contains(folded) && folders[folded] == nil
    return ("\(what) name \(name.quoted) is not valid", isMeant ? "\(rule); did you mean \"\(folded)\"?" : rule)
  }

  /// Whether a NIC's name has the form `^[a-z][a-z0-9._-]{0,14}$`: no name of that form leads out of a folder.
  package static func validNIC(_ name: String) -> Bool {
    let bytes = Array(name.utf8)
    guard (1...longestInterfaceName).contains(bytes.count), let first = bytes.first, isLetter(first) else {
      return false
    }
    return bytes.allSatisfy { isLetter($0) || isDigit($0) || "._-".utf8.contains($0) }
  }

  /// Why a NIC may not bear a name, and what may be meant; nil if it may.
  package static func complaint(aboutNIC name: String) -> (message: String, hint: String?)? {
    if let meaning = reservedForNICs[name] { return ("a NIC cannot be called \(name.quoted): \(meaning)", nil) }
    guard !validNIC(name) else { return nil }
    return (
      "NIC name \(name.quoted) is not valid", "NIC names are 1 to 15 of a-z 0-9 . _ -, starting with a letter"
    )
  }

  /// Why a port that is added at run time may not be called so; nil if it may.
  ///
  /// `^[a-z0-9]([a-z0-9._-]{0,61}[a-z0-9])?$`: what names a node or a NIC, and also `vif1.0`.
  package static func complaint(aboutPort name: String) -> (message: String, hint: String?)? {
    if reserved.contains(name) { return ("\(name.quoted) is a reserved name", nil) }
    let bytes = Array(name.utf8)
    func isPlain(_ byte: UInt8?) -> Bool { byte.map { isLetter($0) || isDigit($0) } ?? false }
    let isValid =
      (1...63).contains(bytes.count) && isPlain(bytes.first) && isPlain(bytes.last)
      && bytes.allSatisfy { isPlain($0) || "._-".utf8.contains($0) }
    guard !isValid else { return nil }
    return (
      "port name \(name.quoted) is not valid",
      "names of ports are 1 to 63 of a-z 0-9 . _ -, with a letter or digit at either end"
    )
  }

  /// A name for a host interface: `full` itself up to 15 bytes, else its head and a hash of the whole.
  package static func shortInterfaceName(_ full: String) -> String {
    guard full.utf8.count > longestInterfaceName else { return full }
    let hash = StableHash.of(full)
    let digits = String((hash ^ hash >> 32) & 0xFF_FFFF, radix: 16)
    let padded = String(repeating: "0", count: 6 - digits.count) + digits
    return String(decoding: full.utf8.prefix(8), as: UTF8.self) + "-" + padded
  }

  /// The station address of a NIC that declares none: locally administered, the same in every run.
  ///
  /// `attempt` leads to another address when one is taken.
  package static func derivedMAC(lab: String, node: String, nic: String, attempt: Int = 0) -> MACAddress {
    let suffix = attempt == 0 ? "" : "/\(attempt)"
    let hash = StableHash.of("\(lab)/\(node)/\(nic)\(suffix)")
    let folded = UInt32(truncatingIfNeeded: hash ^ hash >> 32)
    // 02:a9, then the four bytes of the number, the highest first.
    return MACAddress(bits: 0xA902 | UInt64(folded.byteSwapped) << 16)
  }

  /// `vm1.eth0`, as ports are named.
  package static func port(node: String, nic: String) -> String { PortName.nic(node: node, nic: nic).description }

  private static func isLetter(_ byte: UInt8) -> Bool { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) }
  private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
}
