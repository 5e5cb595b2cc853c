import Foundation
import Lab
import Synchronization
import Testing

@testable import Control

/// What the plugin does, and undoes, on a host without a kernel.
@Suite struct CNIPluginTests {
  private let host = FakePodHost()
  private let lab = FakePodLab()

  private static let address = """
    {"cniVersion":"1.0.0","ips":[{"address":"10.0.0.7/24","gateway":"10.0.0.1"}],"routes":[{"dst":"0.0.0.0/0"}]}
    """

  init() {
    host.state.withLock {
      $0.plugin = { command, version in
        if version == "1.1.0" {
          return .init(status: 1, output: Array(#"{"code":1,"msg":"incompatible CNI versions"}"#.utf8))
        }
        return .init(status: 0, output: command == "ADD" ? Array(Self.address.utf8) : [])
      }
    }
  }

  /// - Parameter more: further keys of the network, with a comma behind each.
  private func run(
    _ command: String, _ more: String = "", version: String = "1.0.0", name: String = "lan", lab: String = "two",
    _ variables: [String: String] = [:]
  ) async -> (status: Int32, answer: JSONValue?) {
    let environment = CNICallTests.variables.merging(["CNI_COMMAND": command, "CNI_ARGS": ""]) { _, new in new }
      .merging(variables) { _, new in new }
    let network =
      #"{"cniVersion":"\#(version)","name":"\#(name)","type":"apus","lab":"\#(lab)","vlan":20,\#(more)"switch":"sw1"}"#
    let door = self.lab
    let plugin = CNIPlugin(environment, Array(network.utf8), host: host) { $0 == "two" ? door : nil }
    let (status, output) = await plugin.run()
    return (status, try? JSON.decode(JSONValue.self, from: Array(output.utf8)))
  }

  private let ipam = #""ipam":{"type":"host-local"},"#
  private let mac = ["CNI_ARGS": "MAC=02:00:00:00:00:01;K8S_POD_NAME=web"]

  @Test func versionsAreToldToWhoSaysNothingElse() async throws {
    let plugin = CNIPlugin(
      ["CNI_COMMAND": "VERSION", "CNI_NETNS": "dummy"], Array(#"{"cniVersion":"1.0.0"}"#.utf8), host: host
    ) { _ in nil }
    let (status, output) = await plugin.run()
    #expect(status == 0)
    #expect(output == #"{"cniVersion":"1.0.0","supportedVersions":["0.3.1","0.4.0","1.0.0","1.1.0"]}"# + "\n")
  }

  @Test func podGetsInterfaceAddressesAndPort() async throws {
    let (status, answer) = await run("ADD", ipam, mac)
    #expect(status == 0)
    #expect(
      host.done == [
        "/cni/host-local ADD 1.0.0", "tap eth0 02:00:00:00:00:01 1500", "addresses 10.0.0.7/24, routes 0.0.0.0/0",
      ])
    let port = try #require(lab.ports.withLock(\.self).first)
    #expect(port.target == "eth0" && port.kind == .tap && port.switchName == "sw1" && port.vlan == "20")
    #expect(
      port.pod
        == PodAttachment(
          network: "lan", container: "0123456789abcdef", interface: "eth0", namespace: "/run/netns/pod"))
    #expect(answer?["interfaces"]?.list?.count == 1)
    #expect(answer?["interfaces"]?.list?.first?["sandbox"] == "/run/netns/pod")
    #expect(answer?["ips"]?.list?.first?["interface"] == 0)
  }

  @Test func hostsEndOfAVethComesFirst() async throws {
    let (status, answer) = await run("ADD", ipam + #""interface":"veth","#, mac)
    #expect(status == 0)
    let host = PodAttachment.hostInterface(container: "0123456789abcdef", interface: "eth0")
    #expect(answer?["interfaces"]?.list?.map { $0["name"] } == [.text(host), "eth0"])
    #expect(answer?["interfaces"]?.list?.first?["sandbox"] == nil)
    #expect(answer?["ips"]?.list?.first?["interface"] == 1)
    #expect(lab.ports.withLock(\.self).first?.target == host)
  }

  @Test func olderPluginsOfAddressesServeNewNetworks() async throws {
    let (status, answer) = await run("ADD", ipam, version: "1.1.0")
    #expect(status == 0)
    #expect(host.done.prefix(2) == ["/cni/host-local ADD 1.1.0", "/cni/host-local ADD 1.0.0"])
    #expect(answer?["cniVersion"] == "1.1.0")
  }

  @Test func addressesMayBeTheRuntimesOwn() async throws {
    let (status, answer) = await run("ADD", #""runtimeConfig":{"ips":["10.0.0.9/24"]},"#)
    #expect(status == 0 && answer?["ips"]?.list?.first?["address"] == "10.0.0.9/24")
    let (other, error) = await run("ADD", "", ["CNI_IFNAME": "eth1", "CNI_ARGS": "IP=10.0.0.9"])
    #expect(other == 1 && error?["code"] == 7)
  }

  @Test func secondAddIsAnErrorAndChangesNothing() async throws {
    _ = await run("ADD", ipam)
    let before = host.done
    let (status, answer) = await run("ADD", ipam)
    #expect(status == 1 && answer?["code"] == 101)
    #expect(host.done == before)
    #expect(lab.ports.withLock(\.count) == 1)
  }

  /// A runtime calls DEL after each ADD that has failed.
  @Test func interfaceOfSomebodyElseStays() async throws {
    host.state.withLock { $0.interfaces = ["eth0 in /run/netns/pod"] }
    #expect(await run("ADD", ipam).answer?["code"] == 101)
    #expect(await run("DEL", ipam).status == 0)
    #expect(host.interfaces == ["eth0 in /run/netns/pod"])
    // One with the mark of another container is another's, too.
    host.state.withLock { $0.interfaces = [] }
    #expect(await run("ADD", ipam, ["CNI_CONTAINERID": "a"]).status == 0)
    #expect(await run("DEL", ipam, ["CNI_CONTAINERID": "b"]).status == 0)
    #expect(host.interfaces == ["eth0 in /run/netns/pod"])
    #expect(await run("DEL", ipam, ["CNI_CONTAINERID": "a"]).status == 0)
    #expect(host.interfaces.isEmpty)
  }

  @Test func routesThatAreNotSupportedAreRefusedAndRemoved() async throws {
    let routes = #""routes":[{"dst":"10.1.0.0/16","table":7}]"#
    host.state.withLock {
      $0.plugin = { _, _ in .init(status: 0, output: Array("{\"ips\":[],\(routes)}".utf8)) }
    }
    let (status, answer) = await run("ADD", ipam)
    #expect(status == 1 && answer?["code"] == 2)
    #expect(host.done == ["/cni/host-local ADD 1.0.0", "/cni/host-local DEL 1.0.0"])
    // Whatever the result says that a runtime keeps.
    for previous in ["{\(routes)}", #"{"ips":[{}]}"#] {
      #expect(await run("DEL", ipam + #""prevResult":\#(previous),"#).status == 0)
    }
  }

  @Test func failedAddLeavesNothing() async throws {
    host.state.withLock { $0.refusesToConfigure = true }
    let (status, answer) = await run("ADD", ipam)
    #expect(status == 1 && answer?["code"] == 100 && answer?["msg"] == "no route to there")
    #expect(host.interfaces.isEmpty && lab.ports.withLock(\.isEmpty))
    #expect(host.done.suffix(2) == ["no eth0", "/cni/host-local DEL 1.0.0"])
  }

  @Test func refusalOfTheLabLeavesNothing() async throws {
    lab.refusal.withLock { $0 = UserError(.notFound, "lab two has no switch \"sw1\"", hint: "switches: sw2") }
    let (status, answer) = await run("ADD", ipam)
    #expect(status == 1 && answer?["code"] == 7 && answer?["details"] == "switches: sw2")
    #expect(host.interfaces.isEmpty)
    #expect(host.done.last == "/cni/host-local DEL 1.0.0")
  }

  @Test func labThatIsNotUpIsTriedAgain() async throws {
    let (status, answer) = await run("ADD", lab: "three")
    #expect(status == 1 && answer?["code"] == 11 && answer?["cniVersion"] == "1.0.0")
    let (_, state) = await run("STATUS", version: "1.1.0", lab: "three")
    #expect(state?["code"] == 50)
    lab.refusal.withLock { $0 = UserError(.unreachable, "no daemon answers") }
    let (_, gone) = await run("ADD", ipam)
    #expect(gone?["code"] == 11)
    #expect(host.interfaces.isEmpty)
  }

  @Test(arguments: [("/run/netns/gone", 3), ("/proc/1/ns/net", 4)])
  func wrongNamespacesAreRefused(path: String, code: Int) async throws {
    let (status, answer) = await run("ADD", ipam, ["CNI_NETNS": path])
    #expect(status == 1 && answer?["code"] == .integer(code))
    #expect(host.done.isEmpty)
  }

  @Test func delIsDoneTwiceAndWithoutALab() async throws {
    _ = await run("ADD", ipam)
    for namespace in ["/run/netns/pod", "/run/netns/pod", "/run/netns/gone", ""] {
      let (status, answer) = await run("DEL", ipam, ["CNI_NETNS": namespace])
      #expect(status == 0 && answer == nil)
    }
    #expect(host.interfaces.isEmpty && lab.ports.withLock(\.isEmpty))
    lab.refusal.withLock { $0 = UserError(.unreachable, "no daemon answers") }
    #expect(await run("DEL", ipam).status == 0)
    #expect(await run("DEL", ipam, lab: "three").status == 0)
    #expect(host.done.last == "/cni/host-local DEL 1.0.0")
  }

  @Test func delDoesAllThatItCan() async throws {
    _ = await run("ADD", ipam)
    lab.refusal.withLock { $0 = UserError(.failed, "disk full") }
    let (status, answer) = await run("DEL", ipam)
    #expect(status == 1 && answer?["msg"] == "disk full")
    #expect(host.interfaces.isEmpty)
    #expect(host.done.last == "/cni/host-local DEL 1.0.0")
  }

  @Test func portOfAnEarlierContainerIsReplaced() async throws {
    _ = await run("ADD", ipam)
    // Its namespace has gone without a DEL.
    host.state.withLock { $0.interfaces = [] }
    let (status, _) = await run("ADD", ipam, ["CNI_NETNS": "/run/netns/new"])
    #expect(status == 0)
    #expect(lab.ports.withLock(\.self).map(\.pod.namespace) == ["/run/netns/new"])
  }

  @Test func checkNamesWhatDiffers() async throws {
    _ = await run("ADD", ipam, mac)
    func check(_ result: String) async -> (Int32, JSONValue?) {
      let (status, answer) = await run("CHECK", ipam + #""prevResult":\#(result),"#)
      return (status, answer?["msg"])
    }
    let interface = #""interfaces":[{"name":"eth0","mac":"02:00:00:00:00:01","sandbox":"/run/netns/pod"}]"#
    let all = #"{\#(interface),"ips":[{"address":"10.0.0.7/24","interface":0}],"routes":[{"dst":"0.0.0.0/0"}]}"#
    #expect(await check(all) == (0, nil))
    #expect(host.done.last == "/cni/host-local CHECK 1.0.0")
    // A plugin's way to write an address need not be the kernel's.
    let other = #"{"ips":[{"address":"FD00:0::07/64"}],"routes":[{"dst":"fd01:0::/64"},{"dst":"0::/0"}]}"#
    #expect(await check(other) == (0, nil))
    #expect(await check(all.replacing("0.7/24", with: "0.8/24")).1 == "interface eth0 has no address 10.0.0.8/24")
    #expect(
      await check(all.replacing("00:01\"", with: "00:02\"")).1
        == "interface eth0 has the address 02:00:00:00:00:01, and had 02:00:00:00:00:02")
    #expect(await run("CHECK", ipam).answer?["msg"] == "CHECK needs \"prevResult\"")
    lab.ports.withLock { $0 = [] }
    let message = (await check(all)).1?.text ?? ""
    #expect(message.hasPrefix("lab two has no port pod-0123456789ab-eth0-"))
  }

  @Test func collectRemovesWhatNobodyNames() async throws {
    for name in ["a", "b"] { _ = await run("ADD", ipam, ["CNI_CONTAINERID": name, "CNI_NETNS": "/run/netns/\(name)"]) }
    _ = await run("ADD", name: "other", ["CNI_CONTAINERID": "c", "CNI_NETNS": "/run/netns/c"])
    let valid = #""cni.dev/valid-attachments":[{"containerID":"b","ifname":"eth0"}],"#
    let (status, _) = await run("GC", ipam + valid, version: "1.1.0")
    #expect(status == 0)
    #expect(lab.ports.withLock(\.self).map(\.pod.container) == ["b", "c"])
    #expect(host.interfaces == ["eth0 in /run/netns/b", "eth0 in /run/netns/c"])
  }

  @Test func whatIsToStayMustBeSaid() async throws {
    #expect(await run("ADD", ipam).status == 0)
    for valid in ["", #""cni.dev/valid-attachments":{},"#, #""cni.dev/valid-attachments":"b","#] {
      let (status, answer) = await run("GC", ipam + valid, version: "1.1.0")
      #expect(status == 1 && answer?["code"] == 7, "\(valid)")
    }
    #expect(lab.ports.withLock(\.count) == 1)
    #expect(await run("GC", ipam + #""cni.dev/valid-attachments":null,"#, version: "1.1.0").status == 0)
    #expect(host.interfaces.isEmpty && lab.ports.withLock(\.isEmpty))
  }

  @Test func olderPluginsOfAddressesGetOlderResults() async throws {
    #expect(await run("ADD", ipam, version: "1.1.0").status == 0)
    let previous = #""prevResult":{"cniVersion":"1.1.0","ips":[{"address":"10.0.0.7/24"}]},"#
    #expect(await run("CHECK", ipam + previous, version: "1.1.0").status == 0)
    #expect(
      host.done.suffix(2) == ["/cni/host-local CHECK 1.1.0 after 1.1.0", "/cni/host-local CHECK 1.0.0 after 1.0.0"])
  }

  @Test func statusKnowsTheSwitch() async throws {
    #expect(await run("STATUS", ipam, version: "1.1.0").status == 0)
    lab.refusal.withLock { $0 = UserError(.notFound, "no switch \"sw1\"") }
    let (status, answer) = await run("STATUS", version: "1.1.0")
    #expect(status == 1 && answer?["code"] == 50)
  }

  @Test func ratesBecomeTheLinks() async throws {
    let rates = #""runtimeConfig":{"bandwidth":{"ingressRate":1000000,"egressRate":2000000}},"#
    #expect(await run("ADD", ipam + rates).status == 0)
    #expect(lab.limits.withLock(\.self).map(\.ingress) == [1_000_000])
    #expect(lab.limits.withLock(\.self).map(\.egress) == [2_000_000])
  }
}
