import Dataplane
import Hummingbird
import Lab
import Topology

/// `/v1/ports`: the ports of all switches and wires.
struct PortRoutes: Routes {
  let service: any LabService

  func add(to router: ControlRouter) {
    router.get("/v1/ports") { _, _ in
      try Answer.json(await service.ports().map { PortRow($0, isDetailed: false) })
    }
    router.get("/v1/ports/{port}") { _, context in
      let port = try await service.port(try context.parameter("port"))
      return try Answer.json(PortRow(port, isDetailed: true))
    }
  }
}

extension LabService {
  /// The port of that name; `node:nic` means the same as `node.nic`.
  /// - Throws: `UserError` that lists the ports there are.
  func port(_ name: String) async throws -> PortStatus {
    let ports = await ports()
    if let port = PortName.find(name, in: ports, by: \.name) { return port }
    let known = ports.isEmpty ? "there are none" : ports.map(\.name).sorted().joined(separator: ", ")
    throw UserError(.notFound, "no port \"\(name)\"", hint: "ports: \(known)")
  }

  /// Checks that a switch exists; nil is all of them.
  func requireSwitch(_ name: String?) async throws {
    guard let name, let lab = await lab(), !lab.switches.contains(where: { $0.name == name }) else { return }
    let known = lab.switches.isEmpty ? "there are none" : lab.switches.map(\.name).sorted().joined(separator: ", ")
    throw UserError(.notFound, "no switch \"\(name)\"", hint: "switches: \(known)")
  }
}
