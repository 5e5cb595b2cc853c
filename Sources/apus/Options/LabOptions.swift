import ArgumentParser
import Control
import Lab

/// `--lab` of every command about a running lab.
struct LabOptions: ParsableArguments {
  @Option(name: .long, help: "The lab meant, when more than one is up. (APUS_LAB)", completion: Names.labs)
  var lab: String?

  /// From `--lab` or `APUS_LAB`; nil = the only one there is.
  var asked: String? { Variables.option(lab, "LAB") }

  /// The lab to speak to.
  /// - Throws: `UserError` when there is none, or it is not clear which.
  func session() throws -> LabSession { try LabSession(asked: asked) }
}

/// A running lab and the way to its daemon.
struct LabSession {
  let name: String
  let directories: LabDirectories
  let client: ControlClient

  init(asked: String?) throws {
    let directories = LabDirectories.resolve(environment: Variables.all)
    self.init(try LabSelection.choose(asked: asked, running: try directories.labs(asked: asked)), directories)
  }

  init(_ name: String, _ directories: LabDirectories) {
    self.name = name
    self.directories = directories
    client = ControlClient(socket: directories.controlSocket(name))
  }
}
