import Frames
import Lab

/// A frame as somebody writes it on a command line.
enum FrameText {
  /// Bytes of the shortest frame, less its checksum.
  private static let shortest = 60

  /// EtherTypes by name (IEEE 802 numbers).
  private static let types = ["ipv4": 0x0800, "arp": 0x0806, "ipv6": 0x86DD, "lldp": 0x88CC]

  /// - Parameters:
  ///   - source: the station address that is taken when none is said.
  ///   - addressOf: the station address of a port by its name; nil if there is no such port, or it has none.
  /// - Throws: `UserError`: the word that is wrong, and what it may be.
  static func bytes(
    _ words: [String], source: String, addressOf: (String) -> String?
  ) throws(UserError) -> [UInt8] {
    if !words.isEmpty, !words.contains(where: { $0.contains("=") }) { return try hexadecimal(words.joined()) }
    let values = try values(words)
    let packet = try PacketText(values)
    var frame: [UInt8] = []
    for end in ["dst", "src"] {
      let value = values[end] ?? (end == "src" ? source : "ff:ff:ff:ff:ff:ff")
      frame += try address(addressOf(value) ?? value, end)
    }
    if values["vlan"] != nil || values["priority"] != nil {
      let vlan = try number(values["vlan"] ?? "0", "vlan", 0...4095)
      let priority = try number(values["priority"] ?? "0", "priority", 0...7)
      frame += [0x81, 0x00, UInt8(priority << 5 | vlan >> 8), UInt8(vlan & 0xFF)]
    }
    let name = values["type"] ?? "\(packet?.type ?? 0x0800)"
    guard let type = types[name.lowercased()] ?? (try? number(name, "type", 0...0xFFFF)) else {
      let names = types.keys.sorted().joined(separator: ", ")
      throw UserError(.badInput, "type=\"\(name)\" is neither in 0..65535 nor one of \(names)")
    }
    frame += [UInt8(type >> 8), UInt8(type & 0xFF)] + (packet?.bytes ?? [])
    let size = try number(values["size"] ?? "\(max(shortest, frame.count))", "size", frame.count...65_535)
    return frame + [UInt8](repeating: 0, count: size - frame.count)
  }

  /// What the words say, by their keys.
  private static func values(_ words: [String]) throws(UserError) -> [String: String] {
    var values: [String: String] = [:]
    let known = ["src", "dst", "vlan", "priority", "type", "size"] + PacketText.keys
    for word in words {
      let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map { String($0) }
      guard parts.count == 2, known.contains(parts[0]) else {
        throw UserError(.badInput, "\"\(word)\" is none of \(known.map { "\($0)=" }.joined(separator: ", "))")
      }
      values[parts[0]] = parts[1]
    }
    return values
  }

  private static func hexadecimal(_ text: String) throws(UserError) -> [UInt8] {
    let digits = text.filter { !$0.isWhitespace && $0 != ":" }
    let values = digits.compactMap { $0.hexDigitValue }
    guard values.count == digits.count, !values.isEmpty, values.count % 2 == 0 else {
      throw UserError(.badInput, "a frame is an even number of hexadecimal digits, or words such as dst=MAC vlan=10")
    }
    return stride(from: 0, to: values.count, by: 2).map { UInt8(values[$0] << 4 | values[$0 + 1]) }
  }

  private static func address(_ text: String, _ name: String) throws(UserError) -> [UInt8] {
    guard let address = MACAddress(text) else {
      throw UserError(
        .badInput, "\(name)=\"\(text)\" is neither a MAC address such as 02:00:00:00:00:01 nor a port that has one")
    }
    return address.bytes
  }

  private static func number(_ text: String, _ name: String, _ range: ClosedRange<Int>) throws(UserError) -> Int {
    let value = text.hasPrefix("0x") ? Int(text.dropFirst(2), radix: 16) : Int(text)
    guard let value, range.contains(value) else {
      throw UserError(.badInput, "\(name)=\"\(text)\" is not in \(range.lowerBound)..\(range.upperBound)")
    }
    return value
  }
}
