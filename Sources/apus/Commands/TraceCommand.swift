import ArgumentParser
import Control
import Lab
import Topology

struct TraceCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "trace", abstract: "Say step by step what the switch would do with a frame, and why; nothing is sent.",
    usage: "apus trace PORT FRAME",
    discussion: """
      FRAME is hexadecimal digits, or words: src=MAC dst=MAC vlan=10 priority=3 type=0x0800 size=60
      A port's name stands for its address, as in dst=vm2.eth0; a type may be arp, ipv4, ipv6 or lldp.
      Without src it is the port's own address, without dst the broadcast address.
      A packet in it is from=IP to=IP proto=tcp port=80 from-port=40000, in the words of access lists.
      """
  )
  .withExamples("trace")

  @OptionGroup var selection: LabOptions
  @OptionGroup var output: OutputOptions
  @Argument(help: "The port whose node sends the frame.", completion: Names.ports) var port: String
  @Argument(help: "The frame.", completion: Names.frame) var frame: [String] = []

  func run() async throws {
    let client = try selection.session().client
    let ports = try await client.ask(API.ports)
    guard let row = PortName.find(port, in: ports, by: \.name) else {
      throw UserError(
        .notFound, "there is no port \"\(port)\"", hint: "ports: \(ports.map(\.name).joined(separator: ", "))")
    }
    let bytes = try FrameText.bytes(frame, source: row.mac ?? "02:00:00:00:00:00") {
      PortName.find($0, in: ports, by: \.name)?.mac
    }
    let answer = try await client.ask(API.trace, TraceRequest(port: row.name, frame: bytes))
    Output.data(try output.rendering.text(answer, table: answer.description))
  }
}
