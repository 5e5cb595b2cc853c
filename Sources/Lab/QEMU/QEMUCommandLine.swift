import Topology

/// The command line of `qemu-system-x86_64` for a VM of a lab.
///
/// Pure: plain values in, words out. The machine is the one with a plain PCI bus, since every place on that bus takes a
/// NIC, and gives it up, while the guest runs.
struct QEMUCommandLine: Sendable {
  /// What the machine starts from.
  enum Boot: Sendable, Equatable {
    case kernel(path: String, initialRAMDisk: String, commandLine: String)
    /// What firmware finds.
    /// - Parameters:
    ///   - uefi: nil = a BIOS.
    ///   - order: what it tries.
    ///   - storage: its disks.
    ///   - seed: path of a CD image for cloud-init.
    case firmware(uefi: UEFI?, order: [BootSource], storage: MachineStorage, seed: String?)
  }

  /// Paths of OVMF's code and of the machine's own store of variables.
  struct UEFI: Sendable, Equatable {
    var code: String
    var variables: String
  }

  /// A machine that does not boot, but waits for what it was.
  struct Incoming: Sendable, Equatable {
    /// QEMU's name of its board, which means another one in a later version; nil = as usual.
    var board: String?
    /// Where NICs are on the bus that were plugged in, or came before them, by their names.
    var places: [String: SavedNodes.Place] = [:]
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
  /// By which firmware tells machines apart.
  var uuid: String
  var accelerator: Accelerator
  var cpus: Int
  /// Bytes.
  var memory: Int
  var memoryPlace = MachineMemory.anonymous
  var boot: Boot
  var consoleSocket: String
  var consoleLog: String
  var monitorSocket: String
  var agentSocket: String
  /// nil = it boots.
  var incoming: Incoming?
  /// With the socket between QEMU and this product of each; in PCI order.
  var nics: [(nic: NICDefinition, socket: String)]

  func arguments() -> [String] {
    var words = machine()
    words += bootWords()
    words += console()
    if incoming != nil { words += ["-incoming", "defer"] }
    for (index, entry) in nics.enumerated() {
      var device = NICDevice(entry.nic, socket: entry.socket, accelerator, place: place(of: entry.nic, index))
      device.boot = nicBoot(index)
      words += device.words
    }
    return words
  }

  /// How a machine starts from a NIC; nil if it does not.
  private func nicBoot(_ index: Int) -> NICDevice.Boot? {
    guard case .firmware(let uefi, let order, _, _) = boot, let first = place(of: .network, in: order) else {
      return nil
    }
    return NICDevice.Boot(index: first + index, hasROM: uefi == nil)
  }

  /// The place of a source, or of its first device, among all that may be tried; nil if it is not.
  private func place(of source: BootSource, in order: [BootSource]) -> Int? {
    guard let place = order.firstIndex(of: source) else { return nil }
    return order[..<place].reduce(0) { $0 + ($1 == .network ? nics.count : 1) }
  }

  private func machine() -> [String] {
    var words = ["-name", "guest=\(Self.escaped(name)),debug-threads=on"]
    words += ["-nodefaults", "-no-user-config", "-display", "none"]
    words += ["-uuid", uuid]
    words += ["-machine", "\(incoming?.board ?? "pc"),memory-backend=ram,usb=off,vmport=off" + screen]
    switch accelerator {
    case .kvm: words += ["-accel", "kvm", "-cpu", "host"]
    case .emulation: words += ["-accel", "tcg"]
    }
    words += ["-smp", "\(cpus)", "-m", "size=\(memory / 1024)K"]
    words += ["-object", memoryPlace.word(size: memory)]
    return words
  }

  /// Without a screen, the firmware and the boot loader speak to the serial console.
  private var screen: String {
    if case .firmware = boot { return ",graphics=off" }
    return ""
  }

  private func bootWords() -> [String] {
    switch boot {
    case .kernel(let path, let initialRAMDisk, let commandLine):
      return ["-kernel", path, "-initrd", initialRAMDisk, "-append", commandLine]
    case .firmware(let uefi, let order, let storage, let seed):
      var words = uefi.map { Self.flash($0) } ?? []
      // Nothing else is tried; a disk alone is what has always been found.
      if order != [.disk] { words += ["-boot", "strict=on"] }
      words += storage.words(bootIndex: place(of: .disk, in: order))
      if let seed {
        words += ["-drive", "if=none,id=seed,format=raw,readonly=on,file=\(Self.escaped(seed))"]
        words += ["-device", "virtio-blk-pci,id=seed0,drive=seed,bus=pci.0,addr=0x5"]
      }
      // A whole system makes keys when it boots for the first time.
      return words + ["-device", "virtio-rng-pci,id=random,bus=pci.0,addr=0x6"]
    }
  }

  private static func flash(_ uefi: UEFI) -> [String] {
    [
      "-drive", "if=pflash,unit=0,format=raw,readonly=on,file=\(escaped(uefi.code))",
      "-drive", "if=pflash,unit=1,format=raw,file=\(escaped(uefi.variables))",
    ]
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

  /// Where a NIC is on the bus of this machine.
  private func place(of nic: NICDefinition, _ index: Int) -> NICDevice.Place {
    guard let place = incoming?.places[nic.name] else { return Self.place(index, of: nics.count) }
    let others = incoming?.places.values.count { $0.slot == place.slot } ?? 1
    return NICDevice.Place(slot: place.slot, function: place.function, sharesSlot: others > 1)
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
