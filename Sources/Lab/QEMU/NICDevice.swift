import Topology

/// A NIC of a machine, as QEMU is told of it: on its command line, or over its monitor while it runs.
///
/// Everything about it is named after the NIC, since NICs come and go.
struct NICDevice: Sendable {
  /// A place on the bus.
  struct Place: Sendable, Equatable {
    var slot: Int
    var function = 0
    /// Other NICs are in the same slot.
    var sharesSlot = false

    var text: String {
      let place = "bus=pci.0,addr=0x" + String(slot, radix: 16) + (sharesSlot ? ".\(function)" : "")
      return place + (sharesSlot && function == 0 ? ",multifunction=on" : "")
    }
  }

  /// How a machine starts from it.
  struct Boot: Sendable, Equatable {
    /// Its place among all that may be tried.
    var index: Int
    /// Of a virtio NIC: a BIOS needs QEMU's usual ROM; UEFI has a driver of its own, which would give way to the ROM's.
    var hasROM: Bool
  }

  /// nil = it does not; only of a NIC that is there from the beginning.
  var boot: Boot?
  private let nic: NICDefinition
  private let socket: String
  private let accelerator: Accelerator
  /// nil = QEMU finds one.
  private let place: Place?

  /// - Parameter socket: on which this product listens; QEMU itself, for a NIC that it emulates.
  init(_ nic: NICDefinition, socket: String, _ accelerator: Accelerator, place: Place? = nil) {
    self.nic = nic
    self.socket = socket
    self.accelerator = accelerator
    self.place = place
  }

  /// Id of the device in QEMU.
  static func id(_ nic: String) -> String { "nic-\(nic)" }
  /// The NIC of such an id; nil if it is that of something else.
  static func name(ofID id: String) -> String? { id.hasPrefix("nic-") ? String(id.dropFirst(4)) : nil }
  static func backendID(_ nic: String) -> String { "net-\(nic)" }
  static func socketID(_ nic: String) -> String { "port-\(nic)" }

  /// Vectors of interrupts; nil = as many as QEMU takes.
  private var vectors: Int? {
    switch accelerator {
    // One vector a ring, one for the control queue, one for configuration changes.
    case .kvm: nic.queues > 1 ? 2 * nic.queues + 2 : nil
    // Without KVM, QEMU 7.2 dereferences a null `vector_irqfd` when a vhost-user NIC uses MSI-X.
    case .emulation: 0
    }
  }

  // MARK: - On the command line

  var words: [String] {
    if nic.model.isEmulated { return emulatedWords }
    // QEMU connects and, after the daemon went away, tries again every second.
    let chardev = "socket,id=\(Self.socketID(nic.name)),path=\(QEMUCommandLine.escaped(socket)),reconnect=1"
    var netdev = "vhost-user,id=\(Self.backendID(nic.name)),chardev=\(Self.socketID(nic.name))"
    var device = "virtio-net-pci,id=\(Self.id(nic.name)),netdev=\(Self.backendID(nic.name)),mac=\(nic.mac)"
    if let place { device += ",\(place.text)" }
    device += ",disable-legacy=on\(boot?.hasROM == true ? "" : ",romfile="),speed=10000,duplex=full"
    if let boot { device += ",bootindex=\(boot.index)" }
    if let mtu = nic.mtu { device += ",host_mtu=\(mtu)" }
    if nic.queues > 1 {
      netdev += ",queues=\(nic.queues)"
      device += ",mq=on"
    }
    if let vectors { device += ",vectors=\(vectors)" }
    return ["-chardev", chardev, "-netdev", netdev, "-device", device]
  }

  /// Of a NIC that QEMU emulates: it listens, since one that connects (QEMU 7.2) never does so again.
  ///
  /// UEFI has no driver for most of these; the ROM has one for it and one for a BIOS.
  private var emulatedWords: [String] {
    let path = QEMUCommandLine.escaped(socket)
    let netdev = "stream,id=\(Self.backendID(nic.name)),server=on,addr.type=unix,addr.path=\(path)"
    var device = "\(nic.model.rawValue),id=\(Self.id(nic.name)),netdev=\(Self.backendID(nic.name)),mac=\(nic.mac)"
    if let place { device += ",\(place.text)" }
    return ["-netdev", netdev, "-device", device + (boot.map { ",bootindex=\($0.index)" } ?? ",romfile=")]
  }

  // MARK: - Over the monitor

  /// The commands that plug it in, in their order.
  var plugCommands: [QMPCommand] {
    if nic.model.isEmulated { return emulatedPlugCommands }
    let address = QMPValue.object([
      "type": .text("unix"), "data": .object(["path": .text(socket)]),
    ])
    let backend = QMPValue.object([
      "type": .text("socket"),
      "data": .object(["addr": address, "server": .boolean(false), "reconnect": .integer(1)]),
    ])
    var netdev: [String: QMPValue] = [
      "type": .text("vhost-user"), "id": .text(Self.backendID(nic.name)), "chardev": .text(Self.socketID(nic.name)),
    ]
    var device: [String: QMPValue] = [
      "driver": .text("virtio-net-pci"), "id": .text(Self.id(nic.name)), "netdev": .text(Self.backendID(nic.name)),
      "mac": .text("\(nic.mac)"), "bus": .text("pci.0"), "disable-legacy": .text("on"), "romfile": .text(""),
      "speed": .integer(10000), "duplex": .text("full"),
    ]
    if let mtu = nic.mtu { device["host_mtu"] = .integer(mtu) }
    if nic.queues > 1 {
      netdev["queues"] = .integer(nic.queues)
      device["mq"] = .boolean(true)
    }
    if let vectors { device["vectors"] = .integer(vectors) }
    return [
      QMPCommand(name: "chardev-add", arguments: ["id": .text(Self.socketID(nic.name)), "backend": backend]),
      QMPCommand(name: "netdev_add", arguments: netdev),
      QMPCommand(name: "device_add", arguments: device),
    ]
  }

  private var emulatedPlugCommands: [QMPCommand] {
    let address = QMPValue.object(["type": .text("unix"), "path": .text(socket)])
    return [
      QMPCommand(
        name: "netdev_add",
        arguments: [
          "type": .text("stream"), "id": .text(Self.backendID(nic.name)), "server": .boolean(true), "addr": address,
        ]),
      QMPCommand(
        name: "device_add",
        arguments: [
          "driver": .text(nic.model.rawValue), "id": .text(Self.id(nic.name)),
          "netdev": .text(Self.backendID(nic.name)), "mac": .text("\(nic.mac)"), "bus": .text("pci.0"),
          "romfile": .text(""),
        ]),
    ]
  }

  /// Asks the guest to let go of it; `QEMUEvent.deviceDeleted` tells when it has.
  static func unplugCommand(_ nic: String) -> QMPCommand {
    QMPCommand(name: "device_del", arguments: ["id": .text(id(nic))])
  }

  /// What removes the rest once the device is gone, or was never there.
  static func removeCommands(_ nic: String) -> [QMPCommand] {
    [
      QMPCommand(name: "netdev_del", arguments: ["id": .text(backendID(nic))]),
      QMPCommand(name: "chardev-remove", arguments: ["id": .text(socketID(nic))]),
    ]
  }
}
