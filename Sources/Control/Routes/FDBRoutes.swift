import Dataplane
import Hummingbird
import Lab

/// `/v1/fdb`: the forwarding databases.
struct FDBRoutes: Routes {
  let service: any LabService

  func add(to router: ControlRouter) {
    router.get("/v1/fdb") { request, _ in
      let name = request.query("switch")
      try await service.requireSwitch(name)
      return try Answer.json(await service.fdb(switchName: name).map { FDBRow($0) })
    }
    router.delete("/v1/fdb") { request, _ in
      let name = request.query("switch")
      try await service.requireSwitch(name)
      var port: String?
      if let text = request.query("port") { port = try await service.port(text).name }
      await service.flushFDB(switchName: name, port: port, vlan: try Self.vlan(request.query("vlan")))
      return Response(status: .noContent)
    }
  }

  private static func vlan(_ text: String?) throws -> Int? {
    guard let text else { return nil }
    guard let vlan = Int(text), (1...4094).contains(vlan) else {
      throw UserError(.badInput, "VLAN \"\(text)\" is not a number from 1 to 4094")
    }
    return vlan
  }
}
