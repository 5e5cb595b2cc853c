import Glibc
import LinuxHost
import Testing
import TestSupport

/// Interfaces in namespaces that others made, which are known by the paths of their files.
@Suite struct NetlinkPodTests {
  @Test func pairHasItsEndsInTwoNamespaces() throws {
    let namespace = try TestNamespace()
    let path = NetworkNamespace.path(of: namespace.name)
    let host = UniqueName.next()
    defer { try? Netlink.remove(link: host, namespace: nil) }
    try Netlink.addPair(host, peer: "pod0", in: path)
    #expect(Netlink.exists(link: host, namespace: nil) && !Netlink.exists(link: "pod0", namespace: nil))
    #expect(try Netlink.kind(of: "pod0", namespace: path) == "veth")
    let error = #expect(throws: SystemError.self) { try Netlink.addPair(host, peer: "pod1", in: path) }
    #expect(error?.code == EEXIST)

    try Netlink.configure(link: host, namespace: nil, mtu: nil, address: nil, up: true)
    try Netlink.configure(
      link: "pod0", namespace: path, mtu: 1400, address: "02:00:00:00:00:07", up: true, alternativeName: host)
    // The end in the pod is known by the name of the other one.
    let marked = try Netlink.index(of: host, namespace: path)
    let named = try Netlink.index(of: "pod0", namespace: path)
    #expect(marked == named)
    try Netlink.addAddress("10.9.0.7/24", link: "pod0", namespace: path)
    for _ in 0..<2 { try Netlink.addRoute(to: "10.8.0.0/16", onLink: "pod0", metric: nil, namespace: path) }
    try Netlink.addRoute(
      Route(destination: "0.0.0.0/0", gateway: "10.9.0.1", link: "pod0"), namespace: path)
    let destinations = try Netlink.destinations(namespace: path)
    #expect(Set(destinations).isSuperset(of: ["10.9.0.0/24", "10.8.0.0/16", "default"]), "\(destinations)")
    withExtendedLifetime(namespace) {}
  }

  @Test func pathIsAsGoodAsAName() throws {
    let namespace = try TestNamespace()
    #expect(try !NetworkNamespace.isOwn(NetworkNamespace.path(of: namespace.name)))
    #expect(try NetworkNamespace.isOwn("/proc/self/ns/net"))
    for (path, code) in [("/etc/hostname", EINVAL), ("/run/netns/no-such-namespace", ENOENT), ("/dev/null", EINVAL)] {
      let error = #expect(throws: SystemError.self) { try NetworkNamespace.open(path) }
      #expect(error?.code == code, "\(path)")
    }
    withExtendedLifetime(namespace) {}
  }
}
