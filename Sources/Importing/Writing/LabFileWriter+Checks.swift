import Frames
import Topology

/// Values that no lab file takes, whatever else it says: they are left out at once, before the whole is checked.
extension LabFileWriter {
  mutating func dropMalformed() {
    for (node, value) in lab.nodes.enumerated() {
      for (nic, value) in value.nics.enumerated() { dropMalformed(value, node, nic) }
    }
  }

  private mutating func dropMalformed(_ value: ForeignNIC, _ node: Int, _ nic: Int) {
    if let mac = value.mac, MACAddress(mac).map({ $0.isGroup || $0.isZero }) ?? true {
      drop(.mac(node: node, nic: nic), "\"\(mac)\" is no MAC address that a NIC can have")
    }
    if let mtu = value.mtu, !Limits.mtu.contains(mtu) {
      drop(.mtu(node: node, nic: nic), "\(mtu) is not within \(Limits.mtu.lowerBound)..\(Limits.mtu.upperBound)")
    }
    for (place, address) in value.addresses.enumerated() where IPPrefix(address) == nil {
      drop(.address(node: node, nic: nic, place), "it is no address with a prefix length")
    }
    for (place, gateway) in value.gateways.enumerated() where IPAddress(Substring(gateway)) == nil {
      drop(.gateway(node: node, nic: nic, place), "it is no address")
    }
    for (place, route) in value.routes.enumerated() {
      let isRoute = (route.to == "default" || IPPrefix(route.to) != nil) && IPAddress(Substring(route.via)) != nil
      if !isRoute { drop(.route(node: node, nic: nic, place), "\(route.to) via \(route.via) is no route") }
    }
  }
}
