import FoundationEssentials
import Hummingbird
import Lab
import NIOCore
import Topology

extension API {
  package static let node = Route<NoQuery, NoBody, Single<NodeRow>>(
    .get, "/v1/nodes/{node}", "One node.", errors: [.notFound])
  package static let nodeRestart = Route<NoQuery, NoBody, Lines<LabLine>>(
    .post, "/v1/nodes/{node}/restart", "Stops a node and starts it again; its links stay.", errors: [.notFound])
  package static let logText = Route<LogQuery, NoBody, PlainText>(
    .get, "/v1/nodes/{node}/log/text", "What a node said on its console; nothing if it has not said anything yet.",
    errors: [.notFound])
}

/// How much of a log is wanted.
package struct LogQuery: RouteQuery {
  /// Lines; nil = all that is kept.
  package var last: Int?

  package init() {}
  package init(last: Int?) { self.last = last }

  package static let shape = Shape.object(
    "LogQuery", "How much of a log is wanted.",
    [Field(optional: "last", .integer(1...Int.max), "Only so many lines, from its end; all that is kept without it.")])
}

extension NodeRoutes {
  /// The log itself, as bytes: what a console says need not be UTF-8.
  func logText(_ call: Call<LogQuery, NoBody>) async throws -> Response {
    let path = try await service.logPath(node: call.name)
    var bytes = FileManager.default.contents(atPath: path) ?? Data()
    if let last = call.query.last { bytes = Self.lines(bytes, last) }
    return Response(
      status: .ok, headers: [.contentType: PlainText.type], body: ResponseBody(byteBuffer: ByteBuffer(bytes: bytes)))
  }

  /// The last lines of a text; a line feed at its end begins none.
  static func lines(_ bytes: Data, _ count: Int) -> Data {
    var left = count
    var start = bytes.endIndex
    while start > bytes.startIndex {
      let before = bytes.index(before: start)
      if bytes[before] == UInt8(ascii: "\n"), start != bytes.endIndex {
        left -= 1
        if left == 0 { break }
      }
      start = before
    }
    return bytes[start...]
  }
}

extension LabService {
  /// The node of that name.
  /// - Throws: `UserError` that lists the nodes there are.
  func node(_ name: String) async throws -> NodeStatus {
    let nodes = await nodes()
    if let node = nodes.first(where: { $0.node == name }) { return node }
    guard let lab = await lab() else { throw LabRuntime.noLab }
    let known = nodes.isEmpty ? "it has no nodes" : "nodes: \(nodes.map(\.node).prefix(20).joined(separator: ", "))"
    throw UserError(.notFound, "lab \(lab.name) has no node \"\(name)\"", hint: known)
  }
}
