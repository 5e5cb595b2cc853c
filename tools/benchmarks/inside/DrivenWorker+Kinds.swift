import Frames
import Glibc
import LinuxHost

// Of the benchmark's build of the data plane alone, beside DrivenWorker: ports of other kinds than its own, and a second
// switch. `tools/benchmarks/forwarding.sh` puts it there.

extension DrivenWorker {
  /// Adds a switch; returns its number.
  package mutating func addSwitch() throws -> Int {
    let table = try SwitchTable(SwitchConfiguration(name: "far"))
    table.fdb.coldReservePorts(64)
    core.coldAddSwitch(1, table)
    return 1
  }

  /// Adds a port of a guest to a switch; returns its number.
  package mutating func addPort(_ mode: PortMode, on switchIndex: Int) -> Int {
    add(.vhostUser, mode, on: switchIndex)
  }

  /// Adds a TAP port with the virtio-net header whose interface is a socket; returns its number and the kernel's end.
  package mutating func addTAP(_ mode: PortMode) throws -> (port: Int, far: Descriptor) {
    var pair: [Int32] = [-1, -1]
    let type = CInt(SOCK_DGRAM.rawValue) | CInt(SOCK_NONBLOCK.rawValue) | CInt(SOCK_CLOEXEC.rawValue)
    guard socketpair(AF_UNIX, type, 0, &pair) == 0 else {
      throw SystemError(call: "socketpair", code: errno, context: "")
    }
    let far = Descriptor(owning: pair[1])
    let port = add(.tap, mode, on: 0)
    if let error = core.coldOpenTAP(port, Descriptor(owning: pair[0]), hasOffload: true) { throw error }
    core.coldSetInterface(port, isUp: true)
    core.coldCarrier(port)
    return (port, far)
  }

  /// Adds a stream's port; returns its number and the peer's end.
  package mutating func addStream(_ mode: PortMode) throws -> (port: Int, far: Descriptor) {
    let (near, far) = try UnixSocket.pair()
    UnixSocket.widenSendBuffer(near, to: 512 << 10)
    let port = add(.stream, mode, on: 0)
    core.coldOpenStream(port, near, epoch: 1)
    return (port, far)
  }

  /// Joins switch 0 with another one, for all VLANs.
  package mutating func addPatch(to switchIndex: Int) {
    let ends = [0, switchIndex].map { add(.patch, .trunk(allowed: .all, native: nil), on: $0) }
    core.coldConnect(ends[0], ends[1])
  }

  /// Has ports look at the descriptors of which the kernel says something.
  package mutating func takeEvents() {
    var events = [EpollEvent](repeating: EpollEvent(), count: 16)
    let count = core.state.ports.epoll.wait(into: &events, timeoutMicroseconds: 0)
    for event in events.prefix(count) {
      let token = EventToken(word: event.token)
      if let port = token.port {
        core.state.ports.coldHandle(port, PortEvent(source: token.source, events: event.events))
      }
    }
  }

  private mutating func add(_ kind: PortKind, _ mode: PortMode, on switchIndex: Int) -> Int {
    let port = records.count
    let record = PortRecord(
      index: port, name: "\(port)", switchName: nil, kind: .vhostUser, mode: mode, mtu: PortConfiguration.largestMTU,
      address: MACAddress(bits: 2), peer: nil, socket: nil, switchIndex: mode == .wire ? nil : switchIndex,
      block: CounterBlock())
    records.append(record)
    table.fdb.coldReservePorts(port + 1)
    core.coldAddPort(record, kind)
    return port
  }
}
