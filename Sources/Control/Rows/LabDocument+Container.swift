import Topology

extension LabDocument.Container {
  init(_ definition: ContainerDefinition) {
    let usual = ContainerDefinition()
    engine = definition.engine == usual.engine ? nil : definition.engine
    (attach, command) = (definition.attach, definition.command)
    let variables = definition.env.sorted { $0.key < $1.key }.map { Variable(name: $0.key, value: $0.value) }
    env = variables.isEmpty ? nil : variables
    restart = definition.restart == usual.restart ? nil : definition.restart
  }

  var definition: ContainerDefinition {
    var definition = ContainerDefinition()
    definition.engine = engine ?? definition.engine
    (definition.attach, definition.command) = (attach, command)
    definition.env = Dictionary((env ?? []).map { ($0.name, $0.value) }, uniquingKeysWith: { _, last in last })
    definition.restart = restart ?? definition.restart
    return definition
  }

  static let shape = Shape.object(
    "LabContainer", "A container that Apus makes, or with `attach` one that is there.",
    [
      Field(
        optional: "engine", .choice(ContainerDefinition.Engine.allCases.map(\.rawValue)), "Who runs it; `podman`."),
      Field(optional: "attach", .text, "Name of a container that somebody else has made."),
      Field(optional: "command", .list(.text), "Program and arguments, in place of the image's own."),
      Field(optional: "env", .list(Variable.shape), "Its environment variables."),
      Field(
        optional: "restart", .choice(ContainerDefinition.Restart.allCases.map(\.rawValue)),
        "When it is started again that has ended; `no`."),
    ])
}

extension LabDocument.Container.Variable {
  static let shape = Shape.object(
    "LabVariable", "An environment variable.",
    [Field("name", .text, "Its name."), Field("value", .text, "Its value.")])
}
