import Hummingbird

/// `/v1/version`: who answers.
struct VersionRoutes: Routes {
  func add(to router: ControlRouter) {
    router.get("/v1/version") { _, _ in try Answer.json(VersionRow()) }
  }
}
