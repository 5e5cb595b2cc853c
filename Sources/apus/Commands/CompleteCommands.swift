import ArgumentParser
import Control

/// Names of a kind, for scripts that complete: quick, and silent when there are none.
struct CompleteCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "complete", abstract: "List names for a shell: labs, nodes, ports, links and others.",
    shouldDisplay: false)

  @OptionGroup var selection: LabOptions
  @Argument(help: "labs, nodes, ports, links, switches, images, vlans, captures, presets or targets.") var kind: String
  @Argument(help: "How they begin.") var prefix = ""

  func run() async throws {
    guard let kind = CompletionNames(rawValue: kind) else { return }
    let choices = await CompletionSource().names(kind, lab: selection.asked, prefix: prefix)
    Output.data(choices.map { $0.value + "\n" }.joined())
  }
}

/// What can stand at the end of a line; the scripts of `apus completion` call it.
struct CompleteLineCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "complete-line", abstract: "Complete a command line for a shell.", shouldDisplay: false)

  @Argument(help: "bash, zsh or fish.") var shell: String
  @Argument(parsing: .captureForPassthrough, help: "The line's words without the program, the last up to the cursor.")
  var words: [String] = []

  func run() async throws {
    let (choices, areFiles) = await CompletionSource().answer(words)
    // A line a choice: what has a line feed in it cannot be offered.
    let lines = choices.filter { !$0.value.contains(where: \.isNewline) }.map { choice in
      shell == "bash" || choice.text.isEmpty ? choice.value : "\(choice.value)\t\(TerminalText.clean(choice.text))"
    }
    if shell != "fish" {
      let isOpen = !choices.isEmpty && choices.allSatisfy { $0.value.hasSuffix("=") || $0.value.hasSuffix("/") }
      Output.data(areFiles ? "files\n" : isOpen ? "open\n" : "words\n")
    }
    Output.data(lines.map { $0 + "\n" }.joined())
  }
}
