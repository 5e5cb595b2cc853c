import Hummingbird
import NIOCore

/// What a route knows of a request besides the request: its parameters and its connection.
struct ControlContext: RequestContext {
  var coreContext: CoreRequestContextStorage
  /// Closed when the client goes away.
  let channel: any Channel

  init(source: ApplicationRequestContextSource) {
    coreContext = CoreRequestContextStorage(source: source)
    channel = source.channel
  }
}
