import HTTPTypes
import Hummingbird
import NIOCore

extension API {
  package static let metrics = Route<NoQuery, NoBody, Metrics>(
    .get, "/metrics", "Counters for Prometheus and what else reads its text format, or OpenMetrics.",
    others: [Metrics.content(.openMetrics)], access: .metrics)
}

/// Metrics, in the form that `Accept` asks for.
struct MetricsRoutes: Routes {
  let service: any LabService
  let meter: RequestMeter
  let desk: WebSocketDesk

  var routes: [ServedRoute] {
    [
      API.metrics.responds { call in
        let format = MetricsFormat.chosen(by: call.request.headers[values: .accept])
        let text = LabMetrics.text(await LabMetrics(service), meter, desk.counts, service.events, format)
        return Response(
          status: .ok, headers: [.contentType: format.contentType],
          body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
      }
    ]
  }
}
