import Dataplane
import Hummingbird
import Lab
import NIOCore
import Topology

extension API {
  package static let ports = Route<NoQuery, NoBody, Single<[PortRow]>>(
    .get, "/v1/ports", "The ports of all switches and wires.")
  package static let port = Route<NoQuery, NoBody, Single<PortRow>>(
    .get, "/v1/ports/{port}", "Everything about one port; `node:nic` means the same as `node.nic`.",
    errors: [.notFound], isTagged: true)
  package static let portAdd = Route<NoQuery, Single<PortRequest>, Single<PortRow>>(
    .post, "/v1/ports", "Adds a port to a switch, until it is removed or the lab goes; answers how it is then.",
    errors: [.notFound])
  package static let portSet = Route<NoQuery, Single<PortSettings>, Single<PortRow>>(
    .patch, "/v1/ports/{port}", "Changes a port, of the lab file or added; answers how it is then.",
    errors: [.notFound], isTagged: true)
  package static let portPut = Route<NoQuery, Single<WantedPort>, Single<PortRow>>(
    .put, "/v1/ports/{port}", "Adds a port, or has one that was added be so; answers how it is then.",
    errors: [.notFound], mayMake: true, isTagged: true)
  package static let portRemove = Route<NoQuery, NoBody, Nothing>(
    .delete, "/v1/ports/{port}", "Removes a port that was added; 404 once it is gone.", errors: [.notFound],
    isTagged: true)
  package static let vlans = Route<NoQuery, NoBody, Single<[VLANRow]>>(
    .get, "/v1/vlans", "Which port belongs to which VLAN.")
  package static let workers = Route<NoQuery, NoBody, Single<[WorkerRow]>>(
    .get, "/v1/workers", "The threads that move frames: where each runs, what it serves, how busy it is.")
  package static let stats = Route<NoQuery, NoBody, Single<StatsRow>>(
    .get, "/v1/stats", "What workers did and ports counted.")
  package static let fdb = Route<FDBQuery, NoBody, Single<[FDBRow]>>(
    .get, "/v1/fdb", "The stations that switches know.", errors: [.notFound])
  package static let fdbFlush = Route<FDBFlushQuery, NoBody, Nothing>(
    .delete, "/v1/fdb", "Forgets learnt stations: all, or those that everything in the query selects.",
    errors: [.notFound])
}

extension API {
  package static let fdbAdd = Route<NoQuery, Single<StationBody>, Single<FDBRow>>(
    .post, "/v1/fdb", "Fixes a station behind a port: a static entry, in the place of the one there was.",
    errors: [.notFound])
  package static let fdbPut = Route<NoQuery, Single<WantedStation>, Single<FDBRow>>(
    .put, "/v1/fdb/{mac}", "Has a station be fixed behind a port, in the place of where it was.",
    errors: [.notFound], mayMake: true)
  package static let fdbRemove = Route<StationQuery, NoBody, Nothing>(
    .delete, "/v1/fdb/{mac}", "Removes the static entries of a station; 404 once they are gone.", errors: [.notFound])
}

/// Which static entries of a station are removed.
package struct StationQuery: RouteQuery {
  /// Nil = all, as with the VLAN.
  package var switchName: String?
  package var vlan: String?

  package init() {}
  package init(switchName: String?, vlan: String?) { (self.switchName, self.vlan) = (switchName, vlan) }

  enum CodingKeys: String, CodingKey {
    case switchName = "switch"
    case vlan
  }

  package static let shape = Shape.object(
    "StationQuery", "Which static entries.",
    FDBQuery.shape.fields + [Field(optional: "vlan", .text, "Only that of this VLAN, by its name or number.")])
}

/// Which stations are listed.
package struct FDBQuery: RouteQuery {
  /// Nil = all.
  package var switchName: String?

  package init() {}
  package init(switchName: String?) { self.switchName = switchName }

  enum CodingKeys: String, CodingKey { case switchName = "switch" }

  package static let shape = Shape.object(
    "FDBQuery", "Which stations.", [Field(optional: "switch", .text, "Only those of this switch.")])
}

/// Which stations are forgotten.
package struct FDBFlushQuery: RouteQuery {
  /// Nil = all, as with the others.
  package var switchName: String?
  package var port: String?
  package var vlan: Int?

  package init() {}

  enum CodingKeys: String, CodingKey {
    case switchName = "switch"
    case port, vlan
  }

  package static let shape = Shape.object(
    "FDBFlushQuery", "Which stations.",
    FDBQuery.shape.fields + [
      Field(optional: "port", .text, "Only those behind this port."),
      Field(optional: "vlan", .vlan, "Only those of this VLAN."),
    ])
}

/// Ports and switches: tables and counters.
struct PortRoutes: Routes {
  let service: any LabService

  let order: ChangeOrder

  var routes: [ServedRoute] {
    changes + [
      API.ports.answers { _ in await service.ports().map { PortRow($0, isDetailed: false) } },
      API.port.answersTagged { call in
        let port = try await service.port(call.name)
        let rules = await service.ruleStatus(port: port.name)
        let row = PortRow(port, isDetailed: true, lab: await service.lab(), rules: rules)
        return (row, try port.tag(rules))
      },
      API.vlans.answers { _ in
        VLANRow.rows(ports: await service.ports(), vlans: await service.lab()?.vlans ?? [])
      },
      API.workers.answers { _ in await service.workers().map { WorkerRow($0) } },
      API.stats.answers { _ in StatsRow(workers: await service.workers(), ports: await service.ports()) },
      API.fdb.answers { call in
        try await service.requireSwitch(call.query.switchName)
        return await service.fdb(switchName: call.query.switchName).map { FDBRow($0) }
      },
      API.fdbFlush.does { call in
        let query = call.query
        try await service.requireSwitch(query.switchName)
        var port: String?
        if let name = query.port { port = try await service.port(name).name }
        await service.flushFDB(switchName: query.switchName, port: port, vlan: query.vlan)
      },
    ]
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
