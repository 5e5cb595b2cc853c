/// Containers.
extension LabSchema {
  static let environmentNames = "^[A-Za-z_][A-Za-z0-9_]*$"

  /// Keys that only containers have; `image`, `ready` and `after` they share with machines.
  static let container = [
    Key(
      "command", .oneOrMore(.text),
      "What a container runs: a line for the shell, or a list: the program and its arguments; the image's own without "
        + "it."),
    Key("env", .map(.text, names: environmentNames), "Environment variables of a container."),
    Key("attach", .text, "Name of a container that somebody else has made and runs; Apus adds the NICs."),
    Key(
      "engine", .choice(ContainerDefinition.Engine.allCases.map(\.rawValue)),
      "Who runs a container; podman without it."),
    Key(
      "restart", .choice(ContainerDefinition.Restart.allCases.map(\.rawValue)),
      "When a container that has ended is started again; no without it."),
  ]
}
