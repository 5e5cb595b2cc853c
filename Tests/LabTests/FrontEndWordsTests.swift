import Frames
import Testing
import Topology

@testable import Dataplane
@testable import Lab

/// What machines of others are told of a port.
@Suite struct FrontEndWordsTests {
  private static func port(
    _ kind: PortStatus.Kind = .vhostUser, queues: Int = 4, mtu: Int = 1400, role: VhostUserSocket.Role = .listen,
    path: String = "/run/a,b&c.sock"
  ) -> PortStatus {
    PortStatus(
      name: "vm.eth0", switchName: "sw1", kind: kind, carrier: false, mode: .access(vlan: 1), peer: nil,
      address: MACAddress("02:00:00:00:00:01"), mtu: mtu, queues: queues, receivePackets: 0, receiveBytes: 0,
      transmitPackets: 0, transmitBytes: 0, dropsIn: [:], dropsOut: [:], error: nil,
      vhostUser: kind == .vhostUser
        ? VhostUserStatus(
          socket: path, queuePairs: queues, isConnected: false, features: [], protocolFeatures: [], memoryRegions: [],
          queues: [], faults: 0, refusals: 0, lastRefusal: nil, advice: nil, role: role) : nil)
  }

  private static func words(
    _ port: PortStatus, queues: Int? = nil, isPacked: Bool? = nil, hasKVM: Bool = true
  ) throws -> FrontEndWords {
    try FrontEndWords(of: port, in: nil, queues: queues, isPacked: isPacked, hasKVM: hasKVM)
  }

  /// A comma is doubled for QEMU, and `&` is a reference in XML; two vectors a pair, and two.
  @Test func withKVM() throws {
    let words = try Self.words(Self.port(), isPacked: true)
    #expect(
      words.device == [
        "-chardev", "socket,id=apus-vm-eth0-socket,path=/run/a,,b&c.sock,reconnect=1", "-netdev",
        "vhost-user,id=apus-vm-eth0,chardev=apus-vm-eth0-socket,queues=4", "-device",
        "virtio-net-pci,netdev=apus-vm-eth0,mac=02:00:00:00:00:01,mq=on,vectors=10,host_mtu=1400,packed=on",
      ])
    let interface = try #require(words.interface)
    #expect(interface.contains("path='/run/a,b&amp;c.sock' mode='client'"), "\(interface)")
    #expect(interface.contains("<driver name='vhost' queues='4' packed='on'/>"), "\(interface)")
    let override = try #require(words.override)
    #expect(override.contains("name='host_mtu' type='unsigned' value='1400'") && !override.contains("vectors"))
  }

  /// A port that takes any number of queues leaves it to the machine; nothing is said that need not be.
  @Test func withoutWishes() throws {
    let port = Self.port(queues: 16, mtu: PortConfiguration.largestMTU, role: .connect, path: "/run/a.sock")
    let words = try Self.words(port)
    #expect(words.device[1] == "socket,id=apus-vm-eth0-socket,path=/run/a.sock,server=on")
    #expect(words.device[5] == "virtio-net-pci,netdev=apus-vm-eth0,mac=02:00:00:00:00:01")
    #expect(words.override == nil && words.interface?.contains("mode='server'/>") == true)
    #expect(words.interface?.contains("driver") == false && words.interface?.contains("alias") == false)
    #expect(words.qemuNotes.contains { $0.contains("--queues N") })
    #expect(try Self.words(port, queues: 16).device[5].contains("vectors=34"))
    let emulated = try Self.words(port, hasKVM: false)
    #expect(emulated.device[5].hasSuffix(",vectors=0") && emulated.override?.contains("'vectors'") == true)
  }

  @Test func refusals() throws {
    #expect(throws: UserError.self) { try Self.words(Self.port(.tap)) }
    #expect(throws: UserError.self) { try Self.words(Self.port(.patch)) }
    #expect(throws: UserError.self) { try Self.words(Self.port(queues: 2), queues: 3) }
    var lab = CanonicalLab(name: "l")
    var node = NodeDefinition(name: "vm", kind: "vm")
    node.nics = [NICDefinition(name: "eth0", mac: MACAddress(bits: 2))]
    lab.nodes = [node]
    #expect(throws: UserError.self) {
      try FrontEndWords(of: Self.port(), in: lab, queues: nil, isPacked: nil, hasKVM: true)
    }
  }
}
