import Topology

/// The command line of `qemu-system-x86_64` for a VM of a lab.
///
/// Pure: plain values in, words out.
struct QEMUCommandLine: Sendable {
  /// NICs that find a place on the machine's bus, one a slot.
  static let nicLimit = 26
  /// First slot of a NIC; those below are the machine's own and the agent's port.
  private static let firstNICSlot = 4

  /// Name in process lists.
  var name: String
  var accelerator: Accelerator
  var cpus: Int
  /// Bytes.
  var memory: Int
  var kernel: String
  var initialRAMDisk: String
  var kernelCommandLine: String
  var consoleSocket: String
  var consoleLog: String
  var monitorSocket: String
  var agentSocket: String
  /// With the socket on which this product listens for each; in PCI order.
  var nics: [(nic: NICDefinition, socket: String)]

  /// Id of the NIC's device in QEMU.
  static func deviceID(nic index: Int) -> String { "nic\(index)" }

  func arguments() -> [String] {
    var words = machine()
    words += ["-kernel", kernel, "-initrd", initialRAMDisk, "-append", kernelCommandLine]
    words += console()
    for (index, entry) in nics.enumerated() { words += nic(index, entry.nic, socket: entry.socket) }
    return words
  }

  private func machine() -> [String] {
    var words = ["-name", "guest=\(Self.escaped(name)),debug-threads=on"]
    words += ["-nodefaults", "-no-user-config", "-display", "none"]
    words += ["-machine", "q35,memory-backend=ram,usb=off,vmport=off"]
    switch accelerator {
    case .kvm: words += ["-accel", "kvm", "-cpu", "host"]
    case .emulation: words += ["-accel", "tcg"]
    }
    words += ["-smp", "\(cpus)", "-m", "size=\(memory / 1024)K"]
    // Shared memory in a file is how a vhost-user back-end sees the guest's buffers.
    words += ["-object", "memory-backend-memfd,id=ram,size=\(memory),share=on"]
    return words
  }

  private func console() -> [String] {
    let server = "server=on,wait=off"
    var words = [
      "-chardev",
      "socket,id=console,path=\(Self.escaped(consoleSocket)),\(server),"
        + "logfile=\(Self.escaped(consoleLog)),logappend=on",
    ]
    words += ["-serial", "chardev:console"]
    words += ["-chardev", "socket,id=monitor,path=\(Self.escaped(monitorSocket)),\(server)"]
    words += ["-mon", "chardev=monitor,mode=control"]
    words += ["-device", "virtio-serial-pci,id=serial,bus=pcie.0,addr=0x3"]
    words += ["-chardev", "socket,id=agent,path=\(Self.escaped(agentSocket)),\(server)"]
    words += ["-device", "virtserialport,bus=serial.0,chardev=agent,name=apus.exec"]
    return words
  }

  private func nic(_ index: Int, _ nic: NICDefinition, socket: String) -> [String] {
    // QEMU connects and, after the daemon went away, tries again every second.
    let chardev = "socket,id=port\(index),path=\(Self.escaped(socket)),reconnect=1"
    var netdev = "vhost-user,id=net\(index),chardev=port\(index)"
    var device = "virtio-net-pci,id=\(Self.deviceID(nic: index)),netdev=net\(index),mac=\(nic.mac)"
    let slot = String(Self.firstNICSlot + index, radix: 16)
    device += ",bus=pcie.0,addr=0x\(slot),romfile=,speed=10000,duplex=full"
    if let mtu = nic.mtu { device += ",host_mtu=\(mtu)" }
    if nic.queues > 1 {
      netdev += ",queues=\(nic.queues)"
      device += ",mq=on"
    }
    switch accelerator {
    case .kvm:
      // One vector a ring, one for the control queue, one for configuration changes.
      if nic.queues > 1 { device += ",vectors=\(2 * nic.queues + 2)" }
    case .emulation:
      // Without KVM, QEMU 7.2 dereferences a null `vector_irqfd` when a vhost-user NIC uses MSI-X.
      device += ",vectors=0"
    }
    return ["-chardev", chardev, "-netdev", netdev, "-device", device]
  }

  /// In QEMU's option lists a comma in a value is doubled.
  static func escaped(_ value: String) -> String {
    value.split(separator: ",", omittingEmptySubsequences: false).joined(separator: ",,")
  }
}
