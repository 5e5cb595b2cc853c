import Topology

/// The command line of `qemu-system-x86_64` for a VM of a lab.
///
/// Pure: plain values in, words out. The machine is the one with a plain PCI bus, since every place on that bus takes a
/// NIC, and gives it up, while the guest runs.
struct QEMUCommandLine: Sendable {
  /// What the machine starts from.
  enum Boot: Sendable, Equatable {
    case kernel(path: String, initialRAMDisk: String, commandLine: String)
    /// Disks, and for cloud-init the path of a CD image.
    case disk(MachineStorage, seed: String?)
  }

  /// NICs that find a place on the machine's bus: what `MachineLimits.nics` tells the checks of lab files.
  static let nicLimit = firstSharingNIC + (lastNICSlot - firstNICSlot - firstSharingNIC + 1) * 8
  /// First slot of a NIC; those below are the machine's own, the agent's port, the disks.
  private static let firstNICSlot = 7
  private static let lastNICSlot = 0x1F
  /// NICs that have a slot for themselves, by which each can be unplugged; further ones share a slot by eight.
  private static let firstSharingNIC = 20

  /// Name in process lists.
  var name: String
  var accelerator: Accelerator
  var cpus: Int
  /// Bytes.
  var memory: Int
  var boot: Boot
  var consoleSocket: String
  var consoleLog: String
  var monitorSocket: String
  var agentSocket: String
  /// With the socket on which this product listens for each; in PCI order.
  var nics: [(nic: NICDefinition, socket: String)]

  func arguments() -> [String] {
    var words = machine()
    words += bootWords()
    words += console()
    for (index, entry) in nics.enumerated() {
      words += NICDevice(entry.nic, socket: entry.socket, accelerator, place: Self.place(index, of: nics.count)).words
    }
    return words
  }

  private func machine() -> [String] {
    var words = ["-name", "guest=\(Self.escaped(name)),debug-threads=on"]
    words += ["-nodefaults", "-no-user-config", "-display", "none"]
    words += ["-machine", "pc,memory-backend=ram,usb=off,vmport=off" + firmware]
    switch accelerator {
    case .kvm: words += ["-accel", "kvm", "-cpu", "host"]
    case .emulation: words += ["-accel", "tcg"]
    }
    words += ["-smp", "\(cpus)", "-m", "size=\(memory / 1024)K"]
    // Shared memory in a file is how a vhost-user back-end sees the guest's buffers.
    words += ["-object", "memory-backend-memfd,id=ram,size=\(memory),share=on"]
    return words
  }

  /// Without a screen, the firmware and the boot loader speak to the serial console.
  private var firmware: String {
    if case .disk = boot { return ",graphics=off" }
    return ""
  }

  private func bootWords() -> [String] {
    switch boot {
    case .kernel(let path, let initialRAMDisk, let commandLine):
      return ["-kernel", path, "-initrd", initialRAMDisk, "-append", commandLine]
    case .disk(let storage, let seed):
      var words = storage.words()
      if let seed {
        words += ["-drive", "if=none,id=seed,format=raw,readonly=on,file=\(Self.escaped(seed))"]
        words += ["-device", "virtio-blk-pci,id=seed0,drive=seed,bus=pci.0,addr=0x5"]
      }
      // A whole system makes keys when it boots for the first time.
      return words + ["-device", "virtio-rng-pci,id=random,bus=pci.0,addr=0x6"]
    }
  }

  /// The serial console, QEMU's monitor and the agent's port.
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
    words += ["-device", "virtio-serial-pci,id=serial,bus=pci.0,addr=0x3"]
    words += ["-chardev", "socket,id=agent,path=\(Self.escaped(agentSocket)),\(server)"]
    words += ["-device", "virtserialport,bus=serial.0,chardev=agent,name=\(agentPort)"]
    return words
  }

  private var agentPort: String {
    if case .kernel = boot { return "apus.exec" }
    return "org.qemu.guest_agent.0"
  }

  /// Where on the bus a NIC is: the order of slots and functions is the order in which the guest finds them.
  private static func place(_ index: Int, of count: Int) -> NICDevice.Place {
    let sharing = index - firstSharingNIC
    guard sharing >= 0, count > lastNICSlot - firstNICSlot + 1 else {
      return NICDevice.Place(slot: firstNICSlot + index)
    }
    let slot = firstNICSlot + firstSharingNIC + sharing / 8
    return NICDevice.Place(slot: slot, function: sharing % 8, sharesSlot: true)
  }

  /// In QEMU's option lists a comma in a value is doubled.
  static func escaped(_ value: String) -> String {
    value.split(separator: ",", omittingEmptySubsequences: false).joined(separator: ",,")
  }
}
