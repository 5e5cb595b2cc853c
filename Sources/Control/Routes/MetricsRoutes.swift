import Hummingbird
import NIOCore

/// `/metrics`: counters for Prometheus and what else reads OpenMetrics.
struct MetricsRoutes: Routes {
  let service: any LabService

  func add(to router: ControlRouter) {
    router.get("/metrics") { _, _ in
      let text = LabMetrics.text(await LabMetrics(service))
      return Response(
        status: .ok, headers: [.contentType: OpenMetricsText.contentType],
        body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
    }
  }
}
