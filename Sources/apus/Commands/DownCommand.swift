import ArgumentParser
import Control
import Lab
import Topology

struct DownCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "down", abstract: "Stop and remove everything of a lab.", aliases: ["destroy"]
  )
  .withExamples("down")

  @Argument(help: "The lab, by its name or its file; needed when more than one is up.", completion: Names.labsAndFiles)
  var name: String?
  @OptionGroup var selection: LabOptions
  @Flag(name: .long, help: "Every lab. (APUS_ALL)") var all = Variables.isSet("ALL")

  func validate() throws {
    if name != nil, all { throw ValidationError("name a LAB or a FILE, or say --all, not both") }
  }

  func run() async throws {
    let directories = LabDirectories.resolve(environment: Variables.all)
    let lifecycle = LabLifecycle(directories: directories)
    let names = all ? try directories.labs(asked: nil) : try chosen(directories)
    if names.isEmpty { Output.words("no lab is up") }
    var failure: UserError?
    for name in names {
      do {
        try await lifecycle.takeDown(name)
      } catch let error as UserError {
        Output.error(error)
        failure = error
      }
    }
    if let failure { throw CommandStatus(failure.code) }
  }

  /// An absent lab is a note; what a crash left of one that was never written down is removed all the same.
  /// - Throws: `badInput` for a name that no lab can have.
  private func chosen(_ directories: LabDirectories) throws -> [String] {
    if let name, case .file(let path) = LabArgument(name) { return [try lab(of: path, directories)] }
    guard let asked = name ?? selection.asked else {
      let running = try directories.labs(asked: nil)
      return running.isEmpty ? [] : [try LabSelection.choose(asked: nil, running: running)]
    }
    try LabSelection.check(asked)
    return [asked]
  }

  /// The lab that a file describes.
  /// - Throws: `badInput` when its name cannot be read, `failed` when the lab of that name came from another file.
  private func lab(of path: String, _ directories: LabDirectories) throws -> String {
    let identity = try LabFile(path, directories: directories).identity()
    let recorded = RecordedLab.read(identity.name, in: directories)
    guard let recorded, recorded.source != identity.source else { return identity.name }
    throw UserError(
      .failed, "lab \(identity.name) is up from another file: \(recorded.source)",
      hint: "`apus down \(identity.name)` takes it down whatever its file")
  }
}
