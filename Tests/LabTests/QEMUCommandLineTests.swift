import Testing
import Topology

@testable import Lab

@Suite struct QEMUCommandLineTests {
  private func line(
    _ accelerator: Accelerator, _ nics: [NICDefinition] = [],
    boot: QEMUCommandLine.Boot = .kernel(
      path: "/g/vmlinuz", initialRAMDisk: "/g/initramfs.gz", commandLine: "console=ttyS0 quiet")
  ) -> QEMUCommandLine {
    QEMUCommandLine(
      name: "apus-lab1-vm1", uuid: "0a1b2c3d-0000-8000-8000-000000000001", accelerator: accelerator, cpus: 2,
      memory: 128 << 20,
      boot: boot, consoleSocket: "/s/console.sock",
      consoleLog: "/d/console.log", monitorSocket: "/s/qmp.sock", agentSocket: "/s/agent.sock",
      nics: nics.map { ($0, "/s/vm1.\($0.name).sock") })
  }

  private static func storage(_ path: String) -> MachineStorage {
    MachineStorage(disks: [MachineStorage.Disk(path: path)])
  }

  @Test func machineWithoutNICs() {
    #expect(
      line(.emulation).arguments() == [
        "-name", "guest=apus-lab1-vm1,debug-threads=on",
        "-nodefaults", "-no-user-config", "-display", "none",
        "-uuid", "0a1b2c3d-0000-8000-8000-000000000001",
        "-machine", "pc,memory-backend=ram,usb=off,vmport=off",
        "-accel", "tcg",
        "-smp", "2", "-m", "size=131072K",
        "-object", "memory-backend-memfd,id=ram,size=134217728,share=on",
        "-kernel", "/g/vmlinuz", "-initrd", "/g/initramfs.gz", "-append", "console=ttyS0 quiet",
        "-chardev",
        "socket,id=console,path=/s/console.sock,server=on,wait=off,logfile=/d/console.log,logappend=on",
        "-serial", "chardev:console",
        "-chardev", "socket,id=monitor,path=/s/qmp.sock,server=on,wait=off",
        "-mon", "chardev=monitor,mode=control",
        "-device", "virtio-serial-pci,id=serial,bus=pci.0,addr=0x3",
        "-chardev", "socket,id=agent,path=/s/agent.sock,server=on,wait=off",
        "-device", "virtserialport,bus=serial.0,chardev=agent,name=apus.exec",
      ])
  }

  @Test func memoryInAFile() {
    var line = line(.emulation)
    line.memoryPlace = .file("/dev/shm/a,b/l/vm1")
    #expect(
      line.arguments().contains(
        "memory-backend-file,id=ram,size=134217728,mem-path=/dev/shm/a,,b/l/vm1,share=on"))
  }

  @Test func kvmUsesTheHostsProcessor() {
    let words = line(.kvm).arguments()
    #expect(words.contains("host"))
    #expect(words.firstIndex(of: "-accel").map { words[$0 + 1] } == "kvm")
    #expect(words.firstIndex(of: "-cpu").map { words[$0 + 1] } == "host")
  }

  @Test func emulatedNICsHaveNoVectors() {
    let nics = [nic("eth0", mac: "02:00:00:00:00:01"), nic("eth1", mac: "02:00:00:00:00:02")]
    #expect(
      line(.emulation, nics).arguments().suffix(12) == [
        "-chardev", "socket,id=port-eth0,path=/s/vm1.eth0.sock,reconnect=1",
        "-netdev", "vhost-user,id=net-eth0,chardev=port-eth0",
        "-device",
        "virtio-net-pci,id=nic-eth0,netdev=net-eth0,mac=02:00:00:00:00:01,bus=pci.0,addr=0x7,disable-legacy=on,romfile=,speed=10000,duplex=full,"
          + "vectors=0",
        "-chardev", "socket,id=port-eth1,path=/s/vm1.eth1.sock,reconnect=1",
        "-netdev", "vhost-user,id=net-eth1,chardev=port-eth1",
        "-device",
        "virtio-net-pci,id=nic-eth1,netdev=net-eth1,mac=02:00:00:00:00:02,bus=pci.0,addr=0x8,disable-legacy=on,romfile=,speed=10000,duplex=full,"
          + "vectors=0",
      ])
  }

  @Test func queuesAndMTU() {
    var wide = nic()
    wide.queues = 4
    wide.mtu = 9000
    #expect(
      line(.kvm, [wide]).arguments().suffix(3) == [
        "vhost-user,id=net-eth0,chardev=port-eth0,queues=4",
        "-device",
        "virtio-net-pci,id=nic-eth0,netdev=net-eth0,mac=02:00:00:00:00:01,bus=pci.0,addr=0x7,disable-legacy=on,romfile=,speed=10000,duplex=full,"
          + "host_mtu=9000,mq=on,vectors=10",
      ])
    #expect(line(.emulation, [wide]).arguments().last?.hasSuffix("host_mtu=9000,mq=on,vectors=0") == true)
    #expect(line(.kvm, [nic()]).arguments().last?.hasSuffix("duplex=full") == true)
  }

  @Test func placesStayOnTheBusAndInOrder() {
    func places(_ count: Int) -> [String] {
      line(.emulation, (0..<count).map { nic("eth\($0)") }).arguments().compactMap { word in
        guard word.hasPrefix("virtio-net-pci") else { return nil }
        return word.split(separator: ",").filter { $0.hasPrefix("addr=") || $0.hasPrefix("multi") }.joined(
          separator: ",")
      }
    }
    #expect(places(25).last == "addr=0x1f")
    let many = places(QEMUCommandLine.nicLimit)
    #expect(many.count == 60)
    #expect(many[19...21] == ["addr=0x1a", "addr=0x1b.0,multifunction=on", "addr=0x1b.1"])
    #expect(many.last == "addr=0x1f.7")
    #expect(Set(many).count == 60)
  }

  @Test func imageBootsFromItsOverlay() {
    func boot(_ disk: String, _ seed: String?) -> QEMUCommandLine.Boot {
      .firmware(uefi: nil, order: [.disk], storage: Self.storage(disk), seed: seed)
    }
    let words = line(.emulation, [nic()], boot: boot("/d/a,b/disk.qcow2", "/d/seed.iso")).arguments()
    #expect(words.contains("virtio-blk-pci,id=disk0,drive=disk,bootindex=0,bus=pci.0,addr=0x4"))
    #expect(words.last?.contains("bootindex") == false && words.last?.contains(",romfile=,") == true)
    #expect(!words.contains("-boot"))
    #expect(!words.contains("-kernel"))
    #expect(words.contains("if=none,id=disk,format=qcow2,discard=unmap,file=/d/a,,b/disk.qcow2"))
    #expect(words.contains("if=none,id=seed,format=raw,readonly=on,file=/d/seed.iso"))
    #expect(words.contains("virtserialport,bus=serial.0,chardev=agent,name=org.qemu.guest_agent.0"))
    let bare = line(.emulation, boot: boot("/d/disk.qcow2", nil)).arguments()
    #expect(!bare.contains { $0.contains("seed") })
  }

  @Test func emulatedNICListensItself() {
    var (old, new) = (nic("eth0"), nic("eth1", mac: "02:00:00:00:00:02"))
    old.model = .e1000
    old.mtu = 9000
    new.queues = 1
    let words = line(.kvm, [new, old]).arguments()
    #expect(
      words.suffix(4) == [
        "-netdev", "stream,id=net-eth0,server=on,addr.type=unix,addr.path=/s/vm1.eth0.sock",
        "-device", "e1000,id=nic-eth0,netdev=net-eth0,mac=02:00:00:00:00:01,bus=pci.0,addr=0x8,romfile=",
      ])
    #expect(words.filter { $0.hasPrefix("vhost-user") } == ["vhost-user,id=net-eth1,chardev=port-eth1"])
    // In QEMU's lists a comma is said twice.
    #expect(
      NICDevice(old, socket: "/a,b.sock", .emulation).words[1].hasSuffix(",addr.path=/a,,b.sock"))
  }

  @Test(arguments: [NICModel.e1000, .e1000e, .vmxnet3, .rtl8139])
  func emulatedNICIsPlugged(model: NICModel) {
    var card = nic()
    card.model = model
    #expect(
      NICDevice(card, socket: "/s/x.sock", .emulation).plugCommands.map { $0.line(id: 1) } == [
        #"{"arguments":{"addr":{"path":"/s/x.sock","type":"unix"},"id":"net-eth0","server":true,"type":"stream"},"#
          + #""execute":"netdev_add","id":1}"#,
        #"{"arguments":{"bus":"pci.0","driver":"\#(model.rawValue)","id":"nic-eth0","mac":"02:00:00:00:00:01","#
          + #""netdev":"net-eth0","romfile":""},"execute":"device_add","id":1}"#,
      ])
  }

  @Test func networkBootsBeforeTheDisk() {
    let nics = [nic("eth0", mac: "02:00:00:00:00:01"), nic("eth1", mac: "02:00:00:00:00:02")]
    let bios = line(
      .kvm, nics,
      boot: .firmware(uefi: nil, order: [.network, .disk], storage: Self.storage("/d/disk.qcow2"), seed: nil)
    ).arguments()
    let devices = bios.filter { $0.hasPrefix("virtio-net-pci") }
    #expect(devices.map { $0.hasSuffix("disable-legacy=on,speed=10000,duplex=full,bootindex=0") } == [true, false])
    #expect(devices.last?.hasSuffix("disable-legacy=on,speed=10000,duplex=full,bootindex=1") == true)
    #expect(bios.contains("virtio-blk-pci,id=disk0,drive=disk,bootindex=2,bus=pci.0,addr=0x4"))
    #expect(bios.firstIndex(of: "-boot").map { bios[$0 + 1] } == "strict=on")
    #expect(bios.contains("pc,memory-backend=ram,usb=off,vmport=off,graphics=off"))
  }

  @Test(arguments: [nil, QEMUCommandLine.UEFI(code: "/code.fd", variables: "/vars.fd")] as [QEMUCommandLine.UEFI?])
  func emulatedNICBootsByItsROM(uefi: QEMUCommandLine.UEFI?) {
    var card = nic()
    card.model = .e1000
    let words = line(
      .kvm, [card],
      boot: .firmware(
        uefi: uefi, order: [.disk, .network], storage: Self.storage("/d/disk.qcow2"), seed: nil)
    ).arguments()
    #expect(
      words.last == "e1000,id=nic-eth0,netdev=net-eth0,mac=02:00:00:00:00:01,bus=pci.0,addr=0x7,bootindex=1")
  }

  @Test func theFlashOfUEFIHasVariablesOfItsOwn() {
    let uefi = QEMUCommandLine.UEFI(code: "/c,d/code.fd", variables: "/d/uefi-vars.fd")
    let words = line(
      .kvm, [nic()],
      boot: .firmware(uefi: uefi, order: [.disk, .network], storage: Self.storage("/d/disk.qcow2"), seed: nil)
    ).arguments()
    #expect(words.contains("if=pflash,unit=0,format=raw,readonly=on,file=/c,,d/code.fd"))
    #expect(words.contains("if=pflash,unit=1,format=raw,file=/d/uefi-vars.fd"))
    #expect(words.contains("virtio-blk-pci,id=disk0,drive=disk,bootindex=0,bus=pci.0,addr=0x4"))
    // Its own driver, not that of the ROM.
    #expect(words.last?.hasSuffix("romfile=,speed=10000,duplex=full,bootindex=1") == true)
    let diskless = line(
      .kvm, [nic()], boot: .firmware(uefi: nil, order: [.network], storage: MachineStorage(disks: []), seed: nil)
    ).arguments()
    #expect(!diskless.contains { $0.contains("virtio-blk") })
  }

  @Test func pluggedNICIsThatOfTheCommandLine() {
    var wide = nic()
    wide.queues = 2
    wide.mtu = 9000
    #expect(
      NICDevice(wide, socket: "/s/x.sock", .emulation).plugCommands.map { $0.line(id: 1) } == [
        #"{"arguments":{"backend":{"data":{"addr":{"data":{"path":"/s/x.sock"},"type":"unix"},"reconnect":1,"#
          + #""server":false},"type":"socket"},"id":"port-eth0"},"execute":"chardev-add","id":1}"#,
        #"{"arguments":{"chardev":"port-eth0","id":"net-eth0","queues":2,"type":"vhost-user"},"#
          + #""execute":"netdev_add","id":1}"#,
        #"{"arguments":{"bus":"pci.0","disable-legacy":"on","driver":"virtio-net-pci","duplex":"full","#
          + #""host_mtu":9000,"id":"nic-eth0","mac":"02:00:00:00:00:01","mq":true,"netdev":"net-eth0","romfile":"","#
          + #""speed":10000,"vectors":0},"execute":"device_add","id":1}"#,
      ])
  }

  @Test func commasInPathsAreDoubled() {
    #expect(QEMUCommandLine.escaped("/a,b/c,,d") == "/a,,b/c,,,,d")
    #expect(QEMUCommandLine.escaped("/plain") == "/plain")
  }
}
