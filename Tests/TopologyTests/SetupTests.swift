import Testing

@testable import Topology

/// What a node's system is told, as it comes out of the file.
@Suite struct SetupTests {
  private func nodes(_ text: String) throws -> [NodeDefinition] {
    let result = load("version: 1\nname: test\n\(text)", facts: .usual)
    #expect(result.diagnostics.isEmpty, "\(result.diagnostics)")
    return try #require(result.lab).nodes
  }

  @Test func everyKeyIsTaken() throws {
    let node = try nodes(
      """
      nodes:
        r:
          kind: vm
          forwarding: on
          sysctl: { net/ipv4/conf/eth0.20/rp_filter: 0, kernel.panic: 10, net.ipv4.tcp_rmem: 4096 87380 6291456 }
          exec: [ip link, "echo $${HOME}"]
          files:
            /etc/motd: |
              Hello
            /etc/user-data: user-data.yaml

      """)[0]
    var setup = SetupDefinition()
    setup.forwarding = true
    setup.sysctl = [
      .init(key: "net.ipv4.conf.eth0/20.rp_filter", value: "0"), .init(key: "kernel.panic", value: "10"),
      .init(key: "net.ipv4.tcp_rmem", value: "4096 87380 6291456"),
    ]
    setup.exec = ["ip link", "echo ${HOME}"]
    setup.files = [
      .init(path: "/etc/motd", content: .text("Hello\n")),
      .init(path: "/etc/user-data", content: .file("/labs/user-data.yaml")),
    ]
    #expect(node.setup == setup)
    #expect(setup.kernelSettings.prefix(3).map(\.key) == SetupNames.forwardingKeys + [setup.sysctl[0].key])
    #expect(SetupNames.path(ofKey: setup.sysctl[0].key) == "/proc/sys/net/ipv4/conf/eth0.20/rp_filter")
  }

  @Test func rangesProfilesAndDefaults() throws {
    let node = try nodes(
      """
      defaults: { forwarding: off, exec: a }
      profiles: { p: { exec: [b], sysctl: { net.core.somaxconn: 5 } }, r: { kind: netns, forwarding: yes } }
      nodes:
        vm: { kind: vm }
        own[1-2]: { kind: vm, profile: p, forwarding: on }
        ns: { kind: netns, profile: p, exec: c }
        r[1-2]: { profile: r }
        none: { kind: netns, exec: [], sysctl: {}, }
        ct: { kind: container, image: web, exec: d, files: {} }
        disk: { kind: vm, image: debian.qcow2 }

      """)
    let setups = Dictionary(uniqueKeysWithValues: node.map { ($0.name, $0.setup) })
    #expect(setups["vm"]??.forwarding == false && setups["vm"]??.exec == ["a"])
    #expect(setups["own2"]??.forwarding == true && setups["own2"]??.exec == ["b"])
    #expect(setups["own2"]??.sysctl.map(\.value) == ["5"])
    #expect(setups["ns"]??.forwarding == nil, "defaults are those of machines")
    #expect(setups["ns"]??.exec == ["c"] && setups["ns"]??.sysctl.count == 1)
    #expect(setups["r2"]??.forwarding == true)
    #expect(setups["ct"]??.exec == ["d"])
    for name in ["none", "disk"] { #expect(setups[name] == .some(nil), "\(name)") }
  }

  @Test func namesThatLeadNowhereElse() {
    for key in ["net.a", "net/a", "a.b-c_D.1", "net.ipv4.conf.eth0/20.x"] { #expect(SetupNames.kernelKey(key) != nil) }
    for key in ["", "net", ".net.a", "net.", "net..a", "/net/a", "net/../a", "net.a/.b", "net.a b", "net.a\n", "a.é"] {
      #expect(SetupNames.kernelKey(key) == nil, "\(key)")
    }
    #expect(SetupNames.kernelKey("a." + String(repeating: "b", count: 254)) == nil)
    for path in ["/a", "/a b/c.d", "/é"] { #expect(SetupNames.isPath(path)) }
    for path in ["", "a", "/", "/a/", "//a", "/./a", "/a/..", "/a\nb", "/a\0"] { #expect(!SetupNames.isPath(path)) }
    #expect(!SetupNames.isPath("/" + String(repeating: "a", count: 256)))
    #expect(!SetupNames.isLine("\n ") && !SetupNames.isLine("a\0") && SetupNames.isLine("a\nb"))
  }
}
