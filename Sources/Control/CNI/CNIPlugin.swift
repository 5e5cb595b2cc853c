import Lab
import Topology

/// The CNI plugin `apus`: joins containers of others to a lab's switch (CNI specification 0.3.1 to 1.1.0).
///
/// A process a call, which the container runtime starts. It makes the interface in the container's namespace, has
/// another plugin choose addresses, and tells the lab's daemon of the port. What it must know later is with the port:
/// the daemon keeps it, over its own death too, and the plugin has no files.
package struct CNIPlugin: Sendable {
  let environment: [String: String]
  let input: [UInt8]
  let host: any CNIHost
  /// The way to a lab of that name; nil if it is not up.
  let lab: @Sendable (String) -> (any CNILab)?

  init(
    _ environment: [String: String], _ input: [UInt8], host: any CNIHost,
    lab: @escaping @Sendable (String) -> (any CNILab)?
  ) {
    (self.environment, self.input, self.host, self.lab) = (environment, input, host, lab)
  }

  /// Variables ask for the plugin, though no argument does: it lies in a runtime's folder under its own name.
  package static func isAsked(_ environment: [String: String]) -> Bool { environment["CNI_COMMAND"] != nil }

  /// Does what is asked.
  /// - Returns: exit status, and what to write to standard output; empty = nothing.
  package func run() async -> (status: Int32, output: String) {
    do {
      let answer = try await carryOut()
      return (0, try answer.map { try JSON.text($0) + "\n" } ?? "")
    } catch {
      let version = (try? CNINetwork.version(input)) ?? nil
      let known = version.flatMap { CNIVersion.all.contains($0) ? $0 : nil }
      return (1, ((try? JSON.text(CNIError(error).answer(known))) ?? "") + "\n")
    }
  }

  private func carryOut() async throws -> JSONValue? {
    let call = try CNICall(environment)
    // Asked once for each network of the host, with nothing but a version.
    if call.command == .version { return try versions() }
    let network = try CNINetwork(input, for: call.command)
    switch call.command {
    case .add: return try await add(call, network).answer(network.version)
    case .delete: try await delete(call, network)
    case .check: try await check(call, network)
    case .collect: try await collect(call, network)
    case .status: try await status(call, network)
    case .version: break
    }
    return nil
  }

  private func versions() throws -> JSONValue {
    let version = input.isEmpty ? nil : try CNINetwork.version(input)
    return .object([
      "cniVersion": .text(version ?? CNIVersion.latest), "supportedVersions": .list(CNIVersion.all.map { .text($0) }),
    ])
  }

  /// - Throws: `CNIError` if the lab is not up.
  func openLab(_ network: CNINetwork, code: Int = CNIError.Code.tryAgain) throws(CNIError) -> any CNILab {
    if let lab = lab(network.lab) { return lab }
    throw CNIError(code, "lab \(network.lab) is not up", details: "`apus up FILE` on this host starts it")
  }

  // MARK: - The plugin that manages addresses

  /// Has it do the same as we are asked to do, or something else.
  /// - Returns: what it wrote; nil = there is no such plugin in this network.
  @discardableResult
  func delegate(_ call: CNICall, _ network: CNINetwork, _ command: CNICall.Command) async throws -> JSONValue? {
    guard let name = network.ipam else { return nil }
    guard let path = host.findPlugin(name, in: call.path) else {
      throw CNIError(
        CNIError.Code.invalidNetwork, "no plugin \"\(name)\", which \"ipam\" asks for, in CNI_PATH",
        details: "CNI_PATH is \(call.path.joined(separator: ":"))")
    }
    let first = await run(path, name, command, input)
    // Debian's plugins are older than 1.1.0; of what they answer nothing has changed since 1.0.0.
    guard case .failure(let error) = first, error.code == CNIError.Code.incompatibleVersion,
      network.version == CNIVersion.latest
    else { return try first.get() }
    var older = network.whole.with("cniVersion", "1.0.0")
    if let previous = older["prevResult"], previous.members != nil {
      older = older.with("prevResult", previous.with("cniVersion", "1.0.0"))
    }
    return try await run(path, name, command, try JSON.bytes(older)).get()
  }

  /// Whether the plugin that manages addresses speaks the latest version; false if there is none.
  func knowsLatest(_ call: CNICall, _ network: CNINetwork) async -> Bool {
    guard let name = network.ipam, let path = host.findPlugin(name, in: call.path) else { return false }
    let asked: JSONValue = ["cniVersion": .text(CNIVersion.latest)]
    guard let input = try? JSON.bytes(asked), let answer = try? await run(path, name, .version, input).get() else {
      return false
    }
    return answer["supportedVersions"]?.list?.contains(.text(CNIVersion.latest)) ?? false
  }

  /// Not by `throws`: Swift 6.3.1 crashes on who awaits a typed error and catches some of them.
  private func run(
    _ path: String, _ name: String, _ command: CNICall.Command, _ input: [UInt8]
  ) async -> Result<JSONValue?, CNIError> {
    var variables = environment
    variables["CNI_COMMAND"] = command.rawValue
    let outcome: PluginProgram.Outcome
    do {
      outcome = try await host.runPlugin(path, environment: variables, input: input)
    } catch {
      return .failure(CNIError(error))
    }
    let answer = try? JSON.decode(JSONValue.self, from: outcome.output)
    guard outcome.status != 0 else { return .success(answer) }
    guard let message = answer?["msg"]?.text else {
      return .failure(
        CNIError(
          CNIError.Code.failed, "plugin \(name) ended with status \(outcome.status)", details: outcome.complaint))
    }
    return .failure(
      CNIError(
        answer?["code"]?.integer ?? CNIError.Code.failed, "plugin \(name): \(message)",
        details: answer?["details"]?.text.flatMap { $0.isEmpty ? nil : $0 }))
  }
}
