import Lab
import Topology

extension LabDocument {
  /// A setting of a node's kernel.
  struct Setting: Described, Equatable {
    var key: String
    var value: String
  }

  /// A file in a node: where it is there, and one of the others.
  struct NodeFile: Described, Equatable {
    var path: String
    var file: String?
    var text: String?
  }
}

extension LabDocument.Node {
  /// Takes what its system is told.
  mutating func take(_ setup: SetupDefinition?) {
    guard let setup else { return }
    forwarding = setup.forwarding
    sysctl = setup.sysctl.isEmpty ? nil : setup.sysctl.map { LabDocument.Setting(key: $0.key, value: $0.value) }
    exec = setup.exec.isEmpty ? nil : setup.exec
    files = setup.files.isEmpty ? nil : setup.files.map { LabDocument.NodeFile($0) }
  }

  /// What its system is told; nil = nothing.
  func setup() throws(UserError) -> SetupDefinition? {
    var setup = SetupDefinition()
    setup.forwarding = forwarding
    setup.sysctl = (sysctl ?? []).map { SetupDefinition.KernelSetting(key: $0.key, value: $0.value) }
    setup.exec = exec ?? []
    for file in files ?? [] { setup.files.append(try file.definition(of: name)) }
    return setup.isEmpty ? nil : setup
  }

  static var setupFields: [Field] {
    [
      Field(optional: "forwarding", .boolean, "It passes on IPv4 and IPv6 that is not for itself."),
      Field(optional: "sysctl", .list(LabDocument.Setting.shape), "Settings of its kernel, in this order."),
      Field(optional: "exec", .list(.text), "Lines for its shell, run once when its addresses are there."),
      Field(optional: "files", .list(LabDocument.NodeFile.shape), "Files in it."),
    ]
  }
}

extension LabDocument.Setting {
  static let shape = Shape.object(
    "LabSetting", "A setting of a node's kernel.",
    [Field("key", .text, "As sysctl has it."), Field("value", .text, "Its value.")])
}

extension LabDocument.NodeFile {
  static let shape = Shape.object(
    "LabNodeFile", "A file in a node: its content is in `file` or is `text`.",
    [
      Field("path", .text, "In the node; absolute."),
      Field(optional: "file", .text, "Absolute path on the host.").onSocket(),
      Field(optional: "text", .text, "The content itself."),
    ])

  init(_ definition: SetupDefinition.File) {
    path = definition.path
    switch definition.content {
    case .file(let path): file = path
    case .text(let content): text = content
    }
  }

  func definition(of node: String) throws(UserError) -> SetupDefinition.File {
    switch (file, text) {
    case (let file?, nil): return SetupDefinition.File(path: path, content: .file(file))
    case (nil, let text?): return SetupDefinition.File(path: path, content: .text(text))
    default: throw UserError(.badInput, "node \(node): what \(path) has is either file or text")
    }
  }
}
