/// The hardware that a machine's NIC is to its system.
package enum NICModel: String, Codable, Sendable, CaseIterable {
  /// Not emulated hardware: the machine and the switch share the machine's memory (vhost-user).
  case virtio
  case e1000, e1000e, vmxnet3, rtl8139
}

extension NICModel {
  /// QEMU emulates a card that is made elsewhere, and every frame passes through QEMU, whole and with its checksums.
  package var isEmulated: Bool { self != .virtio }

  /// QEMU sends its large TCP segments as IP fragments, unless the guest cuts them itself.
  package var fragmentsSegments: Bool { self == .e1000e || self == .vmxnet3 }

  /// Largest MTU in bytes that the driver in Linux takes; nil = as large as any can be.
  package var largestMTU: Int? {
    switch self {
    case .virtio: nil
    case .e1000: 16110
    case .e1000e: 9212
    case .vmxnet3: 9000
    case .rtl8139: 4096
    }
  }
}

extension CanonicalLab {
  /// What the NIC of a port is to its machine; nil for a port of anything else.
  package func model(ofPort port: String) -> NICModel? {
    guard case .nic(let name, let nic)? = PortName(port) else { return nil }
    guard let node = nodes.first(where: { $0.name == name }), node.traits.isMachine else { return nil }
    return node.nics.first { $0.name == nic }?.model
  }
}

extension NodeDefinition {
  /// Models of a machine's NICs in file order, each once; empty for a node of another kind.
  package var models: [NICModel] {
    guard traits.isMachine else { return [] }
    var models: [NICModel] = []
    for nic in nics where !models.contains(nic.model) { models.append(nic.model) }
    return models
  }

  /// The built-in guest needs the kernel that has all drivers for it.
  package var needsAllDrivers: Bool { nics.contains { $0.model.isEmulated } }
}
