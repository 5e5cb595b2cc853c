import Hummingbird
import Lab

/// `/v1/links`: carrier and faults.
struct LinkRoutes: Routes {
  let service: any LabService

  func add(to router: ControlRouter) {
    router.get("/v1/links") { _, _ in
      try Answer.json(await service.links().map { LinkRow($0) })
    }
    router.post("/v1/links/{link}") { request, context in
      let name = try context.parameter("link")
      let change = try await request.decoded(LinkChange.self)
      let after = LinkRow(try await service.setLink(name, change))
      return Answer.lines(to: context.channel) { $0.yield(after) }
    }
  }
}
