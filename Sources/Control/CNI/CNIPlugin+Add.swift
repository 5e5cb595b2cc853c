import Frames
import Lab
import Topology

extension CNIPlugin {
  /// Makes the interface and its port.
  ///
  /// After an error nothing is left of either, nor of the addresses.
  func add(_ call: CNICall, _ network: CNINetwork) async throws -> CNIResult {
    let interface = try check(place: call)
    guard network.previous == nil else {
      throw CNIError(
        CNIError.Code.invalidNetwork, "\"prevResult\" is there, but apus makes the interface",
        details: "apus stands first in its list of plugins")
    }
    let mac = try station(call, network)
    let lab = try openLab(network)
    guard !host.isThere(interface) else {
      throw CNIError(
        CNIError.Code.exists, "there is an interface \(call.interface) in \(call.namespace) already",
        details: "DEL removes one that apus has made")
    }
    do {
      var result = try await addresses(call, network)
      let port = try make(interface, call, network, mac, &result)
      do {
        try host.configure(interface, addresses: result.addresses.map(\.address), routes: result.podRoutes)
        try await add(port, to: lab)
        if !network.bandwidth.isEmpty { try await limit(port, network, lab) }
      } catch {
        throw CNIError(error).with(await failure { try host.remove(interface, mark: call.mark) })
      }
      return result
    } catch {
      throw CNIError(error).with(await failure { try await delegate(call, network, .delete) })
    }
  }

  /// - Throws: `CNIError` unless there is a namespace, and one that is not the host's.
  func check(place call: CNICall) throws(CNIError) -> PodInterface {
    let interface = PodInterface(call.interface, in: call.namespace)
    switch host.place(of: interface) {
    case .namespace: return interface
    case .own:
      throw CNIError(
        CNIError.Code.invalidEnvironment, "CNI_NETNS \(call.namespace.debugDescription) is the host's own namespace")
    case .none(let why):
      throw CNIError(CNIError.Code.unknownContainer, "CNI_NETNS \(call.namespace.debugDescription): \(why)")
    }
  }

  /// What the runtime says, or the one that belongs to this container and interface.
  private func station(_ call: CNICall, _ network: CNINetwork) throws(CNIError) -> MACAddress {
    if let mac = network.mac { return mac }
    if let word = call.arguments.mac { return try CNINetwork.station(word) }
    return Names.derivedMAC(lab: network.lab, node: call.container, nic: call.interface)
  }

  /// Those that the other plugin chooses; without one, those that the runtime says.
  private func addresses(_ call: CNICall, _ network: CNINetwork) async throws -> CNIResult {
    var result = CNIResult()
    if network.ipam != nil {
      guard let answer = try await delegate(call, network, .add) else {
        throw CNIError(CNIError.Code.notDecoded, "plugin \(network.ipam ?? "") has answered with no JSON")
      }
      result = try CNIResult(answer)
      try CNIResult.checkRoutes(answer)
      // An interface is what such a plugin knows nothing of.
      result.interfaces = []
    } else {
      let said = network.addresses.isEmpty ? call.arguments.ip.map { [$0] } ?? [] : network.addresses
      if let bare = said.first(where: { !$0.contains("/") }) {
        throw CNIError(
          CNIError.Code.invalidNetwork, "the address \(bare.debugDescription) has no prefix",
          details: "say one such as 10.0.0.7/24, or let a plugin of \"ipam\" manage addresses")
      }
      result.addresses = said.map { CNIResult.Address(address: $0) }
    }
    if let dns = network.dns { result.dns = dns }
    return result
  }

  /// Makes the interface, and says in the result what was made.
  private func make(
    _ interface: PodInterface, _ call: CNICall, _ network: CNINetwork, _ mac: MACAddress, _ result: inout CNIResult
  ) throws -> CNIPort {
    let mtu = network.mtu ?? 1500
    var target = interface.name
    switch network.kind {
    case .tap: try host.makeTAP(interface, mark: call.mark, mac: mac, mtu: mtu)
    case .veth:
      target = call.mark
      try host.makePair(interface, host: target, mac: mac, mtu: mtu)
      result.interfaces.append(CNIResult.Interface(name: target, mtu: mtu))
    }
    result.interfaces.append(
      CNIResult.Interface(name: interface.name, mac: "\(mac)", sandbox: interface.namespace, mtu: mtu))
    for index in result.addresses.indices { result.addresses[index].interface = result.interfaces.count - 1 }
    return CNIPort(
      name: PodAttachment.portName(container: call.container, interface: call.interface),
      switchName: network.switchName, kind: network.kind, target: target, mac: mac, vlan: network.vlan,
      trunk: network.trunk, native: network.native, mtu: network.mtu,
      pod: PodAttachment(
        network: network.name, container: call.container, interface: call.interface, namespace: call.namespace))
  }

  /// Adds the port, in the place of one that was left of an earlier container of the same id.
  private func add(_ port: CNIPort, to lab: any CNILab) async throws {
    do {
      try await lab.add(port)
    } catch let error as UserError where error.code == .badInput {
      let old = try await lab.attachments().first { $0.name == port.name }
      // Its interface is not the one that we have just made.
      guard let old, old.pod.container == port.pod.container, old.pod.interface == port.pod.interface,
        old.pod.namespace == port.pod.namespace || !host.isThere(PodInterface(old.pod.interface, in: old.pod.namespace))
      else { throw error }
      try await lab.remove(old.name)
      try await lab.add(port)
    }
  }

  private func limit(_ port: CNIPort, _ network: CNINetwork, _ lab: any CNILab) async throws {
    do {
      try await lab.limit(port, to: network.bandwidth)
    } catch {
      throw CNIError(error).with(await failure { try await lab.remove(port.name) })
    }
  }

  /// What goes wrong on the way back, which does not hide what went wrong before.
  private func failure(_ body: () async throws -> Void) async -> (any Error)? {
    do {
      try await body()
      return nil
    } catch {
      return error
    }
  }
}
