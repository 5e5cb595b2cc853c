import ArgumentParser
import Control
import Lab
import Topology

struct LinkShowCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(commandName: "show", abstract: "Show one link.")

  @OptionGroup var selection: LabOptions
  @Argument(help: "The link; that of a NIC on a switch is named as its port.") var name: String
  @OptionGroup var output: OutputOptions

  func run() async throws {
    let session = try selection.session()
    let links = try await session.client.ask(API.links)
    guard let link = PortName.find(name, in: links, by: \.name) else {
      throw UserError(.notFound, "lab \(session.name) has no link \"\(name)\"", hint: "`apus link list` lists them")
    }
    try output.write([link])
  }
}
