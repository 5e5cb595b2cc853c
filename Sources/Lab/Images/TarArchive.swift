import Topology

/// The members of a tar archive (POSIX ustar and pax, and GNU's long names), found by their heads alone.
///
/// Only plain files count, and folders are passed over: links, devices and sparse members, which say more bytes than
/// they have, are refused, and so is every name that leads out of the folder the archive would be unpacked in.
struct TarArchive: Sendable {
  struct Member: Sendable, Equatable {
    /// Without `./` before it.
    var name: String
    /// Where its bytes begin.
    var offset: UInt64
    /// Bytes.
    var size: UInt64
  }

  private static let block: UInt64 = 512
  private static let mostMembers = 1000
  /// Bytes of a record that says more about the next member.
  private static let largestRecord: UInt64 = 1 << 20
  private static let kinds: [UInt8: String] = [
    UInt8(ascii: "1"): "a hard link", UInt8(ascii: "2"): "a symbolic link", UInt8(ascii: "3"): "a device",
    UInt8(ascii: "4"): "a device", UInt8(ascii: "6"): "a pipe", UInt8(ascii: "S"): "a sparse file",
  ]

  private(set) var members: [Member] = []
  private let bytes: ImageBytes
  private var position: UInt64 = 0
  /// Said by a record before it, of the next member.
  private var longName: String?
  private var longSize: UInt64?

  /// Whether a head is one of tar's.
  static func isOne(_ head: [UInt8]) -> Bool { head.count >= 512 && head[257..<262].elementsEqual("ustar".utf8) }

  /// - Throws: what is wrong with it.
  init(_ bytes: ImageBytes) throws(ImageFault) {
    self.bytes = bytes
    while position + Self.block <= bytes.size {
      let head = try bytes.read(at: position, count: Int(Self.block))
      // It may have become shorter meanwhile.
      guard head.count == Int(Self.block) else { throw ImageFault("is cut off") }
      if head.allSatisfy({ $0 == 0 }) { break }
      try add(head)
    }
    guard !members.isEmpty else { throw ImageFault("has nothing in it") }
  }

  private mutating func add(_ head: [UInt8]) throws(ImageFault) {
    guard Self.isSound(head) else { throw ImageFault("is no sound archive: byte \(position) is no head of a member") }
    guard let said = Self.number(head[124..<136]), said < 1 << 62 else {
      throw ImageFault("has a member of no size that is known, at byte \(position)")
    }
    let kind = head[156]
    let isRecord = "xgLK".utf8.contains(kind)
    let size = isRecord ? said : longSize ?? said
    let start = position + Self.block
    guard size <= bytes.size - start else { throw ImageFault("is cut off: a member reaches beyond its end") }
    defer { position = start + (size + Self.block - 1) / Self.block * Self.block }
    if isRecord { return try note(kind, try record(start, size)) }
    let name = longName ?? Self.name(head)
    (longName, longSize) = (nil, nil)
    let clean = try Self.checked(name)
    switch kind {
    case 0, UInt8(ascii: "0"), UInt8(ascii: "7"): break
    case UInt8(ascii: "5"): return
    default:
      throw ImageFault("has a member \(ShownText.line(name)) that is \(Self.kinds[kind] ?? "of no kind that is known")")
    }
    guard members.count < Self.mostMembers else { throw ImageFault("has more than \(Self.mostMembers) members") }
    guard !members.contains(where: { $0.name == clean }) else {
      throw ImageFault("has two members \(ShownText.line(clean))")
    }
    members.append(Member(name: clean, offset: start, size: size))
  }

  private func record(_ start: UInt64, _ size: UInt64) throws(ImageFault) -> [UInt8] {
    guard size <= Self.largestRecord else { throw ImageFault("has a record of \(size) bytes about a member") }
    return try bytes.read(at: start, count: Int(size))
  }

  private mutating func note(_ kind: UInt8, _ record: [UInt8]) throws(ImageFault) {
    switch kind {
    case UInt8(ascii: "L"): longName = String(decoding: record.prefix { $0 != 0 }, as: UTF8.self)
    case UInt8(ascii: "x"):
      for (key, value) in try Self.pairs(record) {
        if key == "path" { longName = value }
        if key == "size" {
          guard let size = UInt64(value), size < 1 << 62 else {
            throw ImageFault("has a member of no size that is known")
          }
          longSize = size
        }
        if key.hasPrefix("GNU.sparse") { throw ImageFault("has a member that is a sparse file") }
      }
    // A link's long name, whose member is refused, and what holds for all members: no name and no size.
    default: break
    }
  }

  /// Records of pax: `LENGTH KEY=VALUE\n`.
  private static func pairs(_ record: [UInt8]) throws(ImageFault) -> [(String, String)] {
    var pairs: [(String, String)] = []
    var rest = record[...]
    while let first = rest.first, first != 0 {
      guard let blank = rest.firstIndex(of: 0x20), let length = Int(String(decoding: rest[..<blank], as: UTF8.self)),
        length > blank - rest.startIndex + 1, length <= rest.count,
        let equals = rest[blank..<rest.startIndex + length].firstIndex(of: UInt8(ascii: "="))
      else { throw ImageFault("has a record about a member that cannot be read") }
      let end = rest.startIndex + length
      let value = rest[(equals + 1)..<max(equals + 1, end - 1)]
      pairs.append(
        (String(decoding: rest[(blank + 1)..<equals], as: UTF8.self), String(decoding: value, as: UTF8.self)))
      rest = rest[end...]
    }
    return pairs
  }

  // MARK: - Heads

  private static func isSound(_ head: [UInt8]) -> Bool {
    guard head[257..<262].elementsEqual("ustar".utf8), let sum = number(head[148..<156]) else { return false }
    let bytes = head.enumerated().map { (148..<156).contains($0.offset) ? 0x20 : UInt64($0.element) }
    return bytes.reduce(0, +) == sum
  }

  /// Octal digits, or GNU's bytes with the first bit set.
  private static func number(_ field: ArraySlice<UInt8>) -> UInt64? {
    if let first = field.first, first & 0x80 != 0 {
      guard first == 0x80, field.dropLast(8).dropFirst().allSatisfy({ $0 == 0 }) else { return nil }
      return field.suffix(8).reduce(0) { $0 << 8 | UInt64($1) }
    }
    let digits = field.drop { $0 == 0x20 }.prefix { $0 != 0 && $0 != 0x20 }
    return digits.isEmpty ? 0 : UInt64(String(decoding: digits, as: UTF8.self), radix: 8)
  }

  private static func name(_ head: [UInt8]) -> String {
    func text(_ range: Range<Int>) -> String { String(decoding: head[range].prefix { $0 != 0 }, as: UTF8.self) }
    // GNU's own form has times where ustar has the beginning of a long name.
    let hasPrefix = head[262] == 0
    let prefix = hasPrefix ? text(345..<500) : ""
    return prefix.isEmpty ? text(0..<100) : "\(prefix)/\(text(0..<100))"
  }

  private static func checked(_ name: String) throws(ImageFault) -> String {
    let parts = name.split(separator: "/")
    guard !name.hasPrefix("/"), !parts.contains("..") else {
      throw ImageFault("has a member \(ShownText.line(name)), which leads out of it")
    }
    let isHarmless = !name.isEmpty && !name.unicodeScalars.contains { $0.value < 0x20 || $0.value == 0x7F }
    guard isHarmless, name.utf8.count <= 4096 else {
      throw ImageFault("has a member with a name that is not taken: \(ShownText.line(name))")
    }
    return parts.filter { $0 != "." }.joined(separator: "/")
  }
}
