/// What a port lets through and how much of it, as its NIC says it.
///
/// What is said at run time has the same words: `set` reads them.
package struct RulesDefinition: Sendable, Hashable {
  /// Whose source addresses pass.
  package enum AddressLock: Sendable, Hashable {
    /// The NIC's own, and those that a DHCP server of its VLAN gives it.
    case own
    case listed([AddressBlock])
  }

  /// Why a value was not taken.
  package enum ValueFault: Error, Sendable, Equatable {
    /// It is no value of that type; the text says which it must be.
    case type(String)
    /// It is out of range; the text has the limits.
    case range(String)
  }

  /// Name of an access list; nil = everything passes.
  package var access: String?
  /// Only the NIC's own station address passes as a source.
  package var isMACLocked = false
  /// Nil = any.
  package var ipLock: AddressLock?
  /// Stations that the port may have; nil = as many as its switch lets it.
  package var learnLimit: Int?
  /// Sends nothing to other isolated ports of its switch.
  package var isIsolated = false
  /// Frames a second from the node; nil = any number.
  package var broadcastStorm: Int?
  package var multicastStorm: Int?
  package var unknownStorm: Int?
  /// Bits a second; nil = any number.
  package var rateToNode: Int?
  package var rateFromNode: Int?

  package init() {}

  /// Everything passes.
  package var isEmpty: Bool { self == RulesDefinition() }

  /// Sets one key from its text in the lab file or on a command line.
  package mutating func set(_ key: RuleKey, to text: String) throws(ValueFault) {
    switch key {
    case .access: access = try Self.name(text)
    case .macLock: isMACLocked = try Self.boolean(key, text)
    case .ipLock: ipLock = try Self.lock(text)
    case .learnLimit: learnLimit = try Self.value(key, text, in: Limits.learnLimit) { ValueReader.integer($0) }
    case .isolated: isIsolated = try Self.boolean(key, text)
    case .broadcastStorm: broadcastStorm = try Self.storm(key, text)
    case .multicastStorm: multicastStorm = try Self.storm(key, text)
    case .unknownStorm: unknownStorm = try Self.storm(key, text)
    case .rateToNode: rateToNode = try Self.value(key, text, in: Limits.rate) { Units.bitsPerSecond($0) }
    case .rateFromNode: rateFromNode = try Self.value(key, text, in: Limits.rate) { Units.bitsPerSecond($0) }
    }
  }

  /// The value of a key as `set` reads it; nil where nothing is said.
  package func text(of key: RuleKey) -> String? {
    switch key {
    case .access: access
    case .macLock: isMACLocked ? "on" : nil
    case .ipLock: ipLock?.description
    case .learnLimit: learnLimit.map { "\($0)" }
    case .isolated: isIsolated ? "on" : nil
    case .broadcastStorm: broadcastStorm.map { "\($0)/s" }
    case .multicastStorm: multicastStorm.map { "\($0)/s" }
    case .unknownStorm: unknownStorm.map { "\($0)/s" }
    case .rateToNode: rateToNode.map { ImpairmentText.rate($0) }
    case .rateFromNode: rateFromNode.map { ImpairmentText.rate($0) }
    }
  }

  /// `access web, mac-lock on, storm.broadcast 100/s`; empty where nothing is said.
  package var words: String {
    RuleKey.allCases.compactMap { key in text(of: key).map { "\(key.rawValue) \($0)" } }.joined(separator: ", ")
  }

  // MARK: - Values

  private static func name(_ text: String) throws(ValueFault) -> String? {
    guard text != AccessDefinition.noneWord else { return nil }
    guard Names.valid(text) else { throw .type(RuleKey.access.wanted) }
    return text
  }

  private static func boolean(_ key: RuleKey, _ text: String) throws(ValueFault) -> Bool {
    guard let value = ValueReader.boolean(text) else { throw .type(key.wanted) }
    return value
  }

  /// `on`, `off`, or addresses with commas between.
  private static func lock(_ text: String) throws(ValueFault) -> AddressLock? {
    if let isOn = ValueReader.boolean(text) { return isOn ? .own : nil }
    let words = text.split(separator: ",", omittingEmptySubsequences: false)
    var blocks: [AddressBlock] = []
    for word in words {
      guard let block = AddressBlock(String(word)) else { throw .type(RuleKey.ipLock.wanted) }
      if !blocks.contains(block) { blocks.append(block) }
    }
    guard Limits.lockedAddresses.contains(blocks.count) else { throw .range(RuleKey.ipLock.limits) }
    return .listed(blocks)
  }

  private static func storm(_ key: RuleKey, _ text: String) throws(ValueFault) -> Int? {
    try value(key, text, in: Limits.storm) { text in
      text.hasSuffix("/s") ? ValueReader.integer(String(text.dropLast(2))) : nil
    }
  }

  /// A number within limits; nil for `none`.
  private static func value(
    _ key: RuleKey, _ text: String, in range: ClosedRange<Int>, _ read: (String) -> Int?
  ) throws(ValueFault) -> Int? {
    guard text != AccessDefinition.noneWord else { return nil }
    guard let number = read(text) else { throw .type(key.wanted) }
    guard range.contains(number) else { throw .range(key.limits) }
    return number
  }
}

extension RulesDefinition.AddressLock: CustomStringConvertible {
  /// As `ip-lock` has it on a command line.
  package var description: String {
    switch self {
    case .own: "on"
    case .listed(let blocks): blocks.map(\.description).joined(separator: ",")
    }
  }
}

/// A mapping from the keys of `port set` to their values: only what is said is there.
extension RulesDefinition: Codable {
  private struct Key: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }
    init(_ key: RuleKey) { stringValue = key.rawValue }
    init?(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
  }

  /// Keys that this version does not know are left out.
  /// - Throws: `DecodingError` for a value that a lab file cannot have.
  package init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: Key.self)
    for key in RuleKey.allCases {
      guard let text = try container.decodeIfPresent(String.self, forKey: Key(key)) else { continue }
      do throws(ValueFault) {
        try set(key, to: text)
      } catch {
        throw DecodingError.dataCorruptedError(
          forKey: Key(key), in: container, debugDescription: "\"\(text)\" is no value of \(key.rawValue)")
      }
    }
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Key.self)
    for key in RuleKey.allCases { try container.encodeIfPresent(text(of: key), forKey: Key(key)) }
  }
}
