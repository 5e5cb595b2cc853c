import FoundationEssentials
import Importing
import Testing
import Topology

/// Kathara's folders: facts of its own parser, in small files.
struct KatharaTests {
  private static let route = [
    "lab.conf": """
    LAB_NAME="static routing"
    pc1[0]="A"
    r1[0]="A"
    r1[1]="B"
    r2[0]="B"
    r2[1]="C"
    pc2[0]="C"
    """,
    "pc1.startup": "ip address add 10.0.1.2/24 dev eth0\nip route add default via 10.0.1.1 dev eth0\n",
    "r1.startup": """
    #!/bin/sh
    ip a a 10.0.1.1/24 dev eth0
    ip addr add dev eth1 10.0.2.1/30
    ip link set up dev eth1
    ip route add 10.0.3.0/24 via 10.0.2.2
    """,
    "r2.startup": """
    /sbin/ifconfig eth0 10.0.2.2/30 up
    ifconfig eth1 10.0.3.1 netmask 255.255.255.0 up
    route add -net 10.0.1.0 netmask 255.255.255.0 gw 10.0.2.1
    """,
    "pc2.startup": "ifconfig eth0 inet 10.0.3.2 netmask 255.255.255.0 && route add default gw 10.0.3.1\n",
  ]

  @Test func twoRoutersBetweenTwoHosts() throws {
    let imported = try Imported(Self.route)
    #expect(imported.lab.name == "static-routing")
    #expect(imported.nodes == ["pc1", "r1", "r2", "pc2"])
    #expect(imported.wires == ["pc1:eth0 r1:eth0", "pc2:eth0 r2:eth1", "r1:eth1 r2:eth0"])
    #expect(
      imported.addresses == [
        "pc1:eth0 10.0.1.2/24", "r1:eth0 10.0.1.1/24", "r1:eth1 10.0.2.1/30", "r2:eth0 10.0.2.2/30",
        "r2:eth1 10.0.3.1/24", "pc2:eth0 10.0.3.2/24",
      ])
    #expect(imported.lost == [])
    #expect(imported.text.components(separatedBy: "forwarding: on").count == 3)
    #expect(imported.text.contains("- { to: 10.0.3.0/24, via: 10.0.2.2 }"))
    #expect(imported.text.contains("- { to: 10.0.1.0/24, via: 10.0.2.1 }"))
    #expect(imported.text.contains("gateway: 10.0.3.1"))
  }

  @Test func orderIsByNumber() throws {
    let imported = try Imported([
      "lab.conf": """
      # a comment
      r1[1]='a'
      r1[0]="A"   # the first
      pc1[0]=A
      pc2[0]="a/02:00:00:00:00:07"
      """
    ])
    #expect(imported.nics("r1") == ["eth0", "eth1"])
    #expect(imported.wires == ["pc1:eth0 r1:eth0", "pc2:eth0 r1:eth1"])
    #expect(imported.lab.links.map(\.name).sorted() == ["a", "a-2"])
    #expect(imported.text.contains("mac: \"02:00:00:00:00:07\""))
  }

  @Test func segmentsAreByTheirMembers() throws {
    let imported = try Imported([
      "lab.conf": """
      a[0]="ONE"
      a[1]="TWO"
      b[0]="TWO"
      a[2]="FOUR"
      b[1]="FOUR"
      c[0]="FOUR"
      d[0]="FOUR"
      e[bridged]="true"
      """
    ])
    #expect(imported.wires == ["a:eth1 b:eth0"])
    #expect(imported.switches == ["one: a:eth0", "four: a:eth2 b:eth1 c:eth0 d:eth0"])
    #expect(imported.lab.switches.allSatisfy { !$0.isVLANAware })
    #expect(imported.nics("e") == ["eth0"])
    #expect(imported.lost == ["8 e[bridged]"])
  }

  @Test func impairmentsAreOfOneDirection() throws {
    let imported = try Imported([
      "lab.conf": "a[0]=X\nb[0]=X\n", "b.startup": "tc qdisc add dev eth0 root netem delay 20ms loss 1%\n",
    ])
    #expect(imported.text.contains("impair: { from-b: { delay: 20ms, loss: 1% } }"))
  }

  @Test func mistakesHaveTheirLines() {
    let faults = Imported.faults(["lab.conf": "a[0]=X\na[2]=Y\nPC[0]=X\nb[0]=\"X\n"])
    #expect(faults.map { $0.prefix(1) } == ["3", "4", "2"])
    #expect(Imported.faults(["lab.conf": "shared[0]=X\n"])[0].contains("reserved"))
    #expect(Imported.faults(["lab.conf": "a[0]=X\na[1]=X\n"])[0].hasPrefix("2 a is on collision domain X already"))
    #expect(Imported.faults(["lab.conf": "a[0]=X\n", "lab.dep": "a: a\n"])[0].contains("a -> a"))
  }

  @Test func dependenciesAreForMachines() throws {
    let files = ["lab.conf": "a[0]=X\nb[0]=X\n", "lab.dep": "a: b\n"]
    #expect(try Imported(files, kind: .container).text.contains("after: b"))
    #expect(try !Imported(files).text.contains("after:"))
  }

  @Test func metasAndFilesAreForContainers() throws {
    let files = [
      "lab.conf": "a[0]=X\na[image]=\"kathara/frr\"\na[env]=\"K=V\"\na[sysctl]=\"net.ipv4.conf.all.rp_filter=0\"\n",
      "a/etc/motd": "${HOME}: a\tb\n", "shared.startup": "echo shared\n", "a.startup": "systemctl start frr\n",
    ]
    let container = try Imported(files, kind: .container)
    #expect(container.text.contains("image: docker.io/kathara/frr"))
    #expect(container.text.contains("K: \"V\""))
    #expect(container.text.contains("$${HOME}: a\tb"))
    #expect(container.text.contains("- \"echo shared\"\n      - \"systemctl start frr\""))
    #expect(container.lost == [])
    let namespace = try Imported(files)
    #expect(namespace.lost == ["0 a", "1 a.startup", "2 a[image]", "3 a[env]", "1 shared.startup"])
    #expect(namespace.text.contains("net.ipv4.conf.all.rp_filter: \"0\""))
    #expect(!namespace.text.contains("exec:"))
    #expect(namespace.text.contains("#   systemctl start frr"))
  }
}
