import ArgumentParser
import Control
import Foundation
import Glibc
import Lab
import Topology

struct TestCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "test", abstract: "Run the tests of a lab; a FILE is brought up first if it is not up."
  )
  .withExamples("test")

  @Argument(help: "The lab file, or the name of a lab that is up.", completion: Names.labsAndFiles)
  var subject: String
  @Option(
    name: .long, help: "Also write the results to this file, as JUnit has them. (APUS_JUNIT)", completion: .file())
  var junit: String?
  @OptionGroup var output: OutputOptions

  func run() async throws {
    try checkReport()
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
  private func results(of lab: CanonicalLab, wasUp: Bool, _ lifecycle: LabLifecycle) async throws -> [TestRow] {
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

  private func results(_ session: LabSession) async throws -> [TestRow] {
    var results: [TestRow] = []
    try await session.client.stream(API.tests) { line in
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
  private func write(_ result: TestRow) throws {
    switch output.format {
    case .table: Output.data(result.description(isColoured: Output.isColoured) + "\n")
    case .jsonl: Output.data(try JSON.text(result) + "\n")
    case .json: break
    }
  }

  private var report: String? { Variables.option(junit, "JUNIT") }

  /// Looks before anything is run whether the report can be written: tests may take an hour.
  /// - Throws: `badInput`.
  private func checkReport() throws {
    guard let report else { return }
    let path = URL(filePath: report)
    let folder = path.deletingLastPathComponent().path(percentEncoded: false)
    let manager = FileManager.default
    if HostPaths.isFolder(report) || report.hasSuffix("/") {
      throw UserError(.badInput, "--junit \(report) is a folder", hint: "add the name of a file")
    }
    guard HostPaths.isFolder(folder) else {
      let hint = "make it: mkdir -p \(ShellWord.quoted(folder))"
      throw UserError(.badInput, "there is no folder \(folder) for --junit \(report)", hint: hint)
    }
    guard manager.isWritableFile(atPath: manager.fileExists(atPath: report) ? report : folder) else {
      throw UserError(.badInput, "--junit \(report) cannot be written by this user")
    }
  }

  /// Writes the report; what the tests came to is said, and is the exit code, whatever becomes of it.
  /// - Returns: why it could not be written.
  private func writeReport(_ results: [TestRow], _ lab: String) -> UserError? {
    guard let report else { return nil }
    do {
      try Data(JUnitReport(lab: lab, results: results).text.utf8).write(to: URL(filePath: report))
      return nil
    } catch {
      return UserError(.failed, "cannot write \(report): \(ErrorWords.ofFoundation(error))")
    }
  }

  private func finish(_ results: [TestRow], _ lab: String) throws {
    let failure = writeReport(results, lab)
    if output.format == .json { Output.data(try output.rendering.text(results, table: [], columns: [])) }
    let failed = results.filter { !$0.passed }.count
    let summary = "\(results.count) tests: \(results.count - failed) passed, \(failed) failed"
    Output.words(results.isEmpty ? "the lab has no tests" : summary)
    if failed > 0 {
      if let failure { Output.error(failure) }
      throw CommandStatus(.different)
    }
    if let failure { throw failure }
  }
}
