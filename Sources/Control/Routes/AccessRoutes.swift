import Dataplane
import Topology

extension API {
  package static let access = Route<NoQuery, NoBody, Single<[AccessRow]>>(
    .get, "/v1/access", "The rules of access lists, with the frames that each decided on at each port.")
}

/// Access lists.
struct AccessRoutes: Routes {
  let service: any LabService

  var routes: [ServedRoute] {
    [
      API.access.answers { _ in
        let lists = await service.lab()?.access ?? []
        return AccessRow.rows(lists, lists.isEmpty ? [] : await service.ruleStatuses())
      }
    ]
  }
}

extension LabService {
  /// What the rules of ports did, of those that have some, in the order of the ports.
  func ruleStatuses() async -> [(port: String, status: RuleStatus)] {
    var statuses: [(port: String, status: RuleStatus)] = []
    for port in await ports() {
      if let status = await ruleStatus(port: port.name) { statuses.append((port.name, status)) }
    }
    return statuses
  }
}
