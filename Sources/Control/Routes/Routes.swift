import Hummingbird
import Lab
import NIOCore

/// The router that `Routes` add themselves to.
typealias ControlRouter = Router<ControlContext>

/// The resources of one subject.
protocol Routes: Sendable {
  func add(to router: ControlRouter)
}

extension Request {
  /// A parameter of the query; an empty one counts as absent.
  ///
  /// A plus is a space, as forms and `curl --data-urlencode` send it; a plus itself is `%2B`.
  func query(_ name: String) -> String? {
    let uri = type(of: uri).init(uri.string.replacing("+", with: "%20"))
    return uri.queryParameters[name[...]].map { String($0) }.flatMap { $0.isEmpty ? nil : $0 }
  }

  /// The body as JSON.
  /// - Throws: `UserError` for a body that is none, or too large.
  func decoded<Value: Decodable>(_ type: Value.Type) async throws -> Value {
    var bytes: [UInt8] = []
    var size = 0
    for try await chunk in body {
      size += chunk.readableBytes
      // What is over the limit is read and forgotten, within reason: a client that cannot send cannot hear why.
      guard size <= 4 * Answer.bodyLimit else { break }
      if size <= Answer.bodyLimit { bytes.append(contentsOf: chunk.readableBytesView) }
    }
    guard size <= Answer.bodyLimit else {
      throw UserError(.badInput, "the body is over \(Answer.bodyLimit) bytes")
    }
    do {
      return try JSON.decode(type, from: bytes)
    } catch {
      throw UserError(.badInput, "the body is not the JSON that \(uri.path) takes: \(ErrorWords.of(error))")
    }
  }
}
