import ArgumentParser
import Topology

struct SchemaCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "schema", abstract: "Print the JSON schema (draft-07) of the lab file, for editors."
  )
  .withExamples("schema")

  func run() async throws { Output.data(JSONSchema.text()) }
}
