import ArgumentParser
import Control
import Foundation
import Lab
import Topology

struct ValidateCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "validate", abstract: "Check a lab file; nothing is started."
  )
  .withExamples("validate")

  enum Format: String, ExpressibleByArgument, CaseIterable { case table, json, jsonl, yaml }

  @Argument(help: "The lab file; `-` is standard input.", completion: Names.labFiles) var file: String
  @Flag(name: .long, help: "Print the lab with everything spelt out, as YAML or JSON. (APUS_CANONICAL)")
  var canonical = Variables.isSet("CANONICAL")
  @Option(
    name: [.customShort("o"), .long],
    help: "How to write the result; yaml is for --canonical. (default: table) (APUS_OUTPUT)")
  var output: Format?
  @Flag(name: .customShort("j"), help: "The same as -o json.") var json = false

  func validate() throws {
    if output == .yaml, !canonical { throw ValidationError("-o yaml needs --canonical") }
    _ = try format
  }

  func run() async throws {
    let directories = LabDirectories.resolve(environment: Variables.all)
    let file = try LabFile(try LabFile.path(file, of: "apus validate"), directories: directories)
    if canonical { return Output.data(try canonicalText(try file.checked())) }
    switch try format {
    case .json: try list(file, as: .json)
    case .jsonl: try list(file, as: .jsonl)
    case .table, .yaml:
      let lab = try file.checked()
      Output.words(
        "\(file.source.path): lab \(lab.name) is valid: \(lab.nodes.count) nodes, \(lab.switches.count) switches, "
          + "\(lab.links.count) links, \(lab.tests.count) tests")
    }
  }

  private var format: Format {
    get throws { json ? .json : try Variables.option(output, "OUTPUT", OptionText.word) ?? .table }
  }

  /// The diagnostics as data; status 2 when there is an error among them.
  private func list(_ file: LabFile, as format: OutputFormat) throws {
    Output.data(try Rendering(format).text(file.result.diagnostics, table: [], columns: []))
    if file.result.hasErrors { throw CommandStatus(.badInput) }
  }

  /// YAML unless another format is asked for.
  private func canonicalText(_ lab: CanonicalLab) throws -> String {
    switch try format {
    case .table, .yaml: return try lab.yaml()
    case .jsonl: return try JSON.text(lab) + "\n"
    case .json:
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
      return String(decoding: try encoder.encode(lab), as: UTF8.self) + "\n"
    }
  }
}
