import ArgumentParser

struct CompletionCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "completion", abstract: "Print a completion script for a shell.",
    discussion: """
      bash: apus completion bash > /etc/bash_completion.d/apus
      zsh:  apus completion zsh > /usr/local/share/zsh/site-functions/_apus
      fish: apus completion fish > ~/.config/fish/completions/apus.fish
      """
  )
  .withExamples("completion")

  enum Shell: String, ExpressibleByArgument, CaseIterable { case bash, zsh, fish }

  @Argument(help: "bash, zsh or fish.") var shell: Shell

  func run() throws {
    switch shell {
    case .bash: Output.data(CompletionScript.bash)
    case .zsh: Output.data(CompletionScript.zsh)
    case .fish: Output.data(CompletionScript.fish)
    }
  }
}
