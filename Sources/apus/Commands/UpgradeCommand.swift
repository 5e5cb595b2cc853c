import ArgumentParser
import Control
import FoundationEssentials
import Lab

struct UpgradeCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "upgrade", abstract: "Have another apus go on with a lab while it runs."
  )
  .withExamples("upgrade")

  @Argument(help: "The lab; needed when more than one is up.", completion: Names.labs) var name: String?
  @OptionGroup var selection: LabOptions

  @Option(
    name: .customLong("to"), help: ArgumentHelp("That program; this one without it. (APUS_TO)", valueName: "program"),
    completion: .file())
  var program: String?

  @Flag(name: .long, help: "Every lab. (APUS_ALL)") var all = Variables.isSet("ALL")

  func validate() throws {
    if name != nil, all { throw ValidationError("name a LAB or say --all, not both") }
  }

  func run() async throws {
    let directories = LabDirectories.resolve(environment: Variables.all)
    let path = Self.absolute(Variables.option(program, "TO") ?? Self.thisProgram)
    guard all else {
      return try await upgrade(try LabSession(asked: name ?? selection.asked), path)
    }
    let names = try directories.labs(asked: nil)
    if names.isEmpty { Output.words("no lab is up") }
    var failure: UserError?
    for name in names {
      do {
        try await upgrade(LabSession(name, directories), path)
      } catch let error as UserError {
        Output.error(error)
        failure = error
      }
    }
    if let failure { throw CommandStatus(failure.code) }
  }

  private func upgrade(_ session: LabSession, _ path: String) async throws {
    var outcome: UpgradeRow?
    try await session.client.stream(API.upgrade, UpgradeRequest(program: path)) { line in
      switch line {
      case .progress(let text): Output.words(text)
      case .upgraded(let row): outcome = row
      case .failed(let error): throw error.userError
      }
    }
    guard let outcome else { throw UserError(.failed, "the daemon did not say how `upgrade` ended") }
    Output.words(outcome.words)
  }

  private static func absolute(_ path: String) -> String {
    path.hasPrefix("/") ? path : "\(FileManager.default.currentDirectoryPath)/\(path)"
  }

  /// Where this program lies; one that another was put in the place of is that other one.
  private static var thisProgram: String {
    let path = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? "/usr/bin/apus"
    let deleted = " (deleted)"
    return path.hasSuffix(deleted) ? String(path.dropLast(deleted.count)) : path
  }
}
