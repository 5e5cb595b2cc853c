import Lab

extension API {
  package static let pods = Route<FDBQuery, NoBody, Single<[PodRow]>>(
    .get, "/v1/pods", "The ports that container runtimes asked for, with whose they are.", errors: [.notFound])
}

/// What the CNI plugin asks beside ports.
struct PodRoutes: Routes {
  let service: any LabService

  var routes: [ServedRoute] {
    [
      API.pods.answers { call in
        let name = call.query.switchName
        try await service.requireSwitch(name)
        return await service.pods().filter { name == nil || $0.switchName == name }.map { PodRow($0) }
      }
    ]
  }
}
