import Foundation
import Lab
import Testing

@testable import Control

/// What container runtimes say by variables and on standard input.
@Suite struct CNICallTests {
  static let variables = [
    "CNI_COMMAND": "ADD", "CNI_CONTAINERID": "0123456789abcdef", "CNI_NETNS": "/run/netns/pod", "CNI_IFNAME": "eth0",
    "CNI_PATH": "/opt/cni/bin:/usr/lib/cni", "CNI_ARGS": "IgnoreUnknown=1;K8S_POD_NAME=web;MAC=02:00:00:00:00:01;X=y",
  ]

  @Test func callIsRead() throws {
    let call = try CNICall(Self.variables)
    #expect(call.command == .add)
    #expect((call.container, call.interface, call.namespace) == ("0123456789abcdef", "eth0", "/run/netns/pod"))
    #expect(call.path == ["/opt/cni/bin", "/usr/lib/cni"])
    #expect(call.arguments.mac == "02:00:00:00:00:01" && call.arguments.podName == "web")
    #expect(call.arguments.ip == nil)
  }

  @Test(arguments: [
    ("CNI_COMMAND", "", "CNI_COMMAND is not set"),
    ("CNI_COMMAND", "add", "unknown CNI_COMMAND: \"add\""),
    ("CNI_CONTAINERID", "", "ADD needs CNI_CONTAINERID"),
    ("CNI_NETNS", "", "ADD needs CNI_NETNS"),
    ("CNI_PATH", "", "ADD needs CNI_PATH"),
    ("CNI_CONTAINERID", "../x", "CNI_CONTAINERID \"../x\" is not valid"),
    ("CNI_CONTAINERID", "a b", "CNI_CONTAINERID \"a b\" is not valid"),
    ("CNI_IFNAME", "a/b", "CNI_IFNAME \"a/b\" is not valid"),
    ("CNI_IFNAME", "..", "CNI_IFNAME \"..\" is not valid"),
    ("CNI_IFNAME", "lo", "CNI_IFNAME \"lo\" is not valid"),
    ("CNI_IFNAME", "sixteen-letters-", "CNI_IFNAME \"sixteen-letters-\" is not valid"),
    ("CNI_ARGS", "MAC", "CNI_ARGS: \"MAC\" is not KEY=VALUE"),
    ("CNI_ARGS", "COLOUR=red;SIZE=2", "CNI_ARGS has unknown keys: COLOUR, SIZE"),
  ]) func wrongVariablesAreCode4(name: String, value: String, message: String) {
    var variables = Self.variables
    variables[name] = value
    let error = #expect(throws: CNIError.self) { try CNICall(variables) }
    #expect(error?.code == 4)
    #expect(error?.message == message)
  }

  @Test func whatIsGoneNeedsNoNamespace() throws {
    var variables = Self.variables
    (variables["CNI_COMMAND"], variables["CNI_NETNS"]) = ("DEL", nil)
    #expect(try CNICall(variables).namespace.isEmpty)
  }

  private func network(_ text: String, _ command: CNICall.Command = .add) throws(CNIError) -> CNINetwork {
    try CNINetwork(Array(text.utf8), for: command)
  }

  @Test func networkIsRead() throws {
    let network = try network(
      """
      {"cniVersion": "1.0.0", "name": "lan", "type": "apus", "lab": "two", "switch": "sw1", "trunk": [20, "30-39", "blue"],
       "native": 20, "mtu": 1400, "interface": "veth", "ipam": {"type": "host-local"}, "capabilities": {"mac": true},
       "runtimeConfig": {"mac": "02:00:00:00:00:09", "ips": ["10.0.0.9/24"],
         "bandwidth": {"ingressRate": 2000000, "ingressBurst": 100, "egressRate": 0, "egressBurst": 0}},
       "dns": {"nameservers": ["10.0.0.1"]}, "cni.dev/something": 1}
      """)
    #expect((network.lab, network.switchName, network.name) == ("two", "sw1", "lan"))
    #expect(network.trunk == ["20", "30-39", "blue"] && network.native == "20" && network.vlan == nil)
    #expect(network.mtu == 1400 && network.kind == .veth && network.ipam == "host-local")
    #expect("\(network.mac.map { "\($0)" } ?? "")" == "02:00:00:00:00:09")
    #expect(network.addresses == ["10.0.0.9/24"])
    #expect(network.bandwidth.ingress == 2_000_000 && network.bandwidth.egress == nil)
  }

  @Test(arguments: [
    ("", 6, "the network configuration on standard input is no JSON"),
    ("[1]", 6, "the network configuration on standard input is no JSON object"),
    (#"{"name":"n"}"#, 1, "the configuration's cniVersion is \"0.1.0\""),
    (#"{"cniVersion":"1.2.0","name":"n"}"#, 1, "the configuration's cniVersion is \"1.2.0\""),
    (#"{"cniVersion":"1.0.0"}"#, 7, "the network has no name"),
    (#"{"cniVersion":"1.0.0","name":"a/b"}"#, 7, "the network's name \"a/b\" is not valid"),
    (#"{"cniVersion":"1.0.0","name":"n"}"#, 7, "\"lab\" is missing: the name of a lab"),
    (#"{"cniVersion":"1.0.0","name":"n","lab":"../x"}"#, 7, "\"lab\" \"../x\" is no name of a lab"),
    (#"{"cniVersion":"1.0.0","name":"n","lab":"l"}"#, 7, "\"switch\" is missing: the name of a switch of the lab"),
    (#"{"cniVersion":"1.0.0","name":"n","lab":"l","switch":"s","vlna":2}"#, 2, "unknown keys: vlna"),
    (
      #"{"cniVersion":"1.0.0","name":"n","lab":"l","switch":"s","vlan":2,"trunk":"all"}"#, 7,
      "\"vlan\" makes an access port, \"trunk\" and \"native\" a trunk"
    ),
    (#"{"cniVersion":"1.0.0","name":"n","lab":"l","switch":"s","mtu":20}"#, 7, "\"mtu\" must be 68..65521, found 20"),
    (
      #"{"cniVersion":"1.0.0","name":"n","lab":"l","switch":"s","interface":"macvlan"}"#, 7,
      "\"interface\" must be \"tap\" or \"veth\", found \"macvlan\""
    ),
    (
      #"{"cniVersion":"1.0.0","name":"n","lab":"l","switch":"s","ipam":{"type":"../x"}}"#, 7,
      "\"ipam.type\" \"../x\" is no name of a plugin"
    ),
    (
      #"{"cniVersion":"1.0.0","name":"n","lab":"l","switch":"s","runtimeConfig":{"mac":"01:00:5e:00:00:01"}}"#, 7,
      "\"01:00:5e:00:00:01\" is no station address of an interface"
    ),
  ]) func wrongNetworksHaveTheirCodes(text: String, code: Int, message: String) {
    let error = #expect(throws: CNIError.self) { try network(text) }
    #expect(error?.code == code)
    #expect(error?.message == message)
  }

  @Test func commandsThatAVersionDoesNotHaveAreRefused() throws {
    let text = #"{"cniVersion":"1.0.0","name":"n","lab":"l","switch":"s"}"#
    #expect(throws: CNIError.self) { try network(text, .status) }
    #expect(throws: CNIError.self) { try network(text, .collect) }
    #expect(try network(text, .check).name == "n")
    #expect(throws: CNIError.self) { try network(text.replacing("1.0.0", with: "0.3.1"), .check) }
  }

  @Test func whatIsRemovedMayBeOfAWrongConfiguration() throws {
    #expect(try network(#"{"cniVersion":"1.0.0","name":"n","lab":"l","vlna":2}"#, .delete).lab == "l")
  }

  @Test func resultsAreOfTheirVersion() throws {
    var result = try CNIResult(
      try JSON.decode(
        JSONValue.self,
        from: Array(
          """
          {"cniVersion":"1.0.0","ips":[{"address":"10.0.0.7/24","gateway":"10.0.0.1"},{"address":"fd00::7/64"}],
           "routes":[{"dst":"0.0.0.0/0"},{"dst":"10.9.0.0/16","gw":"10.0.0.9"},{"dst":"fd01::/64"}],"dns":{}}
          """.utf8)))
    #expect(
      result.podRoutes == [
        PodRoute("0.0.0.0/0", gateway: "10.0.0.1"), PodRoute("10.9.0.0/16", gateway: "10.0.0.9"),
        PodRoute("fd01::/64", gateway: nil),
      ])
    result.routes = []
    result.interfaces = [CNIResult.Interface(name: "eth0", mac: "02:00:00:00:00:01", sandbox: "/n", mtu: 1500)]
    result.addresses[0].interface = 0
    let shared = #""mac":"02:00:00:00:00:01","#
    #expect(
      try JSON.text(result.answer("1.1.0"))
        == #"{"cniVersion":"1.1.0","dns":{},"interfaces":[{\#(shared)"mtu":1500,"name":"eth0","sandbox":"/n"}],"#
        + #""ips":[{"address":"10.0.0.7/24","gateway":"10.0.0.1","interface":0},{"address":"fd00::7/64"}],"routes":[]}"#
    )
    #expect(
      try JSON.text(result.answer("0.4.0"))
        == #"{"cniVersion":"0.4.0","dns":{},"interfaces":[{\#(shared)"name":"eth0","sandbox":"/n"}],"#
        + #""ips":[{"address":"10.0.0.7/24","gateway":"10.0.0.1","interface":0,"version":"4"},"#
        + #"{"address":"fd00::7/64","version":"6"}],"routes":[]}"#)
  }

  @Test func portsOfOneContainerAreToldApart() {
    let id = String(repeating: "0123456789abcdef", count: 4)
    let names = [
      PodAttachment.portName(container: id, interface: "eth0"),
      PodAttachment.portName(container: id, interface: "eth1"),
      PodAttachment.portName(container: id + "0", interface: "eth0"),
      PodAttachment.portName(container: id.uppercased(), interface: "eth0"),
    ]
    #expect(Set(names).count == 4)
    #expect(names[0].hasPrefix("pod-0123456789ab-eth0-"))
    #expect(names.allSatisfy { $0.utf8.count <= 63 })
    #expect(PodAttachment.hostInterface(container: id, interface: "eth0").utf8.count == 15)
    #expect(PodAttachment.portName(container: "_A.b", interface: "net@1").hasPrefix("pod--a-b-net-1-"))
  }
}
