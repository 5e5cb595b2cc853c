import Topology

/// What a script of GNS3's small host (VPCS) says: addresses, gateways and whatever else it does.
struct VPCSScript {
  /// With prefix lengths.
  private(set) var addresses: [String] = []
  private(set) var gateways: [String] = []
  /// Lines that have no equal here: number and text.
  private(set) var lost: [(line: Int, text: String)] = []

  /// Reads the text of a `startup.vpc`.
  ///
  /// A later address of a family takes the place of an earlier one, as in the program itself.
  init(_ text: String) {
    for (index, line) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated() {
      let words = line.split(whereSeparator: \.isWhitespace).map(String.init)
      guard let first = words.first, !first.hasPrefix("#"), !first.hasPrefix("!") else { continue }
      switch first.lowercased() {
      case "ip" where words.count > 1: read(Array(words.dropFirst()), index + 1, String(line))
      case "set" where words.count > 1 && Self.harmless.contains(words[1].lowercased()): continue
      case "save", "load", "echo": continue
      default: lost.append((index + 1, String(line)))
      }
    }
  }

  /// What `set` says that has no meaning here.
  private static let harmless: Set<String> = ["pcname", "echo", "lport", "rport", "rhost", "dump"]

  /// The words after `ip`: an address, and its mask and its gateway in either order.
  private mutating func read(_ words: [String], _ number: Int, _ line: String) {
    let parts = words[0].split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
    let isSix = parts[0].contains(":")
    guard isSix ? IPWords.isSix(parts[0]) : IPWords.four(parts[0]) != nil else {
      lost.append((number, line))
      return
    }
    var length = parts.count > 1 ? IPWords.length(parts[1], isSix: isSix) : nil
    var isUnderstood = parts.count == 1 || length != nil
    var gateway: String?
    for word in words.dropFirst() {
      let bare = word.hasPrefix("/") ? String(word.dropFirst()) : word
      if length == nil, let found = IPWords.length(bare, isSix: isSix), found > 0 {
        length = found
      } else if gateway == nil, word.contains(":") == isSix, isSix ? IPWords.isSix(word) : IPWords.four(word) != nil {
        gateway = word
      } else {
        isUnderstood = false
      }
    }
    guard isUnderstood else {
      lost.append((number, line))
      return
    }
    addresses.removeAll { $0.contains(":") == isSix }
    addresses.append("\(parts[0])/\(length ?? (isSix ? 64 : 24))")
    gateways.removeAll { $0.contains(":") == isSix }
    if let gateway, gateway != "0.0.0.0" { gateways.append(gateway) }
  }
}
