import Frames

/// The ports of a data plane, found by name or number.
///
/// A port's number is taken before anybody is asked to do something, and is free when reactor, worker and the
/// interfaces' thread have let go of it: what is still on its way to the old port can never meet a new one.
struct PortTable {
  /// Workers that may move frames of a port.
  private let workers: Int
  private var table = NameTable<String, PortRecord>(numbers: PortRecord.numbers)
  /// Ports of each switch, by its number; those that are coming or going too.
  private var members: [Int: Int] = [:]

  /// - Parameter workers: that may move frames of a port, each with counters of its own.
  init(workers: Int) { self.workers = workers }

  /// Takes a name and a number for a port that is coming.
  ///
  /// - Parameter switchIndex: of the switch of that name, which has to stay as long as the port is there.
  /// - Throws: `nameTaken`, or `invalid` if there is no number left.
  mutating func reserve(
    _ name: String, on switchName: String?, _ switchIndex: Int?, _ mode: PortMode, mtu: Int
  ) throws(DataplaneError) -> PortRecord {
    guard !table.isTaken(name) else { throw .nameTaken(name) }
    let number = table.reserve(name) { [workers] number in
      PortRecord(
        index: number, name: name, switchName: switchName, kind: .tap, mode: mode, mtu: mtu,
        address: nil, peer: nil, socket: nil, switchIndex: switchIndex, block: CounterBlock(workers: workers))
    }
    guard let number, let record = table.record(at: number) else {
      throw .invalid("port \(name): \(PortRecord.numbers.count) ports is the limit")
    }
    if let switchIndex { members[switchIndex, default: 0] += 1 }
    return record
  }

  /// A port that was coming is there.
  mutating func settle(_ record: PortRecord) {
    table.change(record.index) { $0 = record }
    table.settle(record.index)
  }

  /// A port is to go: nobody finds it any more, and the other end of its wire or joint has none.
  mutating func dismiss(_ record: PortRecord) {
    table.dismiss(record.index)
    if let peer = record.peer.flatMap(table.find) { table.change(peer.index) { $0.peer = nil } }
  }

  /// A port is gone, or did not come: its number is free.
  mutating func release(_ record: PortRecord) {
    table.release(record.index)
    if let switchIndex = record.switchIndex { members[switchIndex, default: 1] -= 1 }
  }

  /// Makes two ports that are there each other's ends.
  mutating func join(_ first: PortRecord, _ second: PortRecord) {
    table.change(first.index) { $0.peer = second.name }
    table.change(second.index) { $0.peer = first.name }
  }

  mutating func setRules(_ record: PortRecord, _ rules: PortRules) {
    table.change(record.index) { $0.rules = rules }
  }

  mutating func setMTU(_ record: PortRecord, _ mtu: Int) { table.change(record.index) { $0.mtu = mtu } }

  mutating func setSocket(_ record: PortRecord, _ socket: VhostUserSocket) {
    table.change(record.index) { record in
      (record.socket, record.place) = (socket, socket.path)
    }
  }

  mutating func setSocket(_ record: PortRecord, _ peer: SocketPeer) {
    table.change(record.index) { record in
      (record.peerSocket, record.place) = (peer, peer.path)
    }
  }

  mutating func setMigrationBuffer(_ record: PortRecord, _ bytes: Int) {
    table.change(record.index) { $0.migrationBuffer = bytes }
  }

  mutating func setMode(_ record: PortRecord, _ mode: PortMode) {
    table.change(record.index) { $0.mode = mode }
  }

  /// Sets what a port does with frames of some VLANs; returns all of its states.
  mutating func setForwarding(
    _ record: PortRecord, _ vlans: VLANSet, _ state: ForwardingState
  ) -> ForwardingStates? {
    var states = record.states ?? ForwardingStates()
    states.set(vlans, to: state)
    let kept = states.isEmpty ? nil : states
    table.change(record.index) { $0.states = kept }
    return kept
  }

  /// The port of that name; nil if it is not there, or not yet, or not any more.
  func find(_ name: String) -> PortRecord? { table.find(name) }

  /// The name of whatever port has that number, for what a worker says.
  func name(of number: Int) -> String? { table.record(at: number)?.name }

  /// A switch has ports, or will have, or had until the worker has let go of them.
  func hasPorts(on switchIndex: Int) -> Bool { members[switchIndex, default: 0] > 0 }

  /// All ports that are there, in the order of their addition.
  var inOrder: [PortRecord] { table.inOrder }
}
