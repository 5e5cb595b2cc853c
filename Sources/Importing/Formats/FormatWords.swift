/// Bytes of a lab that are copied out of one text for many nodes: a few of a stranger's lines are not to fill the memory.
struct SharedText {
  /// Several times what a lab file holds, so that nobody meets it whose lab could be read.
  static let most = 32 << 20

  private var bytes = 0

  /// Answers false once all that was counted is more than what one lab may have.
  mutating func hasRoom(for count: Int) -> Bool {
    bytes = min(bytes, Self.most) + min(count, Self.most + 1)
    return bytes <= Self.most
  }

  var isUsedUp: Bool { bytes > Self.most }
}

/// Settings of which the last one with a name counts.
enum LastOfEach {
  /// The last pair of each key, in order.
  static func of(_ pairs: [(key: String, value: String)]) -> [(key: String, value: String)] {
    var seen: Set<String> = []
    return pairs.reversed().filter { seen.insert($0.key).inserted }.reversed()
  }
}

/// Names of images in strangers' files.
enum ImageWords {
  /// Without a registry in front, Docker means its own.
  static func qualified(_ image: String) -> String {
    let head = image.split(separator: "/").first ?? ""
    guard image.contains("/") else { return "docker.io/library/\(image)" }
    return head.contains(".") || head.contains(":") || head == "localhost" ? image : "docker.io/\(image)"
  }

  /// The last part of what may be a path: no file of a stranger leads out of the folder.
  static func fileName(_ image: String) -> String {
    let name = image.split(whereSeparator: { $0 == "/" || $0 == "\\" }).last.map(String.init) ?? ""
    return name == "." || name == ".." ? "" : name
  }
}

extension MACWords {
  /// The number that 12 hexadecimal digits are, whatever stands between them; nil = it is no MAC address.
  static func bits(_ text: String) -> UInt64? {
    guard text.utf8.count <= 17 else { return nil }
    let digits = text.filter { $0 != ":" && $0 != "-" && $0 != "." }
    return digits.utf8.count == 12 && digits.allSatisfy(\.isHexDigit) ? UInt64(digits, radix: 16) : nil
  }
}
