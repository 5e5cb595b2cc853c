import Dataplane
import Frames
import LinuxHost
import Topology

/// TAPs that are added at run time: one that is there is used as it is and stays, any other is made and goes with its port.
extension AddedPortKind {
  static let tap = AddedPortKind(
    word: "tap", value: "INTERFACE", text: "a TAP of this host", isInterface: true, makes: true,
    canReopen: true,
    check: { port throws(UserError) in
      do throws(SystemError) {
        try TAPDevice.checkName(port.target)
      } catch {
        throw UserError(
          .badInput, "\"\(port.target)\" is no name of an interface",
          hint: "1 to \(Names.longestInterfaceName) ASCII characters without spaces, /, % and :")
      }
      if let meaning = Names.reservedForNICs[port.target] {
        throw UserError(.badInput, "a TAP cannot be called \"\(port.target)\": \(meaning)")
      }
    },
    find: { port, _ throws(UserError) in
      guard HostFacts.isRoot else {
        throw UserError(.failed, "port \(port.name): opening a TAP needs root", hint: "run the lab as root")
      }
      guard TAPDevice.exists(name: port.target, namespace: port.namespace) else {
        // A pod's is made by who asks for the port.
        guard let namespace = port.namespace else { return port.isMade = true }
        throw UserError(.failed, "port \(port.name): there is no interface \(port.target) in \(namespace)")
      }
      let namespace = port.namespace
      let links = try explained(port) { () throws(SystemError) in try Netlink.links(namespace: namespace) }
      if let address = links.first(where: { $0.name == port.target }).flatMap({ MACAddress($0.address) }) {
        port.mac = address
      }
    },
    backend: { port throws(UserError) in
      var tap = TAPInterface(name: port.target)
      tap.namespace = port.namespace
      tap.offload = OffloadLevel(port.offload ?? .on)
      return .tap(tap)
    },
    isThere: { TAPDevice.exists(name: $0.target, namespace: $0.namespace) },
    settle: { port, isNew throws(UserError) in
      try explained(port) { () throws(SystemError) in
        if isNew {
          try InterfaceSetup.apply(to: port.target, mac: port.mac, mtu: port.mtu)
        } else if let mtu = port.mtu {
          try Netlink.configure(link: port.target, namespace: port.namespace, mtu: mtu, address: nil, up: nil)
        }
      }
    },
    setMTU: { port, mtu, _ throws(UserError) in
      try explained(port) { () throws(SystemError) in
        try Netlink.configure(link: port.target, namespace: port.namespace, mtu: mtu, address: nil, up: nil)
      }
    },
    remove: { port, _ throws(UserError) in
      guard port.isMade == true, TAPDevice.exists(name: port.target, namespace: nil) else { return [] }
      try explained(port) { () throws(SystemError) in try TAPDevice.remove(name: port.target, namespace: nil) }
      return ["interface \(port.target)"]
    })

  /// Says of which port an error is.
  static func explained<Value>(
    _ port: AddedPort, _ body: () throws(SystemError) -> Value
  ) throws(UserError) -> Value {
    do {
      return try body()
    } catch {
      throw UserError(.failed, "port \(port.name): \(error)")
    }
  }
}
