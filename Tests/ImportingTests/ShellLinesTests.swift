import Testing

@testable import Importing

/// Scripts are read: what is plain is understood, what is not is kept, and nothing is run or expanded.
struct ShellLinesTests {
  private func facts(_ script: String) -> [ShellLines.Fact?] { ShellLines.read(script).map(\.fact) }

  @Test(arguments: [
    "ip addr add 10.0.0.1/24 dev eth0", "ip a a 10.0.0.1/24 dev eth0", "ip -4 address replace 10.0.0.1/24 dev eth0",
    "ip addr add dev eth0 10.0.0.1/24", "ip addr add 10.0.0.1/24 brd + dev eth0 label eth0:1",
    "ifconfig eth0 10.0.0.1/24 up",
    "ifconfig eth0 10.0.0.1 netmask 255.255.255.0",
    "ifconfig eth0 inet 10.0.0.1 netmask 255.255.255.0 broadcast 10.0.0.255 up",
    "sudo /sbin/ip addr add 10.0.0.1/24 dev eth0", "ip addr add 10.0.0.1/24 dev 'eth0' 2>/dev/null || true",
    "sh -c \"ip addr add 10.0.0.1/24 dev eth0\"", "ip addr add 10.0.0.1/255.255.255.0 dev eth0 # comment",
    "busybox ifconfig eth0:1 10.0.0.1 netmask 0xffffff00",
  ])
  func addresses(_ line: String) {
    let facts = facts(line).map { fact in
      if case .several(let all)? = fact { all.filter { $0 != .nothing }.first } else { fact }
    }
    #expect(facts == [.address(nic: "eth0", "10.0.0.1/24")])
  }

  @Test func others() {
    #expect(facts("ip route add default via 10.0.0.1") == [.route(to: "default", via: "10.0.0.1", nic: nil)])
    #expect(facts("ip -6 r a ::/0 via fd00::1 dev eth0") == [.route(to: "default", via: "fd00::1", nic: "eth0")])
    #expect(facts("route add default gw 10.0.0.1 eth0") == [.route(to: "default", via: "10.0.0.1", nic: "eth0")])
    #expect(facts("route add -net 10.9.0.0/16 gw 10.0.0.1") == [.route(to: "10.9.0.0/16", via: "10.0.0.1", nic: nil)])
    #expect(
      facts("route add -net 10.9.0.0 netmask 255.255.0.0 gw 10.0.0.1 dev eth1")
        == [.route(to: "10.9.0.0/16", via: "10.0.0.1", nic: "eth1")])
    #expect(
      facts("ip link set dev eth0 address 02:00:00:00:00:01 mtu 9000") == [
        .several([.mac(nic: "eth0", "02:00:00:00:00:01"), .mtu(nic: "eth0", 9000)])
      ])
    #expect(facts("ifconfig eth0 hw ether 02:00:00:00:00:01") == [.mac(nic: "eth0", "02:00:00:00:00:01")])
    #expect(
      facts("ifconfig eth0 192.168.1.1") == [
        .several([.address(nic: "eth0", "192.168.1.1/24"), .state(nic: "eth0", isUp: true)])
      ])
    #expect(facts("sysctl -w net.ipv4.ip_forward=1") == [.sysctl(key: "net.ipv4.ip_forward", value: "1")])
    #expect(
      facts("echo 1 > /proc/sys/net/ipv4/ip_forward") == [.sysctl(key: "net.ipv4.ip_forward", value: "1")])
  }

  @Test(arguments: [
    "ip addr add $A dev eth0", "ip addr add `cat a` dev eth0", "ip addr add 10.0.0.1 peer 10.0.0.2 dev eth0",
    "ip route add 10.0.0.0/8 via 10.1.1.1 table 7", "ip link add br0 type bridge", "systemctl start frr",
    "if true; then ip addr add 10.0.0.1/24 dev eth0; fi", "echo 1 > /etc/passwd", "ip addr add 10.0.0.1/24 dev 'eth0",
    "false || ip addr add 10.0.0.1/24 dev eth0", "ip addr show | grep eth0", "sh -c 'ip addr add $A dev eth0'",
    "ifconfig eth0 10.0.0.1 netmask 255.0.255.0", "sysctl -p /etc/x", "sysctl -w net.a 1", "sysctl -w net.a= 1",
  ])
  func whatIsNotUnderstoodIsKept(_ line: String) {
    let lines = ShellLines.read(line)
    #expect(lines.contains { $0.fact == nil && !$0.text.isEmpty })
    #expect(!lines.contains { if case .address? = $0.fact { true } else { false } })
  }

  @Test func severalSettingsInOneLine() {
    let both: ShellLines.Fact = .several([.sysctl(key: "net.a", value: "1"), .sysctl(key: "net.b", value: "2")])
    #expect(facts("sysctl -w net.a=1 net/b=2") == [both])
    #expect(facts("sysctl net.a = 1") == [.sysctl(key: "net.a", value: "1")])
    #expect(facts("sysctl -w net.a='1 2 3'") == [.sysctl(key: "net.a", value: "1 2 3")])
  }

  private func applied(_ script: String) -> (node: ForeignNode, notes: [ImportNote]) {
    var node = ForeignNode(id: "x", name: "x", kind: .vm)
    node.nics = ["eth0", "eth1"].map { ForeignNIC(name: $0) }
    var application = ShellApplication(path: "p", key: "k", node: node)
    application.apply(script, first: 1, to: &node)
    application.finish(&node)
    return (node, application.notes)
  }

  @Test func aNICThatIsSetDownIsDown() {
    let (node, notes) = applied("ip link set eth0 down\nip link set eth1 down\nip link set eth0 up\nifconfig eth0 up")
    #expect(node.nics.map(\.isDown) == [false, true])
    #expect(notes.map { "\($0.line ?? 0) \($0.outcome) \($0.key)" } == ["2 lost k: eth1"])
    #expect(applied("ifconfig eth0 down\nifconfig eth0 10.0.0.1/24").node.nics[0].isDown == false)
  }

  /// A line that is partly about something else changes nothing, as it is run whole.
  @Test func aLineIsTakenWholeOrKept() {
    let (node, notes) = applied("sysctl -w net.a=1 kernel.b=2")
    #expect(node.sysctl.isEmpty)
    #expect(node.exec.map(\.line) == ["sysctl -w net.a=1 kernel.b=2"])
    #expect(notes.count == 1)
  }

  /// Each value once and in order, however many lines say it.
  @Test func manyLinesStayInOrder() {
    let numbers = (1...2000).map { "10.\($0 / 200).\($0 % 200).1" }
    let adding = numbers.map { "ip a add \($0)/24 dev eth0" }
    let script =
      adding + adding + ["ip a del \(numbers[7])/24 dev eth0", "sysctl net.a=1", "sysctl net.b=2", "sysctl net.a=3"]
      + numbers.map { "ip route add 192.0.2.0/24 via \($0.dropLast())9" }
      + ["ip a add 10.250.0.1/16 dev eth1", "ip route add default via 10.250.9.9"]
    let (node, notes) = applied(script.joined(separator: "\n"))
    #expect(node.nics[0].addresses == numbers.filter { $0 != numbers[7] }.map { "\($0)/24" })
    #expect(node.sysctl.map { "\($0.key)=\($0.value)" } == ["net.b=2", "net.a=3"])
    #expect(node.nics[0].routes.count == 1999)
    #expect(node.nics[1].gateways == ["10.250.9.9"])
    #expect(notes.count == 1)
  }

  @Test func whatRunsPerhapsIsNotUnderstood() {
    let script = """
      for i in 1 2; do
        ip addr add 10.0.0.1/24 dev eth0
      done
      cat > /etc/x <<EOF
      ip addr add 10.0.0.2/24 dev eth0
      EOF
      ip addr add 10.0.0.3/24 \\
        dev eth0; ip link set eth0 up
      """
    let lines = ShellLines.read(script)
    let known = lines.filter { $0.fact != nil }
    #expect(known.map(\.number) == [7, 7])
    #expect(known.first?.fact == .address(nic: "eth0", "10.0.0.3/24"))
    #expect(lines.filter { $0.fact == nil }.map(\.number) == [1, 1, 2, 3, 4])
  }

  @Test func trafficControl() {
    var delay = ForeignImpairment()
    delay.delayMicroseconds = 10_000
    delay.jitterMicroseconds = 2000
    delay.lossPercent = 10
    let line = "tc qdisc add dev eth0 root netem delay 10ms 2ms 25% distribution normal loss 10%"
    #expect(facts(line) == [.impairment(nic: "eth0", delay)])
    var rate = ForeignImpairment()
    rate.rate = 256_000
    #expect(
      facts("tc qdisc add dev eth0 root tbf rate 256kbit burst 1600 latency 50ms") == [.impairment(nic: "eth0", rate)])
    #expect(facts("tc qdisc add dev eth0 root netem reorder 25% 50%") == [nil])
  }

  /// Whatever is in a script, it is read to its end.
  @Test func anyTextIsRead() {
    var generator = SystemRandomNumberGenerator()
    let parts = [
      "ip", " ", "addr", "add", "'", "\"", "\\", "$", "(", ";", "&", "&&", "|", ">", "<<E", "\n", "10.0.0.1/99", "é",
    ]
    for _ in 0..<2000 {
      let script = (0..<Int.random(in: 0...12, using: &generator)).map { _ in parts.randomElement() ?? "" }.joined()
      _ = ShellLines.read(script)
    }
  }
}
