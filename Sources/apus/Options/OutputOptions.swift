import ArgumentParser
import Control

extension OutputFormat: ExpressibleByArgument {}

/// `-o` and `-j` of every command that lists something.
struct OutputOptions: ParsableArguments {
  @Option(name: [.customShort("o"), .long], help: "How to write the result. (default: table)")
  var output: OutputFormat?

  @Flag(name: .customShort("j"), help: "The same as -o json.")
  var json = false

  func validate() throws {
    guard output == nil, !json, let text = Variables.value("OUTPUT"), OutputFormat(rawValue: text) == nil else {
      return
    }
    let known = OutputFormat.allCases.map(\.rawValue).joined(separator: ", ")
    throw ValidationError("APUS_OUTPUT is \"\(text)\", but one of \(known) is expected")
  }

  var format: OutputFormat {
    if json { return .json }
    return output ?? Variables.value("OUTPUT").flatMap { OutputFormat(rawValue: $0) } ?? .table
  }

  var rendering: Rendering { Rendering(format, isColoured: Output.isColoured) }

  func write<Row: Listing>(_ rows: [Row]) throws { Output.data(try rendering.text(rows)) }
}
