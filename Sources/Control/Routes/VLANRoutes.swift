import Hummingbird
import Topology

/// `/v1/vlans`: which port belongs to which VLAN.
struct VLANRoutes: Routes {
  let service: any LabService

  func add(to router: ControlRouter) {
    router.get("/v1/vlans") { _, _ in
      let names = await service.lab()?.vlans ?? []
      return try Answer.json(VLANRow.rows(ports: await service.ports(), vlans: names))
    }
  }
}
