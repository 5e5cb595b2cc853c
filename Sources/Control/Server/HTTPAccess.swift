import HTTPTypes
import Hummingbird
import Lab
import Synchronization
import Topology

/// Who may use the API over TCP: hosts and origins, the token, sessions.
final class HTTPAccess: Sendable {
  /// Sessions at once; a new one ends the oldest.
  static let sessionLimit = 64
  /// Name of the cookie.
  static let cookie = "apus_session"
  /// Ids in a cookie: labs on one host share it, as cookies know no ports.
  private static let cookieIDs = 8

  private struct State {
    var definition: HTTPDefinition
    var token: HTTPToken
    /// Ids, the oldest first.
    var sessions: [String] = []
  }

  private let state: Mutex<State>
  private let streams: OpenStreams

  /// - Parameters:
  ///   - streams: end with the sessions that opened them.
  ///   - sessions: ids of those that count from the start, the oldest first.
  init(_ definition: HTTPDefinition, _ token: HTTPToken, _ streams: OpenStreams, sessions: [String] = []) {
    state = Mutex(
      State(definition: definition, token: token, sessions: Array(sessions.suffix(Self.sessionLimit))))
    self.streams = streams
  }

  /// Ids of the sessions that count, the oldest first.
  var sessionIDs: [String] { state.withLock(\.sessions) }

  /// Another token ends all sessions; what was opened by them goes on until `endStrangers`.
  func change(to definition: HTTPDefinition, _ token: HTTPToken) {
    state.withLock { state in
      if state.token != token { state.sessions = [] }
      state.definition = definition
      state.token = token
    }
  }

  /// Ends what was opened by who would not be let in any more.
  func endStrangers() { streams.endStrangers() }

  /// Lets a request in.
  /// - Parameter row: what it asks for; nil = nothing that there is.
  /// - Returns: by what; nil = nothing was needed.
  /// - Throws: `HTTPRefusal`.
  @discardableResult
  func admit(_ request: Request, to row: RouteRow?) throws(HTTPRefusal) -> Credential? {
    try checkPlace(request)
    switch row?.access {
    case .everyone: return nil
    case .metrics where state.withLock(\.definition.metrics) == .open: return nil
    case .socket, .token, .metrics, nil: break
    }
    let credential = Credential(access: self, kind: try checkSecret(request))
    if let row, row.access == .socket { throw .onSocketOnly(row.title) }
    return credential
  }

  /// What a request was let in by lets one in now.
  func counts(_ kind: Credential.Kind) -> Bool {
    switch kind {
    case .token(let text): isToken(text)
    case .session(let id): session(of: [id]) != nil
    }
  }

  // MARK: - Host and Origin

  /// A page of another site can make a browser ask here by a name of its own (DNS rebinding): then `Host` is that name.
  func checkPlace(_ request: Request) throws(HTTPRefusal) {
    guard let authority = request.head.authority, let (host, _) = HTTPAddress.parts(of: authority) else {
      throw HTTPRefusal(.badRequest, "the request has no Host that is an address or a name")
    }
    guard isOurs(host) else {
      throw HTTPRefusal(
        .forbidden, "this host is not known as \"\(host)\" here",
        hint: "use an address or localhost; `http: { names: [NAME] }` in the lab file allows a name")
    }
    guard let origin = request.headers[.origin] else { return }
    let sites = ["http://\(authority)", "https://\(authority)"]
    guard sites.contains(where: { $0.lowercased() == origin.lowercased() }) else {
      throw HTTPRefusal(
        .forbidden, "a page of another origin asks", hint: "only pages that come from here may use the API")
    }
  }

  private func isOurs(_ host: String) -> Bool {
    guard !HTTPAddress.isLiteral(host) else { return true }
    guard let name = Names.host(host) else { return false }
    return name == "localhost" || state.withLock { $0.definition.names?.contains(name) ?? false }
  }

  // MARK: - Token and sessions

  private func checkSecret(_ request: Request) throws(HTTPRefusal) -> Credential.Kind {
    if let header = request.headers[.authorization] {
      let parts = header.split(separator: " ", maxSplits: 1)
      guard parts.count == 2, parts[0].lowercased() == "bearer" else {
        throw .unauthorized("Authorization is not `Bearer TOKEN`")
      }
      guard isToken(parts[1]) else { throw .unauthorized("the token is not that of this lab") }
      return .token(String(parts[1]))
    }
    // A page of the same host behind another port has our cookie sent, too.
    let site = HTTPField.Name("Sec-Fetch-Site").flatMap { request.headers[$0] }
    guard site.map({ ["same-origin", "none"].contains($0) }) ?? true else {
      throw HTTPRefusal(
        .forbidden, "a page of another origin asks", hint: "only pages that come from here may use the API")
    }
    let ids = Self.ids(of: request)
    guard !ids.isEmpty else { throw .unauthorized("the API needs the lab's token here") }
    guard let id = session(of: ids) else { throw .unauthorized("the session has ended") }
    return .session(id)
  }

  private func isToken(_ text: some StringProtocol) -> Bool {
    ConstantTime.isEqual(text, state.withLock(\.token.text))
  }

  /// The first that is one.
  private func session(of ids: [String]) -> String? {
    let sessions = state.withLock(\.sessions)
    // All of them are compared, so that the time tells nothing.
    return ids.filter { id in sessions.reduce(false) { ConstantTime.isEqual(id, $1) || $0 } }.first
  }

  /// Begins a session for who knows the token.
  /// - Returns: the value of `Set-Cookie`.
  func begin(_ token: String, _ request: Request) throws(HTTPRefusal) -> String {
    guard isToken(token) else { throw .unauthorized("the token is not that of this lab") }
    let id = HTTPToken.random()
    let known = state.withLock { state in
      let known = state.sessions
      state.sessions.append(id)
      state.sessions.removeFirst(max(state.sessions.count - Self.sessionLimit, 0))
      return known
    }
    if known.count >= Self.sessionLimit { endStrangers() }
    // Those of other labs on this host stay in the cookie that they share.
    let others = Self.ids(of: request).filter { !known.contains($0) }.suffix(Self.cookieIDs - 1)
    return Self.setting(others + [id])
  }

  /// Ends the sessions that a request has, and what was opened by them.
  /// - Returns: the value of `Set-Cookie`.
  func end(_ request: Request) -> String {
    let ids = Self.ids(of: request)
    let others = state.withLock { state in
      let others = ids.filter { !state.sessions.contains($0) }
      state.sessions.removeAll { ids.contains($0) }
      return others
    }
    endStrangers()
    return Self.setting(others.suffix(Self.cookieIDs - 1))
  }

  private static func setting(_ ids: some Sequence<String>) -> String {
    let value = ids.joined(separator: ".")
    return "\(cookie)=\(value); Path=/; HttpOnly; SameSite=Strict\(value.isEmpty ? "; Max-Age=0" : "")"
  }

  /// Ids of sessions, here or elsewhere, that a request's cookie has.
  private static func ids(of request: Request) -> [String] {
    var values: [Substring] = []
    for header in request.headers[values: .cookie] {
      for pair in header.split(separator: ";") {
        let sides = pair.split(separator: "=", maxSplits: 1)
        if sides.count == 2, sides[0].filter({ $0 != " " }) == cookie { values.append(sides[1]) }
      }
    }
    let ids = values.flatMap { value in value.split(separator: ".").map { part in String(part.filter { $0 != " " }) } }
    return Array(ids.filter { (1...128).contains($0.utf8.count) }.prefix(cookieIDs))
  }
}
