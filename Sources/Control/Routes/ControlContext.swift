import Hummingbird
import Lab
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

  /// A parameter of the path, percent-decoded.
  /// - Throws: `UserError` when it is not well encoded.
  func parameter(_ name: String) throws -> String {
    let text = try parameters.require(name)
    guard let decoded = ControlPath.unescape(text) else {
      throw UserError(.badInput, "\"\(text)\" is not percent-encoded UTF-8")
    }
    return decoded
  }
}
