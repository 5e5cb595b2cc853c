import ArgumentParser
import Control
import Glibc

/// What container runtimes call, in the words of the CNI specification: the environment asks, standard input is the
/// network, standard output the answer.
struct CNICommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "cni", abstract: "Be a CNI plugin: join containers of Kubernetes or podman to a lab.",
    discussion: """
      The variables CNI_COMMAND, CNI_CONTAINERID, CNI_NETNS, CNI_IFNAME, CNI_ARGS and CNI_PATH say what to do. \
      `tools/setup --cni` puts it where runtimes look; they call it without an argument.
      """
  )
  .withExamples("cni")

  /// Bytes of a network configuration; one with the result of plugins before it is some kilobytes.
  private static let inputLimit = 4 << 20

  func run() async throws {
    // A plugin that reads nothing, or a runtime that has gone, is an error, and what was made is taken back.
    signal(SIGPIPE, SIG_IGN)
    var input: [UInt8] = []
    while input.count < Self.inputLimit, let piece = await StandardInput.next() { input += piece }
    let (status, output) = await CNIPlugin(environment: Variables.all, input: input).run()
    if !output.isEmpty { Output.data(output) }
    if status != 0 { throw CommandStatus(passedOn: status) }
  }
}
