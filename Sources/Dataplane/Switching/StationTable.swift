import Frames

/// Stations of a switch as they are written down: two words each, since there may be a million.
struct StationTable: Equatable, Sendable {
  /// A station in two words.
  struct Word {
    /// VLAN from bit 48 on, and below it the address, as `FDB.key` has them.
    var key: UInt64
    /// Bits 0...23 place in `ports`, bit 31 static, bits 32...63 milliseconds since it was last seen.
    var value: UInt64

    init(key: UInt64, port: Int, isStatic: Bool, age: Double) {
      self.key = key
      // What is not a number counts as seen just now.
      let milliseconds = age > 0 ? UInt64(min(age * 1000, 4_000_000_000)) : 0
      value = UInt64(truncatingIfNeeded: port & 0xFF_FFFF) | (isStatic ? 1 << 31 : 0) | milliseconds << 32
    }

    init(key: UInt64, value: UInt64) { (self.key, self.value) = (key, value) }

    var port: Int { Int(value & 0xFF_FFFF) }
    var isStatic: Bool { value & 1 << 31 != 0 }
    /// Seconds.
    var age: Double { Double(value >> 32) / 1000 }
    var vlan: Int { Int(key >> 48) }
    var address: MACAddress { MACAddress(bits: key) }
  }

  /// Names of ports, each once.
  private(set) var ports: [String] = []
  private var words: [UInt64] = []

  init() {}

  var count: Int { words.count / 2 }

  subscript(index: Int) -> Word { Word(key: words[2 * index], value: words[2 * index + 1]) }

  mutating func reserve(_ count: Int) { words.reserveCapacity(2 * count) }

  /// The place of a name that is not in `ports` yet.
  mutating func addPort(_ name: String) -> Int {
    ports.append(name)
    return ports.count - 1
  }

  mutating func append(_ word: Word) {
    words.append(word.key)
    words.append(word.value)
  }

  /// Leaves out the stations of some ports.
  func without(_ gone: Set<String>) -> StationTable {
    guard !gone.isEmpty else { return self }
    var kept = self
    kept.words = []
    for index in 0..<count where !gone.contains(ports[self[index].port]) { kept.append(self[index]) }
    return kept
  }
}

extension StationTable {
  init(_ entries: [SwitchSnapshot.Entry]) {
    var places: [String: Int] = [:]
    reserve(entries.count)
    for entry in entries {
      let place = places[entry.port] ?? addPort(entry.port)
      places[entry.port] = place
      // What cannot be a VLAN stays none.
      let vlan = UInt64(UInt16(exactly: entry.vlan) ?? .max)
      append(
        Word(
          key: vlan << 48 | entry.address.bits, port: place, isStatic: entry.origin == .fixed, age: entry.age))
    }
  }

  var entries: [SwitchSnapshot.Entry] {
    (0..<count).map { index in
      let word = self[index]
      return SwitchSnapshot.Entry(
        vlan: word.vlan, address: word.address, port: ports[word.port], origin: word.isStatic ? .fixed : .learned,
        age: word.age)
    }
  }
}

extension StationTable: Codable {
  private enum Key: String, CodingKey { case ports, stations }

  init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: Key.self)
    ports = try container.decode([String].self, forKey: .ports)
    let bytes = try container.decode(PackedBytes.self, forKey: .stations).bytes
    guard bytes.count % 16 == 0 else {
      throw DecodingError.dataCorruptedError(
        forKey: .stations, in: container, debugDescription: "\(bytes.count) bytes, expected 16 a station")
    }
    words.reserveCapacity(bytes.count / 8)
    for start in stride(from: 0, to: bytes.count, by: 8) {
      var word: UInt64 = 0
      for place in 0..<8 { word |= UInt64(bytes[start + place]) << UInt64(8 * place) }
      words.append(word)
    }
    for index in 0..<count where self[index].port >= ports.count {
      throw DecodingError.dataCorruptedError(
        forKey: .stations, in: container, debugDescription: "port \(self[index].port) of \(ports.count)")
    }
  }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Key.self)
    try container.encode(ports, forKey: .ports)
    var bytes: [UInt8] = []
    bytes.reserveCapacity(8 * words.count)
    for word in words {
      for place in 0..<8 { bytes.append(UInt8(truncatingIfNeeded: word >> UInt64(8 * place))) }
    }
    try container.encode(PackedBytes(bytes), forKey: .stations)
  }
}
