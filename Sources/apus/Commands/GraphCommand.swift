import ArgumentParser
import Control
import Lab
import Topology

struct GraphCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "graph", abstract: "Draw a lab: a FILE as it is written, a LAB with its live state."
  )
  .withExamples("graph")

  enum Format: String, ExpressibleByArgument, CaseIterable { case mermaid, dot, svg, json }

  @Argument(help: "The lab file, or the name of a lab that is up.", completion: Names.labsAndFiles)
  var subject: String
  @Option(name: .long, help: "mermaid, dot, svg or json. (APUS_FORMAT)") var format: Format?

  func run() async throws {
    let format = try Variables.option(format, "FORMAT", OptionText.word) ?? .mermaid
    let graph: LabGraph
    switch LabArgument(subject) {
    case .file(let path):
      let directories = LabDirectories.resolve(environment: Variables.all)
      graph = LabGraph(try LabFile(path, directories: directories).checked())
    case .lab(let name): graph = try await live(try LabSession(asked: name))
    }
    switch format {
    case .mermaid: Output.data(graph.mermaid())
    case .dot: Output.data(graph.dot())
    case .svg: Output.data(graph.svg())
    case .json: Output.data(try JSON.text(graph) + "\n")
    }
  }

  private func live(_ session: LabSession) async throws -> LabGraph {
    let lab = try await session.client.ask(API.lab).lab()
    let nodes = try await session.client.ask(API.nodes)
    let links = try await session.client.ask(API.links)
    let ports = try await session.client.ask(API.ports)
    return LabGraph(
      lab, states: Dictionary(nodes.map { ($0.node, $0.state) }, uniquingKeysWith: { first, _ in first }),
      carriers: Dictionary(links.map { ($0.name, $0.carrier) }, uniquingKeysWith: { first, _ in first }),
      ports: ports.compactMap(\.graphPort))
  }
}
