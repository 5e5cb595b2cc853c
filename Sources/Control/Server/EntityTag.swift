import Hummingbird
import Lab
import Topology

/// Tells one state of a thing from another: `ETag` of RFC 9110 section 8.8.3, a strong one.
struct EntityTag: Sendable, Equatable {
  /// With its quotation marks.
  let text: String

  /// The tag of what can be set of a thing; counters and what guests do are no part of it.
  init(of value: some Encodable) throws {
    let digits = String(StableHash.of(try JSON.bytes(value)), radix: 16)
    text = "\"\(String(repeating: "0", count: 16 - digits.count))\(digits)\""
  }

  fileprivate init(_ text: String) { self.text = text }
}

/// `If-Match` of a request, RFC 9110 section 13.1.1: the client changes what it has seen, and nothing else.
struct Precondition: Sendable {
  /// Nil = whatever there is.
  private let tags: [EntityTag]?
  /// The client has said what it has seen.
  let isSaid: Bool

  /// - Parameter isTaken: the route knows the tag of what it changes.
  /// - Throws: `UserError` (`badInput`) for a header that is none, or that is not taken.
  init(_ request: Request, isTaken: Bool) throws {
    guard let field = request.headers[.ifMatch] else {
      (tags, isSaid) = (nil, false)
      return
    }
    guard isTaken else {
      throw UserError(.badInput, "\(request.method.rawValue) \(request.uri.path) takes no If-Match")
    }
    isSaid = true
    let words = field.split(separator: ",").map { $0.filter { $0 != " " && $0 != "\t" } }
    guard words != ["*"] else {
      tags = nil
      return
    }
    // A weak tag is never the same as a strong one, and no tag at all is that of nothing.
    guard words.allSatisfy({ $0.count >= 2 && $0.hasSuffix("\"") && $0.contains("\"") }) else {
      throw UserError(.badInput, "If-Match must be * or tags in quotation marks, found \(field)")
    }
    tags = words.map { EntityTag($0) }
  }

  /// - Parameter what: what is about to be changed: `link wire1`.
  /// - Throws: `UserError` (`different`) when it is not as the client has seen it.
  func check(_ now: EntityTag, of what: String) throws(UserError) {
    guard let tags, !tags.contains(now) else { return }
    throw UserError(
      .different,
      "\(what) has been changed since: its ETag is \(now.text), not \(tags.isEmpty ? "none" : tags.map(\.text).joined(separator: ", "))",
      hint: "GET it again, and change what it is now")
  }
}

/// Changes of links, ports and stations that clients ask for: one at a time, so that looking whether a thing is as the client
/// has seen it and changing it are one step.
struct ChangeOrder: Sendable {
  private let lane = ChangeDoor.Lane()

  func run<Value: Sendable>(_ body: () async throws -> Value) async throws -> Value {
    await lane.take()
    defer { lane.leave() }
    return try await body()
  }
}
