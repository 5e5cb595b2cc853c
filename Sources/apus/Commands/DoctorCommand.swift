import ArgumentParser
import Control
import Lab

struct DoctorCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "doctor", abstract: "Check whether labs can run on this host, and for what dead ones left."
  )
  .withExamples("doctor")

  /// Seconds that a daemon may take for its answer.
  private static let patience = 2.0

  @Flag(name: .long, help: "Remove what dead labs left. (APUS_CLEAN)") var clean = Variables.isSet("CLEAN")
  @OptionGroup var output: OutputOptions

  func run() async throws {
    let directories = LabDirectories.resolve(environment: Variables.all)
    let doctor = HostDoctor(directories: directories)
    let lifecycle = LabLifecycle(directories: directories)
    if clean {
      let removed = try await doctor.clean { await lifecycle.presence($0, within: Self.patience) }
      if removed.isEmpty { Output.words("nothing is left over") }
      return try output.write(removed.map { DoctorRow($0) })
    }
    let findings = await doctor.checks() + doctor.leftovers { await lifecycle.presence($0, within: Self.patience) }
    try output.write(findings.map { DoctorRow($0) })
    if findings.contains(where: { $0.state == .missing }) { throw CommandStatus(.failed) }
  }
}
