/// What the worker holds of a switch.
struct SwitchState: ~Copyable {
  var isUsed = false
  var fdb: FDB
  var linkLocal = LinkLocalPolicy.standard
  /// Seconds until an unused FDB entry is forgotten.
  var aging: UInt32 = 300
  /// Numbers of the ports of this switch, in order of addition.
  var members: FixedArray<UInt16>
  var memberCount = 0

  /// A free slot.
  init() {
    fdb = FDB(limit: 0, portCapacity: 0)
    members = FixedArray(count: 0) { _ in 0 }
  }

  init(_ configuration: SwitchConfiguration, portCapacity: Int) {
    isUsed = true
    fdb = FDB(limit: configuration.fdbLimit, portCapacity: portCapacity)
    members = FixedArray(count: portCapacity) { _ in 0 }
    change(configuration)
  }

  /// Takes over what may change while the switch forwards.
  mutating func change(_ configuration: SwitchConfiguration) {
    linkLocal = configuration.linkLocal
    aging = UInt32(min(max(configuration.aging, 1), 1_000_000))
  }

  /// Makes room for more ports.
  mutating func reservePorts(_ capacity: Int) {
    guard isUsed, capacity > members.count else { return }
    members.grow(to: capacity) { _ in 0 }
    fdb.reservePorts(capacity)
  }

  mutating func addMember(_ port: Int) {
    members[memberCount] = UInt16(port)
    memberCount += 1
  }

  mutating func removeMember(_ port: Int) {
    var kept = 0
    for index in 0..<memberCount where members[index] != UInt16(port) {
      members[kept] = members[index]
      kept += 1
    }
    memberCount = kept
    fdb.flush(port: port)
  }
}
