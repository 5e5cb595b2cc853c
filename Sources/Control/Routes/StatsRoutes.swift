import Hummingbird

/// `/v1/stats`: what the workers did and the ports counted.
struct StatsRoutes: Routes {
  let service: any LabService

  func add(to router: ControlRouter) {
    router.get("/v1/stats") { _, _ in
      try Answer.json(StatsRow(workers: await service.workers(), ports: await service.ports()))
    }
  }
}
