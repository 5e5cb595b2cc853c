import ArgumentParser
import Control
import Lab

struct SaveCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "save", abstract: "Write a lab into a folder as it is at one instant; `up --from` goes on there."
  )
  .withExamples("save")

  @Argument(help: "The lab.", completion: Names.labs) var lab: String
  @Argument(
    help: "The folder, which is not there yet. (default: one in the data folder, named after lab and time)",
    completion: .directory)
  var folder: String?
  @Flag(name: .long, help: "Take the lab down then; nothing happens in its machines that is not saved. (APUS_STOP)")
  var stop = Variables.isSet("STOP")
  @OptionGroup var output: OutputOptions

  func run() async throws {
    let session = try LabSession(asked: lab)
    let query = SaveQuery(SaveRequest(path: folder.map { HostPaths.absolute($0) }, stops: stop))
    let display = ProgressDisplay(.down, lab: session.name, definition: nil)
    defer { display.finish() }
    var saved: SavedRow?
    var failure: UserError?
    do {
      try await session.client.stream(API.labSave, query: query) { line in
        switch line {
        case .progress(let text): display.take(text)
        case .saved(let row): saved = row
        case .failed(let error): failure = error.userError
        }
      }
    } catch  where failure != nil || saved != nil {
      // All was said.
    }
    display.finish()
    if let failure { throw failure }
    guard let saved else { throw UserError(.failed, "the daemon did not say how `save` ended") }
    for line in saved.words { Output.words(line) }
    if saved.down { Output.words("lab \(saved.lab) is down") }
    // For people and scripts the path alone.
    Output.data(try output.rendering.text(saved, table: [saved.path]))
  }
}
