import Glibc
import LinuxHost
import Testing

@Suite struct NetlinkTests {
  private let namespace: TestNamespace

  init() throws {
    namespace = try TestNamespace()
    try namespace.makeTAP("tap0")
  }

  private func link() throws -> LinkInfo {
    try #require(try Netlink.links(namespace: namespace.name).first { $0.name == "tap0" })
  }

  @Test func configuresALink() throws {
    let before = try link()
    #expect(!before.isUp)
    #expect(before.mtu == 1500)
    try Netlink.configure(
      link: "tap0", namespace: namespace.name, mtu: 9000, address: "52:54:00:ab:cd:ef", up: true)
    #expect(
      try link()
        == LinkInfo(index: before.index, name: "tap0", mtu: 9000, address: "52:54:00:ab:cd:ef", isUp: true))
    try Netlink.configure(link: "tap0", namespace: namespace.name, mtu: nil, address: nil, up: nil)
    #expect(try link().isUp)
    try Netlink.configure(link: "tap0", namespace: namespace.name, mtu: nil, address: nil, up: false)
    #expect(
      try link()
        == LinkInfo(index: before.index, name: "tap0", mtu: 9000, address: "52:54:00:ab:cd:ef", isUp: false))
  }

  @Test func alternativeNamesAreFoundAndMayBeSetTwice() throws {
    let long = "lab1-vm1-eth0-a-name-longer-than-fifteen-bytes"
    for _ in 0..<2 {
      try Netlink.configure(
        link: "tap0", namespace: namespace.name, mtu: nil, address: nil, up: nil, alternativeName: long)
    }
    try namespace.makeTAP("tap1")
    let error = #expect(throws: SystemError.self) {
      try Netlink.configure(
        link: "tap1", namespace: namespace.name, mtu: nil, address: nil, up: nil, alternativeName: long)
    }
    #expect(error?.code == EEXIST)
  }

  @Test(arguments: ["52:54:00", "hello", "", "192.0.2.1", "52:54:00:ab:cd:ef:01"])
  func refusesWhatIsNoLinkLayerAddress(text: String) {
    let error = #expect(throws: SystemError.self) {
      try Netlink.configure(link: "tap0", namespace: namespace.name, mtu: nil, address: text, up: nil)
    }
    #expect(error?.code == EINVAL)
  }

  @Test func theKernelsOwnErrorComesBack() throws {
    #expect(throws: SystemError(call: "find interface", code: ENODEV, context: "none")) {
      try Netlink.configure(link: "none", namespace: namespace.name, mtu: nil, address: nil, up: true)
    }
    #expect(throws: SystemError(call: "change interface", code: EADDRNOTAVAIL, context: "tap0")) {
      // A multicast address cannot be a station's.
      try Netlink.configure(
        link: "tap0", namespace: namespace.name, mtu: nil, address: "01:00:5e:00:00:01", up: nil)
    }
  }

  @Test func addsAddressesOnce() throws {
    try Netlink.configure(link: "tap0", namespace: namespace.name, mtu: nil, address: nil, up: true)
    for _ in 0..<2 {
      try Netlink.addAddress("2001:db8::1/64", link: "tap0", namespace: namespace.name)
      try Netlink.addAddress("192.0.2.1/24", link: "tap0", namespace: namespace.name)
      try Netlink.addAddress("198.51.100.7/32", link: "tap0", namespace: namespace.name)
    }
    let addresses = try Netlink.addresses(link: "tap0", namespace: namespace.name)
    #expect(addresses.filter { !$0.hasPrefix("fe80") } == ["192.0.2.1/24", "198.51.100.7/32", "2001:db8::1/64"])
  }

  @Test(arguments: ["default", "", "nonsense", "1.2.3.4.5/24", "52:54:00:00:00:01"])
  func refusesWhatIsNoAddress(text: String) {
    let error = #expect(throws: SystemError.self) {
      try Netlink.addAddress(text, link: "tap0", namespace: namespace.name)
    }
    #expect(error?.call == "address")
    #expect(error?.code == EINVAL)
  }

  @Test func iPv6AddressesAreUsableAtOnce() throws {
    try Netlink.setNoIPv6Noise(link: "tap0", namespace: namespace.name)
    try Netlink.configure(link: "tap0", namespace: namespace.name, mtu: nil, address: nil, up: true)
    try Netlink.addAddress("2001:db8::1/64", link: "tap0", namespace: namespace.name)
    // Lines of if_inet6: address, index, prefix, scope, flags, name. 02 nodad, 80 permanent; 40 would be tentative.
    let table = try text(of: "/proc/thread-self/net/if_inet6")
    let line = try #require(table?.split(separator: "\n").first { $0.hasSuffix("tap0") })
    #expect(line.split(separator: " ")[4] == "82")
  }

  @Test func noIPv6NoiseMeansNoLinkLocalAddress() throws {
    try Netlink.setNoIPv6Noise(link: "tap0", namespace: namespace.name)
    try namespace.makeTAP("tap1")
    for name in ["tap0", "tap1"] {
      try Netlink.configure(link: name, namespace: namespace.name, mtu: nil, address: nil, up: true)
    }
    #expect(try Netlink.addresses(link: "tap0", namespace: namespace.name) == [])
    #expect(try mode(of: "tap0") == "1\n")
    #expect(try mode(of: "tap1") == "0\n")
  }

  /// A file of /proc as seen from the namespace.
  private func text(of path: String) throws -> String? {
    try NetworkNamespace.run(in: namespace.name) { HostFacts.text(ofFile: path) }
  }

  private func mode(of link: String) throws -> String? {
    try text(of: "/proc/sys/net/ipv6/conf/\(link)/addr_gen_mode")
  }

  @Test func noIPv6NoiseAlsoSilencesALinkThatIsUp() throws {
    let tap = try TAPDevice.open(TAPRequest(name: "tap1", namespace: namespace.name)).descriptor
    try Netlink.configure(link: "tap1", namespace: namespace.name, mtu: nil, address: nil, up: true)
    try Netlink.setNoIPv6Noise(link: "tap1", namespace: namespace.name)
    #expect(try Netlink.addresses(link: "tap1", namespace: namespace.name) == [])
    withExtendedLifetime(tap) {}
  }

  @Test func addsVLANInterfacesOrSaysWhatTheKernelLacks() throws {
    do throws(SystemError) {
      try Netlink.addVLAN(parent: "tap0", name: "tap0.10", vid: 10, namespace: namespace.name)
      #expect(Netlink.exists(link: "tap0.10", namespace: namespace.name))
    } catch {
      #expect(
        error
          == SystemError(
            call: "add vlan interface", code: EOPNOTSUPP,
            context: "tap0.10 on tap0 with VID 10 (the kernel has no VLAN interfaces: load module 8021q)"))
    }
    for vid in [0, 4095, -1] {
      let error = #expect(throws: SystemError.self) {
        try Netlink.addVLAN(parent: "tap0", name: "v", vid: vid, namespace: namespace.name)
      }
      #expect(error?.code == ERANGE)
    }
  }

  @Test func speedIsReported() throws {
    try Netlink.setSpeed(link: "tap0", namespace: namespace.name, megabits: 10_000)
    #expect(try Netlink.speed(link: "tap0", namespace: namespace.name) == 10_000)
    #expect(throws: SystemError(call: "ETHTOOL_SLINKSETTINGS", code: ENODEV, context: "none")) {
      try Netlink.setSpeed(link: "none", namespace: namespace.name, megabits: 10_000)
    }
  }

  @Test func linksOfTheHostBeginWithLoopback() throws {
    let links = try Netlink.links(namespace: nil)
    #expect(links.first?.name == "lo")
    #expect(links.first?.index == 1)
    #expect(links.first?.address == "00:00:00:00:00:00")
  }
}
