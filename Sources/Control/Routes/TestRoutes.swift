import Hummingbird
import Lab

/// `/v1/tests`: runs the tests of the lab.
struct TestRoutes: Routes {
  let service: any LabService

  func add(to router: ControlRouter) {
    router.post("/v1/tests") { _, context in
      guard await service.lab() != nil else { throw UserError(.notFound, "no lab is up") }
      return Answer.lines(to: context.channel, isCancelledByClose: true) { lines in
        _ = await service.runTests(names: []) { lines.yield(TestLine.result($0)) }
      }
    }
  }
}
