import ArgumentParser
import Control
import Lab

struct ConsoleCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "console", abstract: "Use a node's serial console; Ctrl-] leaves it.")

  /// Ctrl-], as in telnet(1) and virsh(1).
  private static let leave: UInt8 = 0x1D

  @OptionGroup var selection: LabOptions
  @Argument(help: "The node.") var node: String

  func run() async throws {
    let path = try await selection.session().client.get(ControlPath.node(node, "console"), as: PathRow.self).path
    let terminal = RawTerminal()
    defer { terminal?.restore() }
    try await ConsoleConnection.run(
      path: path, input: StandardInput.bytes { terminal != nil && $0 == Self.leave },
      onConnect: { if terminal != nil { Self.say("console of \(node); Ctrl-] leaves\r\n") } },
      output: { Output.bytes($0) })
    if terminal != nil { Self.say("\r\n") }
  }

  /// The terminal is raw: a line ends with both characters.
  private static func say(_ text: String) { Output.bytes(Array(text.utf8), toError: true) }
}
