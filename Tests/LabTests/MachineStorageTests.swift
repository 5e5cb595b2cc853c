import Testing
import Topology

@testable import Lab

@Suite struct MachineStorageTests {
  private func devices(_ buses: [DiskBus]) -> [String] {
    let disks = buses.enumerated().map { MachineStorage.Disk(path: "/d/\($0.offset)", bus: $0.element) }
    let words = MachineStorage(disks: disks).words()
    return words.indices.filter { words[$0] == "-device" }.map { words[$0 + 1] }
  }

  /// The first one is where it has always been; the others leave the NICs' slots alone.
  @Test func placesOnTheBus() {
    #expect(
      devices([.virtio, .virtio, .virtio]) == [
        "virtio-blk-pci,id=disk0,drive=disk,bootindex=0,bus=pci.0,addr=0x4",
        "virtio-blk-pci,id=disk1-0,drive=disk1,bus=pci.0,addr=0x2.0,multifunction=on",
        "virtio-blk-pci,id=disk2-0,drive=disk2,bus=pci.0,addr=0x2.1",
      ])
    #expect(
      devices([.pvscsi, .sata, .pvscsi, .sata]) == [
        "pvscsi,id=scsi,bus=pci.0,addr=0x4", "scsi-hd,id=disk0,drive=disk,bootindex=0,bus=scsi.0,scsi-id=0",
        "ahci,id=sata0,bus=pci.0,addr=0x2.0,multifunction=on", "ide-hd,id=disk1-0,drive=disk1,bus=sata0.0",
        "scsi-hd,id=disk2-0,drive=disk2,bus=scsi.0,scsi-id=1", "ide-hd,id=disk3-0,drive=disk3,bus=sata0.1",
      ])
  }

  @Test func moreThanABusTakes() {
    let ide = devices(Array(repeating: .ide, count: 5))
    #expect(ide[2] == "ide-hd,id=disk2-0,drive=disk2,bus=ide.1,unit=0")
    #expect(ide[3] == "ahci,id=sata0,bus=pci.0,addr=0x4" && ide.count == 6)
    let sata = devices(Array(repeating: .sata, count: OVFDescriptor.mostDisks))
    #expect(sata.filter { $0.hasPrefix("ahci") }.count == 2 && sata.last?.hasSuffix("bus=sata1.2") == true)
  }

  @Test func environmentIsACD() {
    var storage = MachineStorage(disks: [MachineStorage.Disk(path: "/d")])
    storage.environment = "/d,e.iso"
    #expect(storage.words().contains("if=none,id=ovf,media=cdrom,format=raw,readonly=on,file=/d,,e.iso"))
    #expect(storage.words().last == "ide-cd,id=ovf0,drive=ovf,bus=ide.1,unit=1")
  }
}
