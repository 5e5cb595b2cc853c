import Frames

/// What a port's rules have come to, as a plain value: the flows that a list let through, its counters, addresses that were
/// learnt.
///
/// Times are relative to the moment at which it was made.
package struct RuleState: Codable, Equatable, Sendable {
  /// Name of the port.
  package var port: String
  /// The list; flows and counters mean nothing to another one.
  package var list: AccessList?
  /// From the node, then to the node: of each rule, of the default, of what was needed, of answers.
  package var hits: [UInt64] = []
  /// Of `Flow.size` bytes each.
  var packedFlows = PackedBytes([])
  package var leases: [Lease] = []

  /// An address that was learnt.
  package struct Lease: Codable, Equatable, Sendable {
    package var address: AddressRange
    /// Seconds that it counts yet.
    package var remaining: UInt32
  }

  /// Flows that there are.
  package var flowCount: Int { packedFlows.bytes.count / Flow.size }

  /// A flow in bytes: its key 40, seconds since its last frame 4, seconds that it counts after it 4, rule 2, marks 1.
  enum Flow {
    static let size = 51

    static func bytes(of entry: FlowEntry, _ tick: UInt32) -> [UInt8] {
      let age = tick > entry.lastSeen ? tick - entry.lastSeen : 0
      let marks =
        (entry.isFromNode ? 1 : 0) | (entry.isAnswered ? 2 : 0) | (entry.isClosing ? 4 : 0) | (entry.isReset ? 8 : 0)
      let key = entry.key
      var bytes: [UInt8] = []
      for word in [key.meta, key.first, key.second, key.third, key.fourth, UInt64(age) | UInt64(entry.lifetime) << 32] {
        for place in 0..<8 { bytes.append(UInt8(truncatingIfNeeded: word >> UInt64(8 * place))) }
      }
      return bytes + [UInt8(truncatingIfNeeded: entry.rule), UInt8(entry.rule >> 8), UInt8(marks)]
    }

    /// Nil if it cannot be, or is over.
    static func entry(of bytes: ArraySlice<UInt8>, _ tick: UInt32, rules: (fromNode: Int, toNode: Int)) -> FlowEntry? {
      guard bytes.count == size else { return nil }
      let start = bytes.startIndex
      let words = (0..<6).map { word in
        (0..<8).reduce(UInt64(0)) { $0 | UInt64(bytes[start + 8 * word + $1]) << UInt64(8 * $1) }
      }
      var entry = FlowEntry()
      entry.key = FlowKey(meta: words[0], (words[1], words[2], words[3], words[4]))
      let age = UInt32(truncatingIfNeeded: words[5])
      entry.lifetime = UInt32(truncatingIfNeeded: words[5] >> 32)
      entry.rule = UInt16(bytes[start + 48]) | UInt16(bytes[start + 49]) << 8
      let marks = bytes[start + 50]
      (entry.isFromNode, entry.isAnswered) = (marks & 1 != 0, marks & 2 != 0)
      (entry.isClosing, entry.isReset) = (marks & 4 != 0, marks & 8 != 0)
      let count = entry.isFromNode ? rules.fromNode : rules.toNode
      guard words[0] & ~0x8010_0FFF_FFFF_FFFF == 0, words[0] >> 63 == 1, age <= entry.lifetime,
        entry.lifetime <= FlowStates.Lifetime.established, entry.rule == 0xFFFF || Int(entry.rule) < count
      else { return nil }
      entry.lastSeen = tick &- min(age, tick &- 1)
      return entry
    }
  }
}

extension RuleState {
  /// The same after some seconds.
  func after(seconds: UInt32) -> RuleState {
    var later = self
    later.leases = leases.compactMap { lease in
      lease.remaining > seconds ? Lease(address: lease.address, remaining: lease.remaining - seconds) : nil
    }
    return later
  }
}

extension PortRuleSet {
  func coldState(_ name: String, _ tick: UInt32) -> RuleState {
    var state = RuleState(port: name, list: rules.access)
    if rules.access != nil { state.hits = coldHits }
    state.packedFlows = PackedBytes(flows.coldList(tick).flatMap { RuleState.Flow.bytes(of: $0, tick) })
    state.leases = addresses.coldLearnt(tick).map { RuleState.Lease(address: $0.address, remaining: $0.until - tick) }
    return state
  }

  mutating func coldRestore(_ saved: RuleState, _ tick: UInt32) {
    if rules.learnsAddresses {
      for lease in saved.leases.prefix(AddressLock.mostLearnt) where !lease.address.isIPv6 {
        addresses.coldLearn(lease.address, for: lease.remaining, tick)
      }
    }
    guard let list = rules.access, saved.list == list else { return }
    coldAddHits(saved.hits)
    guard isStateful else { return }
    let bytes = saved.packedFlows.bytes
    let size = RuleState.Flow.size
    for start in stride(from: 0, to: bytes.count - bytes.count % size, by: size) {
      let entry = RuleState.Flow.entry(
        of: bytes[start..<(start + size)], tick, rules: (fromNode: fromNode.count, toNode: toNode.count))
      if let entry { flows.add(entry, tick) }
    }
  }
}
