import ArgumentParser
import Control

struct PortCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "port", abstract: "Ports of switches and wires.",
    subcommands: [
      PortListCommand.self, PortShowCommand.self, PortAddCommand.self, PortSetCommand.self, PortRemoveCommand.self,
    ]
  )
  .withExamples("port")
}

struct PortListCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "List ports with their VLANs and counters.", aliases: ["ls"]
  )
  .withExamples("port list")

  @OptionGroup var selection: LabOptions
  @OptionGroup var output: OutputOptions

  func run() async throws {
    try output.write(try await selection.session().client.ask(API.ports))
  }
}

struct PortShowCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show", abstract: "Tell everything about one port.",
    discussion: """
      With --qemu or --libvirt, what to tell these so that a machine of theirs is at the port: words of a command line, \
      or elements of a domain. What has to be known beside it is on standard error.
      """
  )
  .withExamples("port show")

  @OptionGroup var selection: LabOptions
  @Argument(help: "The port: NODE.NIC, or the name it was given.", completion: Names.ports) var name: String
  @Flag(name: .long, help: "Print words for QEMU's command line. (APUS_QEMU)") var qemu = Variables.isSet("QEMU")
  @Flag(name: .long, help: "Print elements for a libvirt domain. (APUS_LIBVIRT)")
  var libvirt = Variables.isSet("LIBVIRT")
  @Option(
    name: .long, help: "Of these: pairs of queues, 1 to 16. (default: the port's) (APUS_QUEUES)",
    transform: queueCount)
  var queues: Int?
  @Flag(name: .long, help: "Of these: offer packed virtqueues. (APUS_PACKED)") var packed = Variables.isSet("PACKED")
  @OptionGroup var output: OutputOptions

  private static let queueCount = OptionText.number(in: 1...16)

  func validate() throws {
    if qemu, libvirt { throw ValidationError("--qemu and --libvirt are two questions: ask one of them") }
    if !qemu, !libvirt, queues != nil { throw ValidationError("--queues says nothing without --qemu or --libvirt") }
  }

  func run() async throws {
    guard qemu || libvirt else { return try await show() }
    var query = FrontEndQuery()
    query.queues = try Variables.option(queues, "QUEUES", Self.queueCount)
    query.packed = packed ? true : nil
    let words = try await selection.session().client.ask(API.portWords, of: name, query: query)
    for note in qemu ? words.qemu.notes : words.libvirt.notes { Output.words("note: \(note)") }
    if output.rendering.format == .table {
      // Whole, however narrow the terminal is: it is for other programs.
      Output.data(qemu ? words.commandLine : words.elements)
    } else {
      Output.data(try output.rendering.text(words, table: []))
    }
  }

  private func show() async throws {
    let port = try await selection.session().client.ask(API.port, of: name)
    let rendering = output.rendering
    Output.data(try rendering.text(port, table: port.description(width: rendering.width)))
  }
}
