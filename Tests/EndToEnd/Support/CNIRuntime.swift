import Foundation
import LinuxHost

/// What a container runtime does with a list of CNI plugins (libcni), for namespaces that a test makes.
struct CNIRuntime: Sendable {
  /// JSON of others, of which a test looks at some.
  typealias Object = [String: any Sendable]

  let sandbox: Sandbox
  /// Name of the network.
  let network: String
  let version: String
  /// Configurations of plugins, as JSON objects.
  let plugins: [String]

  /// Folders of plugins: ours under its own name, and Debian's.
  static func path(_ sandbox: Sandbox) throws -> String {
    let folder = "\(sandbox.folder)/cni"
    if !FileManager.default.fileExists(atPath: folder) {
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
      try FileManager.default.createSymbolicLink(atPath: "\(folder)/apus", withDestinationPath: sandbox.binary)
    }
    return "\(folder):/usr/lib/cni"
  }

  /// Runs one plugin.
  /// - Parameter input: standard input.
  static func call(
    _ sandbox: Sandbox, plugin type: String = "apus", _ variables: [String: String], input: String
  ) async throws -> Outcome {
    let folders = try path(sandbox)
    guard
      let program = folders.split(separator: ":").map({ "\($0)/\(type)" })
        .first(where: { FileManager.default.isExecutableFile(atPath: $0) })
    else { throw Failure("no CNI plugin \(type): install containernetworking-plugins") }
    var environment = sandbox.environment.merging(variables) { _, new in new }
    environment["CNI_PATH"] = variables["CNI_PATH"] ?? folders
    let file = "\(sandbox.folder)/stdin-\(UUID().uuidString)"
    try input.write(toFile: file, atomically: true, encoding: .utf8)
    defer { try? FileManager.default.removeItem(atPath: file) }
    return try await execute(["/bin/sh", "-c", "exec \"$0\" <\"$1\"", program, file], environment: environment)
  }

  private func configuration(_ plugin: String, previous: String?, more: String) throws -> (type: String, text: String) {
    guard let object = try JSONSerialization.jsonObject(with: Data(plugin.utf8)) as? [String: Any],
      let type = object["type"] as? String
    else { throw Failure("no plugin: \(plugin)") }
    var text = "{\"cniVersion\":\"\(version)\",\"name\":\"\(network)\",\(more)"
    if let previous { text += "\"prevResult\":\(previous)," }
    return (type, text + plugin.dropFirst())
  }

  private func variables(
    _ command: String, _ id: String, _ namespace: String, _ interface: String, _ arguments: String
  ) -> [String: String] {
    [
      "CNI_COMMAND": command, "CNI_CONTAINERID": id, "CNI_NETNS": namespace, "CNI_IFNAME": interface,
      "CNI_ARGS": arguments,
    ]
  }

  /// Adds a container.
  /// - Returns: the last plugin's result.
  func add(
    _ id: String, in namespace: String, as interface: String = "eth0", arguments: String = ""
  ) async throws -> String {
    var previous: String?
    for plugin in plugins {
      let (type, text) = try configuration(plugin, previous: previous, more: "")
      let variables = variables("ADD", id, namespace, interface, arguments)
      let outcome = try await Self.call(sandbox, plugin: type, variables, input: text)
      guard outcome.status == 0 else { throw Failure("\(outcome)") }
      previous = outcome.output
    }
    return previous ?? "{}"
  }

  /// Runs another command of all plugins, which answer nothing; `DEL` in reverse.
  /// - Parameter previous: the result of the ADD.
  @discardableResult
  func run(
    _ command: String, _ id: String, in namespace: String, as interface: String = "eth0", previous: String? = nil,
    more: String = ""
  ) async throws -> [Outcome] {
    var outcomes: [Outcome] = []
    for plugin in command == "DEL" ? plugins.reversed() : plugins {
      let (type, text) = try configuration(plugin, previous: previous, more: more)
      outcomes.append(
        try await Self.call(sandbox, plugin: type, variables(command, id, namespace, interface, ""), input: text))
    }
    return outcomes
  }
}
