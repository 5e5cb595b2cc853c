import Lab
import Topology

extension API {
  package static let migrate = Route<MigrateQuery, NoBody, Lines<MigrationLine>>(
    .post, "/v1/nodes/{node}/migrate",
    "Moves a machine into another QEMU while its guest runs; who goes away meanwhile wants it no more.",
    errors: [.notFound])
}

/// How a machine is migrated.
package struct MigrateQuery: RouteQuery {
  /// Bits a second.
  package var bandwidth: Int?
  /// Seconds.
  package var downtime: Double?
  package var to: String?

  package init() {}

  /// What is wanted by it.
  package var wish: MigrationWish {
    var wish = MigrationWish()
    wish.bandwidth = bandwidth.map { max(1, $0 / 8) }
    if let downtime { wish.downtime = max(1, Int((downtime * 1000).rounded())) }
    wish.host = to
    return wish
  }

  /// Seconds for which a guest may be said to stand still.
  package static let downtimes = 0.001...2000.0

  package static let shape = Shape.object(
    "MigrateQuery", "How a machine is migrated.",
    [
      Field(
        optional: "bandwidth", .integer(8...1 << 60), "Bits a second that are sent at most; as many as go without it."),
      Field(
        optional: "downtime", .number(above: 0, orEqual: false),
        "Seconds for which the guest may stand still, 2000 at most; 0.3 without it."),
      Field(optional: "to", .form(.name), "The host that it is to go to; this one without it."),
    ])
}

/// Machines that move.
struct MigrationRoutes: Routes {
  let service: any LabService

  var routes: [ServedRoute] {
    [
      API.migrate.responds { call in
        _ = try await service.node(call.name)
        let query = call.query
        guard query.downtime.map(MigrateQuery.downtimes.contains) ?? true else {
          throw UserError(.badInput, "downtime must be 0.001 to 2000 seconds, found \(query.downtime ?? 0)")
        }
        return Answer.lines(to: call.channel, isCancelledByClose: true) { lines in
          do {
            let outcome = try await service.migrate(node: call.name, query.wish) { lines.yield(MigrationLine($0)) }
            lines.yield(.migrated(MigrationRow(outcome)))
          } catch {
            lines.yield(.failed(ErrorBody(error)))
          }
        }
      }
    ]
  }
}
