import Topology

/// The disks of a machine as QEMU is told of them, with their places on the bus.
struct MachineStorage: Sendable, Equatable {
  struct Disk: Sendable, Equatable {
    /// Path of a qcow2 file.
    var path: String
    var bus = DiskBus.virtio
  }

  /// The first one is booted from.
  var disks: [Disk]
  /// Path of the CD with the OVF environment; nil = there is none.
  var environment: String?

  /// Disks that the machine's own IDE controller takes beside the CD.
  private static let mostIDE = 3
  /// Ports of a SATA controller.
  private static let sataPorts = 6

  /// In the order of the disks, which is that of their places: slot 4 first, then the functions of slot 2.
  /// - Parameter bootIndex: when the firmware tries the first one; nil = never.
  func words(bootIndex: Int? = 0) -> [String] {
    let boot = bootIndex.map { ",bootindex=\($0)" } ?? ""
    var bus = Places()
    var words: [String] = []
    for (index, disk) in disks.enumerated() {
      let id = index == 0 ? "disk" : "disk\(index)"
      let drive = "if=none,id=\(id),format=qcow2,discard=unmap,file=\(QEMUCommandLine.escaped(disk.path))"
      words += ["-drive", drive]
      let device = index == 0 ? "id=disk0,drive=\(id)\(boot)" : "id=\(id)-0,drive=\(id)"
      words += bus.attach(device, to: disk.bus)
    }
    if let environment {
      let file = QEMUCommandLine.escaped(environment)
      words += ["-drive", "if=none,id=ovf,media=cdrom,format=raw,readonly=on,file=\(file)"]
      words += ["-device", "ide-cd,id=ovf0,drive=ovf,bus=ide.1,unit=1"]
    }
    return words
  }

  /// What is taken of the machine's buses.
  private struct Places {
    private var devices = 0
    private var counts: [DiskBus: Int] = [:]

    /// The next place on the machine's bus.
    private mutating func place() -> String {
      defer { devices += 1 }
      guard devices > 0 else { return "bus=pci.0,addr=0x4" }
      let function = devices - 1
      return "bus=pci.0,addr=0x2.\(function)" + (function == 0 ? ",multifunction=on" : "")
    }

    mutating func attach(_ device: String, to bus: DiskBus) -> [String] {
      let number = counts[bus, default: 0]
      if bus == .ide, number == mostIDE { return attach(device, to: .sata) }
      counts[bus] = number + 1
      switch bus {
      case .virtio: return ["-device", "virtio-blk-pci,\(device),\(place())"]
      case .ide: return ["-device", "ide-hd,\(device),bus=ide.\(number / 2),unit=\(number % 2)"]
      case .sata:
        let (controller, port) = number.quotientAndRemainder(dividingBy: sataPorts)
        let new = port == 0 ? ["-device", "ahci,id=sata\(controller),\(place())"] : []
        return new + ["-device", "ide-hd,\(device),bus=sata\(controller).\(port)"]
      case .pvscsi:
        let new = number == 0 ? ["-device", "pvscsi,id=scsi,\(place())"] : []
        return new + ["-device", "scsi-hd,\(device),bus=scsi.0,scsi-id=\(number)"]
      }
    }
  }
}
