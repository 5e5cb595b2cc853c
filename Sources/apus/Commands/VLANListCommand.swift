import ArgumentParser
import Control

struct VLANListCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "List which port belongs to which VLAN.", aliases: ["ls"])

  @OptionGroup var selection: LabOptions
  @OptionGroup var output: OutputOptions

  func run() async throws {
    let rows = try await selection.session().client.get(ControlPath.vlans, as: [VLANRow].self)
    Output.data(try output.rendering.text(rows, table: VLANRow.table(rows), columns: VLANRow.columns))
  }
}
