/// What the worker holds of a switch: the table that all threads share, and the switch's ports.
struct SwitchState: ~Copyable {
  var isUsed = false
  let table: SwitchTable
  /// `table` and `table.fdb` for the loop, which counts no references.
  let shared: Held<SwitchTable>
  let stations: Held<FDB>
  /// Numbers of the ports of this switch, in order of addition.
  var members: FixedArray<UInt16>
  var memberCount = 0

  /// A free slot.
  init() { self.init(SwitchTable(), isUsed: false, portCapacity: 0) }

  init(_ table: SwitchTable, portCapacity: Int) { self.init(table, isUsed: true, portCapacity: portCapacity) }

  private init(_ table: SwitchTable, isUsed: Bool, portCapacity: Int) {
    self.isUsed = isUsed
    self.table = table
    shared = Held(table)
    stations = Held(table.fdb)
    members = FixedArray(count: portCapacity) { _ in 0 }
  }

  var fdb: FDB { table.fdb }

  /// Makes room for more ports.
  mutating func reservePorts(_ capacity: Int) {
    guard isUsed, capacity > members.count else { return }
    members.grow(to: capacity) { _ in 0 }
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
  }
}
