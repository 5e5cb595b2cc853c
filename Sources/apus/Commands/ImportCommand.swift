import ArgumentParser
import Control
import Importing
import Lab
import Topology

struct ImportCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "import", abstract: "Make a lab file of another tool's topology.",
    discussion: """
      Formats: \(ForeignFormats.all.map { "\($0.name) (\($0.tool))" }.joined(separator: ", ")). What has no equal in a \
      lab file is a comment there and a line on standard error.
      """
  )
  .withExamples("import")

  enum HostKind: String, CaseIterable, Sendable { case netns, vm, container }

  @Argument(help: "The tool's file, or the folder of its files; of libvirt several.", completion: .file())
  var files: [String]
  @Option(
    name: .long, help: "The format. (default: what the files look like) (APUS_FROM)",
    completion: .list(ForeignFormats.all.map(\.name)))
  var from: String?
  @Option(name: .customShort("o"), help: "Write the lab file to FILE, not to standard output.", completion: .file())
  var target: String?
  @Flag(name: .long, help: "Also where FILE is there already. (APUS_FORCE)") var force = Variables.isSet("FORCE")
  @Flag(name: .long, help: "Write nothing if anything is lost; the status is 2 then. (APUS_STRICT)")
  var strict = Variables.isSet("STRICT")
  @Option(
    name: .long, help: "What Linux hosts become: netns, vm or container. (default: netns) (APUS_KIND)",
    completion: .words(of: HostKind.self), transform: OptionText.word)
  var kind: HostKind?
  @Option(name: .long, help: "The configuration of an appliance, by its name there. (APUS_CONFIGURATION)")
  var configuration: String?
  @Option(
    name: .long, help: "Write all that was changed or lost to a file, as JSON; with --strict too. (APUS_REPORT)",
    completion: .file())
  var report: String?

  func run() async throws {
    let options = ImportOptions(
      hostKind: try Variables.option(kind, "KIND", OptionText.word).flatMap { (kind: HostKind) in
        ForeignNode.Kind(rawValue: kind.rawValue)
      },
      configuration: Variables.option(configuration, "CONFIGURATION"),
      hostMemory: HostLabFacts(directories: LabDirectories.resolve(environment: Variables.all)).totalMemory)
    let files = try ForeignFiles.named(files)
    let outcome: Importer.Outcome
    do throws(ImportFaults) {
      outcome = try Importer.run(
        files, from: Variables.option(from, "FROM"), options: options, hasImage: { Self.hasImage($0, beside: target) })
    } catch {
      for fault in error.faults { Output.words(fault.rendered) }
      throw CommandStatus(.badInput)
    }
    try hand(outcome)
  }

  /// Lines that a terminal gets of what is lost.
  private static let mostTold = 1000

  private func hand(_ outcome: Importer.Outcome) throws {
    let notes = outcome.file.notes
    let lost = notes.filter { $0.outcome == .lost }
    for note in lost.prefix(Self.mostTold) { Output.words(note.rendered) }
    if lost.count > Self.mostTold { Output.words("and \(lost.count - Self.mostTold) more: --report FILE has them all") }
    let report = Variables.option(self.report, "REPORT")
    if let target {
      // What cannot be written is told before anything is.
      try FileTree.requireWritable(target, isForced: force)
      if let report, FileTree.isSame(target, report) {
        throw UserError(.badInput, "-o and --report both name \(target)", hint: "the lab file and the report are two")
      }
    }
    if let report {
      let rows = notes.map { ImportNoteRow($0) }
      try FileTree.write(try JSON.text(rows) + "\n", to: report, isForced: force)
    }
    if strict, !lost.isEmpty {
      let count = "\(lost.count) \(lost.count == 1 ? "thing is" : "things are")"
      throw UserError(.badInput, "\(count) lost, so that nothing was written", hint: "that is what --strict says")
    }
    if let target {
      try FileTree.write(outcome.file.text, to: target, isForced: force)
    } else {
      Output.data(outcome.file.text)
    }
    Output.words(summary(outcome))
  }

  private func summary(_ outcome: Importer.Outcome) -> String {
    let lab = outcome.file.lab
    func count(_ outcome: ImportNote.Outcome, of notes: [ImportNote]) -> Int {
      notes.count { $0.outcome == outcome }
    }
    let notes = outcome.file.notes
    return "\(target.map { "\($0): " } ?? "")lab \(lab.name) from \(outcome.tool): \(lab.nodes.count) nodes, "
      + "\(lab.switches.count) switches, \(lab.links.count) links; \(count(.lost, of: notes)) lost, "
      + "\(count(.changed, of: notes)) changed, \(count(.withoutEffect, of: notes)) without effect"
  }

  /// Whether there is an image of that name where the lab file will be, or among those that labs share.
  private static func hasImage(_ name: String, beside target: String?) -> Bool {
    guard !name.isEmpty, !name.hasPrefix("-") else { return false }
    let facts = HostLabFacts(directories: LabDirectories.resolve(environment: Variables.all))
    let folder = target.map { HostPaths.folder(of: $0) } ?? HostPaths.folder(of: "x")
    let isAppliance = [".ova", ".ovf"].contains(name.lowercased().suffix(4))
    return [name.hasPrefix("/") ? name : "\(folder)/\(name)", "\(facts.imageDirectory)/\(name)"].contains { path in
      // An appliance is one with all of its disks.
      facts.fileKind(path) == .file && (!isAppliance || (try? facts.image(at: path)) != nil)
    }
  }
}

/// A note as the report has it.
private struct ImportNoteRow: Encodable {
  var outcome: ImportNote.Outcome
  var file: String
  var line: Int?
  var key: String
  var reason: String

  init(_ note: ImportNote) {
    (outcome, file, line, key, reason) = (note.outcome, note.path, note.line, note.key, note.reason)
  }
}
