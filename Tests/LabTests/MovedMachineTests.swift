import Testing
import Topology

@testable import Lab

/// The command line of the QEMU to which a machine moves.
@Suite struct MovedMachineTests {
  private func line(_ nics: [NICDefinition], _ memory: MachineMemory = .file("/dev/shm/apus/l/vm1")) -> [String] {
    var line = QEMUCommandLine(
      name: "apus-l-vm1", uuid: "0a1b2c3d-0000-8000-8000-000000000001", accelerator: .emulation, cpus: 1,
      memory: 128 << 20, boot: .kernel(path: "/g/vmlinuz", initialRAMDisk: "/g/initramfs.gz", commandLine: "quiet"),
      consoleSocket: "/s,t/console.sock", consoleLog: "/d/console.log", monitorSocket: "/s,t/qmp.sock",
      agentSocket: "/s,t/agent.sock", nics: nics.map { ($0, "/s/vm1.\($0.name).sock") })
    line.memoryPlace = memory
    return line.arguments()
  }

  private func move(_ words: [String], nics: Set<String> = ["eth0", "eth1"]) -> MovedMachine {
    MovedMachine(
      words: words,
      sockets: [
        "/s,t/console.sock": "/s,t/console.new", "/s,t/qmp.sock": "/s,t/qmp.new", "/s,t/agent.sock": "/s,t/agent.new",
        "/s/vm1.eth0.sock": "/s/vm1.eth0.sck2", "/s/vm1.eth1.sock": "/s/vm1.eth1.sck2",
      ],
      machine: "pc-i440fx-7.2", memory: .file("/dev/shm/apus/l/vm1"), nics: nics, plugged: [],
      accelerator: .emulation)
  }

  private var nics: [NICDefinition] {
    var emulated = nic("eth1", mac: "02:00:00:00:00:02")
    emulated.model = .e1000
    return [nic(), emulated]
  }

  @Test func onlySocketsAreOthers() {
    let before = line(nics)
    let after = move(before).arguments()
    let expected = before.map { word in
      word.replacing("console.sock", with: "console.new").replacing("qmp.sock", with: "qmp.new")
        .replacing("agent.sock", with: "agent.new").replacing(".sock", with: ".sck2")
        .replacing("pc,memory", with: "pc-i440fx-7.2,memory")
    }
    #expect(after == expected + ["-incoming", "defer"])
    #expect(after.contains { $0.hasPrefix("socket,id=console,path=/s,,t/console.new,server=on") })
    #expect(after.contains { $0.hasSuffix("addr.path=/s/vm1.eth1.sck2") })
  }

  /// Another one that moves on says `-incoming` once.
  @Test func thereAndBack() {
    let before = line(nics)
    var back = move(move(before).arguments())
    back.sockets = Dictionary(back.sockets.map { ($0.value, $0.key) }, uniquingKeysWith: { first, _ in first })
    let expected = before.map { $0.replacing("pc,memory", with: "pc-i440fx-7.2,memory") }
    #expect(back.arguments() == expected + ["-incoming", "defer"])
  }

  @Test func memoryComesIntoAFile() {
    let before = line([], .anonymous)
    #expect(MovedMachine.memoryFile(in: before) == nil)
    let after = move(before).arguments()
    #expect(
      after.contains("memory-backend-file,id=ram,size=134217728,mem-path=/dev/shm/apus/l/vm1,share=on"))
    #expect(MovedMachine.memoryFile(in: after) == "/dev/shm/apus/l/vm1")
    var anonymous = move(after)
    anonymous.memory = .anonymous
    #expect(anonymous.arguments().contains("memory-backend-memfd,id=ram,size=134217728,share=on"))
  }

  /// NICs that were unplugged are left out, those that were plugged in come at the places that they have.
  @Test func nicsThatCameAndWent() {
    var moved = move(line(nics), nics: ["eth0", "eth2"])
    let place = NICDevice.Place(slot: 9)
    moved.plugged = [
      (MovedMachine.PluggedNIC(nic: nic("eth2", mac: "02:00:00:00:00:03"), place: place), "/s/vm1.eth2.sck2")
    ]
    let words = moved.arguments()
    #expect(!words.contains { $0.contains("eth1") })
    #expect(words.contains { $0.hasPrefix("virtio-net-pci,id=nic-eth0,") })
    #expect(words.contains("socket,id=port-eth2,path=/s/vm1.eth2.sck2,reconnect=1"))
    #expect(words.contains { $0.hasPrefix("virtio-net-pci,id=nic-eth2,") && $0.contains("bus=pci.0,addr=0x9") })
    // One of that name which was there before is another.
    moved.plugged[0].nic.nic.name = "eth0"
    #expect(moved.arguments().count { $0.hasPrefix("virtio-net-pci,id=nic-eth0,") } == 1)
  }

  @Test func listsOfOptions() {
    var list = OptionList("socket,id=a,,b,path=/x,,y,server=on")
    #expect(list.items == ["socket", "id=a,b", "path=/x,y", "server=on"] && list.first == "socket")
    #expect(list["path"] == "/x,y" && list["pat"] == nil)
    list["path"] = "/z"
    list["nothing"] = "/z"
    #expect(list.text == "socket,id=a,,b,path=/z,server=on")
    #expect(OptionList("").items == [""])
  }
}
