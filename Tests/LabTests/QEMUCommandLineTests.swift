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
      name: "apus-lab1-vm1", accelerator: accelerator, cpus: 2, memory: 128 << 20,
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
    let words = line(.emulation, boot: .disk(Self.storage("/d/a,b/disk.qcow2"), seed: "/d/seed.iso")).arguments()
    #expect(!words.contains("-kernel"))
    #expect(words.contains("if=none,id=disk,format=qcow2,discard=unmap,file=/d/a,,b/disk.qcow2"))
    #expect(words.contains("if=none,id=seed,format=raw,readonly=on,file=/d/seed.iso"))
    #expect(words.contains("virtserialport,bus=serial.0,chardev=agent,name=org.qemu.guest_agent.0"))
    let bare = line(.emulation, boot: .disk(Self.storage("/d/disk.qcow2"), seed: nil)).arguments()
    #expect(!bare.contains { $0.contains("seed") })
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
