import Testing
import Topology

@testable import Lab

@Suite struct QEMUCommandLineTests {
  private func line(_ accelerator: Accelerator, _ nics: [NICDefinition] = []) -> QEMUCommandLine {
    QEMUCommandLine(
      name: "apus-lab1-vm1", accelerator: accelerator, cpus: 2, memory: 128 << 20, kernel: "/g/vmlinuz",
      initialRAMDisk: "/g/initramfs.gz", kernelCommandLine: "console=ttyS0 quiet", consoleSocket: "/s/console.sock",
      consoleLog: "/d/console.log", monitorSocket: "/s/qmp.sock", agentSocket: "/s/agent.sock",
      nics: nics.map { ($0, "/s/vm1.\($0.name).sock") })
  }

  @Test func machineWithoutNICs() {
    #expect(
      line(.emulation).arguments() == [
        "-name", "guest=apus-lab1-vm1,debug-threads=on",
        "-nodefaults", "-no-user-config", "-display", "none",
        "-machine", "q35,memory-backend=ram,usb=off,vmport=off",
        "-accel", "tcg",
        "-smp", "2", "-m", "size=131072K",
        "-object", "memory-backend-memfd,id=ram,size=134217728,share=on",
        "-kernel", "/g/vmlinuz", "-initrd", "/g/initramfs.gz", "-append", "console=ttyS0 quiet",
        "-chardev",
        "socket,id=console,path=/s/console.sock,server=on,wait=off,logfile=/d/console.log,logappend=on",
        "-serial", "chardev:console",
        "-chardev", "socket,id=monitor,path=/s/qmp.sock,server=on,wait=off",
        "-mon", "chardev=monitor,mode=control",
        "-device", "virtio-serial-pci,id=serial,bus=pcie.0,addr=0x3",
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
        "-chardev", "socket,id=port0,path=/s/vm1.eth0.sock,reconnect=1",
        "-netdev", "vhost-user,id=net0,chardev=port0",
        "-device",
        "virtio-net-pci,id=nic0,netdev=net0,mac=02:00:00:00:00:01,bus=pcie.0,addr=0x4,romfile=,speed=10000,duplex=full,"
          + "vectors=0",
        "-chardev", "socket,id=port1,path=/s/vm1.eth1.sock,reconnect=1",
        "-netdev", "vhost-user,id=net1,chardev=port1",
        "-device",
        "virtio-net-pci,id=nic1,netdev=net1,mac=02:00:00:00:00:02,bus=pcie.0,addr=0x5,romfile=,speed=10000,duplex=full,"
          + "vectors=0",
      ])
  }

  @Test func queuesAndMTU() {
    var wide = nic()
    wide.queues = 4
    wide.mtu = 9000
    #expect(
      line(.kvm, [wide]).arguments().suffix(3) == [
        "vhost-user,id=net0,chardev=port0,queues=4",
        "-device",
        "virtio-net-pci,id=nic0,netdev=net0,mac=02:00:00:00:00:01,bus=pcie.0,addr=0x4,romfile=,speed=10000,duplex=full,"
          + "host_mtu=9000,mq=on,vectors=10",
      ])
    #expect(line(.emulation, [wide]).arguments().last?.hasSuffix("host_mtu=9000,mq=on,vectors=0") == true)
    #expect(line(.kvm, [nic()]).arguments().last?.hasSuffix("duplex=full") == true)
  }

  @Test func slotsStayOnTheBus() {
    let nics = (0..<QEMUCommandLine.nicLimit).map { nic("eth\($0)") }
    #expect(line(.emulation, nics).arguments().last?.contains("addr=0x1d,") == true)
  }

  @Test func commasInPathsAreDoubled() {
    #expect(QEMUCommandLine.escaped("/a,b/c,,d") == "/a,,b/c,,,,d")
    #expect(QEMUCommandLine.escaped("/plain") == "/plain")
  }
}
