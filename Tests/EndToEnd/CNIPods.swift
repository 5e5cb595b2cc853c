import Foundation
import Glibc
import LinuxHost
import Testing
import TestSupport

extension RealThings {
  /// Containers of others on a lab's switch, by the CNI plugin.
  @Suite struct CNIPods {
    private static let lab = "ape-cni"
    private static let file = """
      version: 1
      name: ape-cni
      vlans: { pods: { id: 20 } }
      switches: { sw1: {} }
      nodes:
        gw: { kind: netns, nics: { eth0: { switch: sw1, vlan: pods, address: 10.88.5.1/24 } } }

      """

    private struct Pod: Decodable {
      var port: String
      var carrier: String
      var container: String
      var interface: String
      var namespace: String
    }

    /// What the lab has of pods, as its API tells it.
    private func pods(_ sandbox: Sandbox) async throws -> [Pod] {
      let socket = "\(sandbox.state)/\(Self.lab)/control.sock"
      let outcome = try await execute(["curl", "-sS", "--unix-socket", socket, "http://localhost/v1/pods"])
      return try outcome.rows()
    }

    private func ipam(_ sandbox: Sandbox) -> String {
      """
      "ipam":{"type":"host-local","dataDir":"\(sandbox.folder)/ipam","ranges":[[{"subnet":"10.88.5.0/24",\
      "gateway":"10.88.5.1"}]],"routes":[{"dst":"0.0.0.0/0"}]}
      """
    }

    private func plugin(_ sandbox: Sandbox, _ more: String = "") -> String {
      "{\"type\":\"apus\",\"lab\":\"\(Self.lab)\",\"switch\":\"sw1\",\"vlan\":\"pods\",\(more)\(ipam(sandbox))}"
    }

    /// Addresses that host-local has given out.
    private func leases(_ sandbox: Sandbox, _ network: String) -> [String] {
      ((try? FileManager.default.contentsOfDirectory(atPath: "\(sandbox.folder)/ipam/\(network)")) ?? [])
        .filter { $0.hasPrefix("10.") }.sorted()
    }

    private func withNamespaces(_ count: Int, _ body: ([String]) async throws -> Void) async throws {
      let names = (0..<count).map { _ in UniqueName.next() }
      defer { for name in names { try? NetworkNamespace.delete(name) } }
      for name in names { try NetworkNamespace.create(name) }
      try await body(names)
    }

    // MARK: - A real runtime

    /// podman with static address and MAC; its container is found again after the daemon was killed, and goes.
    @Test(.timeLimit(.minutes(4))) func podmansContainers() async throws {
      try await Sandbox.use { sandbox in
        try await Podman.use(sandbox) { podman in try await tryPodman(podman, sandbox) }
      }
    }

    private func tryPodman(_ podman: Podman, _ sandbox: Sandbox) async throws {
      try podman.write(
        network: "lan",
        """
        {"cniVersion":"1.0.0","name":"lan","plugins":[\(plugin(sandbox)),{"type":"tuning"},
         {"type":"portmap","capabilities":{"portMappings":true}}]}
        """)
      let file = try sandbox.write(Self.file)
      // No lab, no container, and nothing is left of it.
      let early = try await podman.run("web", ["--network", "lan"])
      #expect(early.status != 0 && early.errors.contains("lab ape-cni is not up"), "\(early)")
      _ = try await podman("rm", "-f", "-t", "0", "web")
      #expect(leases(sandbox, "lan") == [])

      try await sandbox.apus("up", file, expecting: 0)
      let start = try await podman.run(
        "web", ["--network", "lan", "--ip", "10.88.5.77", "--mac-address", "02:00:00:00:00:77"])
      #expect(start.status == 0, "\(start)")
      let networks = try await podman("inspect", "web", "-f", "{{json .NetworkSettings.Networks}}")
      for text in ["\"IPAddress\":\"10.88.5.77\"", "02:00:00:00:00:77", "\"Gateway\":\"10.88.5.1\""] {
        #expect(networks.output.contains(text), "\(networks)")
      }
      try await sandbox.pings("gw", "10.88.5.77", lab: Self.lab)
      let ping = try await podman("exec", "web", "/bin/busybox", "ping", "-c", "1", "-W", "5", "10.88.5.1")
      #expect(ping.status == 0, "\(ping)")
      let rows = try await pods(sandbox)
      #expect(rows.count == 1 && rows[0].interface == "eth0" && rows[0].carrier == "up")
      let ports = try await sandbox.ports(Self.lab)
      #expect(ports.contains { $0.name == rows[0].port && $0.pvid == 20 })

      // The daemon dies; the container does not notice more than a pause.
      let daemon = try sandbox.daemon(Self.lab)
      daemon.signal(SIGKILL)
      #expect(await daemon.wait(timeoutSeconds: 20))
      try await sandbox.apus("up", file, expecting: 0)
      try await sandbox.pings("gw", "10.88.5.77", lab: Self.lab)

      // One that ends by itself goes too: its monitor calls the plugin, with an environment of its own.
      #expect(try await podman.run("brief", ["--network", "lan"]).status == 0)
      #expect(try await pods(sandbox).count == 2)
      #expect(try await podman("kill", "brief").status == 0)
      try await eventually("the port of the container that ended goes") { try await pods(sandbox).count == 1 }
      #expect(try await podman("rm", "-f", "-t", "0", "web").status == 0)
      #expect(try await pods(sandbox).isEmpty)
      #expect(leases(sandbox, "lan") == [])
    }

    // MARK: - A chain of plugins on namespaces

    @Test(.timeLimit(.minutes(3)), arguments: ["0.4.0", "1.0.0"])
    func aChainOfRealPlugins(version: String) async throws {
      try await Sandbox.use { sandbox in
        try await sandbox.apus("up", try sandbox.write(Self.file), expecting: 0)
        try await withNamespaces(1) { names in
          let namespace = NetworkNamespace.path(of: names[0])
          let chain = CNIRuntime(
            sandbox: sandbox, network: "lan", version: version,
            plugins: [
              plugin(sandbox, "\"mtu\":1400,"),
              #"{"type":"tuning","sysctl":{"net.ipv4.conf.eth0.arp_notify":"1"}}"#,
              #"{"type":"portmap","runtimeConfig":{"portMappings":[]}}"#,
            ])
          let arguments = "IgnoreUnknown=1;K8S_POD_NAMESPACE=default;K8S_POD_NAME=web;MAC=02:00:00:00:00:99"
          let result = try await chain.add("web", in: namespace, arguments: arguments)
          #expect(result.contains("02:00:00:00:00:99") && result.contains("10.88.5."), "\(result)")
          let links = try Netlink.links(namespace: names[0])
          let link = try #require(links.first { $0.name == "eth0" })
          #expect(link.address == "02:00:00:00:00:99" && link.mtu == 1400)
          let address = try #require(try Netlink.addresses(link: "eth0", namespace: names[0]).first)
          try await sandbox.pings("gw", String(address.split(separator: "/")[0]), lab: Self.lab)

          for outcome in try await chain.run("CHECK", "web", in: namespace, previous: result) {
            #expect(outcome.status == 0, "\(outcome)")
          }
          // The same once more is an error, and changes nothing.
          await #expect(throws: Failure.self) { try await chain.add("web", in: namespace) }
          #expect(try await pods(sandbox).count == 1)
          // A second network of the same container is another port.
          _ = try await chain.add("web", in: namespace, as: "net1", arguments: "IgnoreUnknown=1;K8S_POD_NAME=web")
          #expect(try await pods(sandbox).map(\.interface) == ["eth0", "net1"])
          #expect(leases(sandbox, "lan").count == 2)

          // Somebody takes the address away.
          _ = try await execute(["ip", "-n", names[0], "address", "flush", "dev", "eth0"])
          let checks = try await chain.run("CHECK", "web", in: namespace, previous: result)
          #expect(checks[0].status == 1 && checks[0].output.contains("has no address 10.88.5."), "\(checks)")

          for round in 0..<2 {
            for interface in ["eth0", "net1"] {
              for outcome in try await chain.run(
                "DEL", "web", in: round == 0 ? namespace : "", as: interface, previous: round == 0 ? result : nil)
              { #expect(outcome.status == 0 && outcome.output.isEmpty, "\(outcome)") }
            }
          }
          #expect(try Netlink.links(namespace: names[0]).map(\.name) == ["lo"])
          #expect(try await pods(sandbox).isEmpty)
          #expect(leases(sandbox, "lan") == [])
        }
      }
    }

    /// A chained plugin that looks for the pod's peer among the host's interfaces.
    @Test(.timeLimit(.minutes(3))) func aVethWithBandwidth() async throws {
      try await Sandbox.use { sandbox in
        try await sandbox.apus("up", try sandbox.write(Self.file), expecting: 0)
        try await withNamespaces(1) { names in
          let namespace = NetworkNamespace.path(of: names[0])
          let rates = #""ingressRate":50000000,"ingressBurst":5000000"#
          let chain = CNIRuntime(
            sandbox: sandbox, network: "lan", version: "1.0.0",
            plugins: [
              plugin(sandbox, "\"interface\":\"veth\","),
              "{\"type\":\"bandwidth\",\"runtimeConfig\":{\"bandwidth\":{\(rates)}}}",
            ])
          let result = try await chain.add("web", in: namespace)
          let host = try #require(try Netlink.links(namespace: nil).first { $0.name.hasPrefix("apus") }).name
          let queues = try await execute(["tc", "qdisc", "show", "dev", host])
          #expect(queues.output.contains("tbf"), "\(queues)")
          let address = try #require(try Netlink.addresses(link: "eth0", namespace: names[0]).first)
          try await sandbox.pings("gw", String(address.split(separator: "/")[0]), lab: Self.lab)
          for outcome in try await chain.run("DEL", "web", in: namespace, previous: result) {
            #expect(outcome.status == 0, "\(outcome)")
          }
          #expect(!Netlink.exists(link: host, namespace: nil))
          #expect(try await pods(sandbox).isEmpty)
        }
      }
    }

    // MARK: - Many

    /// Two clusters' worth; the daemon is killed while they are there.
    @Test(.timeLimit(.minutes(8))) func aHundredAtOnce() async throws {
      try await Sandbox.use { sandbox in
        let file = try sandbox.write(Self.file)
        try await sandbox.apus("up", file, expecting: 0)
        try await withNamespaces(100) { names in
          let runtime = CNIRuntime(
            sandbox: sandbox, network: "lan", version: "1.1.0", plugins: [plugin(sandbox)])
          func atOnce(_ body: @escaping @Sendable (String) async throws -> Void) async throws {
            try await withThrowingTaskGroup(of: Void.self) { group in
              for name in names { group.addTask { try await body(name) } }
              try await group.waitForAll()
            }
          }
          _ = try CNIRuntime.path(sandbox)
          let clock = ContinuousClock()
          let added = try await clock.measure {
            try await atOnce { name in _ = try await runtime.add(name, in: NetworkNamespace.path(of: name)) }
          }
          print("100 pods added in \(added)")
          let rows = try await pods(sandbox)
          #expect(rows.count == 100 && Set(rows.map(\.container)) == Set(names))
          #expect(rows.allSatisfy { $0.carrier == "up" })
          #expect(leases(sandbox, "lan").count == 100)
          // One of them is gone without a word, and the daemon dies.
          try NetworkNamespace.delete(names[0])
          let daemon = try sandbox.daemon(Self.lab)
          daemon.signal(SIGKILL)
          #expect(await daemon.wait(timeoutSeconds: 20))
          try await sandbox.apus("up", file, expecting: 0)
          #expect(try await pods(sandbox).filter { $0.carrier == "up" }.count == 99)
          let address = try #require(try Netlink.addresses(link: "eth0", namespace: names[99]).first)
          try await sandbox.pings("gw", String(address.split(separator: "/")[0]), lab: Self.lab)

          // Half of them are all that the runtime knows.
          let valid = names[50...].map { "{\"containerID\":\"\($0)\",\"ifname\":\"eth0\"}" }.joined(separator: ",")
          let collected = try await runtime.run(
            "GC", "", in: "", more: "\"cni.dev/valid-attachments\":[\(valid)],")
          #expect(collected[0].status == 0, "\(collected)")
          #expect(Set(try await pods(sandbox).map(\.container)) == Set(names[50...]))
          #expect(try Netlink.links(namespace: names[1]).map(\.name) == ["lo"])

          let removed = try await clock.measure {
            try await atOnce { name in
              let outcomes = try await runtime.run("DEL", name, in: NetworkNamespace.path(of: name))
              guard outcomes[0].status == 0 else { throw Failure("\(outcomes)") }
            }
          }
          print("100 pods removed in \(removed)")
          #expect(try await pods(sandbox).isEmpty)
          #expect(leases(sandbox, "lan") == [])
          #expect(try await sandbox.ports(Self.lab).map(\.name) == ["gw.eth0"])
        }
      }
    }

    // MARK: - What cannot be

    private struct Answer: Decodable {
      var cniVersion: String
      var code: Int
      var msg: String
    }

    @Test(.timeLimit(.minutes(3))) func mistakesHaveTheirCodes() async throws {
      try await Sandbox.use { sandbox in
        try await sandbox.apus("up", try sandbox.write(Self.file), expecting: 0)
        try await withNamespaces(1) { names in
          let usual = [
            "CNI_COMMAND": "ADD", "CNI_CONTAINERID": "web", "CNI_NETNS": NetworkNamespace.path(of: names[0]),
            "CNI_IFNAME": "eth0",
          ]
          let network = String(plugin(sandbox).dropFirst())
          let good = "{\"cniVersion\":\"1.0.0\",\"name\":\"lan\",\(network)"
          let cases: [(code: Int, variables: [String: String], input: String)] = [
            (6, [:], ""), (6, [:], "not JSON"), (6, [:], "[]"),
            (1, [:], good.replacing("1.0.0", with: "2.0.0")), (1, [:], good.replacing("1.0.0", with: "0.2.0")),
            (4, ["CNI_IFNAME": ""], good), (4, ["CNI_IFNAME": "a/b"], good), (4, ["CNI_CONTAINERID": "a/b"], good),
            (4, ["CNI_COMMAND": "PLUG"], good), (4, ["CNI_NETNS": "/proc/self/ns/net"], good),
            (3, ["CNI_NETNS": "/run/netns/\(names[0])-gone"], good), (3, ["CNI_NETNS": "/etc/hostname"], good),
            (7, [:], good.replacing("sw1", with: "sw9")), (7, [:], good.replacing("pods", with: "nobody")),
            (7, [:], good.replacing("host-local", with: "no-such-plugin")),
            (7, [:], good.replacing("\"lan\"", with: "\"a/b\"")),
            (2, [:], good.replacing("\"vlan\"", with: "\"vlna\"")),
            (11, [:], good.replacing("ape-cni", with: "ape-none")),
          ]
          for (code, variables, input) in cases {
            let outcome = try await CNIRuntime.call(
              sandbox, usual.merging(variables) { _, new in new }, input: input)
            let answer = try? JSONDecoder().decode(Answer.self, from: Data(outcome.output.utf8))
            #expect(
              outcome.status == 1 && answer?.code == code, "\(code) expected for \(variables) \(input): \(outcome)")
            #expect(outcome.errors.isEmpty && !(answer?.msg ?? "").isEmpty)
          }
          #expect(try Netlink.links(namespace: names[0]).map(\.name) == ["lo"])
          #expect(try await pods(sandbox).isEmpty)
          #expect(leases(sandbox, "lan") == [])

          func status(_ lab: String) async throws -> Outcome {
            let text = good.replacing("1.0.0", with: "1.1.0").replacing("ape-cni", with: lab)
            return try await CNIRuntime.call(sandbox, ["CNI_COMMAND": "STATUS"], input: text)
          }
          let up = try await status("ape-cni")
          #expect(up.status == 0, "\(up)")
          let down = try await status("ape-none")
          #expect(down.status == 1 && down.output.contains("\"code\":50"), "\(down)")
          let versions = try await CNIRuntime.call(
            sandbox,
            ["CNI_COMMAND": "VERSION", "CNI_NETNS": "dummy", "CNI_IFNAME": "dummy", "CNI_PATH": "dummy"],
            input: #"{"cniVersion":"1.0.0"}"#)
          #expect(versions.output.contains("1.1.0") && versions.status == 0)
        }
      }
    }
  }
}

/// podman with a folder of its own and CNI as its back-end for networks; containers are one program, busybox.
private struct Podman: Sendable {
  private let sandbox: Sandbox
  private var folder: String { sandbox.folder }

  /// Runs a test; afterwards all containers are gone.
  static func use(_ sandbox: Sandbox, _ body: (Podman) async throws -> Void) async throws {
    let podman = try Podman(sandbox)
    let result: Result<Void, any Error>
    do {
      result = .success(try await body(podman))
    } catch {
      result = .failure(error)
    }
    _ = try? await podman("rm", "-f", "-a", "-t", "0")
    try result.get()
  }

  private init(_ sandbox: Sandbox) throws {
    self.sandbox = sandbox
    let path = try CNIRuntime.path(sandbox).split(separator: ":").map { "\"\($0)\"" }.joined(separator: ", ")
    for name in ["net.d", "rootfs/bin", "rootfs/proc", "rootfs/sys", "rootfs/dev", "rootfs/etc", "rootfs/run"] {
      try FileManager.default.createDirectory(
        atPath: "\(sandbox.folder)/\(name)", withIntermediateDirectories: true)
    }
    try FileManager.default.copyItem(atPath: "/bin/busybox", toPath: "\(sandbox.folder)/rootfs/bin/busybox")
    // Of a container that ends, conmon calls the plugins, and it has of podman's environment only what is listed.
    let variables = sandbox.environment.filter { $0.key.hasPrefix("APUS_") }.map { "\"\($0.key)=\($0.value)\"" }
    // What this kind of machine grants: no raised limits, no systemd, control groups of both kinds.
    let settings = """
      [containers]
      default_ulimits = ["nofile=1024:1024", "nproc=1000:1000"]
      [network]
      network_backend = "cni"
      network_config_dir = "\(sandbox.folder)/net.d"
      cni_plugin_dirs = [\(path)]
      [engine]
      runtime = "runc"
      cgroup_manager = "cgroupfs"
      events_logger = "none"
      conmon_env_vars = [\(variables.joined(separator: ", "))]

      """
    try settings.write(toFile: "\(sandbox.folder)/containers.conf", atomically: true, encoding: .utf8)
  }

  func write(network: String, _ text: String) throws {
    try text.write(toFile: "\(folder)/net.d/\(network).conflist", atomically: true, encoding: .utf8)
  }

  /// Starts a container that waits.
  func run(_ name: String, _ options: [String]) async throws -> Outcome {
    try await call(
      ["run", "-d", "--name", name] + options + ["--rootfs", "\(folder)/rootfs", "/bin/busybox", "sleep", "1000"])
  }

  func callAsFunction(_ arguments: String...) async throws -> Outcome { try await call(arguments) }

  private func call(_ arguments: [String]) async throws -> Outcome {
    var environment = sandbox.environment
    environment["CONTAINERS_CONF"] = "\(folder)/containers.conf"
    let own = ["podman", "--root", "\(folder)/pr", "--runroot", "\(folder)/rr", "--storage-driver", "vfs"]
    return try await execute(own + arguments, environment: environment, within: 60)
  }
}
