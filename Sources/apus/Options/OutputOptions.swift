import ArgumentParser
import Control

extension OutputFormat: ExpressibleByArgument {}

/// `-o` and `-j` of every command that lists something.
struct OutputOptions: ParsableArguments {
  @Option(name: [.customShort("o"), .long], help: "How to write the result. (default: table) (APUS_OUTPUT)")
  var output: OutputFormat?

  @Flag(name: .customShort("j"), help: "The same as -o json.")
  var json = false

  func validate() throws {
    _ = try checked()
  }

  /// `validate` has refused what is none.
  var format: OutputFormat { (try? checked()) ?? .table }

  private func checked() throws(ValidationError) -> OutputFormat {
    json ? .json : try Variables.option(output, "OUTPUT", OptionText.word) ?? .table
  }

  /// For standard output as it is.
  var rendering: Rendering { Rendering(format, isColoured: Output.isColoured, width: Output.width) }

  func write<Row: Listing>(_ rows: [Row]) throws { Output.data(try rendering.text(rows)) }
}
