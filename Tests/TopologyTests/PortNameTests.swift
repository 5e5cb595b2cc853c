import Testing

@testable import Topology

/// Names of ports, put together and taken apart.
@Suite struct PortNameTests {
  @Test(
    "a name is what it was made of",
    arguments: [
      (PortName.nic(node: "vm1", nic: "eth0"), "vm1.eth0"), (.nic(node: "vm1", nic: "eth0.10"), "vm1.eth0.10"),
      (.nic(node: "vm1", nic: "probe.eth0"), "vm1.probe.eth0"), (.end(switch: "sw1", link: "core"), "sw1:core"),
      (.end(switch: "sw1", link: "a:eth0--b.eth0"), "sw1:a:eth0--b.eth0"),
    ])
  func roundTrip(name: PortName, text: String) {
    #expect(name.description == text)
    #expect(PortName(text) == name)
  }

  @Test("other text is no port's name", arguments: ["", "vm1", ".", ":", "vm1.", "vm1:", ".eth0", ":core"])
  func others(text: String) { #expect(PortName(text) == nil) }

  @Test("only NICs have a node")
  func nodes() {
    #expect(PortName("vm1.eth0")?.node == "vm1")
    #expect(PortName("sw1:core")?.node == nil)
    #expect(Names.port(node: "vm1", nic: "eth0") == "vm1.eth0")
    #expect(PortName.end(node: "vm1", nic: "eth0") == "vm1:eth0")
  }

  @Test("what people write: the name itself before the one that it has with a dot")
  func meant() {
    func find(_ word: String, _ names: [String]) -> String? { PortName.find(word, in: names, by: \.self) }
    #expect(find("vm1:eth0", ["vm2.eth0", "vm1.eth0"]) == "vm1.eth0")
    #expect(find("vm1.eth0", ["vm1.eth0"]) == "vm1.eth0")
    #expect(find("sw1:core", ["sw1.core", "sw1:core"]) == "sw1:core")
    #expect(find("vm1:eth0.5", ["vm1.eth0.5"]) == "vm1.eth0.5")
    #expect(find("a:b--c:d", ["a.b--c:d"]) == "a.b--c:d", "the first colon alone")
    #expect(find("vm1", ["vm1.eth0"]) == nil)
    #expect(PortName.dotted("vm1") == "vm1")
    #expect(PortName.meant(by: "vm1:eth0") == ["vm1:eth0", "vm1.eth0"])
    #expect(PortName.meant(by: "vm1.eth0") == ["vm1.eth0"])
  }

  @Test("the socket of a port that has no other")
  func sockets() {
    #expect(PortName.nic(node: "vm1", nic: "eth0.5").socketFile == "vm1.eth0.5.sock")
    #expect(PortName(socketFile: "vm1.eth0.5.sock") == .nic(node: "vm1", nic: "eth0.5"))
    for file in ["control.sock", ".sock", "vm1.eth0", "vm1.sock", "vm1.eth0.json"] {
      #expect(PortName(socketFile: file) == nil, "\(file)")
    }
  }
}
