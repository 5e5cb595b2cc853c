import ArgumentParser
import Control
import Lab

struct ConsoleCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "console", abstract: "Use a node's serial console; Ctrl-] leaves it.",
    discussion: "One client at a time. What a client does not read is dropped, and counted; the machine does not wait."
  )
  .withExamples("console")

  /// Ctrl-], as in telnet(1) and virsh(1).
  private static let leave: UInt8 = 0x1D

  @OptionGroup var selection: LabOptions
  @Flag(name: .long, help: "Take the console over from who has it. (APUS_STEAL)") var steal = Variables.isSet("STEAL")
  @Argument(help: "The node.", completion: Names.nodes) var node: String

  func run() async throws {
    let client = try selection.session().client
    let raw = RawTerminal.make()
    defer { raw?.restore() }
    let typed = raw == nil ? nil : TerminalInput(leavingWith: Self.leave)
    let visit = ConsoleVisit(node: node, client: client, typed: typed)
    guard try await visit.stay(stealing: steal) == .taken else { return }
    raw?.restore()
    throw UserError(.failed, "another client has taken over the console of node \(node)")
  }
}
