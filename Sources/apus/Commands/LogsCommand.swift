import ArgumentParser
import Control
import FoundationEssentials
import Lab

struct LogsCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "logs", abstract: "Print what a node said on its console."
  )
  .withExamples("logs")

  @OptionGroup var selection: LabOptions
  @Argument(help: "The node.", completion: Names.nodes) var node: String

  func run() async throws {
    let path = try await selection.session().client.ask(API.log, of: node).path
    do {
      Output.bytes([UInt8](try Data(contentsOf: URL(filePath: path))))
    } catch let error as CocoaError where error.code == .fileReadNoPermission {
      throw UserError(.failed, "cannot read \(path): permission denied", hint: "only the user whose lab it is may")
    } catch {
      Output.words("node \(node) has not said anything yet")
    }
  }
}
