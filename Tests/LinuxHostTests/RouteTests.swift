import Glibc
import LinuxHost
import Testing

@Suite struct RouteTests {
  private let namespace: TestNamespace

  init() throws {
    namespace = try TestNamespace()
    for name in ["tap0", "tap1"] {
      try namespace.makeTAP(name)
      try Netlink.configure(link: name, namespace: namespace.name, mtu: nil, address: nil, up: true)
    }
  }

  private func add(_ address: String, _ link: String = "tap0") throws {
    try Netlink.addAddress(address, link: link, namespace: namespace.name)
  }

  private func add(_ route: Route) throws(SystemError) { try Netlink.addRoute(route, namespace: namespace.name) }

  /// A file of /proc as seen from the namespace.
  private func text(of path: String) throws -> String {
    try NetworkNamespace.run(in: namespace.name) { HostFacts.text(ofFile: path) } ?? ""
  }

  /// Lines of route: interface, destination, gateway (both as little-endian words), metric.
  private func fourthVersion() throws -> [String] {
    try text(of: "/proc/thread-self/net/route").split(separator: "\n").dropFirst().map { line in
      let words = line.split(whereSeparator: { " \t".contains($0) })
      return [words[0], words[1], words[2], words[6]].joined(separator: " ")
    }
  }

  /// Gateways and metrics (hexadecimal) of the IPv6 routes that have a gateway, with their interfaces.
  private func sixthVersion() throws -> [String] {
    try text(of: "/proc/thread-self/net/ipv6_route").split(separator: "\n").compactMap { line in
      let words = line.split(separator: " ")
      return words[4].allSatisfy({ $0 == "0" }) ? nil : [words[4], words[5], words[9]].joined(separator: " ")
    }
  }

  @Test func addsRoutesOnce() throws {
    try add("192.0.2.1/24")
    try add("2001:db8::1/64")
    for _ in 0..<2 {
      try add(Route(destination: "default", gateway: "192.0.2.254", link: "tap0"))
      try add(Route(destination: "198.51.100.0/24", gateway: "192.0.2.253", link: "tap0"))
      try add(Route(destination: "default", gateway: "2001:db8::ff", link: "tap0"))
    }
    #expect(
      try fourthVersion() == [
        "tap0 00000000 FE0200C0 0", "tap0 000200C0 00000000 0", "tap0 006433C6 FD0200C0 0",
      ])
    #expect(try sixthVersion() == ["20010db80000000000000000000000ff 00000400 tap0"])
  }

  @Test func anotherRouteToTheSamePlaceIsRefusedAndNamed() throws {
    try add("192.0.2.1/24")
    try add("198.51.100.1/24", "tap1")
    try add("2001:db8::1/64")
    try add(Route(destination: "default", gateway: "192.0.2.254", link: "tap0"))
    try add(Route(destination: "default", gateway: "2001:db8::ff", link: "tap0"))
    for other in [
      Route(destination: "default", gateway: "198.51.100.254", link: "tap1"),
      Route(destination: "0.0.0.0/0", gateway: "192.0.2.253", link: "tap0"),
      Route(destination: "default", gateway: "192.0.2.254", link: "tap0", isOnLink: true),
    ] {
      let error = #expect(throws: SystemError.self) { try add(other) }
      #expect(error?.code == EEXIST)
      #expect(error?.context == "\(other); the one that is there leads via 192.0.2.254 on tap0")
    }
    let six = #expect(throws: SystemError.self) {
      try add(Route(destination: "default", gateway: "2001:db8::fe", link: "tap0", metric: 1024))
    }
    #expect(six?.context.hasSuffix("leads via 2001:db8::ff on tap0") == true)
    // The subnet of an address is a route, too.
    let own = #expect(throws: SystemError.self) {
      try add(Route(destination: "198.51.100.0/24", gateway: "192.0.2.254", link: "tap0"))
    }
    #expect(own?.context.hasSuffix("the one that is there leads to tap1 itself") == true)
  }

  @Test func otherMetricsStandSideBySide() throws {
    try add("192.0.2.1/24")
    try add("2001:db8::1/64")
    for _ in 0..<2 {
      try add(Route(destination: "default", gateway: "192.0.2.254", link: "tap0"))
      try add(Route(destination: "default", gateway: "192.0.2.253", link: "tap0", metric: 7))
      try add(Route(destination: "default", gateway: "2001:db8::ff", link: "tap0", metric: 5))
      try add(Route(destination: "default", gateway: "2001:db8::fe", link: "tap0"))
    }
    #expect(
      try fourthVersion().filter { $0.contains(" 00000000 F") } == [
        "tap0 00000000 FE0200C0 0", "tap0 00000000 FD0200C0 7",
      ])
    #expect(
      try sixthVersion() == [
        "20010db80000000000000000000000ff 00000005 tap0", "20010db80000000000000000000000fe 00000400 tap0",
      ])
  }

  @Test func gatewaysOutsideEverySubnet() throws {
    try add("192.0.2.1/32")
    try add("2001:db8::1/128")
    for _ in 0..<2 {
      try add(Route(destination: "default", gateway: "198.51.100.1", link: "tap0", isOnLink: true))
      try add(Route(destination: "2001:db8:1::/48", gateway: "2001:db8:2::1", link: "tap0", isOnLink: true))
      // A link-local address is on every link; this route says on which.
      try add(Route(destination: "default", gateway: "fe80::1", link: "tap1"))
    }
    #expect(try fourthVersion() == ["tap0 00000000 016433C6 0"])
    #expect(
      try sixthVersion().sorted() == [
        "20010db8000200000000000000000001 00000400 tap0", "fe800000000000000000000000000001 00000400 tap1",
      ])
  }

  @Test func refusesRoutesThatLeadNowhere() throws {
    let error = #expect(throws: SystemError.self) {
      try add(Route(destination: "default", gateway: "192.0.2.254", link: "tap0"))
    }
    #expect(error?.code == ENETUNREACH)
    let mixed = #expect(throws: SystemError.self) {
      try add(Route(destination: "2001:db8::/64", gateway: "192.0.2.254", link: "tap0"))
    }
    #expect(mixed?.call == "destination")
    let metric = #expect(throws: SystemError.self) {
      try add(Route(destination: "default", gateway: "192.0.2.254", link: "tap0", metric: -1))
    }
    #expect(metric?.code == ERANGE)
  }
}
