import ArgumentParser
import Control
import FoundationEssentials
import Glibc
import Lab
import Topology

struct TestCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "test", abstract: "Run the tests of a lab; a FILE is brought up first if it is not up.")

  @Argument(help: "The lab file, or the name of a lab that is up.") var subject: String
  @Option(name: .long, help: "Also write the results to this file, as JUnit has them. (APUS_JUNIT)") var junit: String?
  @OptionGroup var output: OutputOptions

  func run() async throws {
    let directories = LabDirectories.resolve(environment: Variables.all)
    switch LabArgument(subject) {
    case .lab(let name):
      let session = try LabSession(asked: name)
      try finish(try await results(session), session.name)
    case .file(let path):
      let lab = try LabFile(path, directories: directories).checked()
      let wasUp = directories.hasLab(lab.name)
      try finish(try await results(of: lab, wasUp: wasUp, LabLifecycle(directories: directories)), lab.name)
    }
  }

  /// Brings the lab up and, unless it was up before, down again, whatever happens in between, Ctrl-C included.
  private func results(of lab: CanonicalLab, wasUp: Bool, _ lifecycle: LabLifecycle) async throws -> [TestResult] {
    let signals = SignalStream.of([SIGINT, SIGTERM])
    let work = Task {
      _ = try await lifecycle.bringUp(lab)
      return try await results(LabSession(lab.name, lifecycle.directories))
    }
    let watch = Task { for await _ in signals { work.cancel() } }
    let outcome = await work.result
    if !wasUp { try await lifecycle.takeDown(lab.name) }
    watch.cancel()
    do {
      return try outcome.get()
    } catch is CancellationError {
      throw UserError(.failed, "interrupted")
    }
  }

  private func results(_ session: LabSession) async throws -> [TestResult] {
    var results: [TestResult] = []
    try await session.client.stream(.post, ControlPath.tests, as: TestLine.self) { line in
      switch line {
      case .result(let result):
        results.append(result)
        try write(result)
      case .failed(let error): throw error.userError
      }
    }
    return results
  }

  /// A line as soon as it is known; JSON as one array at the end.
  private func write(_ result: TestResult) throws {
    switch output.format {
    case .table: Output.data(result.description(isColoured: Output.isColoured) + "\n")
    case .jsonl: Output.data(try JSON.text(result) + "\n")
    case .json: break
    }
  }

  private func finish(_ results: [TestResult], _ lab: String) throws {
    if let path = junit ?? Variables.value("JUNIT") {
      guard
        FileManager.default.createFile(
          atPath: path, contents: Data(JUnitReport(lab: lab, results: results).text.utf8))
      else { throw UserError(.failed, "cannot write \(path)") }
    }
    if output.format == .json { Output.data(try output.rendering.text(results, table: [], columns: [])) }
    let failed = results.filter { !$0.passed }.count
    let summary = "\(results.count) tests: \(results.count - failed) passed, \(failed) failed"
    Output.words(results.isEmpty ? "the lab has no tests" : summary)
    if failed > 0 { throw CommandStatus(.different) }
  }
}
