import Frames
import LinuxHost

@testable import Dataplane

extension DrivenWorker {
  /// Joins the switch by a patch for all VLANs with another one, that has so many ports of VLAN 1 which take everything.
  ///
  /// - Returns: the port that is the patch's end at the switch.
  mutating func addFarSwitch(listeners: Int) throws(SystemError) -> Int {
    let far = try SwitchTable(SwitchConfiguration(name: "far"))
    core.coldAddSwitch(1, far)
    let trunk = PortMode.trunk(allowed: .all, native: nil)
    let ends = [add(.patch, trunk, on: 0), add(.patch, trunk, on: 1)]
    core.coldConnect(ends[0], ends[1])
    for _ in 0..<listeners { core.coldCarrier(add(.null, .access(vlan: 1), on: 1)) }
    table.fdb.coldReservePorts(records.count)
    far.fdb.coldReservePorts(records.count)
    return ends[0]
  }

  private mutating func add(_ kind: PortKind, _ mode: PortMode, on switchIndex: Int) -> Int {
    let port = records.count
    let record = PortRecord(
      index: port, name: "\(port)", switchName: nil, kind: .vhostUser, mode: mode, mtu: PortConfiguration.largestMTU,
      address: MACAddress(bits: 2), peer: nil, socket: nil, switchIndex: switchIndex, block: CounterBlock())
    records.append(record)
    core.coldAddPort(record, kind)
    return port
  }
}
